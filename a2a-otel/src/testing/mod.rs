//! Tools for tests of instrumented code.

mod align;
mod capture;
mod changes;
mod diff;
mod ignored;
mod json;
mod received_logs;
mod received_metrics;
mod receiver;
mod replay;
mod replay_file;
mod routes;
mod time;
mod trace;
mod tree;
mod value;

pub use self::capture::{Captured, CapturedAnnotation, Capturing, capture};
#[cfg(feature = "evaluation")]
pub(crate) use self::capture::{Collecting, tree_of};
pub use self::diff::{Diff, diff};
pub use self::received_logs::ReceivedLog;
pub use self::received_metrics::{ReceivedMetric, ReceivedPoint, ReceivedReading};
pub use self::receiver::{
    Behaviour, ReceivedAnnotation, ReceivedEvent, ReceivedSpan, ReceivedStatus, Receiver, ReceiverRequest,
};
pub use self::replay::{Replay, Replaying, Unmatched, replay};
pub use self::replay_file::{ReplayFile, replay_file};
#[cfg(all(feature = "evaluation", feature = "otlp"))]
pub(crate) use self::time::to_second;
pub use self::trace::{Trace, TraceError};
