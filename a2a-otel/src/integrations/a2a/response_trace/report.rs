//! Reports the work of this agent, if the caller asks: the spans below the request, without their contents.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use a2a_server::ServiceParams;
use chrono::{DateTime, Utc};
use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Context, Value as Attribute};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Number, Value, json};

use super::super::facts::Metadata;
use super::{KEY, KIND, MOST_STEPS, Step, is_asked};
use crate::attributes::find;
use crate::lock::lock;
use crate::pipeline::{Witness, witnessed};
use crate::semconv::{SpanKind, openinference as names};

/// Collects the spans of one request. The first of them is the request's own, which the caller records already.
#[derive(Clone, Default)]
pub(in super::super) struct Reporter(Arc<Mutex<Vec<Seen>>>);

struct Seen {
    id: SpanId,
    started: SystemTime,
    ended: Option<SystemTime>,
    step: Step,
}

impl Reporter {
    /// Starts collecting spans, if the caller asks for a report.
    pub(in super::super) fn asked(params: &ServiceParams) -> Option<Self> {
        is_asked(params).then(Self::default)
    }

    /// Returns a context whose spans are collected.
    pub(in super::super) fn watch(&self, context: &Context) -> Context {
        witnessed(context, self.clone())
    }

    /// Adds the collected spans to an answer that has a place for them and does not contain such a report already.
    pub(in super::super) fn report(&self, place: Option<&mut Option<Metadata>>) {
        if let Some(place) = place
            && let Some(trace) = self.trace()
        {
            place.get_or_insert_default().entry(KEY.to_owned()).or_insert(trace);
        }
    }

    fn trace(&self) -> Option<Value> {
        let seen = lock(&self.0);
        let (request, steps) = seen.split_first()?;
        let now = SystemTime::now();
        let steps: Vec<_> =
            steps.iter().take(MOST_STEPS).map(|seen| seen.step(&request.step.id, now)).collect();
        Some(json!({ "trace_id": request.step.trace_id, "steps": steps }))
    }
}

impl Witness for Reporter {
    fn started(&self, span: &SpanData) {
        let mut seen = lock(&self.0);
        if seen.len() <= MOST_STEPS {
            seen.push(Seen::of(span));
        }
    }

    fn ended(&self, span: &SpanData) {
        let mut seen = lock(&self.0);
        let id = span.span_context.span_id();
        if let Some(seen) = seen.iter_mut().rfind(|seen| seen.id == id) {
            *seen = Seen { ended: Some(span.end_time), ..Seen::of(span) };
        }
    }
}

impl Seen {
    fn of(span: &SpanData) -> Self {
        let attribute = |key| find(&span.attributes, key);
        let text = |key| attribute(key).map(|value| value.as_str().into_owned());
        let kind = text(KIND);
        let is_agent = kind.as_deref().and_then(SpanKind::parse) == Some(SpanKind::Agent);
        let (call_type, name) =
            if is_agent { (SpanKind::Agent, names::AGENT_NAME) } else { (SpanKind::Tool, names::TOOL_NAME) };
        let name = text(name);
        let total_tokens = match attribute(names::LLM_TOKEN_COUNT_TOTAL) {
            Some(Attribute::I64(tokens)) => Some(Number::from(*tokens)),
            _ => None,
        };
        let step = Step {
            id: span.span_context.span_id().to_string(),
            trace_id: Some(span.span_context.trace_id().to_string()),
            parent: Some(span.parent_span_id.to_string()),
            call_type: Some(call_type.as_str().to_owned()),
            name: Some(name.unwrap_or_else(|| span.name.to_string())),
            total_tokens,
            additional_attributes: kind.map(|kind| Map::from_iter([(KIND.to_owned(), kind.into())])),
            error: match &span.status {
                Status::Error { description } => Some(Value::from(&**description)),
                _ => None,
            },
            ..Step::default()
        };
        Seen { id: span.span_context.span_id(), started: span.start_time, ended: None, step }
    }

    /// Converts a span to a step. A span that has not ended yet is reported as ending with the answer.
    fn step(&self, request: &str, now: SystemTime) -> Step {
        let ended = self.ended.unwrap_or(now);
        let lasted = ended.duration_since(self.started).unwrap_or(Duration::ZERO);
        Step {
            parent: self.step.parent.clone().filter(|parent| parent != request),
            start_time: written(self.started),
            end_time: written(ended),
            latency: u64::try_from(lasted.as_millis()).ok().map(Number::from),
            ..self.step.clone()
        }
    }
}

/// Formats a time. Returns `None` if it is out of range.
fn written(time: SystemTime) -> Option<String> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let time = DateTime::<Utc>::from_timestamp(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())?;
    Some(time.to_rfc3339())
}
