//! MCP over rmcp: one trace from the caller to the server, over every transport.

mod faults;
mod hops;
mod joined;
mod worlds;
