//! OpenTelemetry's metrics of an SDK about itself, and this crate's own.
//!
//! Source: <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>, version 1.42.

/// A metric: its name, its unit, and what it means.
pub(crate) struct SdkMetric(pub(crate) &'static str, pub(crate) &'static str, pub(crate) &'static str);

pub(crate) const SPAN_STARTED: SdkMetric =
    SdkMetric("otel.sdk.span.started", "{span}", "Spans that were started and are recorded");
pub(crate) const SPAN_LIVE: SdkMetric =
    SdkMetric("otel.sdk.span.live", "{span}", "Recorded spans that have not ended");
pub(crate) const QUEUE_SIZE: SdkMetric =
    SdkMetric("otel.sdk.processor.span.queue.size", "{span}", "Spans in memory that are not sent yet");
pub(crate) const PROCESSED: SdkMetric = SdkMetric(
    "otel.sdk.processor.span.processed",
    "{span}",
    "Spans that the processor has passed on or lost (error.type)",
);
pub(crate) const INFLIGHT: SdkMetric =
    SdkMetric("otel.sdk.exporter.span.inflight", "{span}", "Spans in requests that are not answered yet");
pub(crate) const EXPORTED: SdkMetric = SdkMetric(
    "otel.sdk.exporter.span.exported",
    "{span}",
    "Spans that the receiver has confirmed or not accepted (error.type)",
);
pub(crate) const DURATION: SdkMetric =
    SdkMetric("otel.sdk.exporter.operation.duration", "s", "Duration of requests");

pub(crate) const QUEUE_BYTES: SdkMetric =
    SdkMetric("a2a_otel.queue.bytes", "By", "Approximate memory that waiting spans take");
pub(crate) const QUEUE_CAPACITY: SdkMetric =
    SdkMetric("a2a_otel.queue.capacity", "By", "Memory that waiting spans may take");
pub(crate) const SPOOLED: SdkMetric =
    SdkMetric("a2a_otel.spool.spans", "{span}", "Spans of this process on disk");
pub(crate) const RECOVERED: SdkMetric =
    SdkMetric("a2a_otel.spool.recovered", "{span}", "Spans that earlier processes have left on disk");
pub(crate) const REPLAYED: SdkMetric =
    SdkMetric("a2a_otel.spool.replayed", "{span}", "Recovered spans that the receiver has confirmed");

pub(crate) const COMPONENT_NAME: &str = "otel.component.name";
pub(crate) const COMPONENT_TYPE: &str = "otel.component.type";
pub(crate) const SAMPLING_RESULT: &str = "otel.span.sampling_result";
