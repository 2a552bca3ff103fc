//! Spans as examples: those that a test has captured, and those that Phoenix has.

use std::time::SystemTime;

use opentelemetry::trace::Status;
use serde::Deserialize;
use serde_json::{Value, json};

use super::PhoenixError;
use super::client::{Client, data};
use super::{Answer, Project};
use crate::dataset::{Dataset, Example};
use crate::percent::encode;
use crate::phoenix::timestamp::timestamp;
use crate::semconv::openinference::{INPUT_MIME_TYPE, INPUT_VALUE, OUTPUT_MIME_TYPE, OUTPUT_VALUE};
use crate::testing::{Captured, Trace};

/// The largest page that Phoenix returns.
const PAGE: usize = 1000;

/// How many spans are read if the user says nothing else.
const MOST: usize = 1000;

/// Which spans of a project are meant.
///
/// ```no_run
/// use std::time::{Duration, SystemTime};
///
/// use a2a_otel::phoenix::{Client, SpanQuery};
///
/// let week = Duration::from_secs(7 * 24 * 60 * 60);
/// let failed = SpanQuery::new().kind("AGENT").failed().since(SystemTime::now() - week);
/// let dataset = Client::from_env()?.spans("marketplace", &failed)?.with_name("failed last week");
/// dataset.write("evaluation/failed.jsonl")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SpanQuery {
    /// Names and values of the query's parameters.
    filters: Vec<(&'static str, String)>,
    most: usize,
}

impl Default for SpanQuery {
    fn default() -> Self {
        SpanQuery { filters: Vec::new(), most: MOST }
    }
}

impl SpanQuery {
    /// Asks for the newest 1,000 spans.
    pub fn new() -> Self {
        SpanQuery::default()
    }

    /// Asks only for spans that failed.
    pub fn failed(self) -> Self {
        self.with("status_code", "ERROR".to_owned())
    }

    /// Asks only for spans of this kind, such as `AGENT` or `LLM`. Called twice, it asks for spans of either kind.
    pub fn kind(self, kind: &str) -> Self {
        self.with("span_kind", kind.to_ascii_uppercase())
    }

    /// Asks only for spans of this name. Called twice, it asks for spans of either name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with("name", name.into())
    }

    /// Asks only for spans that started at this time or later.
    pub fn since(self, time: SystemTime) -> Self {
        self.with("start_time", timestamp(time))
    }

    /// Asks only for spans that started before this time.
    pub fn until(self, time: SystemTime) -> Self {
        self.with("end_time", timestamp(time))
    }

    /// Asks only for spans without a parent.
    pub fn roots(self) -> Self {
        self.with("parent_id", "null".to_owned())
    }

    /// Asks only for spans of this trace: 32 hexadecimal digits. Called twice, it asks for spans of either trace.
    pub fn trace(self, trace_id: impl Into<String>) -> Self {
        self.with("trace_id", trace_id.into())
    }

    /// Sets how many spans are returned at most: the newest.
    pub fn limit(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.filters.push((name, value));
        self
    }

    fn path(&self, project_id: &str) -> String {
        let limit = self.most.clamp(1, PAGE);
        let filters = self.filters.iter().map(|(name, value)| format!("&{name}={}", encode(value)));
        let filters = filters.collect::<Vec<_>>().concat();
        format!("/v1/projects/{}/spans?limit={limit}{filters}", encode(project_id))
    }
}

/// A span, as Phoenix returns it.
#[derive(Deserialize)]
struct StoredSpan {
    name: String,
    context: SpanContext,
    span_kind: String,
    status_code: String,
    #[serde(default)]
    status_message: String,
    #[serde(default)]
    attributes: Value,
}

#[derive(Deserialize)]
struct SpanContext {
    trace_id: String,
    span_id: String,
}

/// What of a span an example is made of.
struct Seen<'a> {
    name: &'a str,
    kind: &'a str,
    trace_id: String,
    span_id: String,
    /// The status message of a span that failed.
    error: Option<&'a str>,
    input: Option<Value>,
    output: Option<Value>,
}

impl Client {
    /// Returns the spans of a project as a dataset that is named after it, in the order in which Phoenix stored them.
    ///
    /// The input of each example is the span's, what is expected is its output, unless the span
    /// failed. Its metadata names the span's kind
    /// (`span_kind`), name (`span_name`) and trace (`trace_id`), and the status of a span that failed (`error`). Its id is
    /// made of the span's. Spans without an input are left out.
    ///
    /// # Errors
    ///
    /// If there is no such project, or Phoenix does not answer, or refuses.
    pub fn spans(&self, project: &str, query: &SpanQuery) -> Result<Dataset, PhoenixError> {
        let spans = self.spans_json(project, query)?.into_iter().map(|span| {
            serde_json::from_value::<StoredSpan>(span)
                .map_err(|error| PhoenixError::Unreadable(error.to_string()))
        });
        let mut spans = spans.collect::<Result<Vec<_>, _>>()?;
        // Phoenix returns the newest first.
        spans.reverse();
        let examples = spans.iter().filter_map(|span| Seen::from(span).into_example());
        Ok(Dataset::new(project).with_examples(examples))
    }

