//! Tests MCP over rmcp: one trace from the caller to the server, with every transport.

mod answers;
mod arrivals;
#[expect(deprecated, reason = "rmcp still sends these requests")]
mod both_ways;
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
mod tasks;
mod worlds;
