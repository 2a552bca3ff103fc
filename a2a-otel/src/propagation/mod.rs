//! Context across processes: W3C trace context and baggage, written to and read from the carriers of protocols.
//!
//! A2A carries it in HTTP headers ([`ServiceParams`]), MCP in the `_meta` of a request's parameters ([`Meta`],
//! SEP-414). The feature `http` adds header maps; maps of strings are carriers as they are. For other carriers,
//! implement OpenTelemetry's two traits. [`InboundPolicy`] decides what is accepted from strangers.
//!
//! ```
//! use a2a_otel::opentelemetry::trace::FutureExt as _;
//! use a2a_otel::propagation::{self, Meta, MetaRef};
//!
//! // The client, before it sends:
//! let mut meta = serde_json::Map::new();
//! propagation::inject(&mut Meta(&mut meta));
//!
//! // The server, around its work:
//! let parent = propagation::extract(&MetaRef(&meta));
//! # async fn answer() {}
//! let work = answer().with_context(parent);
//! # drop(work);
//! ```

mod baggage;
mod bounded;
mod carriers;
mod policy;
mod sendable;
mod trace_context;

#[cfg(feature = "a2a")]
use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::global::{get_text_map_propagator, set_text_map_propagator};
use opentelemetry::propagation::{Extractor, Injector, TextMapCompositePropagator, TextMapPropagator};

#[cfg(feature = "http")]
pub use self::carriers::Headers;
#[cfg(any(feature = "http", feature = "mcp"))]
pub use self::carriers::HeadersRef;
pub use self::carriers::{Meta, MetaRef, ServiceParams, ServiceParamsRef};
#[cfg(feature = "mcp")]
pub(crate) use self::policy::Arrival;
pub use self::policy::InboundPolicy;
#[cfg(any(feature = "a2a", feature = "mcp"))]
pub(crate) use self::policy::has_caller;
use self::sendable::{Sendable, SendsHeaders};

/// Installs W3C trace context and baggage as the global propagator.
pub(crate) fn install() {
    set_text_map_propagator(propagator());
}

/// Returns the propagator that [`init`](crate::init) installs: W3C trace context and baggage, which carries session and user.
/// It is for applications that set up OpenTelemetry themselves, and use our
/// [processor](crate::Builder::processor). It keeps to the limits of headers, and writes only what can be one.
///
/// ```
/// use a2a_otel::opentelemetry::global;
///
/// global::set_text_map_propagator(a2a_otel::propagation::propagator());
/// ```
#[must_use]
pub fn propagator() -> impl TextMapPropagator + Send + Sync + 'static {
    SendsHeaders(TextMapCompositePropagator::new(vec![
        Box::new(trace_context::TraceContext::default()),
        Box::new(baggage::Baggage::default()),
    ]))
}

/// Writes the current span, session, user and everything that is [propagated](crate::context::Scope::propagate) into an
/// outgoing request.
///
/// The global propagator decides what is written; [`init`](crate::init) installs W3C trace context and baggage. What cannot
/// be a header, such as a control character that a caller has sent, is left out, with the list member that contains it.
pub fn inject(carrier: &mut impl Injector) {
    get_text_map_propagator(|propagator| propagator.inject(&mut Sendable(carrier)));
}

/// Writes the current context into parameters in place of what they carry already, as they do when an agent forwards
/// those it was called with. `is_ours` names parameters that are removed too.
#[cfg(feature = "a2a")]
pub(crate) fn replace(params: &mut HashMap<String, Vec<String>>, is_ours: impl Fn(&str) -> bool) {
    get_text_map_propagator(|propagator| {
        let is_context = |name: &str| propagator.fields().any(|field| field.eq_ignore_ascii_case(name));
        params.retain(|name, _| !is_ours(name) && !is_context(name));
        propagator.inject(&mut Sendable(&mut ServiceParams(params)));
    });
}

/// Reads the caller's span, session and user from an incoming request.
///
/// Headers that are absent or malformed are ignored, as are those that are too long: a `tracestate` of more than 512
/// bytes, and `baggage` of more than 8192. If nothing is left, the current context is returned.
#[must_use]
pub fn extract(carrier: &impl Extractor) -> Context {
    get_text_map_propagator(|propagator| propagator.extract(&bounded::Bounded(carrier)))
}
