//! A trace as data: it is recorded from a capture, kept in a file, and read back.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use serde_json::{Map, Value as Json, json};

use super::capture::{Captured, Capturing, tree_of};
use super::{time, value};
use crate::semconv::openinference::SPAN_KIND;

/// The spans of one or more traces, for [`diff`](super::diff) and [`replay`](super::replay).
///
/// They come from a [capture](Capturing::trace), from a [file](Self::read) or from [Phoenix](Self::from_phoenix_json).
///
/// ```
/// use a2a_otel::testing::{Trace, capture};
///
/// #[a2a_otel::tool_span]
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
///
/// let capturing = capture();
/// add(1, 2);
/// let trace = capturing.trace();
/// # let path = std::env::temp_dir().join(format!("a2a-otel-{}-trace.jsonl", std::process::id()));
/// trace.write(&path)?;
/// assert_eq!(Trace::read(&path)?, trace);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    spans: Vec<Captured>,
}

/// Why a trace could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TraceError {
    message: String,
    source: Option<io::Error>,
}

impl TraceError {
    fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), source: None }
    }

    pub(super) fn with_advice(mut self, advice: &str) -> Self {
        self.message = format!("{}. {advice}", self.message);
        self
    }

    fn of_file(action: &str, path: &Path, source: io::Error) -> Self {
        let message = format!("cannot {action} the trace {}: {source}", path.display());
        Self { message, source: Some(source) }
    }
}

impl Capturing {
    /// Returns the spans that have ended, as a trace that can be written to a file, compared and replayed.
    ///
    /// ```
    /// let capturing = a2a_otel::testing::capture();
    /// assert!(capturing.trace().spans().is_empty());
    /// ```
    #[must_use]
    pub fn trace(&self) -> Trace {
        Trace::new(self.spans())
    }
}

impl Trace {
    /// Makes a trace of these spans, in the order of their start.
    #[must_use]
    pub fn new(mut spans: Vec<Captured>) -> Self {
        spans.sort_by_key(|span| span.start);
        Self { spans }
    }

    /// The spans, in the order of their start.
    #[must_use]
    pub fn spans(&self) -> &[Captured] {
        &self.spans
    }

    /// Returns the spans as an indented tree of kinds and names, as [`Capturing::tree`] does.
    #[must_use]
    pub fn tree(&self) -> String {
        tree_of(&self.spans)
    }

    /// Writes the trace to a file, one span a line, as JSON with sorted keys: a span that has changed is one line of a
    /// diff. Folders that do not exist are made.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), TraceError> {
        let path = path.as_ref();
        let lines =
            self.spans.iter().fold(String::new(), |lines, span| lines + &write(span).to_string() + "\n");
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(path, lines))
            .map_err(|error| TraceError::of_file("write", path, error))
    }

    /// Reads a trace that [`write`](Self::write) has written. Empty lines are skipped.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a line of it is no span. The message names the file, the line and what is wrong.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| TraceError::of_file("read", path, error))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let spans = lines.map(|(number, line)| {
            let span = serde_json::from_str(line).map_err(|error| format!("it is not JSON: {error}"));
            span.and_then(|span: Json| read(&span)).map_err(|problem| {
                TraceError::new(format_args!(
                    "{}, line {}: {problem}. Each line is a span as `Trace::write` writes it; record the trace again",
                    path.display(),
                    number + 1
                ))
            })
        });
        Ok(Self::new(spans.collect::<Result<_, _>>()?))
    }

    /// Reads the spans that Phoenix returns: the answer of `GET /v1/projects/{project}/spans`, or the list in its `data`.
    ///
    /// Phoenix stores no links and no OpenTelemetry kind, so spans have no links and are internal. It returns metadata and
    /// parameters of tools as attributes of their own.
    ///
    /// # Errors
    ///
    /// If it is no list of spans. The message names the span and what is wrong.
    ///
    /// ```
    /// use a2a_otel::testing::Trace;
    ///
    /// let answer = serde_json::json!({ "data": [{
    ///     "name": "find",
    ///     "context": { "trace_id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", "span_id": "a000000000000001" },
    ///     "span_kind": "TOOL",
    ///     "parent_id": null,
    ///     "start_time": "2026-11-23T00:34:16.410474+00:00",
    ///     "end_time": "2026-11-23T00:34:18.410474+00:00",
    ///     "status_code": "OK",
    ///     "status_message": "",
    ///     "attributes": { "output.value": "4" },
    ///     "events": [],
    /// }] });
    /// let trace = Trace::from_phoenix_json(&answer)?;
    /// assert_eq!(trace.tree(), "TOOL find\n");
    /// # Ok::<(), a2a_otel::testing::TraceError>(())
    /// ```
    pub fn from_phoenix_json(answer: &Json) -> Result<Self, TraceError> {
        let list = answer.as_array().or_else(|| answer.get("data")?.as_array());
        let list = list.ok_or_else(|| {
            TraceError::new("this is no list of spans: pass the answer of GET /v1/projects/{project}/spans")
        })?;
        let spans = list.iter().enumerate().map(|(number, span)| {
            read_phoenix(span).map_err(|problem| {
                TraceError::new(format_args!("span {} of Phoenix's answer: {problem}", number + 1))
            })
        });
        Ok(Self::new(spans.collect::<Result<_, _>>()?))
    }
}

