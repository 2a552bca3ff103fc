//! Tests how metrics leave the process, with an agent in a separate process and receivers that can be made to fail.

mod agent;
mod callbacks;
mod conversion;
mod destinations;
mod failures;
mod forms;
mod grpc;
mod victoria_metrics;
