//! Tools for tests of instrumented code.

mod capture;
mod receiver;

pub use self::capture::{Captured, CapturedAnnotation, Capturing, capture};
pub use self::receiver::{
    Behaviour, ReceivedAnnotation, ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest,
};
