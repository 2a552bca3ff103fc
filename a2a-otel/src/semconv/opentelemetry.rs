//! OpenTelemetry, version 1.42 of its semantic conventions.

pub(crate) const ERROR_TYPE: &str = "error.type";
/// The `error.type` of a tool that answers over MCP with `isError`.
pub(crate) const TOOL_ERROR: &str = "tool_error";
pub(crate) const EXCEPTION: &str = "exception";
pub(crate) const EXCEPTION_TYPE: &str = "exception.type";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// A metric's attribute for all values whose attributes exceed the cardinality limit.
#[cfg(feature = "metrics")]
pub(crate) const METRIC_OVERFLOW: &str = "otel.metric.overflow";