    /// Returns a trace of a project, for [`testing::diff`](crate::testing::diff) and [`testing::replay`](crate::testing::replay).
    ///
    /// # Errors
    ///
    /// If there is no such project, or Phoenix does not answer, or refuses.
    ///
    /// ```no_run
    /// use a2a_otel::phoenix::Client;
    ///
    /// let trace = Client::from_env()?.trace("marketplace", "f3ec5bd7c9b8b1c1d5b5e0cc4b8ef1a0")?;
    /// trace.write("tests/recordings/marketplace.jsonl")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trace(&self, project: &str, trace_id: impl Into<String>) -> Result<Trace, PhoenixError> {
        let query = SpanQuery::new().trace(trace_id).limit(usize::MAX);
        let spans = Value::Array(self.spans_json(project, &query)?);
        Trace::from_phoenix_json(&spans).map_err(|error| PhoenixError::Unreadable(error.to_string()))
    }

    /// Returns the spans of a project, the newest first, as Phoenix writes them.
    fn spans_json(&self, project: &str, query: &SpanQuery) -> Result<Vec<Value>, PhoenixError> {
        if query.most == 0 {
            return Ok(Vec::new());
        }
        let id = self.project_id(project)?;
        self.all(&query.path(&id), query.most)
    }

    /// Phoenix accepts a name in the path only if it is made of plain characters. Every name can be searched for.
    fn project_id(&self, name: &str) -> Result<String, PhoenixError> {
        let encoded = encode(name).to_string();
        if encoded == name {
            return Ok(name.to_owned());
        }
        let found: Answer<Vec<Project>> = self.get(&format!(
            "/v1/projects?limit=100&include_experiment_projects=true&name_contains={encoded}"
        ))?;
        let project = data(found).into_iter().find(|project| project.name == name);
        project.map(|project| project.id).ok_or_else(|| PhoenixError::Rejected {
            request: "GET /v1/projects".to_owned(),
            status: 404,
            reason: format!("there is no project `{name}`; check the name"),
        })
    }
}

impl Dataset {
    /// Makes an example of each span that has an input, as [`Client::spans`] does.
    ///
    /// ```
    /// use a2a_otel::evaluation::Dataset;
    ///
    /// #[a2a_otel::agent_span]
    /// fn answer(question: &str) -> String {
    ///     format!("You asked: {question}")
    /// }
    ///
    /// let capturing = a2a_otel::testing::capture();
    /// answer("Which lamps do you have?");
    /// let dataset = Dataset::from_spans("answers", &capturing.spans());
    /// let example = &dataset.examples()[0];
    /// assert_eq!(example.input(), "Which lamps do you have?");
    /// assert_eq!(example.expected(), "You asked: Which lamps do you have?");
    /// ```
    #[must_use]
    pub fn from_spans(name: impl Into<String>, spans: &[Captured]) -> Self {
        Dataset::new(name).with_examples(spans.iter().filter_map(|span| Seen::from(span).into_example()))
    }
}

impl Seen<'_> {
    fn into_example(self) -> Option<Example> {
        let example = Example::new(self.input?)
            .with_expected(self.output.filter(|_| self.error.is_none()))
            .with_metadata("span_kind", self.kind)
            .with_metadata("span_name", self.name)
            .with_metadata("trace_id", self.trace_id);
        let example =
            self.error.into_iter().fold(example, |example, error| example.with_metadata("error", error));
        Some(example.with_id(format!("span-{}", self.span_id)).with_span_id(self.span_id))
    }
}

impl<'a> From<&'a StoredSpan> for Seen<'a> {
    fn from(span: &'a StoredSpan) -> Self {
        let text = |key: &str| span.attributes[key].as_str();
        Seen {
            name: &span.name,
            kind: &span.span_kind,
            trace_id: span.context.trace_id.clone(),
            span_id: span.context.span_id.clone(),
            error: (span.status_code == "ERROR").then_some(span.status_message.as_str()),
            input: text(INPUT_VALUE).map(|value| read(value, text(INPUT_MIME_TYPE))),
            output: text(OUTPUT_VALUE).map(|value| read(value, text(OUTPUT_MIME_TYPE))),
        }
    }
}

impl<'a> From<&'a Captured> for Seen<'a> {
    fn from(span: &'a Captured) -> Self {
        Seen {
            name: &span.name,
            kind: &span.kind,
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            error: match &span.status {
                Status::Error { description } => Some(description),
                Status::Ok | Status::Unset => None,
            },
            input: span.text(INPUT_VALUE).map(|value| read(value, span.text(INPUT_MIME_TYPE))),
            output: span.text(OUTPUT_VALUE).map(|value| read(value, span.text(OUTPUT_MIME_TYPE))),
        }
    }
}

/// Reads a value as JSON if the span says that it is. A value that was cut is none, and stays a text.
fn read(value: &str, mime_type: Option<&str>) -> Value {
    let is_json = mime_type == Some("application/json");
    is_json.then(|| serde_json::from_str(value).ok()).flatten().unwrap_or_else(|| json!(value))
}
