//! For the tests of instrumented code.

mod capture;
mod receiver;

pub(crate) use capture::capture_processor;
pub use capture::{Captured, Capturing, capture};
pub use receiver::{ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest};
