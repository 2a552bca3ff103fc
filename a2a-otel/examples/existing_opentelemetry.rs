//! An application that has OpenTelemetry already keeps its provider and its exporter, and gets the pipeline as one more processor.
//!
//! ```sh
//! cargo run -p a2a-otel --example existing_opentelemetry
//! ```

use std::time::Duration;

use a2a_otel::opentelemetry::global;
use a2a_otel::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use a2a_otel::{InitError, Telemetry, agent_span};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

#[agent_span]
fn answer(question: &str) -> String {
    question.to_uppercase()
}

fn main() -> Result<(), InitError> {
    // The application's own exporter.
    let exporter = InMemorySpanExporter::default();

    let (processor, telemetry) = Telemetry::builder().processor()?;
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_span_processor(processor)
        .build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(a2a_otel::propagation::propagator());

    // The agent's span is below the application's.
    provider.tracer("shop").in_span("request", |_| println!("{}", answer("why?")));

    let spans = exporter.get_finished_spans().unwrap_or_default();
    println!("the application's exporter has {} spans", spans.len());

    // First the provider, so that nothing comes after the last spans.
    let _ = provider.shutdown();
    println!("{}", telemetry.shutdown(Duration::from_secs(5)));
    Ok(())
}
