//! For the tests of instrumented code.

mod capture;
mod receiver;

pub use capture::{Captured, Capturing, capture};
pub(crate) use capture::{is_capturing, route, take, tracer};
pub use receiver::{ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest};
