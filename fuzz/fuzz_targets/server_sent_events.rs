//! Any bytes as a stream. The first byte says how long the pieces are: cut or not, the stream says the same.

#![no_main]

use a2a_otel_fuzz::{of_bytes, said};
use libfuzzer_sys::fuzz_target;

const REQUEST: &str = r#"{"model":"m","messages":[]}"#;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = of_bytes(REQUEST, vec![bytes.to_vec()]);
    let cut = of_bytes(REQUEST, bytes.chunks(usize::from(*size).max(1)).map(<[u8]>::to_vec).collect());
    let (mut whole, mut cut) = (said(&whole), said(&cut));
    for said in [&mut whole, &mut cut] {
        // Items that are no answer are recorded as a list, as they came.
        if said.get("output.value").is_some_and(|value| value.starts_with('[')) {
            said.retain(|key, _| !key.starts_with("output."));
        }
    }
    assert_eq!(cut, whole);
});
