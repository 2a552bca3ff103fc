//! Records the work that another agent reports as spans below the call.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::{Number, Value};

use super::super::facts::Metadata;
use super::{KEY, KIND, MOST_STEPS, ResponseTrace, Step};
use crate::capture::{Capture, cut, encode};
use crate::privacy;
use crate::semconv::{self, openinference as names};
use crate::span;

/// Records the steps in the metadata of an answer as spans below the current one, and returns whether there were any.
pub(in super::super) fn record(metadata: &[&Metadata]) -> bool {
    let reported = metadata.iter().find_map(|metadata| metadata.get(KEY));
    let Some(trace) = reported.and_then(|trace| ResponseTrace::deserialize(trace).ok()) else { return false };
    let context = Context::current();
    let own = context.span().span_context().trace_id().to_string();
    // An agent that continues our trace has sent these spans itself.
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

    /// An agent that has more kinds than the extension adds the kind.
    fn kind(&self) -> semconv::SpanKind {
        let said = self.additional_attributes.as_ref().and_then(|attributes| attributes.get(KIND)?.as_str());
        let said = said.or(self.call_type.as_deref()).unwrap_or_default();
        semconv::SpanKind::parse(said).unwrap_or(semconv::SpanKind::Chain)
    }

    /// `left` limits the recursion if ids occur twice or parents form a circle.
    fn record(&self, steps: &[Self], parent: &Context, left: &mut usize) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let kind = self.kind();
        let name_key = match kind {
            semconv::SpanKind::Agent => Some(names::AGENT_NAME),
            semconv::SpanKind::Tool => Some(names::TOOL_NAME),
            _ => None,
        };
        let name = cut(self.name.clone().unwrap_or_else(|| "step".to_owned()));
        let mut attributes = vec![KeyValue::new(names::SPAN_KIND, kind)];
        attributes.extend(name_key.map(|key| KeyValue::new(key, name.clone())));
        if let Some(tokens) =
            self.total_tokens.as_ref().filter(|_| kind == semconv::SpanKind::Llm).and_then(whole)
        {
            attributes.push(KeyValue::new(names::LLM_TOKEN_COUNT_TOTAL, tokens));
        }
        if let Some(given) = self.parameters.as_ref().or(self.requests.as_ref()) {
            let input = privacy::encoded(kind.as_str(), names::INPUT_VALUE, || {
                encode(Capture::new(given).a2a_otel_value())
            });
            let input = input.map(|input| input.into_attributes(names::INPUT_VALUE, names::INPUT_MIME_TYPE));
            attributes.extend(input.into_iter().flatten());
        }
        privacy::screen(kind.as_str(), &mut attributes);

        let (start, end) = self.times();
        let mut builder =
            SpanBuilder::from_name(name).with_kind(SpanKind::Internal).with_attributes(attributes);
        builder.start_time = Some(start);
        let context = span::start(builder, parent);
        let children = steps.iter().filter(|step| step.parent.as_ref() == Some(&self.id));
        children.for_each(|child| child.record(steps, &context, left));
        let span = context.span();
        span.set_status(match self.error.as_ref().filter(|error| !error.is_null()) {
            Some(error) => Status::error(privacy::message(kind.as_str(), cut(text_of(error)).into())),
            None => Status::Ok,
        });
        span.end_with_timestamp(end);
    }

    /// When the step started and ended. Missing times are filled in, because every span has times.
    fn times(&self) -> (SystemTime, SystemTime) {
        let time = |text: &Option<String>| {
            text.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(SystemTime::from)
        };
        let lasted = Duration::try_from_secs_f64(
            self.latency.as_ref().and_then(Number::as_f64).unwrap_or_default() / 1000.0,
        );
        let lasted = lasted.unwrap_or_default();
        let start = time(&self.start_time)
            .or_else(|| time(&self.end_time)?.checked_sub(lasted))
            .unwrap_or_else(SystemTime::now);
        let end = time(&self.end_time).or_else(|| start.checked_add(lasted)).unwrap_or(start);
        (start, end.max(start))
    }
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| format!("{:.0}", number.as_f64()?).parse().ok())
}

fn text_of(error: &Value) -> String {
    error.as_str().map_or_else(|| error.to_string(), str::to_owned)
}
