//! One answer to an example, as evaluators see it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::Value as Attribute;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::Example;
use crate::semconv::SpanKind;
use crate::semconv::openinference as names;
use crate::testing::{Captured, tree_of};

/// What a task answered to an example, and what its trace shows. Copies are cheap.
///
/// ```
/// use a2a_otel::evaluation::Run;
///
/// // An evaluator: the answer names everything that is expected.
/// fn is_complete(run: &Run) -> bool {
///     let answer = run.output_text();
///     run.expected().as_array().is_none_or(|names| {
///         names.iter().filter_map(|name| name.as_str()).all(|name| answer.contains(name))
///     })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Run(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    example: Example,
    record: RunRecord,
    spans: Vec<Captured>,
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunRecord {
    pub(super) example: String,
    pub(super) repetition: u32,
    pub(super) output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Microseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<String>,
    #[serde(default)]
    pub(super) facts: Facts,
}

/// What the trace of a run shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// The tools that were called, in order.
    pub(super) tools: Vec<String>,
    /// The agents that worked on it, in order.
    pub(super) agents: Vec<String>,
    /// How often a model was called.
    pub(super) model_calls: u64,
    pub(super) prompt_tokens: i64,
    pub(super) completion_tokens: i64,
    /// In US dollars, if the cost of at least one call is known.
    pub(super) cost: Option<f64>,
    /// The trace as an indented tree.
    pub(super) tree: String,
}

impl Run {
    pub(super) fn new(example: Example, record: RunRecord, spans: Vec<Captured>) -> Self {
        Self(Arc::new(Inner { example, record, spans }))
    }

    pub(super) fn record(&self) -> &RunRecord {
        &self.0.record
    }

    /// The example that was answered.
    #[must_use]
    pub fn example(&self) -> &Example {
        &self.0.example
    }

    /// The input of the example.
    #[must_use]
    pub fn input(&self) -> &Value {
        self.0.example.input()
    }

    /// What the example expects, or `null`.
    #[must_use]
    pub fn expected(&self) -> &Value {
        self.0.example.expected()
    }

    /// Which repetition this is, counted from 1.
    #[must_use]
    pub fn repetition(&self) -> u32 {
        self.0.record.repetition
    }

    /// What the task answered; `null` if it failed.
    #[must_use]
    pub fn output(&self) -> &Value {
        &self.0.record.output
    }

    /// The answer as text: a text as it is, anything else as JSON.
    #[must_use]
    pub fn output_text(&self) -> String {
        text(self.output())
    }

    /// Reads the answer as a type.
    ///
    /// # Errors
    ///
    /// If the answer does not have the type's form.
    pub fn parse_output<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.output())
    }

    /// Why the task failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.0.record.error.as_deref()
    }

    /// How long the task took.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.0.record.duration()
    }

    /// The trace of the run: 32 hexadecimal digits, if it was sampled.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.0.record.trace_id.as_deref()
    }

    /// The names of the tools that were called, in order. A call that both its client and its server recorded counts once.
    #[must_use]
    pub fn tool_calls(&self) -> &[String] {
        &self.0.record.facts.tools
    }

    /// The names of the agents that worked on the answer, in the order in which they started, one for each of their runs.
    #[must_use]
    pub fn agents(&self) -> &[String] {
        &self.0.record.facts.agents
    }

    /// How many calls of models and tools the answer took.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.record.facts.model_calls + self.tool_calls().len() as u64
    }

    /// The tokens of all model calls, of prompts and answers together.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        self.0.record.facts.prompt_tokens + self.0.record.facts.completion_tokens
    }

    /// The cost of all model calls in US dollars, if spans have a cost: with the feature `cost`, or set by the agent.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        self.0.record.facts.cost
    }

    /// The spans of the run that were recorded in this process.
    #[must_use]
    pub fn spans(&self) -> &[Captured] {
        &self.0.spans
    }
}

impl RunRecord {
    /// How long the task took.
    pub(super) fn duration(&self) -> Duration {
        Duration::from_micros(self.end.saturating_sub(self.start))
    }
}

/// A text as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Microseconds since 1970.
pub(super) fn microseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The inverse of [`microseconds`].
#[cfg(feature = "otlp")]
pub(super) fn time(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}

impl Facts {
    pub(super) fn of(spans: &[Captured]) -> Self {
        let is_model = |span: &&Captured| span.kind == SpanKind::Llm.as_str();
        // A model's span below another is the same call, seen by its client.
        let is_seen_twice = |span: &Captured| parent(spans, span).is_some_and(|parent| is_model(&parent));
        let models = || spans.iter().filter(is_model).filter(|span| !is_seen_twice(span));
        let tokens = |key| models().filter_map(|span| span.number(key)).sum();
        let costs: Vec<f64> = models().filter_map(|span| number(span, names::LLM_COST_TOTAL)).collect();
        Self {
            tools: tool_calls(spans),
            agents: agents(spans),
            model_calls: models().count() as u64,
            prompt_tokens: tokens(names::LLM_TOKEN_COUNT_PROMPT),
            completion_tokens: tokens(names::LLM_TOKEN_COUNT_COMPLETION),
            cost: (!costs.is_empty()).then(|| costs.iter().sum()),
            tree: tree_of(spans),
        }
    }
}

fn number(span: &Captured, key: &str) -> Option<f64> {
    match span.attributes.get(key)? {
        Attribute::F64(number) => Some(*number),
        _ => None,
    }
}

fn parent<'a>(spans: &'a [Captured], span: &Captured) -> Option<&'a Captured> {
    spans.iter().find(|other| Some(other.span_id) == span.parent_id)
}

fn agents(spans: &[Captured]) -> Vec<String> {
    let agents = spans.iter().filter(|span| span.kind == SpanKind::Agent.as_str());
    agents.map(|span| span.text(names::AGENT_NAME).unwrap_or(&span.name).to_owned()).collect()
}

/// A tool's span below one of the same tool is the server's side of the same call.
fn tool_calls(spans: &[Captured]) -> Vec<String> {
    let is_tool = |span: &&Captured| span.kind == SpanKind::Tool.as_str();
    let tool = |span: &Captured| span.text(names::TOOL_NAME).unwrap_or(&span.name).to_owned();
    let is_server_side = |span: &Captured| {
        parent(spans, span).filter(|parent| is_tool(parent)).is_some_and(|parent| tool(parent) == tool(span))
    };
    spans.iter().filter(is_tool).filter(|span| !is_server_side(span)).map(tool).collect()
}
