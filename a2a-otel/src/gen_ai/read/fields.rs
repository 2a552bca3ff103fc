//! Reads the attributes of other libraries by the rows of [`crate::semconv::foreign`].

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::{Map, Value as Json};

use super::additions::{add, add_count, add_list, add_provider, json_of};
use super::details;
use super::messages::{plain, read_chat};
use crate::attributes::find;
use crate::record::{Document, Request, Response, Retrieval};
use crate::semconv::SpanKind;
use crate::semconv::equivalents::{INPUT, OUTPUT, Side};
use crate::semconv::foreign::{FIELDS, Field, KINDS, LANGFUSE, Meaning, Sign, TARGET};
use crate::semconv::openinference as names;

/// Whether an attribute is one of Langfuse's.
pub(super) fn is_langfuse(attribute: &KeyValue) -> bool {
    attribute.key.as_str().starts_with(LANGFUSE)
}

/// The kind of a span, by the first sign that it has.
pub(super) fn kind_of(name: &str, attributes: &[KeyValue]) -> Option<SpanKind> {
    KINDS.iter().find(|(sign, _)| has(*sign, name, attributes)).map(|(_, kind)| *kind)
}

fn has(sign: Sign, name: &str, attributes: &[KeyValue]) -> bool {
    match sign {
        Sign::Value(keys, value) => keys
            .iter()
            .any(|key| find(attributes, key).is_some_and(|found| found.as_str().eq_ignore_ascii_case(value))),
        Sign::Name(source, pattern) => matches(pattern, name) && is_of(source, attributes),
        Sign::Attribute(key) => find(attributes, key).is_some(),
    }
}

