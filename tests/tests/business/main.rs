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

use a2a_otel::opentelemetry::global;
use a2a_otel_tests::child::{in_own_process, messages};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

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
