//! What a person looks for in a span.

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::line::plural;
use crate::capture::REDACTED;
use crate::semconv::SpanKind;
use crate::semconv::gen_ai::OPERATION_NAME;
use crate::semconv::openinference as names;
use crate::semconv::opentelemetry::{EXCEPTION, EXCEPTION_STACKTRACE};
use crate::semconv::ours::CANCELLED;

/// The longest value that is read as a message, in bytes.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// What stands between the causes of an error, in the stack trace of its event.
const CAUSED_BY: &str = "caused by: ";

/// The names of the file and the line where a span was started or an error happened: those of `tracing`, and older ones.
const FILES: [&str; 2] = ["code.file.path", "code.filepath"];
const LINES: [&str; 2] = ["code.line.number", "code.lineno"];

pub(super) fn kind(span: &SpanData) -> &str {
    let kind = || crate::gen_ai::kind_of(text(span, OPERATION_NAME)?).map(SpanKind::as_str);
    text(span, names::SPAN_KIND).or_else(kind).unwrap_or("SPAN")
}

pub(super) fn is_model_call(span: &SpanData) -> bool {
    kind(span) == SpanKind::Llm.as_str()
}

pub(super) fn length(span: &SpanData) -> Duration {
    span.end_time.duration_since(span.start_time).unwrap_or_default()
}

pub(super) fn model(span: &SpanData) -> Option<&str> {
    text(span, names::LLM_MODEL_NAME)
}

pub(super) fn session(span: &SpanData) -> Option<&str> {
    text(span, names::SESSION_ID)
}

pub(super) fn user(span: &SpanData) -> Option<&str> {
    text(span, names::USER_ID)
}

/// What a call of a model cost, in US dollars.
pub(super) fn cost(span: &SpanData) -> Option<f64> {
    match value(span, names::LLM_COST_TOTAL)? {
        Value::F64(cost) => Some(*cost).filter(|cost| cost.is_finite() && *cost > 0.0),
        _ => None,
    }
}

pub(super) fn has_failed(span: &SpanData) -> bool {
    matches!(span.status, Status::Error { .. })
}

/// The message of an error.
pub(super) fn failure(span: &SpanData) -> Option<Cow<'_, str>> {
    match &span.status {
        Status::Error { description } if description == CANCELLED => Some(CANCELLED.into()),
        Status::Error { description } if description.is_empty() => Some("error".into()),
        Status::Error { description } => Some(format!("error: {description}").into()),
        _ => None,
    }
}

/// The message that a failed span has as its status.
pub(super) fn message(span: &SpanData) -> &str {
    match &span.status {
        Status::Error { description } => description,
        _ => "",
    }
}

/// The causes of a span's error, the nearest first.
pub(super) fn causes(span: &SpanData) -> impl Iterator<Item = &str> {
    let traces = exceptions(span).filter_map(|attributes| match last(attributes, EXCEPTION_STACKTRACE) {
        Some(Value::String(trace)) => Some(trace.as_str()),
        _ => None,
    });
    traces.flat_map(|trace| trace.lines().filter_map(|line| line.strip_prefix(CAUSED_BY)))
}

/// The file and the line where the error happened, or else where the span was started, if they are known.
pub(super) fn place(span: &SpanData) -> Option<String> {
    exceptions(span).chain([span.attributes.as_slice()]).find_map(place_in)
}

fn place_in(attributes: &[KeyValue]) -> Option<String> {
    let file = FILES.iter().find_map(|name| last(attributes, name))?;
    let line = LINES.iter().find_map(|name| last(attributes, name));
    Some(line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}")))
}

fn exceptions(span: &SpanData) -> impl Iterator<Item = &[KeyValue]> {
    span.events.iter().filter(|event| event.name == EXCEPTION).map(|event| event.attributes.as_slice())
}

/// The input of a span. Of a model's it is the last message, because its request repeats the whole conversation.
pub(super) fn input(span: &SpanData) -> Option<Cow<'_, str>> {
    let message = || last_message(span, names::LLM_INPUT_MESSAGES).map(Cow::from);
    is_model_call(span).then(message).flatten().or_else(|| whole_input(span).map(content))
}

