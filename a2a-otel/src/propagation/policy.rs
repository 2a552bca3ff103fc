//! Whether the context of a request is accepted.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::extract;
use crate::context::with_attributes;
use crate::semconv::ours::{REMOTE_SPAN_ID, REMOTE_TRACE_ID};

/// What a server does with the trace, session and user of a request.
///
/// Anyone who can reach a server can send these headers. Use [`Continue`](Self::Continue) between agents of one
/// owner. For public servers use [`Restart`](Self::Restart): otherwise strangers can write into the server's traces,
/// decide with their sampled flag what is recorded, and use the ids of its users.
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
    /// Spans continue the caller's trace, session and user, as with every OpenTelemetry instrumentation.
    #[default]
    Continue,
    /// Spans start a new trace and record the caller's ids as `a2a_otel.remote.trace_id` and `a2a_otel.remote.span_id`,
    /// so that either trace can be found from the other. Session and user are not accepted.
    Restart,
    /// Spans start a new trace, and the caller's headers are ignored.
    Drop,
}

/// Marks a context for which a policy was applied, so that no other policy is applied later.
struct Decided {
    /// Whether the request names its caller's span, whatever the policy made of that.
    #[cfg_attr(
        not(any(feature = "a2a", feature = "mcp")),
        expect(dead_code, reason = "only these count requests")
    )]
    has_caller: bool,
}

/// Whether the request of a context for which a policy was applied names its caller's span.
#[cfg(any(feature = "a2a", feature = "mcp"))]
pub(crate) fn has_caller(context: &Context) -> bool {
    context.get::<Decided>().is_some_and(|decided| decided.has_caller)
}

/// The context in which a layer passes a request on, for a server that works on it in another task. It travels with the
/// request, as an extension.
#[cfg(feature = "mcp")]
#[derive(Clone)]
pub(crate) struct Arrival(pub(crate) Context);

/// Hides the span that a carrier names, and shows the rest.
#[cfg(any(feature = "http", feature = "mcp"))]
struct WithoutSpan<'a, C>(&'a C);

#[cfg(any(feature = "http", feature = "mcp"))]
impl<C: Extractor> Extractor for WithoutSpan<'_, C> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "baggage" { self.0.get(key) } else { None }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["baggage"]
    }
}

/// Returns a context if its own span is one of this process, in this trace.
#[cfg(any(feature = "http", feature = "mcp"))]
fn local_in(context: &Context, caller: &SpanContext) -> bool {
    let span = context.span();
    let here = span.span_context();
    here.is_valid() && !here.is_remote() && (!caller.is_valid() || here.trace_id() == caller.trace_id())
}

impl InboundPolicy {
    /// Like [`extract`](Self::extract), but a current span that continues the caller's trace stays the parent: it is
    /// between the caller and us.
    #[cfg(feature = "http")]
    pub(crate) fn extract_within(self, carrier: &impl Extractor) -> Context {
        let context = Context::current();
        if self != Self::Continue || !context.has_active_span() {
            return self.extract(carrier);
        }
        let caller = caller(carrier);
        if !local_in(&context, &caller) {
            return self.extract(carrier);
        }
        extract(&WithoutSpan(carrier)).with_value(Decided { has_caller: caller.is_valid() })
    }

    /// Returns the context for the work on a request that names its caller in two places. What the message says comes
    /// first, then what a layer has made of the headers, then the headers.
    #[cfg(feature = "mcp")]
    pub(crate) fn extract_first(
        self,
        message: &impl Extractor,
        headers: &impl Extractor,
        arrival: Option<&Arrival>,
    ) -> Context {
        let said = self.extract(message);
        match arrival {
            Some(Arrival(arrival)) if self == Self::Continue && !has_caller(&said) => arrival.clone(),
            Some(Arrival(arrival))
                if self == Self::Continue && local_in(arrival, said.span().span_context()) =>
            {
                let _entered = arrival.clone().attach();
                extract(&WithoutSpan(message)).with_value(Decided { has_caller: true })
            }
            _ if has_caller(&said) => said,
            _ => self.extract(headers),
        }
    }

    /// Returns the context for the work on a request.
    ///
    /// Headers that are absent, malformed or too long are ignored, as in [`propagation::extract`](extract).
    #[must_use]
    pub fn extract(self, carrier: &impl Extractor) -> Context {
        let (context, has_caller) = match self {
            Self::Continue => {
                let context = extract(carrier);
                let has_caller = context.span().span_context().is_remote();
                (context, has_caller)
            }
            Self::Restart => {
                let remote = caller(carrier);
                (restarted(&remote), remote.is_valid())
            }
            Self::Drop => (detached(), caller(carrier).is_valid()),
        };
        context.with_value(Decided { has_caller })
    }

    /// Like [`extract`](Self::extract), unless a layer in front has applied a policy, or the current span can be the
    /// parent.
    ///
    /// If the current span belongs to a middleware that started a trace of its own, the caller takes precedence. If it
    /// continues the caller's trace, it is between the caller and us, and stays the parent.
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
        if will_do {
            context.with_value(Decided { has_caller: caller.is_valid() })
        } else {
            self.extract(carrier)
        }
    }
}

/// Returns the span that a request names, if any.
fn caller(carrier: &impl Extractor) -> SpanContext {
    let _blank = Context::new().attach();
    extract(carrier).span().span_context().clone()
}

fn restarted(remote: &SpanContext) -> Context {
    if !remote.is_valid() {
        return detached();
    }
    let ids = [
        KeyValue::new(REMOTE_TRACE_ID, remote.trace_id().to_string()),
        KeyValue::new(REMOTE_SPAN_ID, remote.span_id().to_string()),
    ];
    with_attributes(&detached(), &ids, false)
}

/// Returns the current context without a parent span and without anything that came from another process.
fn detached() -> Context {
    let context = Context::current();
    if context.has_active_span() {
        // Only an empty context has no active span.
        return Context::new();
    }
    if context.baggage().is_empty() { context } else { context.with_baggage(Vec::<KeyValue>::new()) }
}
