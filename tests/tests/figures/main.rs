//! Tests what is recorded by itself: the figures of agents, tools, models, MCP, A2A and evaluations.
//!
//! The meter provider is global, so the tests take turns.

#![expect(clippy::float_cmp, reason = "sums of a few such numbers are exact")]

mod calls;
mod carried;
mod counted_once;
mod docs;
mod models;
mod silence;
mod table;
mod trees;
mod world;
