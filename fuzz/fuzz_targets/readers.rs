//! Any JSON as a request, an answer, and the chunks of one: a line each. Nothing panics, and nothing is set twice.

#![no_main]

use a2a_otel_fuzz::{of_texts, of_whole};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (request, answer) = text.split_once('\n').unwrap_or((text, text));
    let whole = of_whole(request, answer);
    let chunks = of_texts(request, answer.lines().map(str::to_owned).collect());
    for span in [whole, chunks] {
        assert!(span.duplicates.is_empty(), "{:?}", span.duplicates);
        assert_eq!(span.text("input.value").unwrap_or_default().len(), request.len());
    }
});
