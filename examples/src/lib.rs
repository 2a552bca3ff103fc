//! A marketplace run by four agents, to be watched with a2a-otel.
//!
//! Beside it, [`smol`] is an agent to copy from, and [`census`] two of them at work.
//!
//! Customers talk A2A to a coordinator, whose model plans by calling the product, inventory and
//! sales agents, again over A2A. Those have a model of their own, which calls the tools of a
//! catalogue over MCP. The catalogue keeps its products, stock and sales in `SQLite`.
//!
//! The model is whatever `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL` say. Without
//! them it is a built-in stand-in that follows rules instead of thinking: see [`llm_server`].
//! What a run expects of its customers' visits is what the stand-in makes of them; a model that
//! thinks may serve them otherwise.
//!
//! # Run it
//!
//! All in one process, with a dozen customers:
//!
//! ```text
//! cargo run -p a2a-otel-examples --bin marketplace
//! ```
//!
//! Each part as a process of its own, on whatever hosts, and the same customers sent in:
//!
//! ```text
//! agent llm         --listen 127.0.0.1:7000
//! agent catalogue   --listen 127.0.0.1:7001
//! agent product     --listen 127.0.0.1:7002 --peer llm=http://127.0.0.1:7000 --peer catalogue=http://127.0.0.1:7001
//! agent inventory   --listen 127.0.0.1:7003 --peer llm=http://127.0.0.1:7000 --peer catalogue=http://127.0.0.1:7001
//! agent sales       --listen 127.0.0.1:7004 --peer llm=http://127.0.0.1:7000 --peer catalogue=http://127.0.0.1:7001
//! agent coordinator --listen 127.0.0.1:7005 --peer llm=http://127.0.0.1:7000 \
//!                   --peer product=http://127.0.0.1:7002 --peer inventory=http://127.0.0.1:7003 \
//!                   --peer sales=http://127.0.0.1:7004
//! marketplace --coordinator http://127.0.0.1:7005
//! ```
//!
//! The parts start in any order: each waits for those that it needs. `--url` tells where others
//! reach a part that listens elsewhere, as in a container. `GET /healthz` answers `ok`, `GET /readyz`
//! says whether its spans get through.
//! `OTEL_SERVICE_NAME` gives each process a name of its own in its traces.

pub mod a2a_server;
pub mod agent;
pub mod catalogue;
pub mod census;
mod chat;
pub mod customers;
pub mod errors;
pub mod llm;
mod llm_rules;
pub mod llm_server;
pub mod market;
pub mod peer;
pub mod products;
pub mod report;
pub mod roles;
pub mod smol;
pub mod store;
pub mod tools;

/// The examples of the guide compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/agents.md")]
struct Guide;
