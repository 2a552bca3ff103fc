//! Replays the conversations in `golden/`, recorded from OpenInference's instrumentations for Python, through our
//! attribute macros.
//!
//! The span attributes must be the same, except for the differences in the table of `docs/parity/llm.md`. A difference that is
//! not in the table fails, and so does a row of the table that explains no difference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{embedding_call, llm_call};
use a2a_otel_tests::parity::{Said, assert_explained, differences, json_of};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

/// How many items were read of the streams that were not read to the end.
const ABANDONED: &[(&str, usize)] = &[("openai_chat_stream_abandoned", 3), ("openai_chat_stream_dropped", 1)];

/// A provider's error, as a client reports it.
#[derive(Debug)]
struct ProviderError(String);

impl fmt::Display for ProviderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ProviderError {}

#[llm_call(name = name, request = request)]
async fn complete(
    name: &str,
    request: &Value,
    answer: Result<Value, ProviderError>,
) -> Result<Value, ProviderError> {
    answer
}

#[llm_call(
    name = name, request = request, session = "sess-1", user = "user-1",
    fields(
        "metadata" = json!({"a": 1, "b": {"c": "d"}}), "tag.tags" = ["t1", "t2"],
        "llm.prompt_template.template" = "Hi {name}", "llm.prompt_template.version" = "v1",
        "llm.prompt_template.variables" = json!({"name": "Bob"}),
    )
)]
async fn complete_in_context(name: &str, request: &Value, answer: Value) -> Value {
    answer
}

#[embedding_call(name = name, request = request)]
async fn embed(name: &str, request: &Value, answer: Value) -> Value {
    answer
}

#[llm_call(name = name, request = request)]
fn stream<T: serde::Serialize>(name: &str, request: &Value, items: Vec<T>) -> impl Stream<Item = T> {
    stream::iter(items)
}

#[llm_call(name = name, request = request)]
fn stream_bytes(name: &str, request: &Value, items: Vec<Bytes>) -> impl Stream<Item = Bytes> {
    stream::iter(items)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn read_json(file: &str) -> Option<Value> {
    fs::read_to_string(folder().join(file)).ok().map(|text| serde_json::from_str(&text).expect(file))
}

/// The recorded traces, by the names of their files.
fn recorded() -> BTreeMap<String, Value> {
    let files =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()));
    names
        .filter(|name| !name.ends_with(".response"))
        .map(|name| (name.clone(), read_json(&format!("{name}.json")).unwrap()))
        .collect()
}

/// The span of the instrumentation. Anthropic's client adds another one.
fn peer(trace: &Value) -> &Value {
    let spans = trace["spans"].as_array().unwrap().iter();
    let mut spans =
        spans.filter(|span| span["scope"]["name"].as_str().unwrap().starts_with("openinference."));
    spans.next().unwrap()
}

fn request_of(trace: &Value) -> Value {
    serde_json::from_str(peer(trace)["attributes"]["input.value"].as_str().unwrap()).unwrap()
}

