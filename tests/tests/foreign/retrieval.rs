//! Tests retrieval and memory in the terms of GenAI 0.1.0.

use a2a_otel::opentelemetry::trace::Tracer as _;
use a2a_otel::opentelemetry::{KeyValue, Value, global};
use a2a_otel::testing::{Captured, capture};
use serde_json::{Value as Json, json};

use crate::bridged;

fn operation(name: &'static str, attributes: &[(&'static str, &Json)]) -> Captured {
    bridged();
    let capturing = capture();
    let attributes = attributes.iter().map(|(key, json)| {
        KeyValue::new(*key, json.as_str().map_or_else(|| json.to_string(), str::to_owned))
    });
    let attributes = attributes.chain([KeyValue::new("gen_ai.operation.name", name)]);
    let tracer = global::tracer("another");
    drop(tracer.build(tracer.span_builder(name).with_attributes(attributes)));
    capturing.only()
}

fn found() -> Json {
    json!([
        {"id": "d-1", "content": "A lamp.", "score": 0.75, "metadata": {"shelf": 4}},
        {"id": 2, "content": {"text": "Another lamp."}},
    ])
}

fn assert_found(span: &Captured) {
    assert_eq!(span.kind, "RETRIEVER", "{span:?}");
    assert_eq!(span.text("input.value"), Some("lamps"), "{span:?}");
    assert_eq!(span.text("input.mime_type"), Some("text/plain"));
    let document = |key: &str| span.attributes.get(&format!("retrieval.documents.{key}"));
    assert_eq!(document("0.document.id"), Some(&Value::from("d-1")), "{span:?}");
    assert_eq!(document("0.document.content"), Some(&Value::from("A lamp.")));
    assert_eq!(document("0.document.score"), Some(&Value::F64(0.75)));
    assert_eq!(document("0.document.metadata"), Some(&Value::from("{\"shelf\":4}")));
    assert_eq!(document("1.document.id"), Some(&Value::from("2")));
    assert_eq!(document("1.document.content"), Some(&Value::from("{\"text\":\"Another lamp.\"}")));
    assert_eq!(span.text("output.mime_type"), Some("application/json"));
}

#[test]
fn a_retrieval_has_its_query_and_its_documents() {
    let (query, documents) = (json!("lamps"), found());
    assert_found(&operation(
        "retrieval",
        &[("gen_ai.retrieval.query.text", &query), ("gen_ai.retrieval.documents", &documents)],
    ));
}

#[test]
fn a_search_of_a_memory_is_a_retrieval() {
    let (query, records) = (json!("lamps"), found());
    assert_found(&operation(
        "search_memory",
        &[("gen_ai.memory.query.text", &query), ("gen_ai.memory.records", &records)],
    ));
}

#[test]
fn what_a_memory_is_given_is_an_input() {
    let (records, id) = (json!([{"content": "Ada likes lamps."}]), json!("r-1"));
    for name in ["create_memory", "update_memory", "upsert_memory"] {
        let span = operation(name, &[("gen_ai.memory.records", &records), ("gen_ai.memory.record.id", &id)]);
        assert_eq!(span.kind, "CHAIN", "{span:?}");
        assert_eq!(span.text("input.value"), Some(&*records.to_string()), "{span:?}");
    }
    let span = operation("delete_memory", &[("gen_ai.memory.record.id", &id)]);
    assert_eq!((span.kind.as_str(), span.text("input.value")), ("CHAIN", Some("r-1")), "{span:?}");
    for name in ["create_memory_store", "delete_memory_store"] {
        assert_eq!(operation(name, &[]).kind, "CHAIN");
    }
}
