//! What a call inherits from its callers apart from the parent span: session, user, tags, metadata, prompt template,
//! and whether it is observed at all.
//!
//! ```
//! use a2a_otel::{InCurrentSpan as _, agent_span, in_current_span, with_session};
//! use serde_json::json;
//!
//! #[agent_span]
//! async fn answer(question: String) -> String {
//!     question.to_uppercase()
//! }
//!
//! # fn serve(_: impl Future<Output = String> + Send) {}
//! // Around a future, kept over its awaits and over the threads that poll it:
//! serve(with_session("s-1").user("ada").tags(["beta"]).wrap(answer("why?".to_owned())));
//!
//! // Around a block, also one that hands work to another task or thread:
//! with_session("s-1").metadata(json!({"tier": "gold"})).run(|| {
//!     serve(answer("why?".to_owned()).in_current_span());
//!     std::thread::spawn(in_current_span(|| serve(answer("how?".to_owned()))));
//! });
//! ```
//!
//! The names are OpenInference's [context attributes](https://arize-ai.github.io/openinference/spec/), which its Python
//! package sets with `using_session`, `using_attributes` and others.

mod adopt;
mod agent;
mod carry;
mod crossing;
mod proxy;
mod scope;
mod thread;

use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::{Context, KeyValue};

pub(crate) use self::adopt::{Addition, addition};
#[cfg(feature = "tracing")]
pub(crate) use self::agent::name_agents_in_logs;
pub(crate) use self::agent::{AgentRun, are_agents_named_in_logs};
#[cfg(feature = "tokio")]
pub use self::carry::spawn;
pub use self::carry::{InCurrentSpan, in_current_span};
pub(crate) use self::crossing::{BAGGAGE_LIMIT, Families, report_oversize};
use self::crossing::{CROSSING, cross, crossed, is_replaced};
pub(crate) use self::proxy::{Entered, Proxy};
#[cfg(feature = "tracing")]
pub(crate) use self::proxy::{expect_proxies, register_proxies};
pub use self::scope::{
    InScope, Scope, suppress, with_metadata, with_prompt_template, with_session, with_tags, with_user,
};
#[cfg(feature = "tracing")]
pub(crate) use self::thread::{attach, map_current};
pub(crate) use self::thread::{current, has_context};

/// Attributes of all spans below that stay in this process.
struct Local(Vec<KeyValue>);

/// Returns the attributes that a span inherits from its context.
pub(crate) fn inherited(context: &Context) -> impl Iterator<Item = KeyValue> {
    local_at(context).iter().cloned().chain(crossing_at(context))
}

fn local_at(context: &Context) -> &[KeyValue] {
    context.get::<Local>().map_or(&[], |local| &local.0)
}

/// Returns the inherited attributes that cross to the next process.
fn crossing_at(context: &Context) -> impl Iterator<Item = KeyValue> {
    context.baggage().iter().filter_map(|(key, (value, _))| crossed(key.as_str(), value))
}

/// Adds the attributes that a span inherits from its context and does not set itself. This runs for every span, so it
/// returns early if there are none.
#[inline]
pub(crate) fn inherit(context: &Context, attributes: &mut Vec<KeyValue>) {
    if context.baggage().is_empty() && context.get::<Local>().is_none() {
        return;
    }
    for inherited in inherited(context) {
        if attributes.iter().all(|own| own.key != inherited.key) {
            attributes.push(inherited);
        }
    }
}

/// Returns the context with these attributes added or replaced. `crosses` sends all of them to the next process.
pub(crate) fn with_attributes(context: &Context, attributes: &[KeyValue], crosses: bool) -> Context {
    let is_kept = |key: &str| attributes.iter().all(|own| !is_replaced(key, own.key.as_str()));
    let outer = local_at(context).iter();
    let mut local: Vec<_> = outer.filter(|own| is_kept(own.key.as_str())).cloned().collect();
    let outer = context.baggage().iter().filter(|(key, _)| is_kept(key.as_str()));
    let mut baggage: Baggage = outer.map(|(key, value)| (key.clone(), value.clone())).collect();
    for attribute in attributes {
        let crosses = crosses || CROSSING.contains(&attribute.key.as_str());
        if !crosses || !cross(attribute, &mut baggage) {
            local.push(attribute.clone());
        }
    }
    let has_local = !local.is_empty() || context.get::<Local>().is_some();
    let context = context.with_baggage(baggage);
    if has_local { context.with_value(Local(local)) } else { context }
}