/// The content of a value that is one message, or else the value.
fn content(value: &str) -> Cow<'_, str> {
    let is_message = value.starts_with("{\"role\":") && value.len() < LONGEST_MESSAGE;
    let message = is_message.then(|| serde_json::from_str::<serde_json::Value>(value).ok()).flatten();
    let content = message.as_ref().and_then(|message| message["content"].as_str());
    content.map_or(Cow::Borrowed(value), |content| content.to_owned().into())
}

/// The output of a span. Of a model's it is its message, or the tools that it calls.
pub(super) fn output(span: &SpanData) -> Option<Cow<'_, str>> {
    let message = || last_message(span, names::LLM_OUTPUT_MESSAGES).map(Cow::from);
    let answer = || message().or_else(|| calls(span));
    is_model_call(span).then(answer).flatten().or_else(|| whole_output(span).map(Cow::from))
}

pub(super) fn whole_input(span: &SpanData) -> Option<&str> {
    text(span, names::INPUT_VALUE).filter(is_shown)
}

pub(super) fn whole_output(span: &SpanData) -> Option<&str> {
    text(span, names::OUTPUT_VALUE).filter(is_shown)
}

fn is_shown(text: &&str) -> bool {
    !text.is_empty() && *text != REDACTED
}

/// The content of the last message in a list.
fn last_message<'a>(span: &'a SpanData, list: &str) -> Option<&'a str> {
    let number = |key: &str| {
        let (number, field) = key.strip_prefix(list)?.strip_prefix('.')?.split_once('.')?;
        (field == "message.content").then(|| number.parse::<usize>().ok())?
    };
    let numbered = span.attributes.iter().filter_map(|attribute| {
        let Value::String(text) = &attribute.value else { return None };
        Some((number(attribute.key.as_str())?, text.as_str()))
    });
    numbered.max_by_key(|(number, _)| *number).map(|(_, text)| text).filter(is_shown)
}

/// The names of the tools that a model calls.
fn calls(span: &SpanData) -> Option<Cow<'_, str>> {
    let is_name =
        |key: &str| key.starts_with(names::LLM_OUTPUT_MESSAGES) && key.ends_with(".tool_call.function.name");
    let called = span.attributes.iter().filter(|attribute| is_name(attribute.key.as_str()));
    let called: Vec<_> = called.map(|attribute| attribute.value.as_str()).collect();
    (!called.is_empty()).then(|| format!("calls {}", called.join(", ")).into())
}

pub(super) struct Tokens {
    prompt: Option<usize>,
    completion: Option<usize>,
    total: Option<usize>,
}

impl Tokens {
    pub(super) fn of(span: &SpanData) -> Self {
        let count = |name| match value(span, name) {
            Some(Value::I64(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        Tokens {
            prompt: count(names::LLM_TOKEN_COUNT_PROMPT),
            completion: count(names::LLM_TOKEN_COUNT_COMPLETION),
            total: count(names::LLM_TOKEN_COUNT_TOTAL),
        }
    }

    pub(super) fn total(&self) -> usize {
        let parts = || self.prompt.unwrap_or(0).saturating_add(self.completion.unwrap_or(0));
        self.total.unwrap_or_else(parts)
    }

    pub(super) fn shown(&self) -> Option<String> {
        match (self.prompt, self.completion) {
            (None, None) => self.total.map(|total| plural(total, "token")),
            (prompt, completion) => {
                Some(format!("{} + {} tokens", prompt.unwrap_or(0), completion.unwrap_or(0)))
            }
        }
    }
}

fn value<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    last(&span.attributes, name).or_else(|| last(&span.attributes, crate::gen_ai::name_of(name)?))
}

/// An attribute that is set twice is in the list twice. The last value counts.
fn last<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    let same = |attribute: &&KeyValue| attribute.key.as_str() == name;
    attributes.iter().rev().find(same).map(|attribute| &attribute.value)
}

fn text<'a>(span: &'a SpanData, name: &str) -> Option<&'a str> {
    match value(span, name)? {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}
