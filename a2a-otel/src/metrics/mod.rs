//! Metrics: what the attributes feed, and with the feature `metrics` how to read it.

pub(crate) mod business;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
mod reader;

#[cfg(feature = "metrics")]
pub(crate) use self::reader::Meters;
#[cfg(feature = "metrics")]
pub use self::reader::{Distribution, Instrument, MetricsSnapshot, Point, Reading};

/// How an instrument adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// A sum that only grows.
    Counter,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// The distribution of all values.
    Histogram,
}
