//! MCP over rmcp: one trace from the caller to the server, over every transport.

mod faults;
mod hops;
mod hostile;
mod joined;
mod phoenix;
mod processes;
mod python;
mod seen;
mod worlds;
