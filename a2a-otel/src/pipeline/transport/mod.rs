//! Brings requests to a receiver, and understands its answers. It knows bytes, and no signal.

mod answer;
mod backoff;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod tls;

use std::fmt::Debug;
use std::time::Duration;

pub(crate) use self::answer::Answer;
pub(crate) use self::backoff::Backoff;
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::grpc::Grpc;
pub(crate) use self::http::{Http, agent, header_map};
pub(crate) use self::tls::Credentials;

/// What brings a request to a receiver.
pub(crate) trait Transport: Debug + Send + 'static {
    /// Sends an `ExportTraceServiceRequest`, and waits for the answer for so long.
    fn send(&mut self, body: Vec<u8>, patience: Duration) -> Answer;
}
