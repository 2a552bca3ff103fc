//! Context across processes: W3C trace context and baggage, out of and into what a protocol carries.
//!
//! A2A carries it in HTTP headers ([`ServiceParams`]), MCP in the `_meta` of a request's parameters ([`Meta`],
//! SEP-414). Other carriers are as far away as an implementation of OpenTelemetry's two traits.
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
mod carriers;

use opentelemetry::Context;
use opentelemetry::global::{get_text_map_propagator, set_text_map_propagator};
use opentelemetry::propagation::{Extractor, Injector, TextMapCompositePropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

pub(crate) use self::baggage::report_oversize;
pub use self::carriers::{Meta, MetaRef, ServiceParams, ServiceParamsRef};

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
/// What is absent or malformed is ignored: the answer is then the current context.
#[must_use]
pub fn extract(carrier: &impl Extractor) -> Context {
    get_text_map_propagator(|propagator| propagator.extract(carrier))
}
