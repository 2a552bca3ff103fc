//! Tools for tests of instrumented code.

mod capture;
mod json;
mod received_logs;
mod received_metrics;
mod receiver;

#[cfg(feature = "evaluation")]
pub(crate) use self::capture::Collecting;
pub use self::capture::{Captured, CapturedAnnotation, Capturing, capture};
pub use self::received_logs::ReceivedLog;
pub use self::received_metrics::{ReceivedMetric, ReceivedPoint, ReceivedReading};
pub use self::receiver::{
    Behaviour, ReceivedAnnotation, ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest,
};
