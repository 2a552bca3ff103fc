//! What happens to a span once it has ended: it is counted, queued, sent, and counted again by its outcome.
//!
//! ```text
//! processors → queue → sender → outlet → receiver
//!                │        │
//!              keeper   disk (storage → spool)
//! ```
//!
//! A signal (`signal.rs`) defines its items and how they become requests. Everything else is the same for all signals:
//! the ledger counts items, the sender sends payloads, and the spool keeps bytes.

#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "without it, annotations are not sent"))]
pub(crate) mod annotations;
mod backend;
#[cfg(feature = "metrics")]
mod census;
mod console;
mod delivery;
pub(crate) mod destination;
mod disk;
mod exporter;
pub(crate) mod health;
#[cfg(feature = "otlp")]
mod keeper;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "the application's own exporters use only a part of it")
)]
mod ledger;
#[cfg(feature = "logs")]
pub(crate) mod logs;
mod losses;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "without it, only spans are sent"))]
mod outbox;
#[cfg(feature = "otlp")]
mod probe;
mod processors;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "the application's own exporters use only a part of it")
)]
mod queue;
#[cfg(all(feature = "evaluation", feature = "otlp"))]
pub(crate) mod redirect;
#[cfg(feature = "otlp")]
mod route;
mod sampler;
#[cfg(all(test, feature = "otlp"))]
mod scratch;
mod sender;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "the application's own exporters use only a part of it")
)]
mod signal;
mod span_pipeline;
#[cfg(feature = "otlp")]
mod spool;
#[cfg(feature = "otlp")]
mod storage;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "the application's own exporters use only a part of it")
)]
pub(crate) mod transport;
#[cfg(feature = "testing")]
pub(crate) mod watcher;
mod weigh;
#[cfg(feature = "a2a")]
mod witness;

pub(crate) use self::backend::Backend;
#[cfg(feature = "metrics")]
pub(crate) use self::census::Census;
pub use self::console::TreePrinter;
pub use self::delivery::{Annotations, DataPoints, Delivery, LogRecords};
pub(crate) use self::ledger::Ledger;
#[cfg(feature = "metrics")]
pub(crate) use self::ledger::Loss;
#[cfg(feature = "otlp")]
pub use self::probe::{Data, Probe, Target, Trouble, TroubleKind};
pub(crate) use self::processors::FanOut;
pub(crate) use self::queue::Queue;
pub(crate) use self::sampler::Sampled;
pub use self::span_pipeline::SpanPipeline;
pub(crate) use self::span_pipeline::{Opened, Pipeline};
#[cfg(feature = "a2a")]
pub(crate) use self::witness::{Witness, witnessed};
