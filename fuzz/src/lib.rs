//! Calls of models, as their users annotate them, with what a fuzzer makes up.

use std::collections::BTreeMap;

use a2a_otel::llm_call;
use a2a_otel::testing::{Captured, capture};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};

#[llm_call(request = request)]
fn ask(request: &str, answer: String) -> String {
    answer
}

#[llm_call(request = request)]
fn ask_texts(request: &str, chunks: Vec<String>) -> impl Stream<Item = String> {
    stream::iter(chunks)
}

#[llm_call(request = request)]
fn ask_bytes(request: &str, pieces: Vec<Vec<u8>>) -> impl Stream<Item = Vec<u8>> {
    stream::iter(pieces)
}

/// The span of a call that is answered as a whole.
#[must_use]
pub fn of_whole(request: &str, answer: &str) -> Captured {
    let capturing = capture();
    ask(request, answer.to_owned());
    capturing.only()
}

/// The span of a call that is answered with chunks.
#[must_use]
pub fn of_texts(request: &str, chunks: Vec<String>) -> Captured {
    let capturing = capture();
    block_on(ask_texts(request, chunks).collect::<Vec<_>>());
    capturing.only()
}

/// The span of a call that is answered with bytes.
#[must_use]
pub fn of_bytes(request: &str, pieces: Vec<Vec<u8>>) -> Captured {
    let capturing = capture();
    block_on(ask_bytes(request, pieces).collect::<Vec<_>>());
    capturing.only()
}

/// What a span says of its call, except for what depends on how a stream was cut.
#[must_use]
pub fn said(span: &Captured) -> BTreeMap<&str, String> {
    let is_of_stream =
        |key: &str| key.starts_with("a2a_otel.stream.") || key.ends_with("time_to_first_chunk");
    let said = span.attributes.iter().filter(|(key, _)| !is_of_stream(key));
    said.map(|(key, value)| (key.as_str(), value.as_str().into_owned())).collect()
}
