//! Any bytes as a stream. The first byte says how long the pieces are: cut or not, the stream says the same.

#![no_main]

use a2a_otel_fuzz::{of_bytes, said};
use libfuzzer_sys::fuzz_target;

const REQUEST: &str = r#"{"model":"m","messages":[]}"#;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = of_bytes(REQUEST, vec![bytes.to_vec()]);
    let cut = of_bytes(REQUEST, bytes.chunks(usize::from(*size).max(1)).map(<[u8]>::to_vec).collect());
    let nothing = of_bytes(REQUEST, Vec::new());
    let (mut whole, mut cut) = (said(&whole), said(&cut));
    // Items that are no answer are recorded as they came.
    let is_of_items = |key: &str| key.starts_with("output.");
    let asked = said(&nothing);
    if whole.keys().all(|key| is_of_items(key) || asked.contains_key(key)) {
        whole.retain(|key, _| !is_of_items(key));
        cut.retain(|key, _| !is_of_items(key));
    }
    assert_eq!(cut, whole);
});
