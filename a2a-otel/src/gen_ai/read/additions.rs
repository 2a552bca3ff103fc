//! Adds attributes to a span that another library recorded.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::Value as Json;

use crate::attributes::find;
use crate::record::{Attributes, Record};
use crate::semconv::equivalents::PROVIDERS;
use crate::semconv::openinference as names;

const TOKEN_COUNT: &str = "llm.token_count.";

/// Adds an attribute, unless it is there already.
pub(super) fn add(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    if find(attributes, key).is_none() {
        attributes.push(KeyValue::new(key, value));
    }
}

/// Adds the attributes of a record, unless its list is there already.
pub(super) fn add_list(attributes: &mut Vec<KeyValue>, list: &str, record: &impl Record) {
    if !attributes.iter().any(|attribute| attribute.key.as_str().starts_with(list)) {
        attributes.extend(Attributes::of(record));
    }
}

/// Adds an attribute, unless it is there already. A count of tokens that was recorded as text becomes a number.
pub(super) fn add_count(attributes: &mut Vec<KeyValue>, key: &'static str, value: Value) {
    let count = match &value {
        Value::String(text) if key.starts_with(TOKEN_COUNT) => text.as_str().parse().ok(),
        _ => None,
    };
    add(attributes, key, count.map_or(value, Value::I64));
}

/// Adds the provider by its name in GenAI or in a library, and whose system it implies.
pub(super) fn add_provider(attributes: &mut Vec<KeyValue>, name: &str) {
    if find(attributes, names::LLM_PROVIDER).is_some() {
        return;
    }
    let known = PROVIDERS.iter().find(|row| row.name == name);
    if let Some(system) = known.and_then(|row| row.system) {
        add(attributes, names::LLM_SYSTEM, system);
    }
    add(
        attributes,
        names::LLM_PROVIDER,
        known.map_or_else(|| name.to_owned(), |row| row.served_by.to_owned()),
    );
}

/// The value as JSON. A text that is JSON is what it says.
pub(super) fn json_of(value: &Value) -> Json {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::F64(value) => (*value).into(),
        Value::Array(Array::Bool(list)) => list.clone().into(),
        Value::Array(Array::I64(list)) => list.clone().into(),
        Value::Array(Array::F64(list)) => list.clone().into(),
        Value::Array(Array::String(list)) => list.iter().map(StringValue::as_str).collect(),
        other => serde_json::from_str(&other.as_str()).unwrap_or_else(|_| other.as_str().into()),
    }
}
