//! What operators of AI agents need, generated from the agents' sources.
//!
//! The program `a2a-otel` reads the attribute macros of a workspace, and writes Grafana dashboards, Prometheus rules with
//! their unit tests, a registry of the metrics for OpenTelemetry's Weaver, and a list of them for people. This library is
//! that program's parts for `generate`; [`doctor`] has its own:
//!
//! ```text
//! sources   finds #[business_metric] and names      →  Found
//! model     joins them with the built-in metrics    →  Model
//! write     one writer for each format              →  files, in memory
//! write/folder   compares them with a folder, and writes what differs
//! page      serves the dashboards as web pages
//! ```

pub mod command;
pub mod doctor;
mod duration;
pub mod generate;
pub mod message;
pub mod model;
pub mod names;
pub mod page;
pub mod promql;
pub mod sources;
pub mod write;