impl From<&Capturing> for Trace {
    fn from(capturing: &Capturing) -> Self {
        capturing.trace()
    }
}

impl From<&Trace> for Trace {
    fn from(trace: &Trace) -> Self {
        trace.clone()
    }
}

/// The words for OpenTelemetry's kinds.
const KINDS: &[(&str, SpanKind)] = &[
    ("client", SpanKind::Client),
    ("server", SpanKind::Server),
    ("producer", SpanKind::Producer),
    ("consumer", SpanKind::Consumer),
    ("internal", SpanKind::Internal),
];

/// The words for a status, which are those of Phoenix.
const OK: &str = "OK";
const ERROR: &str = "ERROR";
const UNSET: &str = "UNSET";

fn write(span: &Captured) -> Json {
    let kind = KINDS.iter().find(|(_, kind)| *kind == span.opentelemetry_kind);
    let (status, message) = match &span.status {
        Status::Unset => (UNSET, ""),
        Status::Ok => (OK, ""),
        Status::Error { description } => (ERROR, &**description),
    };
    let events = span
        .events
        .iter()
        .map(|(name, attributes)| json!({ "attributes": value::write_all(attributes), "name": name }));
    json!({
        "attributes": value::write_all(&span.attributes),
        "duplicates": span.duplicates,
        "end": time::format(span.end),
        "events": events.collect::<Json>(),
        "kind": span.kind,
        "links": span.links.iter().map(write_link).collect::<Json>(),
        "name": span.name,
        "opentelemetry_kind": kind.map_or("internal", |(word, _)| word),
        "parent_id": span.parent_id.map(|id| id.to_string()),
        "span_id": span.span_id.to_string(),
        "start": time::format(span.start),
        "status": status,
        "status_message": message,
        "trace_id": span.trace_id.to_string(),
    })
}

fn write_link(link: &SpanContext) -> Json {
    json!({
        "is_remote": link.is_remote(),
        "span_id": link.span_id().to_string(),
        "trace_flags": link.trace_flags().to_u8(),
        "trace_id": link.trace_id().to_string(),
        "trace_state": link.trace_state().header(),
    })
}

fn read(span: &Json) -> Result<Captured, String> {
    let kind = text(span, "opentelemetry_kind")?;
    let (_, opentelemetry_kind) = KINDS
        .iter()
        .find(|(word, _)| *word == kind)
        .ok_or_else(|| format!("`opentelemetry_kind` is `{kind}`, which is no kind of spans"))?;
    let duplicates = list(span, "duplicates")?.iter().filter_map(Json::as_str).map(str::to_owned);
    Ok(Captured {
        name: text(span, "name")?.to_owned(),
        kind: text(span, "kind")?.to_owned(),
        opentelemetry_kind: opentelemetry_kind.clone(),
        trace_id: trace_id(span)?,
        span_id: span_id(span, "span_id")?,
        parent_id: parent_id(span)?,
        attributes: value::read_all(object(span, "attributes")?),
        duplicates: duplicates.collect(),
        events: list(span, "events")?.iter().map(read_event).collect::<Result<_, _>>()?,
        links: list(span, "links")?.iter().map(read_link).collect::<Result<_, _>>()?,
        status: read_status(span, "status")?,
        start: read_time(span, "start")?,
        end: read_time(span, "end")?,
    })
}

