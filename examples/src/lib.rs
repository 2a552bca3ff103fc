//! A marketplace run by four agents, observed with a2a-otel.
//!
//! In addition, [`smol`] is an agent to copy from, and [`census`] uses two of them.
//!
//! Customers call a coordinator over A2A. Its model calls the product, inventory and sales agents,
//! again over A2A. Each of these has its own model, which calls the tools of a catalogue over MCP.
//! The catalogue stores its products, stock and sales in `SQLite`.
//!
//! `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL` select the model. Without them, a built-in
//! stand-in answers by fixed rules: see [`llm_server`]. The expected outcomes of the customers'
//! visits are those of the stand-in; a real model may serve the customers differently.
//!
//! # Run it
//!
//! All in one process, with a dozen customers:
//!
//! ```text
//! cargo run -p a2a-otel-examples --bin marketplace
//! ```
//!
//! Each part in a separate process, on any hosts, and the same customers:
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
//! The parts start in any order: each waits for those that it needs. `--url` sets the address at
//! which other parts reach this one, if it is not the one on which it listens, as in a container.
//! `GET /healthz` answers `ok`, and `GET /readyz` reports whether the part works and its spans are delivered.
//! `agent health product --listen 127.0.0.1:7002` asks for the latter, and prints the answer on one line.
//! `OTEL_SERVICE_NAME` sets the name of each process in its traces; an agent has that of its card otherwise.
//!
//! `agent customers --listen ADDR --peer coordinator=URL` are customers who come again and again until SIGTERM; their metrics
//! are at `/metrics`, as those of the other parts are. `agent alerts --listen ADDR` prints what Alertmanager sends to
//! `/alerts`. `MARKETPLACE_FAULTS` lets things go wrong: see [`faults`].
//!
//! Instead of arguments, variables can be set, as in a container: `MARKETPLACE_PART`, `MARKETPLACE_LISTEN`,
//! `MARKETPLACE_URL`, and `MARKETPLACE_PEERS`, which is a list such as `llm=http://llm:8080,catalogue=http://catalogue:8080`.
//! A part that is started by arguments and cannot work ends, as any command does. One that is started by variables stays,
//! and says why at `/readyz`: an orchestrator would otherwise start it again and again.

pub mod a2a_server;
pub mod agent;
pub mod alerts;
pub mod catalogue;
pub mod census;
mod chat;
pub mod customers;
pub mod door;
pub mod errors;
pub mod evaluation;
pub mod faults;
pub mod health;
mod https;
pub mod llm;
mod llm_rules;
pub mod llm_server;
pub mod market;
pub mod peer;
pub mod products;
pub mod report;
pub mod roles;
pub mod shutdown;
pub mod smol;
pub mod store;
pub mod story;
pub mod tools;
mod work;

/// The examples of the guide compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/agents.md")]
struct Guide;
