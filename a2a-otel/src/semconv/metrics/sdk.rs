//! OpenTelemetry's metrics of an SDK about itself, and this crate's own about its pipeline.
//!
//! Source: <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>, version 1.42.

use super::row::Source::{OpenTelemetry, Ours};
use super::row::rows;
use crate::semconv::opentelemetry::ERROR_TYPE;

pub(crate) const COMPONENT_NAME: &str = "otel.component.name";
pub(crate) const COMPONENT_TYPE: &str = "otel.component.type";
pub(crate) const SAMPLING_RESULT: &str = "otel.span.sampling_result";

rows! {
    SPAN_STARTED = Counter "otel.sdk.span.started", "{span}", [SAMPLING_RESULT], OpenTelemetry,
        "Spans that were started and are recorded", "How many spans are recorded?";
    SPAN_LIVE = UpDownCounter "otel.sdk.span.live", "{span}", [SAMPLING_RESULT], OpenTelemetry,
        "Recorded spans that have not ended", "How much is going on, and is a span never ended?";
    QUEUE_SIZE = UpDownCounter "otel.sdk.processor.span.queue.size", "{span}", [COMPONENT_NAME, COMPONENT_TYPE], OpenTelemetry,
        "Spans in memory that are not sent yet", "Does sending keep up?";
    PROCESSED = Counter "otel.sdk.processor.span.processed", "{span}", [COMPONENT_NAME, COMPONENT_TYPE, ERROR_TYPE], OpenTelemetry,
        "Spans that the processor has passed on or lost (error.type)", "Are spans lost before they are sent?";
    INFLIGHT = UpDownCounter "otel.sdk.exporter.span.inflight", "{span}", [COMPONENT_NAME, COMPONENT_TYPE], OpenTelemetry,
        "Spans in requests that are not answered yet", "Does the receiver answer?";
    EXPORTED = Counter "otel.sdk.exporter.span.exported", "{span}", [COMPONENT_NAME, COMPONENT_TYPE, ERROR_TYPE], OpenTelemetry,
        "Spans that the receiver has confirmed or not accepted (error.type)", "Are spans delivered?";
    DURATION = Histogram "otel.sdk.exporter.operation.duration", "s", [COMPONENT_NAME, COMPONENT_TYPE, ERROR_TYPE], OpenTelemetry,
        "Duration of requests", "How long does the receiver take?";
    QUEUE_BYTES = UpDownCounter "a2a_otel.queue.bytes", "By", [COMPONENT_NAME, COMPONENT_TYPE], Ours,
        "Approximate memory that waiting spans take", "How much memory does telemetry take?";
    QUEUE_CAPACITY = UpDownCounter "a2a_otel.queue.capacity", "By", [COMPONENT_NAME, COMPONENT_TYPE], Ours,
        "Memory that waiting spans may take", "How full is the queue?";
    SPOOLED = UpDownCounter "a2a_otel.spool.spans", "{span}", [COMPONENT_NAME, COMPONENT_TYPE], Ours,
        "Spans of this process on disk", "What waits for a receiver that is away?";
    RECOVERED = Counter "a2a_otel.spool.recovered", "{span}", [COMPONENT_NAME, COMPONENT_TYPE], Ours,
        "Spans that earlier processes have left on disk", "Did an earlier process end before it had sent everything?";
    REPLAYED = Counter "a2a_otel.spool.replayed", "{span}", [COMPONENT_NAME, COMPONENT_TYPE], Ours,
        "Recovered spans that the receiver has confirmed", "Have those spans arrived since?";
}
