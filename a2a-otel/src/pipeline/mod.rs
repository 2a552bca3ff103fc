//! What happens to a span once it has ended: it is counted, waits, is sent, and is counted again.

mod delivery;
pub(crate) mod exporter;
mod ledger;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod processors;
mod queue;
#[cfg(feature = "otlp")]
mod sanitise;
mod tree;

pub use self::delivery::Delivery;
pub(crate) use self::ledger::{Ledger, Link};
pub(crate) use self::processors::{FanOut, Immediate, Queued};
pub(crate) use self::queue::Queue;
pub use self::tree::TreePrinter;
