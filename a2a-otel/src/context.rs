//! What a call inherits from its callers beside the parent span: session, user, and the agent's name.
//!
//! Session and user are W3C baggage, so that they cross to the next process with the trace.

use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::{Context, KeyValue};

use crate::semconv::openinference::{SESSION_ID, USER_ID};

/// The baggage that becomes an attribute of the same name on every span.
const INHERITED: &[&str] = &[SESSION_ID, USER_ID];

/// The innermost agent, for log lines.
#[cfg(feature = "tracing")]
struct AgentName(std::borrow::Cow<'static, str>);

/// The name of the agent that is at work in a context.
#[cfg(feature = "tracing")]
pub(crate) fn agent_name(context: &Context) -> Option<&str> {
    context.get::<AgentName>().map(|name| &*name.0)
}

#[cfg(feature = "tracing")]
pub(crate) fn with_agent_name(context: &Context, name: std::borrow::Cow<'static, str>) -> Context {
    context.with_value(AgentName(name))
}

/// The attributes that a span inherits from its context.
pub(crate) fn inherited(context: &Context) -> impl Iterator<Item = KeyValue> {
    let baggage = context.baggage();
    let keys = if baggage.is_empty() { &[] } else { INHERITED };
    keys.iter().filter_map(|key| Some(KeyValue::new(*key, baggage.get(key)?.clone())))
}

/// The context with these of its inherited attributes replaced.
pub(crate) fn with_inherited(context: &Context, replaced: &[KeyValue]) -> Context {
    let kept = context.baggage().iter().map(|(key, value)| (key.clone(), value.clone()));
    let mut baggage: Baggage = kept.collect();
    for attribute in replaced {
        baggage.insert(attribute.key.clone(), attribute.value.as_str().into_owned());
    }
    context.with_baggage(baggage)
}
