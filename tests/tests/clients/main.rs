//! The client crates that people use, annotated as they would do it, against a provider on a port of this machine.
//!
//! What a client's types say of a call has to be what went over the wire says, whatever the types are called.

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

/// What is recorded as it is, or tells of the function and not of the call.
const OF_THE_CLIENT: &[&str] =
    &["input.value", "output.value", "gen_ai.response.time_to_first_chunk", "a2a_otel.stream."];

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the provider answered in a recorded conversation.
fn answer_of(case: &str) -> String {
    whole_seconds(&golden(&format!("{case}.response.json")))
}

/// The events that the provider answered with in a recorded conversation.
fn events_of(case: &str) -> String {
    whole_seconds(&golden(&format!("{case}.response.txt")))
}

/// Python's class wrote a time as a fraction, which a provider does not.
fn whole_seconds(answer: &str) -> String {
    answer.replace("1700000000.0", "1700000000")
}

/// What the provider was asked in a recorded conversation, in a client's type.
fn request_of<T: DeserializeOwned>(case: &str) -> T {
    let trace: Value = serde_json::from_str(&golden(&format!("{case}.json"))).unwrap();
    let mut spans = trace["spans"].as_array().unwrap().iter();
    let request = spans.find_map(|span| span["attributes"]["input.value"].as_str());
    serde_json::from_str(request.unwrap()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// The span of a call where request and answer are read as they went over the wire.
#[llm_call(request = asked.body)]
async fn over_the_wire(asked: &Asked, answer: &str) -> String {
    answer.to_owned()
}

/// Asserts that a span says of a call what its request and answer say as they went over the wire.
async fn assert_says_all(span: &Captured, asked: &[Asked], answer: &str) {
    assert_says_all_but(&[], span, asked, answer).await;
}

/// The same, but for what the types of a client have no place for.
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

/// What a span says of a call, in a form that compares.
fn said(span: &Captured) -> BTreeMap<&str, Value> {
    let is_of_the_client = |key: &str| OF_THE_CLIENT.iter().any(|beginning| key.starts_with(beginning));
    let attributes = span.attributes.iter().filter(|(key, _)| !is_of_the_client(key));
    attributes.map(|(key, value)| (key.as_str(), comparable(&value.as_str()))).collect()
}

/// JSON in a text compares as JSON, without what is null and what the client sets itself.
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

/// Asserts that a span has these attributes, numbers in the form of text.
#[track_caller]
fn assert_has(span: &Captured, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        let said = span.attributes.get(*key).map(|value| value.as_str());
        assert_eq!(said.as_deref(), Some(*value), "{key} of {}: {:#?}", span.name, span.attributes);
    }
}
