//! What generated code may call, and nothing else. It is not part of the public API and may change in any release.

pub use core::clone::Clone;
pub use core::convert::Infallible as Never;
pub use core::option::Option::{None, Some};
pub use core::result::Result::{Err, Ok};
pub use std::boxed::Box;

pub use opentelemetry::trace::SpanKind::{Client, Internal};

pub use crate::capture::{Body, Capture, Fixed, Item};
pub use crate::meter::{Implied, InstrumentKind, Metric, On, Slot};
pub use crate::metrics::business::{Measurement, MetricItems};
pub use crate::privacy::REDACTED;
pub use crate::span::{
    CallScope, Conclude, Ending, Items, Measured, Opening, Replayed, ReturnType, Site, Span, SpanItems,
    Streamed, answered, fallible, future, future_with_scope, guard, hint, iterate, map_outcome,
    may_ask_tracing, ready, recorded_items, running_items, start_time, stream, sync, sync_with_scope,
};