fn read_phoenix(span: &Json) -> Result<Captured, String> {
    let context = span.get("context").unwrap_or(&Json::Null);
    let kind = text(span, "span_kind")?.to_owned();
    let mut attributes = value::read_all(object(span, "attributes")?);
    // Phoenix tells the kind apart from the attributes.
    attributes.entry(SPAN_KIND.to_owned()).or_insert_with(|| kind.clone().into());
    let events = span.get("events").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    Ok(Captured {
        name: text(span, "name")?.to_owned(),
        kind,
        opentelemetry_kind: SpanKind::Internal,
        trace_id: trace_id(context)?,
        span_id: span_id(context, "span_id")?,
        parent_id: parent_id(span)?,
        attributes,
        duplicates: Vec::new(),
        events: events.iter().map(read_event).collect::<Result<_, _>>()?,
        links: Vec::new(),
        status: read_status(span, "status_code")?,
        start: read_time(span, "start_time")?,
        end: read_time(span, "end_time")?,
    })
}

fn read_event(
    event: &Json,
) -> Result<(String, std::collections::BTreeMap<String, opentelemetry::Value>), String> {
    Ok((text(event, "name")?.to_owned(), value::read_all(object(event, "attributes")?)))
}

fn read_link(link: &Json) -> Result<SpanContext, String> {
    let flags = link.get("trace_flags").and_then(Json::as_u64).and_then(|flags| u8::try_from(flags).ok());
    Ok(SpanContext::new(
        trace_id(link)?,
        span_id(link, "span_id")?,
        TraceFlags::new(flags.unwrap_or_default()),
        link.get("is_remote").and_then(Json::as_bool).unwrap_or_default(),
        text(link, "trace_state")?.parse().unwrap_or(TraceState::NONE),
    ))
}

fn read_status(span: &Json, key: &str) -> Result<Status, String> {
    match text(span, key)? {
        OK => Ok(Status::Ok),
        UNSET => Ok(Status::Unset),
        ERROR => Ok(Status::error(text(span, "status_message").unwrap_or_default().to_owned())),
        other => Err(format!("`{key}` is `{other}`; it should be {OK}, {ERROR} or {UNSET}")),
    }
}

fn read_time(span: &Json, key: &str) -> Result<std::time::SystemTime, String> {
    let text = text(span, key)?;
    time::parse(text)
        .ok_or_else(|| format!("`{key}` is `{text}`, which is no time as in 2026-11-23T00:34:16.41Z"))
}

fn trace_id(of: &Json) -> Result<TraceId, String> {
    let text = text(of, "trace_id")?;
    TraceId::from_hex(text)
        .map_err(|_| format!("`trace_id` is `{text}`; it should have 32 hexadecimal digits"))
}

fn span_id(of: &Json, key: &str) -> Result<SpanId, String> {
    let text = text(of, key)?;
    SpanId::from_hex(text).map_err(|_| format!("`{key}` is `{text}`; it should have 16 hexadecimal digits"))
}

fn parent_id(span: &Json) -> Result<Option<SpanId>, String> {
    match span.get("parent_id") {
        None | Some(Json::Null) => Ok(None),
        Some(_) => span_id(span, "parent_id").map(Some),
    }
}

fn text<'a>(of: &'a Json, key: &str) -> Result<&'a str, String> {
    field(of, key)?.as_str().ok_or_else(|| format!("`{key}` should be a text"))
}

fn object<'a>(of: &'a Json, key: &str) -> Result<&'a Map<String, Json>, String> {
    field(of, key)?.as_object().ok_or_else(|| format!("`{key}` should be an object"))
}

fn list<'a>(of: &'a Json, key: &str) -> Result<&'a [Json], String> {
    field(of, key)?.as_array().map(Vec::as_slice).ok_or_else(|| format!("`{key}` should be a list"))
}

fn field<'a>(of: &'a Json, key: &str) -> Result<&'a Json, String> {
    of.get(key).ok_or_else(|| format!("`{key}` is missing"))
}
