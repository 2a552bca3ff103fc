#![doc = include_str!("links.md")]
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "sdk"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "some is only used by what needs the SDK")
)]
#[doc(hidden)]
#[cfg(feature = "trace")]
pub mod __private;
#[cfg(feature = "sdk")]
mod annotation;
#[cfg(feature = "trace")]
mod attributes;
#[cfg(feature = "tracing")]
mod bridge;
#[cfg(feature = "trace")]
mod capture;
#[cfg(feature = "trace")]
pub mod context;
#[cfg(feature = "evaluation")]
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, unused_imports, reason = "the client of Phoenix uses the rest")
)]
mod dataset;
#[cfg(feature = "sdk")]
mod deadline;
#[cfg(feature = "trace")]
mod environment;
#[cfg(feature = "sdk")]
pub mod evaluation;
#[cfg(feature = "evaluation")]
mod experiment;
#[cfg(feature = "trace")]
mod gen_ai;
#[cfg(all(doc, not(doctest)))]
pub mod guide;
#[cfg(any(feature = "a2a", feature = "http", feature = "mcp"))]
mod integrations;
#[cfg(feature = "trace")]
mod json;
#[cfg(feature = "trace")]
mod llm;
#[cfg(feature = "trace")]
mod lock;
#[cfg(feature = "trace")]
mod meter;
#[cfg(feature = "trace")]
pub mod metrics;
#[cfg(feature = "sdk")]
mod percent;
#[cfg(feature = "otlp")]
pub mod phoenix;
#[cfg(feature = "sdk")]
pub mod pipeline;
#[cfg(feature = "trace")]
mod privacy;
#[cfg(feature = "sdk")]
pub mod propagation;
#[cfg(feature = "trace")]
pub mod record;
#[cfg(feature = "trace")]
mod report;
#[cfg(feature = "trace")]
pub mod semconv;
#[cfg(feature = "sdk")]
pub mod settings;
#[cfg(feature = "trace")]
mod span;
#[cfg(feature = "sdk")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

pub use a2a_otel_macros::{
    a2a_call, agent_span, business_metric, chain_span, embedding_call, evaluator_span, guardrail_span,
    llm_call, mcp_tool, prompt_span, reranker_span, retriever_span, tool_span,
};
#[cfg(feature = "trace")]
pub use opentelemetry;

#[cfg(feature = "tracing")]
pub use crate::bridge::tracing_layer;
#[cfg(feature = "tokio")]
pub use crate::context::spawn;
#[cfg(feature = "trace")]
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
#[cfg(feature = "sdk")]
pub use crate::pipeline::{Delivery, SpanPipeline, TreePrinter};
#[cfg(feature = "trace")]
pub use crate::privacy::Privacy;
#[cfg(feature = "trace")]
pub use crate::semconv::SemConv;
#[cfg(feature = "sdk")]
pub use crate::settings::Settings;
#[cfg(feature = "trace")]
pub use crate::span::{Current, current};
#[cfg(feature = "sdk")]
pub use crate::telemetry::{Builder, Handle, Health, InitError, Telemetry, init};
