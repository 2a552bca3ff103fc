//! Instruments: what the name of a metric means in this process, and how a value is recorded on the meter provider that
//! is global.

mod buckets;
#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) mod captured;
mod definition;
#[cfg(feature = "metrics")]
pub(crate) mod exemplars;
mod instruments;
mod labels;
mod metric;
mod number;

#[cfg(feature = "metrics")]
pub(crate) use self::instruments::is_global_provider_set;
pub(crate) use self::instruments::{Provider, listens, name_provider, record, switch_off, unname_provider};
pub(crate) use self::labels::Labels;
pub use self::metric::{Implied, Metric, On, Slot};
pub use self::number::Amount;
pub(crate) use self::number::Number;
pub use crate::semconv::metrics::InstrumentKind;
