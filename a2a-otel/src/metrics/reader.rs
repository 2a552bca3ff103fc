//! Reads the metrics of this process within the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "testing")]
use opentelemetry::metrics::Meter;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
    ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Stream, Temporality};

use super::pipeline::observe;
#[cfg(any(feature = "testing", feature = "performance"))]
use crate::gen_ai::scope;
use crate::lock::lock;
use crate::meter::InstrumentKind;
use crate::pipeline::{Backend, Census};
use crate::report::report;
use crate::semconv::opentelemetry::METRIC_OVERFLOW;

/// The meter provider that `init` installs, and what it last collected.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    provider: SdkMeterProvider,
    latest: Latest,
}

impl Meters {
    /// Each metric keeps at most `limit` different sets of attributes.
    pub(crate) fn new(resource: Resource, limit: usize) -> Self {
        let latest = Latest(Arc::new(Mutex::new(Collected { limit, ..Collected::default() })));
        let reader = PeriodicReader::builder(latest.clone()).build();
        // The SDK refuses only a limit of 0, and one that no memory could hold.
        let limited = move |_: &_| Stream::builder().with_cardinality_limit(limit).build().ok();
        let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader);
        Meters { provider: provider.with_view(limited).build(), latest }
    }

    /// Adds instruments for telemetry itself, and returns the census that spans are to be counted in.
    pub(crate) fn observe(&self, backends: &[Backend]) -> Arc<Census> {
        observe(&self.provider.meter("a2a-otel"), backends)
    }

    /// The meter of this crate's attribute macros.
    #[cfg(feature = "testing")]
    pub(super) fn meter(&self) -> Meter {
        self.provider.meter_with_scope(scope())
    }

    /// Adds the figures of the process, and of the tokio runtime in which this is called.
    #[cfg(feature = "performance")]
    pub(crate) fn observe_performance(&self) {
        let meter = self.provider.meter_with_scope(scope());
        super::process::observe_process(&meter);
        #[cfg(feature = "tokio")]
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            super::runtime::observe_runtime(&meter, "main", &runtime);
        }
    }

    pub(crate) fn install(&self) {
        global::set_meter_provider(self.provider.clone());
    }

    pub(crate) fn collect(&self) -> MetricsSnapshot {
        // After shutdown nothing can be collected, and the last values remain.
        let _ = self.provider.force_flush();
        self.latest.read()
    }

    pub(crate) fn shutdown(&self) {
        if let Err(error) = self.provider.shutdown() {
            report(&format_args!("the metrics did not shut down: {error}"));
        }
    }
}

/// An exporter that keeps the metrics.
#[derive(Clone, Debug)]
struct Latest(Arc<Mutex<Collected>>);

#[derive(Debug, Default)]
struct Collected {
    snapshot: MetricsSnapshot,
    limit: usize,
    /// The metrics that have exceeded the limit, which was reported.
    overflowed: BTreeSet<String>,
}

impl Latest {
    fn read(&self) -> MetricsSnapshot {
        lock(&self.0).snapshot.clone()
    }
}

impl Collected {
    /// Takes the place of what was collected before, and returns the metrics that have exceeded the limit since.
    fn replace(&mut self, snapshot: MetricsSnapshot) -> Vec<String> {
        self.snapshot = snapshot;
        let overflows = self.snapshot.instruments().filter(|instrument| instrument.overflows());
        overflows.map(|it| it.name.clone()).filter(|name| self.overflowed.insert(name.clone())).collect()
    }
}

impl PushMetricExporter for Latest {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let snapshot = MetricsSnapshot::of(metrics);
        let mut collected = lock(&self.0);
        let (overflowed, limit) = (collected.replace(snapshot), collected.limit);
        // A message may be slow to print.
        drop(collected);
        for name in overflowed {
            report(&format_args!(
                "the metric {name:?} has more than {limit} different sets of attributes: further ones are counted together, \
                 with the attribute {METRIC_OVERFLOW}; use attributes with fewer different values, or raise \
                 A2A_OTEL_CARDINALITY_LIMIT"
            ));
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

/// A snapshot of the metrics of this process. It is displayed as a table.
///
/// ```
/// use a2a_otel::Telemetry;
/// use opentelemetry::KeyValue;
///
/// let telemetry = Telemetry::builder().tracing(false).init()?;
/// let searches = opentelemetry::global::meter("shop").u64_counter("searches").build();
/// searches.add(2, &[KeyValue::new("category", "books")]);
///
/// let metrics = telemetry.metrics();
/// assert_eq!(metrics.sum("searches"), 2.0);
/// println!("{metrics}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsSnapshot {
    instruments: BTreeMap<String, Instrument>,
}

/// An instrument and its values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Instrument {
    /// Its name.
    pub name: String,
    /// The unit of its values, as in `{search}` or `ms`.
    pub unit: String,
    /// Its description.
    pub description: String,
    /// Its kind.
    pub kind: InstrumentKind,
    /// Its values, one for each set of attributes.
    pub points: Vec<Point>,
}

