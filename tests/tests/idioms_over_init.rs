//! Tests that the idioms of `tracing` find an attribute's span over `init` too, whose subscriber makes spans of `tracing`
//! for attributes only if the process can be expected to ask for them. The order of the tests in the one function matters.

use std::time::Duration;

use a2a_otel::{Telemetry, agent_span, tool_span};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use tracing::{Instrument as _, Span, info_span};

#[tool_span]
async fn tool() {}

/// Its words show that it passes the current span on.
#[agent_span]
async fn porter() {
    tokio::spawn(tool().instrument(Span::current())).await.unwrap();
}

async fn pass_on() {
    tokio::spawn(tool().in_current_span()).await.unwrap();
}

/// Its words do not show it.
#[agent_span(name = "porter")]
async fn quiet_porter() {
    pass_on().await;
}

async fn spans(exporter: &InMemorySpanExporter, telemetry: &Telemetry, work: impl Future) -> Vec<SpanData> {
    exporter.reset();
    work.await;
    telemetry.flush(Duration::from_secs(5));
    exporter.get_finished_spans().unwrap()
}

#[tokio::test]
async fn the_current_span_is_the_functions() {
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::builder().span_exporter(exporter.clone()).start();
    let made = spans(&exporter, &telemetry, porter()).await;
    let names: Vec<_> = made.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["tool", "porter"]);
    assert_eq!(made[0].parent_span_id, made[1].span_context.span_id());
    let made = spans(&exporter, &telemetry, quiet_porter().instrument(info_span!("app"))).await;
    let names: Vec<_> = made.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["tool", "porter", "app"]);
    assert_eq!(made[0].parent_span_id, made[1].span_context.span_id());
    assert_eq!(made[1].parent_span_id, made[2].span_context.span_id());
}
