//! Calls of models as their users annotate them, and the ways in which the chunks of an answer lie on the wire.

use std::collections::BTreeMap;

use a2a_otel::llm_call;
use a2a_otel::testing::{Captured, capture};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::Value;

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

#[llm_call(request = request)]
fn ask_values(request: &Value, chunks: Vec<Value>) -> impl Stream<Item = Value> {
    stream::iter(chunks)
}

#[llm_call(request = request)]
fn ask_bytes(request: &Value, pieces: Vec<Vec<u8>>) -> impl Stream<Item = Vec<u8>> {
    stream::iter(pieces)
}

/// The span of a call that is answered as a whole.
#[must_use]
pub fn of_whole(request: &Value, answer: &Value) -> Captured {
    let capturing = capture();
    ask(request, answer.clone());
    capturing.only()
}

/// The span of a call that is answered with chunks.
#[must_use]
pub fn of_values(request: &Value, chunks: &[Value]) -> Captured {
    let capturing = capture();
    block_on(ask_values(request, chunks.to_vec()).collect::<Vec<_>>());
    capturing.only()
}

/// The span of a call that is answered with bytes.
#[must_use]
pub fn of_bytes(request: &Value, pieces: Vec<Vec<u8>>) -> Captured {
    let capturing = capture();
    block_on(ask_bytes(request, pieces).collect::<Vec<_>>());
    capturing.only()
}

/// Pieces of a text, cut before each of these bytes.
#[must_use]
pub fn cut(text: &str, cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| text.as_bytes()[ends[0]..ends[1]].to_vec()).collect()
}

/// Ways in which chunks lie on the wire.
#[must_use]
pub fn layouts(chunks: &[Value]) -> Vec<String> {
    let each = |write: fn(&Value) -> String| chunks.iter().map(write).collect::<String>();
    let pretty = |chunk: &Value| format!("{chunk:#}");
    let lines = |chunk: &Value, end: &str| {
        format!("data: {}{end}{end}", pretty(chunk).replace('\n', &format!("{end}data: ")))
    };
    vec![
        each(|chunk| format!("data: {chunk}\n\n")) + "data: [DONE]\n\n",
        each(|chunk| format!("event: x\r\ndata:{chunk}\r\n\r\n")),
        each(|chunk| format!(": comment\rid: 1\rdata: {chunk}\r\r")),
        // Without the empty lines.
        each(|chunk| format!("data: {chunk}\n")),
        chunks.iter().map(|chunk| lines(chunk, "\n")).collect(),
        chunks.iter().map(|chunk| lines(chunk, "\r")).collect(),
        each(|chunk| format!("{chunk}\n")),
        each(ToString::to_string),
        pretty(&chunks.into()),
        Value::from(chunks).to_string(),
        format!("[{}]", chunks.iter().map(pretty).collect::<Vec<_>>().join("\n,\r\n")),
        format!("[{}\r\n]", chunks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\r\n")),
    ]
}

/// What a span says of its call, except for what only a stream has. JSON in a value keeps the spaces that it came with, so
/// it is parsed.
#[must_use]
pub fn said(span: &Captured) -> BTreeMap<String, Value> {
    let is_of_stream =
        |key: &str| key.starts_with("a2a_otel.stream.") || key.ends_with("time_to_first_chunk");
    let said = span.attributes.iter().filter(|(key, _)| !is_of_stream(key));
    said.map(|(key, value)| {
        let text = value.as_str();
        (key.clone(), serde_json::from_str(&text).unwrap_or_else(|_| Value::from(&*text)))
    })
    .collect()
}
