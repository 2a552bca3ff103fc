//! What an agent that knows nothing of OpenTelemetry tells of its work: the traceability extension.
//!
//! Source: `a2aproject/a2a-samples`, `extensions/traceability/v1`. Its text and its implementation differ; this is the form
//! that the implementation writes.

use std::time::{Duration, SystemTime};

use a2a_client::ServiceParams;
use chrono::DateTime;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::Value;

use super::facts::Metadata;
use crate::capture::{Capture, cut, encode};
use crate::privacy;
use crate::semconv::openinference as names;
use crate::span::foreign;

/// What activates it.
const URI: &str = "https://github.com/a2aproject/a2a-samples/extensions/traceability/v1";

/// Where it stands in the metadata.
const KEY: &str = "github.com/a2aproject/a2a-samples/extensions/traceability/v1/traceability";

/// An agent must not fill our traces.
const MOST_STEPS: usize = 1000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseTrace {
    trace_id: Option<String>,
    steps: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    #[serde(rename = "step_id")]
    id: String,
    #[serde(rename = "parent_step_id")]
    parent: Option<String>,
    call_type: Option<String>,
    name: Option<String>,
    parameters: Option<Value>,
    requests: Option<Value>,
    start_time: Option<String>,
    end_time: Option<String>,
    /// In milliseconds, and not whole where it has been through a protocol buffer.
    latency: Option<f64>,
    error: Option<Value>,
}

/// Asks the agent for it.
pub(super) fn ask(params: &mut ServiceParams) {
    let extensions = params.entry(::a2a::SVC_PARAM_EXTENSIONS.to_owned()).or_default();
    if !extensions.iter().any(|list| list.split(',').any(|uri| uri.trim() == URI)) {
        extensions.push(URI.to_owned());
    }
}

/// Makes the steps that the metadata of an answer tells of spans below the current one, and says whether there were any.
pub(super) fn record(metadata: &[&Metadata]) -> bool {
    let told = metadata.iter().find_map(|metadata| metadata.get(KEY));
    let Some(trace) = told.and_then(|trace| ResponseTrace::deserialize(trace).ok()) else { return false };
    let context = Context::current();
    let own = context.span().span_context().trace_id().to_string();
    // An agent that goes on with our trace has sent these spans itself.
    if trace.trace_id.as_ref() != Some(&own) {
        let steps = trace.steps.iter().take(MOST_STEPS);
        let steps: Vec<_> = steps.filter_map(|step| Step::deserialize(step).ok()).collect();
        let roots = steps.iter().filter(|step| step.parent_among(&steps).is_none());
        let mut left = steps.len();
        roots.for_each(|root| root.record(&steps, &context, &mut left));
    }
    true
}

impl Step {
    fn parent_among<'a>(&self, steps: &'a [Self]) -> Option<&'a Self> {
        let parent = self.parent.as_deref().filter(|id| !id.is_empty())?;
        steps.iter().find(|step| step.id == parent)
    }

    /// `left` ends it where ids are given twice, or parents go round in a circle.
    fn record(&self, steps: &[Self], parent: &Context, left: &mut usize) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let (kind, name_key) = match self.call_type.as_deref() {
            Some("AGENT") => ("AGENT", Some(names::AGENT_NAME)),
            Some("TOOL") => ("TOOL", Some(names::TOOL_NAME)),
            _ => ("CHAIN", None),
        };
        let name = cut(self.name.clone().unwrap_or_else(|| "step".to_owned()));
        let mut attributes = vec![KeyValue::new(names::SPAN_KIND, kind)];
        attributes.extend(name_key.map(|key| KeyValue::new(key, name.clone())));
        if let Some(given) = self.parameters.as_ref().or(self.requests.as_ref()) {
            let input =
                privacy::encoded(kind, names::INPUT_VALUE, || encode(Capture::new(given).a2a_otel_value()));
            let input = input.map(|input| input.into_attributes(names::INPUT_VALUE, names::INPUT_MIME_TYPE));
            attributes.extend(input.into_iter().flatten());
        }
        privacy::screen(kind, &mut attributes);

        let (start, end) = self.times();
        let mut builder =
            SpanBuilder::from_name(name).with_kind(SpanKind::Internal).with_attributes(attributes);
        builder.start_time = Some(start);
        let context = foreign(builder, parent);
        let children = steps.iter().filter(|step| step.parent.as_ref() == Some(&self.id));
        children.for_each(|child| child.record(steps, &context, left));
        let span = context.span();
        span.set_status(match self.error.as_ref().filter(|error| !error.is_null()) {
            Some(error) => Status::error(privacy::message(kind, cut(text_of(error)).into())),
            None => Status::Ok,
        });
        span.end_with_timestamp(end);
    }

    /// When it began and ended. What it does not say is filled in, for every span has times.
    fn times(&self) -> (SystemTime, SystemTime) {
        let time = |text: &Option<String>| {
            text.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(SystemTime::from)
        };
        let lasted = Duration::try_from_secs_f64(self.latency.unwrap_or_default() / 1000.0);
        let lasted = lasted.unwrap_or_default();
        let start = time(&self.start_time)
            .or_else(|| time(&self.end_time)?.checked_sub(lasted))
            .unwrap_or_else(SystemTime::now);
        let end = time(&self.end_time).or_else(|| start.checked_add(lasted)).unwrap_or(start);
        (start, end.max(start))
    }
}

fn text_of(error: &Value) -> String {
    error.as_str().map_or_else(|| error.to_string(), str::to_owned)
}
