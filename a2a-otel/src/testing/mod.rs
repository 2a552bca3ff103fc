//! For the tests of instrumented code.

mod capture;
mod receiver;

pub use capture::{Captured, Capturing, capture};
pub(crate) use capture::{route, take};
pub use receiver::{ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest};
