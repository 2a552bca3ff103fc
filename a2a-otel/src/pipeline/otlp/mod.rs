//! Signals in OTLP: items are encoded once, packed into requests, and shortened if a request would be too long.

mod cut;
mod encode;
#[cfg(feature = "logs")]
mod log_record;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
mod request;
mod sanitise;
mod span_record;
mod spans;
mod wire;

#[cfg(test)]
mod tests;

#[cfg(feature = "logs")]
pub(crate) use self::log_record::{LogEntry, LogRequest};
#[cfg(all(feature = "logs", feature = "otlp-grpc"))]
pub(crate) use self::logs::EXPORT_LOGS;
#[cfg(feature = "logs")]
pub(crate) use self::logs::OtlpLogs;
#[cfg(all(feature = "metrics", feature = "otlp-grpc"))]
pub(crate) use self::metrics::EXPORT_METRICS;
#[cfg(feature = "metrics")]
pub(crate) use self::metrics::{MetricsRequest, MetricsSignal};
pub(crate) use self::span_record::SpanRequest;
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::spans::EXPORT_SPANS;
pub(crate) use self::spans::OtlpSpans;
