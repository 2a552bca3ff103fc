//! What a scope adds to a call that began before the scope was entered.
//!
//! A function that returns a future or a stream begins when it is called, and what it returns can be put into a scope
//! later: `with_session("s-1").wrap(answers())`. At its first poll, the call adopts what the scope sets and the call
//! has not, so that the order of call and scope makes no difference.

use opentelemetry::trace::{SpanId, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::crossing::Families;
use super::thread::map_current;
use super::{crossing_at, inherited, local_at, with_attributes};

/// The span in which a scope was entered.
struct Entered(SpanId);

/// Marks the context of a scope that is being entered.
pub(super) fn entered(context: &Context) -> Context {
    context.with_value(Entered(span_of(context)))
}

fn span_of(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}

/// Whether no span has started since the innermost scope was entered.
fn is_just_entered(context: &Context) -> bool {
    context.get::<Entered>().is_some_and(|entered| entered.0 == span_of(context))
}

/// What the scopes around this poll add to a call.
pub(crate) struct Addition {
    /// The context of the call, with everything that is added.
    pub(crate) context: Context,
    /// What the span of the call gets.
    pub(crate) attributes: Vec<KeyValue>,
    /// Whether nothing must be recorded of the call.
    pub(crate) is_suppressed: bool,
}

/// Returns what the scopes around this poll add to a call that began in another context, unless a span has started in
/// them since: then they belong to that span. What the call has inherited stays, and so do attributes of its `own`, which
/// only the calls below it do not have.
pub(crate) fn addition(began: &Context, own: Families) -> Option<Addition> {
    map_current(|now| {
        if !is_just_entered(now) {
            return None;
        }
        let inherited = Families::NONE.with(inherited(began).map(|attribute| attribute.key));
        let is_missing = |attribute: &KeyValue| !inherited.contain(attribute.key.as_str());
        let mut attributes: Vec<_> = local_at(now).iter().filter(|one| is_missing(one)).cloned().collect();
        let crossing: Vec<_> = crossing_at(now).filter(is_missing).collect();
        let is_suppressed = now.is_telemetry_suppressed() && !began.is_telemetry_suppressed();
        if attributes.is_empty() && crossing.is_empty() && !is_suppressed {
            return None;
        }
        let context = with_attributes(began, &attributes, false);
        let context = entered(&with_attributes(&context, &crossing, true));
        let context = if is_suppressed { context.with_telemetry_suppressed() } else { context };
        attributes.extend(crossing);
        attributes.retain(|attribute| !own.contain(attribute.key.as_str()));
        Some(Addition { context, attributes, is_suppressed })
    })
}
