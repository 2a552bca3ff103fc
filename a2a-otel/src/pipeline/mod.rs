//! What happens to a span once it has ended: it is counted, waits, is sent, and is counted again.

#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "without it nobody takes annotations"))]
pub(crate) mod annotations;
mod backend;
#[cfg(feature = "metrics")]
mod census;
mod delivery;
pub(crate) mod destination;
mod exporter;
pub(crate) mod health;
#[cfg(feature = "otlp")]
mod keeper;
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "exporters of the user's need a part of it"))]
mod ledger;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod processors;
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "exporters of the user's need a part of it"))]
mod queue;
#[cfg(feature = "otlp")]
mod sender;
#[cfg(feature = "otlp")]
pub(crate) mod spool;
#[cfg(feature = "otlp")]
pub(crate) mod transport;
mod tree;
#[cfg(feature = "a2a")]
mod witness;

pub(crate) use self::backend::Backend;
#[cfg(feature = "metrics")]
pub(crate) use self::census::Census;
pub use self::delivery::{Annotations, Delivery};
#[cfg(feature = "metrics")]
pub(crate) use self::ledger::{LOSSES, Loss};
pub(crate) use self::ledger::{Ledger, Signal};
pub(crate) use self::processors::FanOut;
pub(crate) use self::queue::Queue;
pub use self::tree::TreePrinter;
#[cfg(feature = "a2a")]
pub(crate) use self::witness::{Witness, witnessed};
