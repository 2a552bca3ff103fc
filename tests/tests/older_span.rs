//! Tests that a `tracing` span that is older than the provider, and so has no identity, does not silence what is below it.
//! There is only one test, because `init` is for the process, and so is what a capture changes.

use std::time::Duration;

use a2a_otel::testing::capture;
use a2a_otel::{Telemetry, tool_span, tracing_layer};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tool_span]
fn tool() {}

fn work() {
    tool();
    info_span!("new").in_scope(tool);
}

#[test]
fn a_span_that_is_older_than_the_provider_does_not_silence_what_is_below_it() {
    Registry::default().with(tracing_layer()).init();
    info_span!("old").in_scope(|| {
        let capturing = capture();
        work();
        assert_eq!(capturing.tree(), "TOOL tool\nCHAIN new\n  TOOL tool\n");
    });
    let exporter = InMemorySpanExporter::default();
    info_span!("old").in_scope(|| {
        let telemetry = Telemetry::builder().span_exporter(exporter.clone()).tracing(false).start();
        work();
        telemetry.flush(Duration::from_secs(5));
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["tool", "tool", "new"]);
        let is_root = |index: usize| spans[index].parent_span_id.to_string() == "0000000000000000";
        assert!(is_root(0) && is_root(2) && !is_root(1));
    });
}