/// Whether the pattern is this text, or ends in `*` and begins it.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// Whether the span is from this crate.
fn is_of(source: &str, attributes: &[KeyValue]) -> bool {
    let target = find(attributes, TARGET).map(Value::as_str).unwrap_or_default();
    target.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What is gathered from several attributes.
#[derive(Default)]
struct Gathered {
    metadata: Map<String, Json>,
    has_failed: bool,
    reason: Option<String>,
}

/// Adds what the attributes of other libraries mean.
pub(super) fn read(kind: SpanKind, attributes: &mut Vec<KeyValue>, status: &mut Status) {
    let mut gathered = Gathered::default();
    for field in FIELDS {
        for (key, value) in values(field, kind, attributes) {
            read_field(field, &key, &value, attributes, &mut gathered);
        }
    }
    if !gathered.metadata.is_empty() {
        add(attributes, names::METADATA, Json::Object(gathered.metadata).to_string());
    }
    if gathered.has_failed && *status == Status::Unset {
        *status = Status::error(gathered.reason.unwrap_or_default());
    }
}

fn applies(field: &Field, kind: SpanKind, attributes: &[KeyValue]) -> bool {
    field.on.is_none_or(|on| on == kind) && field.of.is_none_or(|source| is_of(source, attributes))
}

/// The attributes that a row is for, by the ends of their keys.
fn values(field: &Field, kind: SpanKind, attributes: &[KeyValue]) -> Vec<(String, Value)> {
    if !applies(field, kind, attributes) {
        return Vec::new();
    }
    let start = field.key.strip_suffix('*');
    let end = |key: &str| match start.and_then(|start| key.strip_prefix(start)) {
        Some(end) => end.to_owned(),
        None => key.rsplit('.').next().unwrap_or(key).to_owned(),
    };
    let covered = attributes.iter().filter(|one| field.covers(one.key.as_str()));
    covered.map(|one| (end(one.key.as_str()), one.value.clone())).collect()
}

fn read_field(
    field: &Field,
    key: &str,
    value: &Value,
    attributes: &mut Vec<KeyValue>,
    gathered: &mut Gathered,
) {
    let text = value.as_str();
    match field.holds {
        Meaning::Same(target) => add_count(attributes, target, value.clone()),
        Meaning::Text(target) => add(attributes, target, text.into_owned()),
        Meaning::Provider => add_provider(attributes, &text),
        Meaning::Input => add_whole(attributes, &INPUT, &text),
        Meaning::Output => add_whole(attributes, &OUTPUT, &text),
        Meaning::Documents => documents(attributes, &text),
        Meaning::Tokens => numbers(&text, |detail, number| {
            // A number without a fraction is written without one.
            let Ok(count) = number.to_string().parse::<i64>() else { return };
            add_below(attributes, "llm.token_count", detail, count);
        }),
        Meaning::Costs => {
            numbers(&text, |detail, number| add_below(attributes, "llm.cost", detail, number));
        }
        Meaning::Metadata => match serde_json::from_str(&text) {
            Ok(Json::Object(object)) => gathered.metadata.extend(object),
            _ => _ = gathered.metadata.entry(key).or_insert_with(|| json_of(value)),
        },
        Meaning::Tags => add(attributes, names::TAG_TAGS, tags(value)),
        Meaning::Fails(failed) => gathered.has_failed |= text == failed,
        Meaning::Reason => _ = gathered.reason.get_or_insert_with(|| text.into_owned()),
        Meaning::Failure => {
            gathered.has_failed = true;
            gathered.reason.get_or_insert_with(|| text.into_owned());
        }
    }
}

fn add_below(attributes: &mut Vec<KeyValue>, above: &str, detail: &str, value: impl Into<Value>) {
    let key = format!("{above}.{detail}");
    if find(attributes, &key).is_none() {
        attributes.push(KeyValue::new(key, value));
    }
}

fn numbers(json: &str, mut add: impl FnMut(&str, f64)) {
    let json = serde_json::from_str(json).unwrap_or_default();
    for (detail, number) in details::read(&json) {
        add(detail, number);
    }
}

/// Adds a whole input or output. A text that was recorded as JSON becomes the text.
fn add_whole(attributes: &mut Vec<KeyValue>, side: &Side, whole: &str) {
    if !whole.is_empty() {
        let text = serde_json::from_str(whole).ok();
        add(attributes, side.value[0], text.unwrap_or_else(|| whole.to_owned()));
    }
}

/// Adds the messages of a chat that is the whole input or output of a model's call.
pub(super) fn chat(attributes: &mut Vec<KeyValue>) {
    let read = |side: &Side, attributes: &[KeyValue]| {
        let whole: Json = serde_json::from_str(&find(attributes, side.value[0])?.as_str()).ok()?;
        Some(read_chat(&whole, side.role))
    };
    if let Some(messages) = read(&INPUT, attributes) {
        add_list(attributes, INPUT.messages, &Request::new().messages(messages));
    }
    if let Some(messages) = read(&OUTPUT, attributes) {
        add_list(attributes, OUTPUT.messages, &Response::new().messages(messages));
    }
}

fn documents(attributes: &mut Vec<KeyValue>, text: &str) {
    if let Ok(Json::Array(documents)) = serde_json::from_str(text) {
        let documents = documents.iter().map(document);
        add_list(attributes, names::RETRIEVAL_DOCUMENTS, &Retrieval::new().documents(documents));
    }
    add(attributes, OUTPUT.value[0], text.to_owned());
}

fn document(json: &Json) -> Document {
    let text = |name: &str| json.get(name).filter(|value| !value.is_null()).map(plain);
    let read = text("id").into_iter().fold(Document::new(), Document::id);
    let read = text("content").into_iter().fold(read, Document::content);
    let read = json["score"].as_f64().into_iter().fold(read, Document::score);
    let read = text("url").into_iter().fold(read, Document::url);
    let read = text("mime_type").into_iter().fold(read, Document::mime_type);
    let read = text("name").into_iter().fold(read, Document::name);
    json.get("metadata").into_iter().fold(read, Document::metadata)
}

fn tags(value: &Value) -> Value {
    let listed = serde_json::from_str::<Vec<String>>(&value.as_str());
    match (value, listed) {
        (Value::Array(Array::String(_)), _) => value.clone(),
        (_, Ok(tags)) => Value::Array(tags.into_iter().map(StringValue::from).collect::<Vec<_>>().into()),
        (_, Err(_)) => Value::Array(vec![StringValue::from(value.as_str().into_owned())].into()),
    }
}
