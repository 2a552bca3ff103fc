#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub mod __private;
mod attributes;
#[cfg(feature = "tracing")]
mod bridge;
mod capture;
pub mod context;
mod deadline;
mod environment;
pub mod evaluation;
mod gen_ai;
#[cfg(any(feature = "a2a", feature = "http", feature = "mcp"))]
mod integrations;
mod json;
mod llm;
mod lock;
mod meter;
pub mod metrics;
mod percent;
#[cfg(feature = "otlp")]
pub mod phoenix;
pub mod pipeline;
mod privacy;
pub mod propagation;
pub mod record;
mod report;
pub mod semconv;
pub mod settings;
mod span;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

pub use a2a_otel_macros::{
    a2a_call, agent_span, business_metric, chain_span, embedding_call, evaluator_span, guardrail_span,
    llm_call, mcp_tool, prompt_span, reranker_span, retriever_span, tool_span,
};
pub use opentelemetry;

#[cfg(feature = "tracing")]
pub use crate::bridge::tracing_layer;
#[cfg(feature = "tokio")]
pub use crate::context::spawn;
pub use crate::context::{
    InCurrentSpan, in_current_span, suppress, with_metadata, with_prompt_template, with_session, with_tags,
    with_user,
};
#[cfg(feature = "a2a")]
pub use crate::integrations::a2a;
#[cfg(feature = "http")]
pub use crate::integrations::http;
#[cfg(feature = "mcp")]
pub use crate::integrations::mcp;
pub use crate::pipeline::{Delivery, SpanPipeline, TreePrinter};
pub use crate::privacy::Privacy;
pub use crate::semconv::SemConv;
pub use crate::settings::Settings;
pub use crate::span::{Current, current};
pub use crate::telemetry::{Builder, Handle, Health, InitError, Telemetry, init};
