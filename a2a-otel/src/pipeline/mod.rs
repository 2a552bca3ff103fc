//! What happens to a span once it has ended: it is counted, waits, is sent, and is counted again.

mod delivery;
#[cfg(feature = "otlp")]
mod http;
mod ledger;
mod processors;
mod tree;

pub use delivery::Delivery;
#[cfg(feature = "otlp")]
pub(crate) use http::{agent, header_map, otlp_exporter};
pub(crate) use ledger::{Ledger, Link};
pub(crate) use processors::{Batched, FanOut, Immediate};
pub use tree::TreePrinter;
