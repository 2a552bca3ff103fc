//! Tests what happens to spans under faults, with an agent in a separate process and a receiver whose behaviour can be
//! switched.

mod agent;
mod annotations;
mod ends;
mod faults;
mod grpc;
mod large;
mod random_faults;
mod refusals;
mod repairs;
mod shared_spool;
mod spool;
mod tls;
