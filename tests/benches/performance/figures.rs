//! Measures what the metrics that are recorded by themselves add to a call.

use std::hint::black_box;

use a2a_otel::opentelemetry::metrics::noop::NoopMeterProvider;
use a2a_otel::opentelemetry::metrics::{Histogram, MeterProvider as _};
use a2a_otel::opentelemetry::{KeyValue, global};
use a2a_otel::{agent_span, tool_span};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use crate::call::{start_ours, unsampled};
use crate::measure::Variant;
use crate::rows::{BY_HAND, OURS, WITHOUT_METRICS};

#[tool_span(skip_all)]
fn tool(number: i64) -> i64 {
    black_box(number)
}

#[agent_span(skip_all)]
fn agent(number: i64) -> i64 {
    black_box(number)
}

fn provider() -> SdkMeterProvider {
    let reader = PeriodicReader::builder(InMemoryMetricExporter::default()).build();
    SdkMeterProvider::builder().with_reader(reader).build()
}

/// The same call with and without a meter provider, which is set before each round.
fn with_and_without(call: fn(i64) -> i64) -> Vec<Variant> {
    start_ours();
    let own = provider();
    let with = Variant::of_call(OURS, call).inside(move || global::set_meter_provider(own.clone()));
    let without = Variant::of_call(WITHOUT_METRICS, call);
    vec![with, without.inside(|| global::set_meter_provider(NoopMeterProvider::new())), by_hand()]
}

/// Two readings of the clock, and a histogram that is kept, with the label that a tool has.
fn by_hand() -> Variant {
    let provider = provider();
    let kept: Histogram<f64> = provider.meter("benchmark").f64_histogram("by_hand").with_unit("s").build();
    Variant::of_call(BY_HAND, move |number| {
        let _ = &provider;
        let start = std::time::Instant::now();
        let result = black_box(number);
        kept.record(start.elapsed().as_secs_f64(), &[KeyValue::new("gen_ai.tool.name", "tool")]);
        result
    })
}

pub(crate) fn sampled_tool() -> Vec<Variant> {
    with_and_without(tool)
}

pub(crate) fn sampled_agent() -> Vec<Variant> {
    with_and_without(agent)
}

pub(crate) fn unsampled_tool() -> Vec<Variant> {
    with_and_without(tool).into_iter().map(|variant| variant.inside(unsampled)).collect()
}

pub(crate) fn unsampled_agent() -> Vec<Variant> {
    with_and_without(agent).into_iter().map(|variant| variant.inside(unsampled)).collect()
}
