//! Flattens the lists of documents of retrievers and rerankers into OpenInference's attributes.

use opentelemetry::KeyValue;
use serde_json::Value as Json;

use super::encode::{Fields, encode_whole};
use super::text::cut;

/// The names for a document's content: OpenInference's, and those of the usual clients.
const CONTENT: &[&str] = &["content", "text", "page_content"];

/// The attributes of the documents in each list. A value that is not a list has none.
pub(crate) fn documents(fields: &Fields<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::new();
    for (prefix, value) in fields {
        let json = encode_whole(*value).and_then(|encoded| serde_json::from_str(&encoded.text).ok());
        let Some(Json::Array(documents)) = json else { continue };
        for (index, document) in documents.iter().enumerate() {
            flatten(&format!("{prefix}.{index}.document"), document, &mut attributes);
        }
    }
    attributes
}

fn flatten(prefix: &str, document: &Json, attributes: &mut Vec<KeyValue>) {
    let mut push = |name: &str, value: opentelemetry::Value| {
        attributes.push(KeyValue::new(format!("{prefix}.{name}"), value));
    };
    let Json::Object(fields) = document else {
        return push("content", text(document).into());
    };
    if let Some(content) = CONTENT.iter().find_map(|name| fields.get(*name)).filter(|value| !value.is_null())
    {
        push("content", text(content).into());
    }
    if let Some(id) = fields.get("id").filter(|id| !id.is_null()) {
        push("id", id.as_i64().map_or_else(|| text(id).into(), Into::into));
    }
    if let Some(score) = fields.get("score").and_then(Json::as_f64) {
        push("score", score.into());
    }
    if let Some(metadata) = fields.get("metadata").filter(|value| !value.is_null()) {
        push("metadata", text(metadata).into());
    }
}

fn text(value: &Json) -> String {
    cut(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
