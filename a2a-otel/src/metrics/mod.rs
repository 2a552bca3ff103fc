//! Metrics: what attribute macros measure and, with the feature `metrics`, how to read it.

mod buckets;
pub(crate) mod business;
#[cfg(all(feature = "testing", feature = "metrics"))]
mod captured;
mod definition;
mod instruments;
pub(crate) mod metric;
mod number;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
mod reader;

use std::fmt;

#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) use self::captured::CapturedFigures;
pub use self::number::Amount;
#[cfg(feature = "metrics")]
pub(crate) use self::reader::Meters;
#[cfg(feature = "metrics")]
pub use self::reader::{Distribution, Instrument, MetricsSnapshot, Point, Reading};

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// A sum that only increases.
    Counter,
    /// A sum that increases and decreases.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// The distribution of all values.
    Histogram,
}

impl fmt::Display for InstrumentKind {
    /// Writes the name that `#[business_metric]` has for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up_down_counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}
