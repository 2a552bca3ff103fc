//! Tests what `#[business_metric]` records.
//!
//! The meter provider, the names of metrics and standard error are global, so every test that looks at them runs in a
//! process of its own.

mod captured;
mod definitions;
mod labels;
mod limits;
mod numbers;
mod outcomes;
mod providers;

use std::process::{Command, Output};

use a2a_otel::opentelemetry::global;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

const CHILD: &str = "A2A_OTEL_TEST_CHILD";

/// Runs a test in a process of its own with these variables, and returns what that printed on standard error. `None`
/// means that this is the process.
fn in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().expect("a running program has a path"));
    child.args(["--exact", test, "--nocapture"]).env(CHILD, test).envs(variables.iter().copied());
    let Output { status, stdout, stderr } = child.output().expect("a test can run itself");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
    Some(stderr.into_owned())
}

/// The lines that the library printed.
fn messages(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("a2a-otel: ")).collect()
}

/// A meter provider of an application's own, and what it has collected.
struct Own {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Own {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        Self { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    fn install(&self) {
        global::set_meter_provider(self.provider.clone());
    }

    /// Collects, and passes the data of a metric on, if there is any.
    fn read<R>(&self, name: &str, read: impl FnOnce(&AggregatedMetrics) -> R) -> Option<R> {
        self.exporter.reset();
        self.provider.force_flush().expect("it collects");
        let finished = self.exporter.get_finished_metrics().expect("it keeps them");
        let metrics = finished.last()?;
        let all = ResourceMetrics::scope_metrics(metrics).flat_map(ScopeMetrics::metrics);
        let found: Vec<_> = all.filter(|metric| metric.name() == name).collect();
        assert!(found.len() < 2, "{name} is one metric");
        found.first().map(|metric| read(metric.data()))
    }

    /// The value of a counter of whole numbers, over all labels.
    fn count(&self, name: &str) -> u64 {
        let sum = |data: &AggregatedMetrics| match data {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().map(SumDataPoint::value).sum(),
            other => panic!("{name} counts whole numbers: {other:?}"),
        };
        self.read(name, sum).unwrap_or_default()
    }
}
