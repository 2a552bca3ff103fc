//! Metrics: what attribute macros measure and, with the feature `metrics`, how to read it.

pub(crate) mod business;
#[cfg(all(feature = "testing", feature = "metrics"))]
mod captured;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
pub(crate) mod prometheus;
#[cfg(feature = "metrics")]
mod reader;

#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) use self::captured::CapturedFigures;
#[cfg(feature = "metrics")]
pub(crate) use self::reader::Meters;
#[cfg(feature = "metrics")]
pub use self::reader::{Distribution, Instrument, MetricsSnapshot, Point, Reading};
pub use crate::meter::{Amount, InstrumentKind};
