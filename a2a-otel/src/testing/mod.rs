//! Tools for tests of instrumented code.

mod capture;
mod receiver;

pub use self::capture::{Captured, CapturedAnnotation, Capturing, capture};
pub(crate) use self::capture::{is_capturing, route, take, tracer};
pub use self::receiver::{
    Behaviour, ReceivedAnnotation, ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest,
};
