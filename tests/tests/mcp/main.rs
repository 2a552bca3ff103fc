//! Tests MCP over rmcp: one trace from the caller to the server, with every transport.

mod faults;
mod hops;
mod hostile;
mod joined;
mod phoenix;
mod processes;
mod programs;
mod python;
mod retries;
mod seen;
mod worlds;
