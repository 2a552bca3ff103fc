//! A marketplace run by four agents, to be watched with a2a-otel.
//!
//! Customers talk A2A to a coordinator, whose model plans by calling the product, inventory and
//! sales agents, again over A2A. Those have a model of their own, which calls the tools of a
//! catalogue over MCP. The catalogue keeps its products, stock and sales in `SQLite`.
//!
//! The model is whatever `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL` say. Without
//! them it is a built-in stand-in that follows rules instead of thinking: see [`llm_server`].
//!
//! `marketplace` runs everything in one process and sends a dozen customers in;
//! `agent` runs one part as a process of its own.

pub mod a2a_server;
pub mod agent;
pub mod catalogue;
pub mod customers;
pub mod hop;
pub mod llm;
mod llm_rules;
pub mod llm_server;
pub mod market;
pub mod peer;
pub mod products;
pub mod roles;
pub mod store;
pub mod tools;
