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
#[cfg(feature = "performance")]
mod process;
#[cfg(feature = "metrics")]
pub(crate) mod prometheus;
#[cfg(feature = "metrics")]
mod reader;
#[cfg(all(feature = "performance", feature = "tokio"))]
mod runtime;
#[cfg(feature = "performance")]
mod sample;
#[cfg(all(feature = "performance", feature = "tokio"))]
mod stalls;

#[cfg(all(feature = "testing", feature = "metrics"))]
pub(crate) use self::captured::CapturedFigures;
#[cfg(feature = "performance")]
pub(crate) use self::meters::observe_performance;
#[cfg(feature = "metrics")]
pub(crate) use self::meters::{Meters, OWN_METER};
#[cfg(feature = "metrics")]
pub(crate) use self::pipeline::observe;
#[cfg(feature = "performance")]
pub use self::process::observe_process;
#[cfg(feature = "metrics")]
pub use self::reader::{Distribution, Instrument, MetricsSnapshot, Point, Reading};
#[cfg(all(feature = "performance", feature = "tokio"))]
pub use self::runtime::observe_runtime;
pub use crate::meter::{Amount, InstrumentKind};
