//! Measures a call to a model with a conversation of a hundred messages.

use std::hint::black_box;

use serde::Serialize;

use crate::call::start_ours;
use crate::measure::Variant;
use crate::rows::{OURS, SERDE_ONCE};

#[derive(Serialize)]
struct Request {
    model: &'static str,
    temperature: f64,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[a2a_otel::llm_call(request = request, output = *output)]
fn asked(request: &Request) -> usize {
    black_box(request).messages.len()
}

#[a2a_otel::llm_call(skip_all)]
fn empty(request: &Request) -> usize {
    black_box(request).messages.len()
}

/// Messages of six lines. JSON escapes the line ends and the quotes.
fn request() -> Request {
    let line =
        "A lamp for the desk, warm white, with a \"long\" cable, for those who read until late at night.\n";
    let message = |number| Message {
        role: if number % 2 == 0 { "user" } else { "assistant" },
        content: format!("{number}. {}", line.repeat(6)),
    };
    Request { model: "gpt-4o-mini", temperature: 0.2, messages: (0..100).map(message).collect() }
}

pub(crate) fn variants() -> Vec<Variant> {
    start_ours();
    let (given, beside) = (request(), request());
    vec![
        Variant::of_call(OURS, move |_| asked(&given)),
        Variant::of_call(SERDE_ONCE, move |_| {
            black_box(serde_json::to_string(&beside).expect("plain data"));
            empty(&beside)
        }),
    ]
}