/// Parses texts that are JSON, and removes nulls, because Python's classes print fields that were not sent.
fn comparable(value: Value) -> Value {
    let parsed = value.as_str().filter(|text| text.starts_with(['{', '['])).map(serde_json::from_str);
    without_nulls(parsed.and_then(Result::ok).unwrap_or(value))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let said = fields.into_iter().filter(|(_, value)| !value.is_null());
            said.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// What a span records: its attributes, status and events.
fn said_by_peer(span: &Value) -> Said {
    let mut said: Said = span["attributes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), comparable(value.clone())))
        .collect();
    said.insert("status".into(), span["status"]["code"].clone());
    if let Some(description) = span["status"]["description"].as_str() {
        said.insert("status description".into(), description.into());
    }
    for event in span["events"].as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        said.insert(format!("event {name}"), json!(true));
        said.extend(event["attributes"].as_object().unwrap().clone());
    }
    said
}

fn said_by_us(span: &Captured) -> Said {
    let attribute = |value: &Attribute| comparable(json_of(value));
    // The peer writes no costs, and prices change; `tests/cost` tests ours.
    let attributes = span.attributes.iter().filter(|(key, _)| !key.starts_with("llm.cost."));
    let mut said: Said = attributes.map(|(key, value)| (key.clone(), attribute(value))).collect();
    said.insert("openinference.span.kind".into(), span.kind.clone().into());
    let (code, description) = match &span.status {
        Status::Ok => ("OK", None),
        Status::Unset => ("UNSET", None),
        Status::Error { description } => ("ERROR", Some(description)),
    };
    said.insert("status".into(), code.into());
    if let Some(description) = description {
        said.insert("status description".into(), description.to_string().into());
    }
    for (name, attributes) in &span.events {
        said.insert(format!("event {name}"), json!(true));
        said.extend(attributes.iter().map(|(key, value)| (key.clone(), attribute(value))));
    }
    said
}

/// Replays the conversation with the provider's answers.
async fn repeat(case: &str, trace: &Value) -> Captured {
    let capturing = capture();
    let span = peer(trace);
    let name = span["name"].as_str().unwrap();
    let request = request_of(trace);
    let answer = read_json(&format!("{case}.response.json"));
    match (answer, fs::read_to_string(folder().join(format!("{case}.response.txt"))).ok()) {
        (Some(answer), _) if name == "CreateEmbeddings" => drop(embed(name, &request, answer).await),
        (Some(answer), _) if case.ends_with("using_attributes") => {
            complete_in_context(name, &request, answer).await;
        }
        (Some(answer), _) => drop(complete(name, &request, Ok(answer)).await),
        (None, Some(events)) => read(case, stream(name, &request, chunks(&events))).await,
        (None, None) => {
            let message = &span["events"][0]["attributes"]["exception.message"];
            let error = ProviderError(message.as_str().unwrap().to_owned());
            complete(name, &request, Err(error)).await.unwrap_err();
        }
    }
    capturing.only()
}

async fn read<T>(case: &str, stream: impl Stream<Item = T>) {
    let read =
        ABANDONED.iter().find(|(abandoned, _)| *abandoned == case).map_or(usize::MAX, |(_, read)| *read);
    let mut stream = Box::pin(stream);
    let mut left = read;
    while left > 0 && stream.next().await.is_some() {
        left -= 1;
    }
}

/// The events of a stream, as clients return them.
fn chunks(events: &str) -> Vec<Value> {
    let data = events.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn the_same_conversations_give_the_same_attributes() {
    let mut found = Vec::new();
    for (case, trace) in recorded() {
        let span = repeat(&case, &trace).await;
        assert_eq!(span.duplicates, Vec::<String>::new(), "{case}");
        let (ours, theirs) = (said_by_us(&span), said_by_peer(peer(&trace)));
        found.extend(differences(&case, &ours, &theirs));
    }
    assert_explained(&found, include_str!("../../docs/parity/llm.md"));
}

/// Whether the key is about the timing of the items, and not about their content.
fn is_of_items(key: &str) -> bool {
    key.starts_with("a2a_otel.stream.") || key == "gen_ai.response.time_to_first_chunk"
}

#[tokio::test]
async fn raw_bytes_fold_as_their_events_do_wherever_they_are_split() {
    for (case, trace) in recorded() {
        let Ok(events) = fs::read_to_string(folder().join(format!("{case}.response.txt"))) else { continue };
        if ABANDONED.iter().any(|(name, _)| *name == case) {
            continue;
        }
        let whole = said_by_us(&repeat(&case, &trace).await);
        let request = request_of(&trace);
        for size in [1, 7, 100, events.len()] {
            let capturing = capture();
            let pieces: Vec<_> = events.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            let texts = pieces.iter().map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
            read(&case, stream_bytes("bytes", &request, pieces)).await;
            read(&case, stream("texts", &request, texts)).await;
            for span in capturing.spans() {
                let mut differing = differences(&case, &said_by_us(&span), &whole);
                differing.retain(|one| !is_of_items(&one.key));
                assert!(differing.is_empty(), "{} of {size}: {differing:#?}", span.name);
            }
        }
    }
}
