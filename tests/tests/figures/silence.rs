//! Who listens: with an application's own meter provider, with telemetry that is off, and with nothing.

use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel::opentelemetry::global;
use a2a_otel::tool_span;
use a2a_otel_tests::child::in_own_process;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

#[tool_span]
fn hammer() {}

fn own_provider() -> (SdkMeterProvider, InMemoryMetricExporter) {
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    global::set_meter_provider(provider.clone());
    (provider, exporter)
}

fn calls((provider, exporter): &(SdkMeterProvider, InMemoryMetricExporter)) -> u64 {
    exporter.reset();
    provider.force_flush().expect("it collects");
    let finished = exporter.get_finished_metrics().expect("it keeps them");
    let all = finished.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    all.filter(|metric| metric.name() == "gen_ai.execute_tool.duration")
        .map(|metric| match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(all)) => {
                all.data_points().map(HistogramDataPoint::count).sum::<u64>()
            }
            other => panic!("{other:?}"),
        })
        .sum()
}

#[test]
fn an_application_s_own_meter_provider_is_enough() {
    if in_own_process("silence::an_application_s_own_meter_provider_is_enough", &[]).is_some() {
        return;
    }
    hammer();
    let own = own_provider();
    hammer();
    hammer();
    assert_eq!(calls(&own), 2);
}

#[test]
fn a_sampler_of_the_environment_changes_no_figure() {
    let variables = [("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_TRACES_EXPORTER", "none")];
    if in_own_process("silence::a_sampler_of_the_environment_changes_no_figure", &variables).is_some() {
        return;
    }
    let telemetry = Telemetry::builder().tracing(false).init().expect("valid settings");
    hammer();
    assert_eq!(telemetry.metrics().count("gen_ai.execute_tool.duration"), 1);
    assert_eq!(telemetry.flush(Duration::from_secs(5)).generated, 0);
}

#[test]
fn telemetry_that_is_off_records_nothing() {
    if in_own_process("silence::telemetry_that_is_off_records_nothing", &[("OTEL_SDK_DISABLED", "true")])
        .is_some()
    {
        return;
    }
    let own = own_provider();
    let _telemetry = Telemetry::builder().tracing(false).init().expect("valid settings");
    hammer();
    assert_eq!(calls(&own), 0);
}
