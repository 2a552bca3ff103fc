//! The meter provider that `init` installs.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use opentelemetry::global;
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream, Temporality,
};

use super::callbacks::Guarded;
use super::collect::Collector;
use super::export::Exports;
use super::prometheus::{LONGEST_SCRAPE, Visit};
use super::reader::MetricsSnapshot;
use crate::deadline;
use crate::environment::Warning;
#[cfg(any(feature = "testing", feature = "performance"))]
use crate::gen_ai::scope;
use crate::lock::lock;
use crate::pipeline::DataPoints;
use crate::pipeline::health::Condition;
use crate::pipeline::metrics::Pusher;
use crate::report::report;
use crate::settings::{HistogramAggregation, Settings, TemporalityPreference};

/// How long a caller in this process waits for a collection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The specification's numbers for exponential histograms.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#base2-exponential-bucket-histogram-aggregation>.
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

/// The name of the meter of telemetry itself.
pub(crate) const OWN_METER: &str = "a2a-otel";

/// The meter provider that `init` installs, and those who read its values.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    provider: SdkMeterProvider,
    values: Collector,
    exports: Arc<Exports>,
    /// Ends the exports at each interval when it is dropped.
    ticking: Arc<Mutex<Option<mpsc::Sender<()>>>>,
}

impl Meters {
    /// Meters whose values go nowhere by themselves. Each metric keeps at most `limit` different sets of attributes.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn new(resource: Resource, limit: usize) -> Self {
        let values = Collector::new(Temporality::Cumulative);
        let exports = Exports::none(values.clone(), limit);
        Self::of(resource, limit, HistogramAggregation::default(), values, None, exports)
    }

    /// Meters whose values go where the settings say.
    pub(crate) fn configured(resource: Resource, settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        let values = Collector::new(Temporality::Cumulative);
        let pusher = Pusher::new(settings, warnings);
        let temporality = match settings.metrics.temporality {
            TemporalityPreference::Cumulative => None,
            TemporalityPreference::Delta => Some(Temporality::Delta),
            TemporalityPreference::LowMemory => Some(Temporality::LowMemory),
        };
        let changes = temporality.filter(|_| pusher.is_some()).map(Collector::new);
        let exports = Exports::new(values.clone(), changes.clone(), settings, pusher);
        let (limit, histograms) = (settings.cardinality_limit, settings.metrics.histograms);
        Self::of(resource, limit, histograms, values, changes, exports)
    }

    fn of(
        resource: Resource,
        limit: usize,
        histograms: HistogramAggregation,
        values: Collector,
        changes: Option<Collector>,
        exports: Exports,
    ) -> Self {
        let view = move |instrument: &Instrument| stream(instrument, limit, histograms);
        let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(values.clone());
        let provider = match changes {
            Some(changes) => provider.with_reader(changes),
            None => provider,
        };
        let provider = provider.with_view(view).build();
        Meters { provider, values, exports: Arc::new(exports), ticking: Arc::default() }
    }

    /// The meter of telemetry itself.
    pub(crate) fn own_meter(&self) -> Meter {
        self.provider.meter(OWN_METER)
    }

    /// The meter of this crate's attribute macros.
    #[cfg(feature = "testing")]
    pub(super) fn meter(&self) -> Meter {
        self.provider.meter_with_scope(scope())
    }

    /// Adds the figures of the process, and of the tokio runtime in which this is called.
    #[cfg(feature = "performance")]
    pub(crate) fn observe_performance(&self) {
        observe_performance(&self.provider.meter_with_scope(scope()));
    }

    pub(crate) fn install(&self) {
        global::set_meter_provider(Guarded::new(self.provider.clone()));
        *lock(&self.ticking) = Some(self.exports.start());
    }

    /// Collects, and returns the values as a snapshot. If that takes too long, or telemetry has ended, these are the last
    /// ones.
    pub(crate) fn collect(&self) -> MetricsSnapshot {
        let collected = self.values.collect(PATIENCE).or_else(|| self.values.latest());
        let Some(collected) = collected else { return MetricsSnapshot::default() };
        self.exports.report_overflows(&collected);
        MetricsSnapshot::of(&collected)
    }

    /// Collects metrics and shows them to a visit, which is not called if that takes longer than any scrape waits.
    pub(crate) fn visit(&self, visit: Visit) {
        self.collect_into(LONGEST_SCRAPE, |collected| {
            self.exports.report_overflows(collected);
            visit(collected);
        });
    }

    /// Collects now, and reads what was collected. Callers that ask at the same time share a collection. Returns `None` if it
    /// takes longer than `timeout`.
    fn collect_into<T>(&self, timeout: Duration, read: impl FnOnce(&ResourceMetrics) -> T) -> Option<T> {
        self.values.collect(timeout).as_deref().map(read)
    }

    /// Exports the current values, and waits until the receiver has them.
    pub(crate) fn flush(&self, timeout: Duration) {
        if !self.exports.has_takers() {
            return;
        }
        let left = left_of(timeout);
        self.exports.export(left());
        self.exports.pusher.iter().for_each(|pusher| pusher.flush(left()));
    }

    /// Stops waiting for a receiver that never answered, because the end is near.
    pub(crate) fn closing(&self) {
        drop(lock(&self.ticking).take());
        self.exports.pusher.iter().for_each(Pusher::closing);
    }

    /// Exports the last values, waits until the receiver has them, and ends.
    pub(crate) fn shutdown(&self, timeout: Duration) {
        let left = left_of(timeout);
        self.exports.export(timeout);
        self.exports.pusher.iter().for_each(|pusher| pusher.close(left()));
        if let Err(error) = self.provider.shutdown_with_timeout(left()) {
            report(&format_args!("the metrics did not shut down: {error}"));
        }
    }

    /// Counts what was not sent as lost.
    pub(crate) fn write_off(&self) {
        self.exports.pusher.iter().for_each(Pusher::write_off);
    }

    /// Whether values reach the receiver, if there is one.
    pub(crate) fn condition(&self) -> Condition {
        if let Some(Condition::Failing(cause)) = self.exports.pusher.as_ref().map(Pusher::condition) {
            return Condition::Failing(cause);
        }
        Condition::Good
    }

    /// What became of the data points that are sent.
    pub(crate) fn delivery(&self) -> DataPoints {
        self.exports.pusher.as_ref().map(Pusher::delivery).unwrap_or_default()
    }
}