/// The value for one set of attributes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// The attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The value.
    pub reading: Reading,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reading {
    /// The value of a counter.
    Sum(f64),
    /// The value of a gauge.
    Last(f64),
    /// The values of a histogram.
    Distribution(Distribution),
}

/// The values of a histogram.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Distribution {
    /// The number of values.
    pub count: u64,
    /// The sum of all values.
    pub sum: f64,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The upper bounds of all buckets except the last, which has none.
    pub bounds: Vec<f64>,
    /// The number of values in each bucket.
    pub buckets: Vec<u64>,
}

impl MetricsSnapshot {
    /// Returns all instruments, by name.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.values()
    }

    /// Returns an instrument, if anything was recorded with it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Instrument> {
        self.instruments.get(name)
    }

    /// Returns the values of an instrument, for each set of attributes.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// use opentelemetry::KeyValue;
    ///
    /// let orders = opentelemetry::global::meter("shop").u64_counter("orders").build();
    /// orders.add(1, &[KeyValue::new("country", "NL")]);
    /// let metrics = telemetry.metrics();
    /// assert_eq!(metrics.points("orders")[0].attributes["country"], "NL");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn points(&self, name: &str) -> &[Point] {
        self.get(name).map_or(&[], |instrument| &instrument.points)
    }

    /// Returns the sum over all attributes, or 0 if there is none.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        self.points(name).iter().map(|point| point.reading.sum()).sum()
    }

    /// Returns the number of values of a histogram, over all attributes.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// opentelemetry::global::meter("shop").f64_histogram("basket").build().record(12.5, &[]);
    /// assert_eq!(telemetry.metrics().count("basket"), 1);
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.distribution(name).map_or(0, |distribution| distribution.count)
    }

    /// Returns the value below which this part of a histogram lies, over all attributes: `0.95` asks for the 95th
    /// percentile. It is estimated from the buckets.
    #[must_use]
    pub fn percentile(&self, name: &str, part: f64) -> Option<f64> {
        self.distribution(name)?.percentile(part)
    }

    fn distribution(&self, name: &str) -> Option<Distribution> {
        let mut distributions = self.points(name).iter().filter_map(|point| match &point.reading {
            Reading::Distribution(distribution) => Some(distribution),
            _ => None,
        });
        let first = distributions.next()?.clone();
        Some(distributions.fold(first, Distribution::merge))
    }

    fn of(metrics: &ResourceMetrics) -> Self {
        let mut snapshot = MetricsSnapshot::default();
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
            let (kind, points) = read(metric);
            let instrument = snapshot.instruments.entry(metric.name().to_owned());
            // Two libraries may use the same name; their values are shown together.
            instrument.or_insert_with(|| describe(metric, kind)).points.extend(points);
        }
        snapshot
    }
}

impl Instrument {
    fn overflows(&self) -> bool {
        self.points.iter().any(|point| point.attributes.contains_key(METRIC_OVERFLOW))
    }
}

impl Reading {
    fn sum(&self) -> f64 {
        match self {
            Reading::Sum(value) | Reading::Last(value) => *value,
            Reading::Distribution(distribution) => distribution.sum,
        }
    }
}

impl Distribution {
    /// Returns the value below which this part of the values lies, estimated as if the values in a bucket were spread
    /// evenly.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let latency = opentelemetry::global::meter("shop").f64_histogram("latency").build();
    /// (1..=100).for_each(|value| latency.record(f64::from(value), &[]));
    /// let median = telemetry.metrics().percentile("latency", 0.5).unwrap();
    /// assert!((45.0..55.0).contains(&median));
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn percentile(&self, part: f64) -> Option<f64> {
        let wanted = part.clamp(0.0, 1.0) * self.count.to_f64();
        let mut below = 0.0;
        for (index, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = count.to_f64();
            if below + count >= wanted {
                let (lower, upper) = self.edges(index)?;
                return Some(lower + (upper - lower) * (wanted - below) / count);
            }
            below += count;
        }
        self.max
    }

    /// Returns the bounds of a bucket's values. The smallest and the largest value narrow the outer buckets.
    fn edges(&self, index: usize) -> Option<(f64, f64)> {
        let (min, max) = (self.min?, self.max?);
        let lower =
            index.checked_sub(1).and_then(|below| self.bounds.get(below)).map_or(min, |lower| lower.max(min));
        let upper = self.bounds.get(index).map_or(max, |upper| upper.min(max));
        Some((lower, upper))
    }

    fn merge(self, other: &Distribution) -> Distribution {
        let comparable = self.bounds == other.bounds;
        let pairs = self.buckets.iter().zip(&other.buckets);
        Distribution {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.into_iter().chain(other.min).reduce(f64::min),
            max: self.max.into_iter().chain(other.max).reduce(f64::max),
            buckets: if comparable {
                pairs.map(|(one, another)| one + another).collect()
            } else {
                Vec::new()
            },
            bounds: if comparable { self.bounds } else { Vec::new() },
        }
    }
}

