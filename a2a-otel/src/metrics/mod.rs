//! Metrics: what attribute macros measure and, with the feature `metrics`, how to read it.

pub(crate) mod business;
#[cfg(feature = "metrics")]
mod callbacks;
#[cfg(all(feature = "testing", feature = "metrics"))]
mod captured;
#[cfg(feature = "metrics")]
mod collect;
#[cfg(feature = "metrics")]
mod export;
#[cfg(feature = "metrics")]
mod meters;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
pub(crate) mod prometheus;
#[cfg(feature = "metrics")]
mod reader;

#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) use self::captured::CapturedFigures;
#[cfg(feature = "metrics")]
pub(crate) use self::meters::Meters;
#[cfg(feature = "metrics")]
pub use self::reader::{Distribution, Instrument, MetricsSnapshot, Point, Reading};
pub use crate::meter::{Amount, InstrumentKind};
