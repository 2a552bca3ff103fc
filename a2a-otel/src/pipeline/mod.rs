//! What happens to a span once it has ended: it is counted, waits, is sent, and is counted again.

#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "without it nobody takes annotations"))]
pub(crate) mod annotations;
mod backend;
mod delivery;
pub(crate) mod exporter;
mod foreign;
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "exporters of the user's need a part of it"))]
mod ledger;
#[cfg(feature = "metrics")]
mod observe;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod processors;
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "exporters of the user's need a part of it"))]
mod queue;
#[cfg(feature = "otlp")]
mod sanitise;
#[cfg(feature = "otlp")]
pub(crate) mod spool;
mod tree;
#[cfg(feature = "a2a")]
mod witness;

pub(crate) use self::backend::Backend;
pub use self::delivery::{Annotations, Delivery};
pub(crate) use self::ledger::{Ledger, Signal};
#[cfg(feature = "metrics")]
pub(crate) use self::observe::{Census, observe};
pub(crate) use self::processors::{FanOut, Immediate, Queued};
pub(crate) use self::queue::Queue;
pub use self::tree::TreePrinter;
#[cfg(feature = "a2a")]
pub(crate) use self::witness::{Witness, witnessed};
