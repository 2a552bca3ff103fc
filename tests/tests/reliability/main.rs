//! What becomes of spans under faults: an agent in a process of its own, and a receiver that can be switched.

mod agent;
mod annotations;
mod ends;
mod faults;
mod grpc;
mod refusals;
mod spool;
mod tls;
