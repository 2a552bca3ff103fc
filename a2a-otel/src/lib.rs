//! Observe AI agents: see every run as one trace in Arize Phoenix.

#[cfg(feature = "tracing")]
mod bridge;
mod capture;
#[cfg(feature = "tracing")]
mod context;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "otlp")]
mod phoenix;
pub mod pipeline;
mod span;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "tracing")]
pub use bridge::tracing_layer;
pub use pipeline::{Delivery, TreePrinter};
pub use telemetry::{Builder, Health, InitError, Settings, Telemetry, init};