trait Number: Copy {
    fn to_f64(self) -> f64;
}

impl Number for f64 {
    fn to_f64(self) -> f64 {
        self
    }
}

impl Number for u64 {
    #[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may be off by one part in 2^53")]
    fn to_f64(self) -> f64 {
        self as f64
    }
}

impl Number for i64 {
    #[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may be off by one part in 2^53")]
    fn to_f64(self) -> f64 {
        self as f64
    }
}

fn describe(metric: &Metric, kind: InstrumentKind) -> Instrument {
    Instrument {
        name: metric.name().to_owned(),
        unit: metric.unit().to_owned(),
        description: metric.description().to_owned(),
        kind,
        points: Vec::new(),
    }
}

fn read(metric: &Metric) -> (InstrumentKind, Vec<Point>) {
    match metric.data() {
        AggregatedMetrics::F64(data) => read_data(data),
        AggregatedMetrics::U64(data) => read_data(data),
        AggregatedMetrics::I64(data) => read_data(data),
    }
}

fn read_data<T: Number>(data: &MetricData<T>) -> (InstrumentKind, Vec<Point>) {
    match data {
        MetricData::Gauge(gauge) => {
            let read = gauge
                .data_points()
                .map(|it| point(it.attributes().cloned(), Reading::Last(it.value().to_f64())));
            (InstrumentKind::Gauge, read.collect())
        }
        MetricData::Sum(sum) => {
            let kind =
                if sum.is_monotonic() { InstrumentKind::Counter } else { InstrumentKind::UpDownCounter };
            let read = sum
                .data_points()
                .map(|it| point(it.attributes().cloned(), Reading::Sum(it.value().to_f64())));
            (kind, read.collect())
        }
        MetricData::Histogram(histogram) => {
            let read = histogram.data_points().map(|it| point(it.attributes().cloned(), explicit(it)));
            (InstrumentKind::Histogram, read.collect())
        }
        MetricData::ExponentialHistogram(histogram) => {
            let read = histogram.data_points().map(|it| point(it.attributes().cloned(), exponential(it)));
            (InstrumentKind::Histogram, read.collect())
        }
    }
}

fn point(attributes: impl Iterator<Item = KeyValue>, reading: Reading) -> Point {
    let attributes = attributes.map(|attribute| (attribute.key.to_string(), attribute.value.to_string()));
    Point { attributes: attributes.collect(), reading }
}

fn explicit<T: Number>(point: &HistogramDataPoint<T>) -> Reading {
    Reading::Distribution(Distribution {
        count: point.count(),
        sum: point.sum().to_f64(),
        min: point.min().map(Number::to_f64),
        max: point.max().map(Number::to_f64),
        bounds: point.bounds().collect(),
        buckets: point.bucket_counts().collect(),
    })
}

fn exponential<T: Number>(point: &ExponentialHistogramDataPoint<T>) -> Reading {
    Reading::Distribution(Distribution {
        count: point.count() as u64,
        sum: point.sum().to_f64(),
        min: point.min().map(Number::to_f64),
        max: point.max().map(Number::to_f64),
        ..Distribution::default()
    })
}

impl fmt::Display for MetricsSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.instruments().flat_map(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (names, values) = (width(0), width(1));
        rows.iter().try_for_each(|[name, value, unit]| {
            writeln!(f, "{}", format_args!("{name:names$}  {value:values$}  {unit}").to_string().trim_end())
        })
    }
}

fn rows(instrument: &Instrument) -> impl Iterator<Item = [String; 3]> {
    instrument.points.iter().map(|point| {
        let attributes: Vec<_> =
            point.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let name = [instrument.name.clone(), attributes.join(" ")].join(" ").trim_end().to_owned();
        [name, point.reading.to_string(), instrument.unit.clone()]
    })
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reading::Sum(value) | Reading::Last(value) => write!(f, "{}", rounded(*value)),
            Reading::Distribution(distribution) => distribution.fmt(f),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "count {}, sum {}", self.count, rounded(self.sum))?;
        let quantiles = [("p50", self.percentile(0.5)), ("p95", self.percentile(0.95))];
        let parts = [("min", self.min)].into_iter().chain(quantiles).chain([("max", self.max)]);
        parts
            .filter_map(|(name, value)| Some((name, value?)))
            .try_for_each(|(name, value)| write!(f, ", {name} {}", rounded(value)))
    }
}

/// Three digits after the point are enough.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;

    use super::*;

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
        assert_eq!(instrument.kind, InstrumentKind::Counter);
        assert_eq!(snapshot.get("open").unwrap().kind, InstrumentKind::UpDownCounter);
        assert_eq!(snapshot.points("open")[0].reading, Reading::Sum(-1.0));
        assert_eq!(snapshot.points("price")[0].reading, Reading::Last(1.5));
        assert_eq!(snapshot.points("price")[0].attributes["category"], "books");
        assert_eq!(snapshot.count("absent"), 0);
        searches.add(1, &[]);
        assert_eq!(meters.collect().sum("searches").to_string(), "6");
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
