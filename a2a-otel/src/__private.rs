//! What generated code may call, and nothing else. Not part of the public API: it may change with any release.

pub use core;
pub use core::clone::Clone;
pub use core::option::Option::Some;
pub use core::result::Result::{Err, Ok};

pub use opentelemetry::trace::SpanKind;

pub use crate::capture::Capture;
pub use crate::metrics::InstrumentKind;
pub use crate::metrics::business::{Implied, Measurement, Metric};
pub use crate::span::{
    Failure, Recorder, Site, Span, Split, boxed, eager, fallible, future, hint, keep, sync,
};
