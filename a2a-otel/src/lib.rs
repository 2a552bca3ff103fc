#![doc = include_str!("../../README.md")]

#[doc(hidden)]
pub mod __private;
mod capture;
mod context;
mod llm;
mod metrics;
pub mod propagation;
mod semconv;
mod span;
#[cfg(feature = "testing")]
pub mod testing;

pub use a2a_otel_macros::{a2a_call, agent_span, business_metric, chain_span, llm_call, mcp_tool, tool_span};
pub use opentelemetry;

pub use crate::span::{Current, current};
