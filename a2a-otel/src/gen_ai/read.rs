//! The reader: records in OpenInference's terms what the spans of other libraries say in GenAI's.
//!
//! A span of ours has a kind. A span from the bridge to `tracing` has none: it is a `CHAIN` unless its GenAI
//! attributes say more.

use std::collections::HashSet;

use opentelemetry::{Array, KeyValue, Value};
use serde_json::{Map, Value as Json};

use crate::attributes::find;
use crate::record::{Attributes, Message, Part, Record, Request, Response, ToolCall, ToolSchema};
use crate::semconv::SpanKind;
use crate::semconv::equivalents::{
    INPUT, OPERATIONS, OUTPUT, Operation, PARAMETERS, PROVIDERS, Parameter, SAME, Same,
};
use crate::semconv::gen_ai::{
    INPUT_MESSAGES, OPERATION_NAME, OUTPUT_MESSAGES, PROVIDER_NAME, RESPONSE_FINISH_REASONS,
    SYSTEM_INSTRUCTIONS, TOOL_DEFINITIONS,
};
use crate::semconv::markers::WITHIN_MODEL_CALL;
use crate::semconv::openinference::{self as names, mime_type};

const TOKEN_COUNT: &str = "llm.token_count.";

/// Adds OpenInference's attributes to a span of another library, unless it has them already.
#[inline]
pub(crate) fn read(attributes: &mut Vec<KeyValue>) {
    let has = |key| find(attributes, key).is_some();
    if is_undecided(find(attributes, names::SPAN_KIND)) && (has(OPERATION_NAME) || has(WITHIN_MODEL_CALL)) {
        translate(attributes);
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

fn translate(attributes: &mut Vec<KeyValue>) {
    let is_within = find(attributes, WITHIN_MODEL_CALL).is_some();
    if is_within {
        attributes.retain(|attribute| attribute.key.as_str() != WITHIN_MODEL_CALL);
    }
    let Some(operation) = text(attributes, OPERATION_NAME) else { return };
    let row = OPERATIONS.iter().find(|Operation(name, ..)| **name == operation);
    let Some(&Operation(_, kind, _)) = row else { return };
    // A call of a model must be one span of a model, or its tokens count twice.
    if is_within && matches!(kind, SpanKind::Llm | SpanKind::Embedding) {
        return;
    }
    attributes.retain(|attribute| attribute.key.as_str() != names::SPAN_KIND);
    attributes.push(KeyValue::new(names::SPAN_KIND, kind));
    last_of_each(attributes);
    same(kind, attributes);
    match kind {
        SpanKind::Llm => model(attributes),
        SpanKind::Embedding => provider(attributes),
        _ => {}
    }
    content(kind, attributes);
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

/// Adds an attribute, unless it is there already.
fn add(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    if find(attributes, key).is_none() {
        attributes.push(KeyValue::new(key, value));
    }
}

/// Adds the attributes of a record, unless its list is there already.
fn add_list(attributes: &mut Vec<KeyValue>, list: &str, record: &impl Record) {
    if !attributes.iter().any(|attribute| attribute.key.as_str().starts_with(list)) {
        attributes.extend(Attributes::of(record));
    }
}

fn same(kind: SpanKind, attributes: &mut Vec<KeyValue>) {
    for Same(key, gen_ai_key, _) in SAME.iter().filter(|Same(.., used)| used.is_read_on(kind)) {
        if let Some(value) = find(attributes, gen_ai_key).cloned() {
            add(attributes, key, if key.starts_with(TOKEN_COUNT) { count(value) } else { value });
        }
    }
}

/// A count. The bridge passes unsigned numbers as text.
fn count(value: Value) -> Value {
    match &value {
        Value::String(text) => text.as_str().parse().map_or(value, Value::I64),
        _ => value,
    }
}

fn model(attributes: &mut Vec<KeyValue>) {
    provider(attributes);
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
}

fn provider(attributes: &mut Vec<KeyValue>) {
    let Some(name) = text(attributes, PROVIDER_NAME) else { return };
    let known = PROVIDERS.iter().find(|row| row.name == name);
    if let Some(system) = known.and_then(|row| row.system) {
        add(attributes, names::LLM_SYSTEM, system);
    }
    match known {
        Some(row) => add(attributes, names::LLM_PROVIDER, row.served_by),
        None => add(attributes, names::LLM_PROVIDER, name),
    }
}

/// The first item of a list, which may be JSON.
fn first(list: &Value) -> Option<String> {
    match list {
        Value::Array(Array::String(list)) => list.first().map(|first| first.as_str().to_owned()),
        other => {
            let list: Vec<String> = serde_json::from_str(&other.as_str()).ok()?;
            list.into_iter().next()
        }
    }
}

fn parameters(attributes: &mut Vec<KeyValue>) {
    let parameter = |Parameter { key, names, .. }: &Parameter| {
        let value = match find(attributes, key)? {
            Value::Bool(value) => (*value).into(),
            Value::I64(value) => (*value).into(),
            Value::F64(value) => (*value).into(),
            other => serde_json::from_str(&other.as_str()).unwrap_or_else(|_| other.as_str().into()),
        };
        Some(((*names.first()?).to_owned(), value))
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

/// The text of a conversation that is a single message of only text.
fn single_text(messages: &str) -> Option<String> {
    let messages: Vec<Json> = serde_json::from_str(messages).ok()?;
    let [message] = &messages[..] else { return None };
    only_text(message.get("parts")?)
}

fn only_text(parts: &Json) -> Option<String> {
    let texts: Option<Vec<_>> = parts.as_array()?.iter().map(text_of).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
}

fn text_of(part: &Json) -> Option<&str> {
    (part["type"] == "text").then(|| part["content"].as_str()).flatten()
}

fn read_messages(messages: &Json) -> Vec<Message> {
    let messages = messages.as_array().into_iter().flatten();
    messages.flat_map(|one| read_message(one["role"].as_str().unwrap_or_default(), &one["parts"])).collect()
}

/// The message, preceded by a message for each result of a tool in it, as in OpenInference.
fn read_message(role: &str, parts: &Json) -> Vec<Message> {
    if let Some(text) = only_text(parts) {
        return vec![Message::of(role).content(text)];
    }
    let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
    let (results, parts): (Vec<_>, Vec<_>) =
        parts.iter().partition(|part| part["type"] == "tool_call_response");
    let mut messages: Vec<_> = results.into_iter().map(read_result).collect();
    let (calls, parts): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part["type"] == "tool_call");
    if !calls.is_empty() || !parts.is_empty() {
        let message = Message::of(role).parts(parts.into_iter().filter_map(read_part));
        messages.push(message.tool_calls(calls.into_iter().map(read_call)));
    }
    messages
}

fn read_result(part: &Json) -> Message {
    let result = ["response", "result", "content"].iter().find_map(|key| part.get(key));
    let message = result.map(plain).into_iter().fold(Message::of("tool"), Message::content);
    part["id"].as_str().into_iter().fold(message, Message::tool_call_id)
}

fn read_call(part: &Json) -> ToolCall {
    let call = ToolCall::new().arguments(&part["arguments"]);
    let call = part["id"].as_str().into_iter().fold(call, ToolCall::id);
    part["name"].as_str().into_iter().fold(call, ToolCall::name)
}

fn read_part(part: &Json) -> Option<Part> {
    let content = part["content"].as_str();
    match part["type"].as_str()? {
        kind @ ("text" | "reasoning") => Some(Part::new().kind(kind).text(content?)),
        "uri" if part["modality"] == "image" => {
            Some(Part::new().kind("image").image_url(part["uri"].as_str()?))
        }
        "blob" if part["modality"] == "image" => {
            let mime = part["mime_type"].as_str().unwrap_or("image/png");
            Some(Part::new().kind("image").image_url(format!("data:{mime};base64,{}", content?)))
        }
        _ => None,
    }
}

/// A text as it is, any other value as JSON.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
