//! This crate's own names, where no convention has one.

/// The event and status message of a call that was dropped before its end.
pub(crate) const CANCELLED: &str = "cancelled";

/// The attribute of a business metric that tells how the call ended.
pub(crate) const OUTCOME: &str = "outcome";
/// The `error.type` of a call that panicked.
pub(crate) const PANIC: &str = "panic";

/// How many items a stream yielded.
pub(crate) const STREAM_ITEMS: &str = "a2a_otel.stream.items";
/// The items of a stream, one by one, for a replay. Each is a text that begins with its form.
pub(crate) const STREAM_RECORDED_ITEMS: &str = "a2a_otel.stream.recorded_items";
/// The time to a stream's first item, in seconds from the call.
pub(crate) const STREAM_TIME_TO_FIRST_ITEM: &str = "a2a_otel.stream.time_to_first_item";

/// The trace of a caller whose trace is not continued.
pub(crate) const REMOTE_TRACE_ID: &str = "a2a_otel.remote.trace_id";
/// The span of that caller.
pub(crate) const REMOTE_SPAN_ID: &str = "a2a_otel.remote.span_id";
/// The name that an MCP server reports.
#[cfg(feature = "mcp")]
pub(crate) const MCP_SERVER_NAME: &str = "a2a_otel.mcp.server.name";
