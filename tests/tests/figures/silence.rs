//! Who listens: with an application's own meter provider, with telemetry that is off, and with nothing.

use std::process::Command;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel::opentelemetry::global;
use a2a_otel::tool_span;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

const CHILD: &str = "A2A_OTEL_TEST_CHILD";

/// Runs a test in a process of its own with these variables. False means that this is the process.
fn is_run_apart(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return false;
    }
    let mut child = Command::new(std::env::current_exe().expect("a running program has a path"));
    child.args(["--exact", test, "--nocapture"]).env(CHILD, test).envs(variables.iter().copied());
    let output = child.output().expect("a test can run itself");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

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
    if is_run_apart("silence::an_application_s_own_meter_provider_is_enough", &[]) {
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
    if is_run_apart("silence::a_sampler_of_the_environment_changes_no_figure", &variables) {
        return;
    }
    let telemetry = Telemetry::builder().tracing(false).init().expect("valid settings");
    hammer();
    assert_eq!(telemetry.metrics().count("gen_ai.execute_tool.duration"), 1);
    assert_eq!(telemetry.flush(Duration::from_secs(5)).generated, 0);
}

#[test]
fn telemetry_that_is_off_records_nothing() {
    if is_run_apart("silence::telemetry_that_is_off_records_nothing", &[("OTEL_SDK_DISABLED", "true")]) {
        return;
    }
    let own = own_provider();
    let _telemetry = Telemetry::builder().tracing(false).init().expect("valid settings");
    hammer();
    assert_eq!(calls(&own), 0);
}
