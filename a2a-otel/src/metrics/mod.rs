//! What the agents count, and how to read it.

mod reader;

pub(crate) use reader::Meters;
pub use reader::{Distribution, Instrument, InstrumentKind, MetricsSnapshot, Point, Reading};
