//! For the tests of instrumented code.

mod capture;


pub use capture::{Captured, Capturing, capture};
