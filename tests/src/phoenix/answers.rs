//! Phoenix's answers as types.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::timestamp;

/// A macro, because `concat!` only accepts literals.
macro_rules! cost_fields {
    () => {
        "costSummary { prompt { tokens cost } completion { tokens cost } total { tokens cost } }"
    };
}

/// A stored span, with attributes flattened to dotted keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Phoenix's own id, which its links contain.
    pub id: String,
    /// The name.
    pub name: String,
    /// The span's kind, in capitals; it is not among the attributes.
    pub kind: String,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits, or nothing for a root.
    pub parent_id: Option<String>,
    /// `OK`, `ERROR` or `UNSET`.
    pub status_code: String,
    /// The status message.
    pub status_message: String,
    /// The attributes. Phoenix parses and flattens JSON texts under `metadata` and `tool.parameters`.
    pub attributes: Map<String, Value>,
    /// The events, in the order of their time.
    pub events: Vec<Event>,
    /// To the microsecond.
    pub start: SystemTime,
    /// To the microsecond.
    pub end: SystemTime,
}

impl Span {
    pub(super) fn read(span: &Value) -> Self {
        Self {
            id: text(&span["id"]),
            name: text(&span["name"]),
            kind: text(&span["span_kind"]),
            trace_id: text(&span["context"]["trace_id"]),
            span_id: text(&span["context"]["span_id"]),
            parent_id: optional_text(&span["parent_id"]),
            status_code: text(&span["status_code"]),
            status_message: text(&span["status_message"]),
            attributes: object(&span["attributes"]),
            events: list(&span["events"], Event::read),
            start: time(&span["start_time"]),
            end: time(&span["end_time"]),
        }
    }

    /// An attribute by its full key, or null.
    #[must_use]
    pub fn attribute(&self, key: &str) -> &Value {
        self.attributes.get(key).unwrap_or(&Value::Null)
    }

    /// The first event of this name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The duration, or `None` if the clock went backwards.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, span_id, status_code, status_message, .. } = self;
        write!(formatter, "{kind} {name} [{span_id}] {:?} {status_code}", self.duration())?;
        if status_message.is_empty() { Ok(()) } else { write!(formatter, " {status_message:?}") }
    }
}

/// An event of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The name, such as `exception`.
    pub name: String,
    /// To the microsecond.
    pub time: SystemTime,
    /// Of an `exception`, Phoenix keeps `exception.type`, `.message`, `.stacktrace` and `.escaped`.
    pub attributes: Map<String, Value>,
}

impl Event {
    fn read(event: &Value) -> Self {
        Self {
            name: text(&event["name"]),
            time: time(&event["timestamp"]),
            attributes: object(&event["attributes"]),
        }
    }
}

/// A trace in the list of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Of the first span.
    pub start: SystemTime,
    /// Of the last span.
    pub end: SystemTime,
    /// Of all spans of kind LLM, also of one inside the other.
    pub prompt_tokens: u64,
    /// Of all spans of kind LLM, also of one inside the other.
    pub completion_tokens: u64,
}

impl Trace {
    pub(super) fn read(trace: &Value) -> Self {
        Self {
            trace_id: text(&trace["trace_id"]),
            start: time(&trace["start_time"]),
            end: time(&trace["end_time"]),
            prompt_tokens: count(&trace["token_count_prompt"]),
            completion_tokens: count(&trace["token_count_completion"]),
        }
    }
}

/// The summary that the page of a trace shows above the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceDetails {
    /// Of the root.
    pub latency: Duration,
    /// The number of spans or traces.
    pub spans: u64,
    /// The number of those that failed.
    pub errors: u64,
    /// The name of the root.
    pub root: Option<String>,
    /// The session that the trace belongs to.
    pub session: Option<String>,
    /// The user whom the root names.
    pub user: Option<String>,
    /// `None` until Phoenix has computed it.
    pub cost: Option<Cost>,
}

impl TraceDetails {
    pub(super) const FIELDS: &str = concat!(
        "latencyMs numSpans errorCount rootSpan { name } session { sessionId } userId ",
        cost_fields!()
    );

    pub(super) fn read(trace: &Value) -> Option<Self> {
        trace.is_object().then(|| Self {
            latency: Duration::from_secs_f64(number(&trace["latencyMs"]).max(0.0) / 1000.0),
            spans: count(&trace["numSpans"]),
            errors: count(&trace["errorCount"]),
            root: optional_text(&trace["rootSpan"]["name"]),
            session: optional_text(&trace["session"]["sessionId"]),
            user: optional_text(&trace["userId"]),
            cost: Cost::read(&trace["costSummary"]),
        })
    }
}

/// A session: several traces of one user.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The id, as the spans record it.
    pub id: String,
    /// The number of spans or traces.
    pub traces: u64,
    /// The number of those that failed.
    pub traces_with_error: u64,
    /// The input of the first root.
    pub first_input: Option<String>,
    /// The output of the last root.
    pub last_output: Option<String>,
    /// The user whom the roots name.
    pub user: Option<String>,
    /// Of all traces.
    pub prompt_tokens: f64,
    /// Of all traces.
    pub completion_tokens: f64,
    /// `None` until Phoenix has computed it.
    pub cost: Option<Cost>,
}

impl Session {
    pub(super) const FIELDS: &str = concat!(
        "sessionId numTraces numTracesWithError firstInput { value } lastOutput { value } userId ",
        "tokenUsage { prompt completion } ",
        cost_fields!()
    );

    pub(super) fn read(session: &Value) -> Self {
        Self {
            id: text(&session["sessionId"]),
            traces: count(&session["numTraces"]),
            traces_with_error: count(&session["numTracesWithError"]),
            first_input: optional_text(&session["firstInput"]["value"]),
            last_output: optional_text(&session["lastOutput"]["value"]),
            user: optional_text(&session["userId"]),
            prompt_tokens: number(&session["tokenUsage"]["prompt"]),
            completion_tokens: number(&session["tokenUsage"]["completion"]),
            cost: Cost::read(&session["costSummary"]),
        }
    }
}

/// Tokens and their price, by Phoenix's price list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The prompt, cache included.
    pub prompt: Amount,
    /// The completion.
    pub completion: Amount,
    /// The total.
    pub total: Amount,
}

impl Cost {
    pub(super) const FIELDS: &str = cost_fields!();

    pub(super) fn read(cost: &Value) -> Option<Self> {
        cost["total"]["cost"].is_number().then(|| Self {
            prompt: Amount::read(&cost["prompt"]),
            completion: Amount::read(&cost["completion"]),
            total: Amount::read(&cost["total"]),
        })
    }
}

/// A part of a [`Cost`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    /// Phoenix counts whole tokens as floating-point numbers.
    pub tokens: f64,
    /// In US dollars.
    pub dollars: f64,
}

impl Amount {
    fn read(amount: &Value) -> Self {
        Self { tokens: number(&amount["tokens"]), dollars: number(&amount["cost"]) }
    }
}

/// Converts every element of a JSON list.
pub(super) fn list<T>(values: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    values.as_array().into_iter().flatten().map(read).collect()
}

/// A JSON text that may be null.
pub(super) fn optional_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[track_caller]
fn text(value: &Value) -> String {
    optional_text(value).unwrap_or_else(|| panic!("Phoenix answered {value} for a text"))
}

#[track_caller]
fn time(value: &Value) -> SystemTime {
    timestamp::parse(&text(value))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
