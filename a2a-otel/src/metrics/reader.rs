//! Reads the metrics of this process within the process.

use std::collections::BTreeMap;
use std::fmt;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
    ResourceMetrics, ScopeMetrics,
};

use crate::meter::InstrumentKind;

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

    pub(super) fn of(metrics: &ResourceMetrics) -> Self {
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

    /// Merges two distributions, with the bounds at which both know how many values are below.
    fn merge(self, other: &Distribution) -> Distribution {
        let mut bounds: Vec<f64> = self.bounds.iter().chain(&other.bounds).copied().collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds.retain(|bound| self.knows(*bound) && other.knows(*bound));
        let mut buckets = vec![0; bounds.len() + 1];
        self.count_into(&mut buckets, &bounds);
        other.count_into(&mut buckets, &bounds);
        Distribution {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.into_iter().chain(other.min).reduce(f64::min),
            max: self.max.into_iter().chain(other.max).reduce(f64::max),
            bounds,
            buckets,
        }
    }

    /// Whether it is known how many values are below this bound: no bucket with values extends over it.
    fn knows(&self, bound: f64) -> bool {
        let index = self.bounds.partition_point(|own| *own < bound);
        self.bounds.get(index) == Some(&bound) || self.buckets.get(index).is_none_or(|count| *count == 0)
    }

    /// Adds the buckets to those with other bounds, none of which divides a bucket with values.
    fn count_into(&self, buckets: &mut [u64], bounds: &[f64]) {
        for (index, count) in self.buckets.iter().enumerate() {
            let upper = self.bounds.get(index).copied().unwrap_or(f64::INFINITY);
            buckets[bounds.partition_point(|bound| *bound < upper)] += count;
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

/// Reads an exponential histogram. Its buckets have bounds too: the powers of a base.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram>.
fn exponential<T: Number>(point: &ExponentialHistogramDataPoint<T>) -> Reading {
    let power = |index: i32| (f64::from(index) * (-f64::from(point.scale())).exp2()).exp2();
    let numbered = |offset: i32, counts: Vec<u64>| (offset..).zip(counts);
    let (negative, positive) = (point.negative_bucket(), point.positive_bucket());
    // Of the smallest negative numbers first, so with the largest powers first.
    let mut below: Vec<_> = numbered(negative.offset(), negative.counts().collect()).collect();
    below.reverse();
    let below = below.into_iter().map(|(index, count)| (-power(index), count));
    let zero = (point.zero_threshold(), point.zero_count());
    // Between zero and the first positive bucket is nothing.
    let gap = (power(positive.offset()), 0);
    let above = numbered(positive.offset(), positive.counts().collect());
    let above = above.map(|(index, count)| (power(index + 1), count));
    let (bounds, mut buckets): (Vec<_>, Vec<_>) = below.chain([zero, gap]).chain(above).unzip();
    buckets.push(0);
    Reading::Distribution(Distribution {
        count: point.count() as u64,
        sum: point.sum().to_f64(),
        min: point.min().map(Number::to_f64),
        max: point.max().map(Number::to_f64),
        bounds,
        buckets,
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
