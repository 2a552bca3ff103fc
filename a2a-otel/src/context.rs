//! Stub of this branch; the real module is written elsewhere.

use opentelemetry::Context;

pub(crate) fn agent_name(context: &Context) -> Option<&str> {
    context.get::<AgentName>().map(|name| name.0)
}

pub(crate) struct AgentName(pub(crate) &'static str);
