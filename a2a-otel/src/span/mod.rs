//! The life of one span: `opening` starts it, `run` and `stream` run the user's code in it, and `ending` ends it.
//!
//! Functions are `#[inline]` only on the path of a call that is not recorded, which then takes a few comparisons. The
//! rest is compiled once.

#[cfg(feature = "mcp")]
mod attempt;
#[cfg_attr(not(feature = "mcp"), expect(dead_code, reason = "only a protocol makes attempts"))]
mod attempts;
mod context_values;
mod current;
mod dropped;
mod ending;
#[cfg(feature = "sdk")]
mod evaluated;
mod failure;
mod figures;
#[cfg(feature = "sdk")]
mod finishing;
mod items;
mod iterate;
#[cfg_attr(not(feature = "mcp"), expect(dead_code, reason = "only a protocol joins a span"))]
mod joint;
mod kept;
#[cfg_attr(not(all(feature = "a2a", feature = "mcp")), allow(dead_code, reason = "protocols use the rest"))]
mod ongoing;
mod opening;
mod outcome;
mod recording;
mod replay;
mod replay_items;
mod return_type;
mod run;
mod running;
mod scope;
mod site;
mod stream;
mod stream_type;
mod tracer;

#[cfg(feature = "mcp")]
pub(crate) use self::attempt::Attempt;
#[cfg(feature = "mcp")]
pub(crate) use self::attempts::Refusal;
#[cfg(feature = "tracing")]
pub(crate) use self::context_values::is_within_model_call;
pub use self::current::{Current, current};
pub use self::ending::Ending;
pub(crate) use self::failure::Describe;
#[cfg(any(feature = "a2a", feature = "mcp"))]
pub(crate) use self::failure::ErrorDescription;
#[cfg(feature = "sdk")]
pub(crate) use self::finishing::{finish, finish_with};
pub use self::items::SpanItems;
pub use self::iterate::iterate;
#[cfg(feature = "a2a")]
pub(crate) use self::ongoing::Observer;
#[cfg(feature = "mcp")]
pub(crate) use self::ongoing::expect_tool_requests;
#[cfg(any(feature = "a2a", feature = "mcp"))]
pub(crate) use self::ongoing::{WholeCall, is_measuring};
pub use self::opening::Opening;
#[cfg(feature = "testing")]
pub(crate) use self::recording::{
    Answer, CallRequest, Recorded, RecordedItem, Replayer, register_keeper, register_replayer,
};
pub use self::replay::{Replayed, answered, ready};
pub use self::replay_items::{Items, recorded_items, running_items};
#[cfg(feature = "mcp")]
pub(crate) use self::return_type::Refusable;
pub use self::return_type::{ReturnType, fallible};
#[cfg(feature = "mcp")]
pub(crate) use self::run::run_until_cancelled;
pub use self::run::{future, future_with_scope, guard, hint, map_outcome, sync, sync_with_scope};
pub use self::running::{Span, may_ask_tracing};
pub(crate) use self::scope::StreamEnd;
pub use self::scope::{CallScope, Conclude};
pub use self::site::{Measured, Site};
pub use self::stream::{start_time, stream};
pub use self::stream_type::Streamed;
#[cfg(feature = "tracing")]
pub(crate) use self::tracer::build;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::tracer::is_started;
#[cfg(feature = "testing")]
pub(crate) use self::tracer::register_stand_in;
#[cfg(feature = "a2a")]
pub(crate) use self::tracer::start;
pub(crate) use self::tracer::{
    Foresight, activate, await_provider, deactivate, disable, ended_unused, is_disabled,
    is_global_provider_set,
};
