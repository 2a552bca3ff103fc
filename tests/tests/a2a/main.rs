//! Tests A2A with the official SDK, over real sockets: what both sides of a hop record.

mod bindings;
mod conversations;
mod faults;
mod forwarding;
mod hostile;
mod policies;
mod refusals;
mod retries;
mod tasks;
mod texts;
mod traceability;
