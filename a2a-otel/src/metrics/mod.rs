//! Metrics: what attribute macros measure and, with the feature `metrics`, how to read it.

pub(crate) mod business;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
mod reader;

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