/// Adds the figures of the process, and of the tokio runtime in which this is called, to a meter.
#[cfg(feature = "performance")]
pub(crate) fn observe_performance(meter: &Meter) {
    super::process::observe_process(meter);
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        super::runtime::observe_runtime(meter, "main", &runtime);
    }
}

/// Returns how an instrument is aggregated. The SDK refuses only a limit of 0, and one that no memory could hold.
fn stream(instrument: &Instrument, limit: usize, histograms: HistogramAggregation) -> Option<Stream> {
    let stream = Stream::builder().with_cardinality_limit(limit);
    let is_exponential = instrument.kind() == InstrumentKind::Histogram
        && histograms == HistogramAggregation::Base2Exponential;
    let stream = if is_exponential { stream.with_aggregation(EXPONENTIAL) } else { stream };
    stream.build().ok()
}

/// Returns how much of a time is left.
fn left_of(timeout: Duration) -> impl Fn() -> Duration {
    let deadline = deadline::after(timeout);
    move || deadline::left(deadline)
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry::metrics::AsyncInstrument;

    use super::*;
    use crate::meter::InstrumentKind as Kind;
    use crate::metrics::Reading;

    fn meters() -> Meters {
        Meters::new(Resource::builder_empty().build(), 100)
    }

    #[test]
    fn every_kind_is_read() {
        let meters = meters();
        let meter = meters.provider.meter("test");
        let books = [KeyValue::new("category", "books")];
        let searches =
            meter.u64_counter("searches").with_unit("{search}").with_description("What for").build();
        searches.add(2, &books);
        searches.add(3, &[]);
        meter.i64_up_down_counter("open").build().add(-1, &[]);
        meter.f64_gauge("price").build().record(1.5, &books);
        let snapshot = meters.collect();
        assert_eq!(snapshot.sum("searches").to_string(), "5");
        assert_eq!(snapshot.points("searches").len(), 2);
        let instrument = snapshot.get("searches").unwrap();
        assert_eq!((instrument.unit.as_str(), instrument.description.as_str()), ("{search}", "What for"));
        assert_eq!(instrument.kind, Kind::Counter);
        assert_eq!(snapshot.get("open").unwrap().kind, Kind::UpDownCounter);
        assert_eq!(snapshot.points("open")[0].reading, Reading::Sum(-1.0));
        assert_eq!(snapshot.points("price")[0].reading, Reading::Last(1.5));
        assert_eq!(snapshot.points("price")[0].attributes["category"], "books");
        assert_eq!(snapshot.count("absent"), 0);
        searches.add(1, &[]);
        assert_eq!(meters.collect().sum("searches").to_string(), "6");
    }

    #[test]
    fn a_collection_that_hangs_is_not_waited_for_and_the_next_one_works() {
        let meters = meters();
        let meter = meters.provider.meter("test");
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        // This provider does not guard its callbacks; the first call waits, and later ones find the channel closed.
        let wait = move |observer: &dyn AsyncInstrument<u64>| {
            let _ = lock(&released).recv();
            observer.observe(4, &[]);
        };
        meter.u64_observable_gauge("stock").with_callback(wait).build();
        let stock = |metrics: &ResourceMetrics| MetricsSnapshot::of(metrics).sum("stock");
        assert_eq!(meters.collect_into(Duration::from_millis(50), stock), None);
        drop(release);
        assert_eq!(meters.collect_into(Duration::from_secs(30), stock), Some(4.0));
    }

    #[test]
    fn percentiles_are_estimated_from_exponential_buckets_with_different_scales() {
        let resource = Resource::builder_empty().build();
        let values = Collector::new(Temporality::Cumulative);
        let exports = Exports::none(values.clone(), 100);
        let histograms = HistogramAggregation::Base2Exponential;
        let meters = Meters::of(resource, 100, histograms, values, None, exports);
        let latency = meters.provider.meter("test").f64_histogram("latency").build();
        // A few close values have narrow buckets, and many different ones wide buckets.
        for value in 1..=1000 {
            latency.record(f64::from(value), &[KeyValue::new("is_small", value <= 10)]);
        }
        (1..=1000).for_each(|value| latency.record(-f64::from(value), &[KeyValue::new("is_small", false)]));
        let snapshot = meters.collect();
        assert_eq!(snapshot.count("latency"), 2000);
        for (part, expected) in [(0.0, -1000.0), (0.25, -500.0), (0.75, 500.0), (0.9, 800.0), (1.0, 1000.0)] {
            let percentile = snapshot.percentile("latency", part).unwrap();
            assert!((percentile - expected).abs() < 30.0, "{part}: {percentile}");
        }
    }

    #[test]
    fn percentiles_are_estimated_from_buckets() {
        let meters = meters();
        let latency = meters.provider.meter("test").f64_histogram("latency").with_unit("ms").build();
        for value in 1..=1000 {
            latency.record(f64::from(value), &[KeyValue::new("half", value > 500)]);
        }
        let snapshot = meters.collect();
        assert_eq!(snapshot.count("latency"), 1000);
        for (part, expected) in [(0.0, 1.0), (0.5, 500.0), (0.95, 950.0), (1.0, 1000.0)] {
            let percentile = snapshot.percentile("latency", part).unwrap();
            assert!((percentile - expected).abs() < 5.0, "{part}: {percentile}");
        }
    }

    #[test]
    fn it_displays_as_a_table() {
        let meters = meters();
        let meter = meters.provider.meter("test");
        meter
            .u64_counter("searches")
            .with_unit("{search}")
            .build()
            .add(2, &[KeyValue::new("category", "books")]);
        meter.u64_histogram("latency").with_unit("ms").build().record(7, &[]);
        let expected = "\
latency                  count 1, sum 7, min 7, p50 7, p95 7, max 7  ms
searches category=books  2                                           {search}
";
        assert_eq!(meters.collect().to_string(), expected);
    }
}
