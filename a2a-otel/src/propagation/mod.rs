//! Context across processes: W3C trace context and baggage, out of and into what a protocol carries.
//!
//! A2A carries it in HTTP headers ([`ServiceParams`]), MCP in the `_meta` of a request's parameters ([`Meta`],
//! SEP-414). Feature `http` adds header maps; maps of strings are carriers as they are. Other carriers are as far away as an
//! implementation of OpenTelemetry's two traits. What a stranger may say is a matter of [`InboundPolicy`].
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

use opentelemetry::Context;
use opentelemetry::global::{get_text_map_propagator, set_text_map_propagator};
use opentelemetry::propagation::{Extractor, Injector, TextMapCompositePropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

#[cfg(feature = "http")]
pub use self::carriers::{Headers, HeadersRef};
pub use self::carriers::{Meta, MetaRef, ServiceParams, ServiceParamsRef};
pub use self::policy::InboundPolicy;

/// From now on, what crosses is W3C trace context and baggage.
pub(crate) fn install() {
    set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(baggage::Baggage::default()),
    ]));
}

/// Writes the current span, session, user and what else is [propagated](crate::context::Scope::propagate) into an
/// outgoing request.
///
/// What is written is up to the global propagator; [`init`](crate::init) installs W3C trace context and baggage.
pub fn inject(carrier: &mut impl Injector) {
    get_text_map_propagator(|propagator| propagator.inject(carrier));
}

/// Reads the caller's span, session and user from an incoming request.
///
/// What is absent or malformed is ignored: the answer is then the current context. So is what is too long: a
/// `tracestate` of more than 512 bytes, and `baggage` of more than 8192.
#[must_use]
pub fn extract(carrier: &impl Extractor) -> Context {
    get_text_map_propagator(|propagator| propagator.extract(&bounded::Bounded(carrier)))
}
