//! What the calls of models cost: on their spans, as figures, and in Phoenix.

mod foreign;
mod lists;
mod own;
mod phoenix;
mod properties;

use a2a_otel::llm_call;
use a2a_otel::metrics::MetricsSnapshot;
use a2a_otel::testing::{Captured, capture};
use a2a_otel_tests::child::{self, messages};
use serde_json::{Value, json};

#[llm_call(request = request, provider = provider)]
fn ask(provider: Option<&str>, request: &Value, answer: Value) -> Value {
    answer
}

/// Calls a model that answers with this usage, and returns the span and the figures.
fn asked(provider: Option<&str>, model: &str, usage: &Value) -> (Captured, MetricsSnapshot) {
    let capturing = capture();
    ask(provider, &request(model), chat(model, usage));
    (capturing.only(), capturing.metrics())
}

fn request(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn chat(model: &str, usage: &Value) -> Value {
    json!({
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}],
        "usage": usage,
    })
}

/// The cost that is recorded under this name below `llm.cost`.
fn cost(span: &Captured, name: &str) -> Option<f64> {
    let value = span.attributes.get(&*format!("llm.cost.{name}"))?;
    value.as_str().parse().ok()
}

#[track_caller]
fn assert_close(found: Option<f64>, expected: f64) {
    let is_close = found.is_some_and(|found| (found - expected).abs() <= expected.abs() * 1e-12);
    assert!(is_close, "{found:?} is not {expected}");
}

/// Runs a test in a process of its own with these variables, and returns what that printed on standard error. `None`
/// means that this is the process.
#[track_caller]
fn in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    let variables = [&[("OTEL_TRACES_EXPORTER", "none")], variables].concat();
    child::in_own_process(test, &variables)
}
