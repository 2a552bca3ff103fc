//! What becomes of the context that a request brings.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::extract;
use crate::context::with_attributes;
use crate::semconv::ours::{REMOTE_SPAN_ID, REMOTE_TRACE_ID};

/// What a listener makes of the trace, session and user that a request names.
///
/// Everybody who can reach a listener can send these headers. [`Continue`](Self::Continue) is right between agents of one
/// owner; an agent that strangers reach wants [`Restart`](Self::Restart), or they write into its traces, decide with their
/// sampled flag what is recorded, and speak in the name of its users.
///
/// ```
/// use std::collections::HashMap;
///
/// use a2a_otel::opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
/// use a2a_otel::propagation::InboundPolicy;
///
/// # let _capturing = a2a_otel::testing::capture();
/// # async fn answer() {}
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let headers = HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
/// let context = InboundPolicy::Restart.extract(&headers);
/// assert!(!context.has_active_span());
/// let work = answer().with_context(context);
/// # drop(work);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InboundPolicy {
    /// The spans go on with the caller's trace, session and user, as every instrumentation of OpenTelemetry's does.
    #[default]
    Continue,
    /// The spans begin a trace of their own, in which each has the caller's ids as `a2a_otel.remote.trace_id` and
    /// `a2a_otel.remote.span_id`, so that both traces can be found from either. Session and user are not taken over.
    Restart,
    /// The spans begin a trace of their own, and what the caller says is forgotten.
    Drop,
}

/// Marks a context in which a listener has decided, so that nobody behind it decides otherwise.
struct Decided;

impl InboundPolicy {
    /// The context in which a request is to be worked on.
    ///
    /// What is absent, malformed or too long is ignored, as [`propagation::extract`](extract) does.
    #[must_use]
    pub fn extract(self, carrier: &impl Extractor) -> Context {
        let context = match self {
            Self::Continue => extract(carrier),
            Self::Restart => restarted(carrier),
            Self::Drop => detached(),
        };
        context.with_value(Decided)
    }

    /// The same, unless a layer in front has decided, or the current span will do as the parent.
    ///
    /// That span may be of a middleware that knows nothing of the caller, in a trace of its own, and then the caller goes
    /// before; or of one that has gone on with the caller's trace, and then it is between the caller and us.
    #[cfg(feature = "a2a")]
    pub(crate) fn accept(self, carrier: &impl Extractor) -> Context {
        let context = Context::current();
        if context.get::<Decided>().is_some() {
            return context;
        }
        let current = context.span().span_context().clone();
        if !current.is_valid() {
            return self.extract(carrier);
        }
        let caller = caller(carrier);
        let is_callers = current.trace_id() == caller.trace_id();
        let will_do = match self {
            Self::Continue => is_callers || !caller.is_valid(),
            Self::Restart | Self::Drop => !is_callers,
        };
        if will_do { context } else { self.extract(carrier) }
    }
}

/// The span that a request names, if any.
fn caller(carrier: &impl Extractor) -> SpanContext {
    let _blank = Context::new().attach();
    extract(carrier).span().span_context().clone()
}

fn restarted(carrier: &impl Extractor) -> Context {
    let remote = caller(carrier);
    if !remote.is_valid() {
        return detached();
    }
    let ids = [
        KeyValue::new(REMOTE_TRACE_ID, remote.trace_id().to_string()),
        KeyValue::new(REMOTE_SPAN_ID, remote.span_id().to_string()),
    ];
    with_attributes(&detached(), &ids, false)
}

/// The current context without a span to be below, and without what came from elsewhere.
fn detached() -> Context {
    let context = Context::current();
    if context.has_active_span() {
        // The way to have no active span is to have no context.
        return Context::new();
    }
    if context.baggage().is_empty() { context } else { context.with_baggage(Vec::<KeyValue>::new()) }
}
