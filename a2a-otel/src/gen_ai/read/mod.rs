//! The reader: records in OpenInference's terms what the spans of other libraries say in GenAI's.
//!
//! A span of ours has a kind. A span from the bridge to `tracing` has none: it is a `CHAIN` unless its attributes say
//! more, in GenAI's terms ([`crate::semconv::equivalents`]) or those of its library ([`crate::semconv::foreign`]).

mod additions;
mod details;
mod fields;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value as Json};

use self::additions::{add, add_count, add_list, json_of};
use self::messages::{read_message, read_messages, single_text};
use crate::attributes::find;
use crate::record::{Request, Response, ToolSchema};
use crate::semconv::SpanKind;
use crate::semconv::equivalents::{INPUT, OPERATIONS, OUTPUT, Operation, PARAMETERS, Parameter, SAME, Same};
use crate::semconv::foreign::TARGET;
use crate::semconv::gen_ai::{
    INPUT_MESSAGES, OPERATION_NAME, OUTPUT_MESSAGES, RESPONSE_FINISH_REASONS, SYSTEM_INSTRUCTIONS,
    TOOL_DEFINITIONS,
};
use crate::semconv::markers::WITHIN_MODEL_CALL;
use crate::semconv::openinference::{self as names, mime_type};

/// Adds OpenInference's attributes to a span of another library, unless it has them already.
#[inline]
pub(crate) fn read(span: &mut SpanData) {
    if is_undecided(find(&span.attributes, names::SPAN_KIND)) && is_foreign(&span.attributes) {
        translate(&span.name, &mut span.attributes, &mut span.status);
    }
}

/// Whether a span with this kind may be of another kind.
#[inline]
fn is_undecided(kind: Option<&Value>) -> bool {
    match kind {
        Some(Value::String(kind)) => kind.as_str() == SpanKind::Chain.as_str(),
        Some(_) => false,
        None => true,
    }
}

/// Whether a span may be of another library that is known here.
fn is_foreign(attributes: &[KeyValue]) -> bool {
    attributes.iter().any(|attribute| {
        matches!(attribute.key.as_str(), OPERATION_NAME | WITHIN_MODEL_CALL | TARGET)
            || fields::is_langfuse(attribute)
    })
}

fn translate(name: &str, attributes: &mut Vec<KeyValue>, status: &mut Status) {
    let is_within = find(attributes, WITHIN_MODEL_CALL).is_some();
    if is_within {
        attributes.retain(|attribute| attribute.key.as_str() != WITHIN_MODEL_CALL);
    }
    let Some(kind) = kind_of(name, attributes) else { return };
    // A call of a model must be one span of a model, or its tokens count twice.
    if is_within && matches!(kind, SpanKind::Llm | SpanKind::Embedding) {
        return;
    }
    attributes.retain(|attribute| attribute.key.as_str() != names::SPAN_KIND);
    attributes.push(KeyValue::new(names::SPAN_KIND, kind));
    last_of_each(attributes);
    same(kind, attributes);
    fields::read(kind, attributes, status);
    if kind == SpanKind::Llm {
        model(attributes);
    }
    content(kind, attributes);
}

/// The kind of a span: by its operation, or else by the signs of other libraries. A span that says something to Langfuse
/// is at least a `CHAIN`.
fn kind_of(name: &str, attributes: &[KeyValue]) -> Option<SpanKind> {
    let operation = find(attributes, OPERATION_NAME).map(Value::as_str);
    let row = operation.and_then(|operation| OPERATIONS.iter().find(|row| row.0 == operation));
    let by_operation = row.map(|Operation(_, kind, _)| *kind);
    let is_chain = || attributes.iter().any(fields::is_langfuse).then_some(SpanKind::Chain);
    by_operation.or_else(|| fields::kind_of(name, attributes)).or_else(is_chain)
}

/// Removes all but the last value of each key: a field of `tracing` that is recorded twice is here twice.
fn last_of_each(attributes: &mut Vec<KeyValue>) {
    let mut seen = HashSet::new();
    attributes.reverse();
    attributes.retain(|attribute| seen.insert(attribute.key.clone()));
    attributes.reverse();
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    find(attributes, key).map(|value| value.as_str().into_owned())
}

