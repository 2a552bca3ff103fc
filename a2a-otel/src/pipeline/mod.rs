//! What happens to a span once it has ended: it is counted, waits, is sent, and is counted again.

mod delivery;
#[cfg(feature = "otlp")]
mod http;
mod ledger;
mod processors;
mod tree;

pub use self::delivery::Delivery;
#[cfg(feature = "otlp")]
pub(crate) use self::http::{agent, header_map, otlp_exporter};
pub(crate) use self::ledger::{Ledger, Link};
pub(crate) use self::processors::{Batched, FanOut, Immediate};
pub use self::tree::TreePrinter;
