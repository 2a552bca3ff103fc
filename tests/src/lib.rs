//! Test support: real services, and helpers for what tests ask of them.
//!
//! A test that needs a service requires it, and is skipped if the service is not available:
//!
//! ```no_run
//! use a2a_otel_tests::{phoenix::Phoenix, services::require};
//!
//! let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
//! let project = phoenix.project("checkout");
//! // ... send spans to `project.name()` at `phoenix.url()` ...
//! let tree = project.wait_for_tree(3);
//! tree.assert_path(&["AGENT coordinator", "...", "LLM"]);
//! ```
//!
//! If an answer is not as expected, these helpers panic like an assertion, and show the answer.

pub mod alertmanager;
pub mod child;
pub mod debian;
pub mod engine;
pub mod package;
pub mod parity;
pub mod parrot;
pub mod phoenix;
pub mod postgres;
pub mod prometheus;
pub mod python;
pub mod relay;
pub mod screenshot;
pub mod services;
pub mod shop;
pub mod timestamp;
pub mod tree;
pub mod victoria_metrics;
pub mod wire;

/// The examples of the guides compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/a2a.md")]
#[doc = include_str!("../../docs/axum.md")]
#[doc = include_str!("../../docs/context.md")]
#[doc = include_str!("../../docs/datasets.md")]
#[doc = include_str!("../../docs/evaluation.md")]
#[doc = include_str!("../../docs/experiments.md")]
#[doc = include_str!("../../docs/llm.md")]
#[doc = include_str!("../../docs/mcp.md")]
#[doc = include_str!("../../docs/metrics.md")]
#[doc = include_str!("../../docs/migrating.md")]
#[doc = include_str!("../../docs/opentelemetry.md")]
#[doc = include_str!("../../docs/privacy.md")]
#[doc = include_str!("../../docs/security.md")]
#[doc = include_str!("../../docs/semconv.md")]
#[doc = include_str!("../../docs/streams.md")]
#[doc = include_str!("../../docs/testing.md")]
#[doc = include_str!("../../docs/tutorial.md")]
struct Guides;
