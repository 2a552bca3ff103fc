//! A2A with the official SDK, over real sockets: what is seen of a hop, on both sides.

mod agents;
mod bindings;
mod conversations;
mod faults;
mod hostile;