fn json(attributes: &[KeyValue], key: &str) -> Option<Json> {
    serde_json::from_str(&find(attributes, key)?.as_str()).ok()
}

fn same(kind: SpanKind, attributes: &mut Vec<KeyValue>) {
    for Same(key, gen_ai_key, _) in SAME.iter().filter(|Same(.., used)| used.is_read_on(kind)) {
        if let Some(value) = find(attributes, gen_ai_key).cloned() {
            add_count(attributes, key, value);
        }
    }
}

fn model(attributes: &mut Vec<KeyValue>) {
    if let (Some(Value::I64(prompt)), Some(Value::I64(completion))) =
        (find(attributes, names::LLM_TOKEN_COUNT_PROMPT), find(attributes, names::LLM_TOKEN_COUNT_COMPLETION))
    {
        let total = prompt.saturating_add(*completion);
        add(attributes, names::LLM_TOKEN_COUNT_TOTAL, total);
    }
    if let Some(reason) = find(attributes, RESPONSE_FINISH_REASONS).and_then(first) {
        add(attributes, names::LLM_FINISH_REASON, reason);
    }
    parameters(attributes);
    messages(attributes);
    fields::chat(attributes);
}

/// The first item of a list, which may be JSON, or text with commas.
fn first(list: &Value) -> Option<String> {
    match list {
        Value::Array(Array::String(list)) => list.first().map(|first| first.as_str().to_owned()),
        other => {
            let text = other.as_str();
            let list = serde_json::from_str::<Vec<String>>(&text);
            list.map_or_else(|_| text.split(',').next().map(str::to_owned), |list| list.into_iter().next())
        }
    }
    .filter(|first| !first.is_empty())
}

fn parameters(attributes: &mut Vec<KeyValue>) {
    let parameter = |Parameter { key, names, .. }: &Parameter| {
        Some(((*names.first()?).to_owned(), json_of(find(attributes, key)?)))
    };
    let parameters: Map<String, Json> =
        PARAMETERS.iter().filter(|row| row.is_read).filter_map(parameter).collect();
    if !parameters.is_empty() {
        add(attributes, names::LLM_INVOCATION_PARAMETERS, Json::Object(parameters).to_string());
    }
}

fn messages(attributes: &mut Vec<KeyValue>) {
    let requested = json(attributes, INPUT_MESSAGES).unwrap_or_default();
    // Some libraries repeat the instructions as a message.
    let instructions = json(attributes, SYSTEM_INSTRUCTIONS).filter(|_| requested[0]["role"] != "system");
    let instructions = instructions.map(|parts| read_message("system", &parts));
    let input: Vec<_> = instructions.into_iter().flatten().chain(read_messages(&requested)).collect();
    add_list(attributes, names::LLM_INPUT_MESSAGES, &Request::new().messages(input));
    if let Some(output) = json(attributes, OUTPUT_MESSAGES) {
        add_list(attributes, names::LLM_OUTPUT_MESSAGES, &Response::new().messages(read_messages(&output)));
    }
    if let Some(Json::Array(tools)) = json(attributes, TOOL_DEFINITIONS) {
        let tools = tools.iter().map(|tool| ToolSchema::new().json_schema(tool));
        add_list(attributes, names::LLM_TOOLS, &Request::new().tools(tools));
    }
}

/// Adds the whole input and output.
fn content(kind: SpanKind, attributes: &mut Vec<KeyValue>) {
    for side in [INPUT, OUTPUT] {
        let [value, mime] = side.value;
        let whole = match kind {
            SpanKind::Tool => find(attributes, side.gen_ai_tool_value).cloned(),
            SpanKind::Agent => find(attributes, side.gen_ai_agent_value).cloned(),
            _ => None,
        };
        if let Some(whole) = whole {
            add(attributes, value, whole);
        }
        if let Some(messages) = text(attributes, side.gen_ai_messages) {
            add(attributes, value, single_text(&messages).unwrap_or(messages));
        }
        if let Some(value) = find(attributes, value) {
            let is_json = value.as_str().starts_with(['{', '[']);
            add(attributes, mime, if is_json { mime_type::JSON } else { mime_type::TEXT });
        }
    }
}
