//! For the tests of instrumented code.

mod capture;

pub(crate) use capture::capture_processor;
pub use capture::{Captured, Capturing, capture};
