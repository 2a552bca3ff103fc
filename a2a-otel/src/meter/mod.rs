//! Instruments: what the name of a metric means in this process, and how a value is recorded on the meter provider that
//! is global.

mod buckets;
#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) mod captured;
mod definition;
#[cfg(feature = "metrics")]
pub(crate) mod exemplars;
mod instruments;
mod metric;
mod number;

use std::fmt;

pub(crate) use self::instruments::{listens, record};
pub use self::metric::{Implied, Metric, On, Slot};
pub use self::number::Amount;
pub(crate) use self::number::Number;

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
