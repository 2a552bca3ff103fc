//! A2A with the official SDK, over real sockets: what is seen of a hop, on both sides.

mod bindings;
mod conversations;
mod faults;
mod hostile;
mod policies;
mod traceability;
