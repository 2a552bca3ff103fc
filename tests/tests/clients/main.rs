//! Tests popular client crates, annotated as their users would do it, with a provider on a local port.
//!
//! What is recorded from a client's types must be what is recorded from the bytes on the wire.

mod anthropic;
mod by_hand;
mod genai;
mod ollama;
mod openai;
mod provider;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::provider::Asked;

/// Attributes that are recorded unchanged, or describe the function and not the call.
const OF_THE_CLIENT: &[&str] =
    &["input.value", "output.value", "gen_ai.response.time_to_first_chunk", "a2a_otel.stream."];

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The provider's answer in a recorded conversation.
fn answer_of(case: &str) -> String {
    whole_seconds(&golden(&format!("{case}.response.json")))
}

/// The events of the provider's answer in a recorded conversation.
fn events_of(case: &str) -> String {
    whole_seconds(&golden(&format!("{case}.response.txt")))
}

/// Converts times to whole numbers: Python's class wrote them as fractions, which a provider does not.
fn whole_seconds(answer: &str) -> String {
    answer.replace("1700000000.0", "1700000000")
}

/// The request of a recorded conversation, as a client's type.
fn request_of<T: DeserializeOwned>(case: &str) -> T {
    let trace: Value = serde_json::from_str(&golden(&format!("{case}.json"))).unwrap();
    let mut spans = trace["spans"].as_array().unwrap().iter();
    let request = spans.find_map(|span| span["attributes"]["input.value"].as_str());
    serde_json::from_str(request.unwrap()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// The span of a call whose request and answer are read from the bytes on the wire.
#[llm_call(request = asked.body)]
async fn over_the_wire(asked: &Asked, answer: &str) -> String {
    answer.to_owned()
}

/// Asserts that a span records of a call what the bytes on the wire contain.
async fn assert_says_all(span: &Captured, asked: &[Asked], answer: &str) {
    assert_says_all_but(&[], span, asked, answer).await;
}

/// The same, except for what the client's types have no field for.
async fn assert_says_all_but(lost: &[&str], span: &Captured, asked: &[Asked], answer: &str) {
    let capturing = capture();
    over_the_wire(asked.last().expect("a request"), answer).await;
    let wire = capturing.only();
    let mut expected = said(&wire);
    for key in lost {
        assert!(expected.remove(key).is_some(), "{key} is not on the wire");
    }
    assert_eq!(said(span), expected, "{}, and what the wire says", span.name);
    assert_eq!(span.duplicates, Vec::<String>::new(), "{}", span.name);
    assert_eq!(span.status, Status::Ok, "{}", span.name);
}

/// What a span records of a call, in a comparable form.
fn said(span: &Captured) -> BTreeMap<&str, Value> {
    let is_of_the_client = |key: &str| OF_THE_CLIENT.iter().any(|beginning| key.starts_with(beginning));
    let attributes = span.attributes.iter().filter(|(key, _)| !is_of_the_client(key));
    attributes.map(|(key, value)| (key.as_str(), comparable(&value.as_str()))).collect()
}

/// Parses texts that are JSON, and removes nulls and what the client sets itself.
fn comparable(text: &str) -> Value {
    let json =
        Some(text).filter(|text| text.starts_with('{')).and_then(|text| serde_json::from_str(text).ok());
    match json {
        Some(Value::Object(mut fields)) => {
            fields.retain(|name, value| !value.is_null() && name != "stream");
            Value::Object(fields)
        }
        _ => text.into(),
    }
}

/// Asserts that a span has these attributes. Numbers are given as text.
#[track_caller]
fn assert_has(span: &Captured, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        let said = span.attributes.get(*key).map(|value| value.as_str());
        assert_eq!(said.as_deref(), Some(*value), "{key} of {}: {:#?}", span.name, span.attributes);
    }
}
