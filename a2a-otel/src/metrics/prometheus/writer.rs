//! Writes metrics in a text format of Prometheus.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::time::UNIX_EPOCH;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
    ResourceMetrics, ScopeMetrics,
};

use super::buckets::{Bounds, of_exponential};
use super::format::Format;
use super::labels::{Labels, escaped, of_resource};
use super::numbers::{push_integer, push_number};
use crate::meter::Number;
use crate::meter::exemplars::{self, Collected, Exemplar};
use crate::semconv::metrics::InstrumentKind;
use crate::semconv::prometheus::Name;

/// Something that cannot be written as it is. The rest is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Complaint {
    /// Two metrics have one name in Prometheus, but not the same type and unit.
    Conflict { first: String, other: String, name: String },
    /// Two series of a metric have the same labels in Prometheus.
    SameLabels { metric: String },
    /// The value of a counter is negative or `NaN`.
    NotACount { metric: String },
}

/// The order in which metrics were first seen. The SDK's own order changes when a library adds a meter, and the first of two
/// metrics with one name has to remain the first.
#[derive(Default)]
pub(super) struct Order(HashMap<String, usize>);

impl Order {
    fn place_of(&mut self, metric: &Metric) -> usize {
        let next = self.0.len();
        let (name, unit, kind) = (metric.name(), metric.unit(), type_name(kind(metric)));
        *self.0.entry(format!("{name}\n{unit}\n{kind}")).or_insert(next)
    }
}

/// Writes metrics.
pub(super) fn write(
    metrics: &ResourceMetrics,
    format: Format,
    order: &mut Order,
    out: &mut String,
) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let families = Families::of(metrics, order, &mut complaints).families;
    let exemplars = (format == Format::OpenMetrics).then(exemplars::collect).flatten();
    let mut writer = Writer {
        out,
        format,
        labels: Labels::new(metrics.resource()),
        bounds: Bounds::default(),
        exemplars,
        seen: HashSet::default(),
        hash: RandomState::new(),
        complaints,
    };
    writer.target(&of_resource(metrics.resource()));
    for family in &families {
        writer.family(family);
    }
    if format == Format::OpenMetrics {
        writer.out.push_str("# EOF\n");
    }
    writer.complaints
}

/// Metrics that have one name in Prometheus. Libraries may use the same one.
struct Family<'a> {
    name: Name,
    kind: InstrumentKind,
    metrics: Vec<&'a Metric>,
}

/// The name of the metric with the attributes of the resource, and of its samples.
const TARGET: &str = "target";
const TARGET_INFO: &str = "target_info";

#[derive(Default)]
struct Families<'a> {
    families: Vec<Family<'a>>,
    /// The family that has a name, or a name with a suffix; `None` for names of our own.
    taken: HashMap<String, Option<usize>>,
}

impl<'a> Families<'a> {
    fn of(metrics: &'a ResourceMetrics, order: &mut Order, complaints: &mut Vec<Complaint>) -> Self {
        let mut families = Families::default();
        families.taken.extend([TARGET, TARGET_INFO].map(|name| (name.to_owned(), None)));
        let metrics = metrics.scope_metrics().flat_map(ScopeMetrics::metrics);
        let mut placed: Vec<_> = metrics.map(|metric| (order.place_of(metric), metric)).collect();
        placed.sort_by_key(|(place, _)| *place);
        complaints.extend(placed.into_iter().filter_map(|(_, metric)| families.add(metric).err()));
        families
    }

    fn add(&mut self, metric: &'a Metric) -> Result<(), Complaint> {
        let kind = kind(metric);
        let name = Name::new(metric.name(), metric.unit(), kind);
        let names = || suffixes(kind).iter().map(|suffix| format!("{}{suffix}", name.family));
        let Some((taken, owner)) =
            names().find_map(|name| self.taken.get(&name).map(|owner| (name.clone(), *owner)))
        else {
            self.taken.extend(names().map(|name| (name, Some(self.families.len()))));
            self.families.push(Family { name, kind, metrics: vec![metric] });
            return Ok(());
        };
        match owner.map(|owner| &mut self.families[owner]) {
            Some(family) if family.name == name && type_name(family.kind) == type_name(kind) => {
                family.metrics.push(metric);
                Ok(())
            }
            owner => Err(Complaint::Conflict {
                first: owner.map_or(TARGET_INFO, |family| family.metrics[0].name()).to_owned(),
                other: metric.name().to_owned(),
                name: taken,
            }),
        }
    }
}

/// The name of the type in a `# TYPE` line.
const fn type_name(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Counter => "counter",
        InstrumentKind::Gauge | InstrumentKind::UpDownCounter => "gauge",
        InstrumentKind::Histogram => "histogram",
    }
}

/// What the names of samples add to the name of the metric. OpenMetrics also reserves `_created`, which is not written:
/// `orders` and `orders.created` can both be served, and Prometheus reads them.
const fn suffixes(kind: InstrumentKind) -> &'static [&'static str] {
    match kind {
        InstrumentKind::Counter => &["", "_total"],
        InstrumentKind::Gauge | InstrumentKind::UpDownCounter => &[""],
        InstrumentKind::Histogram => &["", "_bucket", "_sum", "_count"],
    }
}

fn kind(metric: &Metric) -> InstrumentKind {
    fn of<T>(data: &MetricData<T>) -> InstrumentKind {
        match data {
            MetricData::Gauge(_) => InstrumentKind::Gauge,
            MetricData::Sum(sum) if sum.is_monotonic() => InstrumentKind::Counter,
            MetricData::Sum(_) => InstrumentKind::UpDownCounter,
            MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => InstrumentKind::Histogram,
        }
    }
    match metric.data() {
        AggregatedMetrics::F64(data) => of(data),
        AggregatedMetrics::U64(data) => of(data),
        AggregatedMetrics::I64(data) => of(data),
    }
}

struct Writer<'a> {
    out: &'a mut String,
    format: Format,
    labels: Labels<'a>,
    bounds: Bounds,
    /// `None` if nothing is to have exemplars.
    exemplars: Option<Collected>,
    /// The hashes of the labels of the series that were written for this family.
    seen: HashSet<u64>,
    hash: RandomState,
    complaints: Vec<Complaint>,
}

impl<'a> Writer<'a> {
    fn target(&mut self, labels: &str) {
        if labels.is_empty() {
            return;
        }
        let (name, kind) = match self.format {
            Format::Text => (TARGET_INFO, "gauge"),
            Format::OpenMetrics => (TARGET, "info"),
        };
        self.comment("HELP", name, "The attributes of the service");
        self.comment("TYPE", name, kind);
        push_series(self.out, (TARGET_INFO, ""), labels, None);
        self.out.push_str("1\n");
    }

    /// Writes a line of metadata, whose text needs no escaping.
    fn comment(&mut self, what: &str, name: &str, text: &str) {
        for part in ["# ", what, " ", name, " ", text, "\n"] {
            self.out.push_str(part);
        }
    }

    fn family(&mut self, family: &Family<'a>) {
        self.seen.clear();
        self.head(family);
        for metric in &family.metrics {
            match metric.data() {
                AggregatedMetrics::F64(data) => self.data(family, metric.name(), data),
                AggregatedMetrics::U64(data) => self.data(family, metric.name(), data),
                AggregatedMetrics::I64(data) => self.data(family, metric.name(), data),
            }
        }
    }

    /// Writes the metadata of a family.
    fn head(&mut self, family: &Family<'_>) {
        // Where OpenMetrics names the family, the text format names the samples, if all of them have one name.
        let suffix =
            if (self.format, family.kind) == (Format::Text, InstrumentKind::Counter) { "_total" } else { "" };
        let name = format!("{}{suffix}", family.name.family);
        let description = family.metrics[0].description();
        if !description.is_empty() {
            let escaped = match self.format {
                Format::OpenMetrics => escaped(description),
                Format::Text => description.replace('\\', "\\\\").replace('\n', "\\n"),
            };
            self.comment("HELP", &name, &escaped);
        }
        self.comment("TYPE", &name, type_name(family.kind));
        if let (Format::OpenMetrics, Some(unit)) = (self.format, &family.name.unit) {
            self.comment("UNIT", &name, unit);
        }
    }

    fn data<T: Value>(&mut self, family: &Family<'a>, metric: &str, data: &'a MetricData<T>) {
        let series = Series { family: &family.name.family, metric };
        match data {
            MetricData::Gauge(gauge) => {
                for point in gauge.data_points() {
                    self.gauge(series, point.attributes(), point.value().number());
                }
            }
            MetricData::Sum(sum) if sum.is_monotonic() => {
                for point in sum.data_points() {
                    self.counter(series, point.attributes(), point.value().number());
                }
            }
            MetricData::Sum(sum) => {
                for point in sum.data_points() {
                    self.gauge(series, point.attributes(), point.value().number());
                }
            }
            MetricData::Histogram(histogram) => {
                for point in histogram.data_points() {
                    self.explicit(series, point);
                }
            }
            MetricData::ExponentialHistogram(histogram) => {
                for point in histogram.data_points() {
                    self.exponential(series, point);
                }
            }
        }
    }

    /// Takes the attributes of a series. False if another one has the same labels.
    fn start(
        &mut self,
        series: Series<'_>,
        attributes: impl Iterator<Item = &'a KeyValue>,
        is_histogram: bool,
    ) -> bool {
        self.labels.set(attributes, is_histogram);
        let is_new = self.seen.insert(self.hash.hash_one(self.labels.text()));
        if !is_new {
            self.complaints.push(Complaint::SameLabels { metric: series.metric.to_owned() });
        }
        is_new
    }

    fn gauge(&mut self, series: Series<'_>, attributes: impl Iterator<Item = &'a KeyValue>, number: Number) {
        if self.start(series, attributes, false) {
            push_series(self.out, (series.family, ""), self.labels.text(), None);
            push_number(self.out, number);
            self.out.push('\n');
        }
    }

    fn counter(
        &mut self,
        series: Series<'_>,
        attributes: impl Iterator<Item = &'a KeyValue>,
        number: Number,
    ) {
        if !is_count(number) {
            return self.complaints.push(Complaint::NotACount { metric: series.metric.to_owned() });
        }
        if self.start(series, attributes, false) {
            push_series(self.out, (series.family, "_total"), self.labels.text(), None);
            push_number(self.out, number);
            let exemplars = self.exemplars(series);
            push_exemplar(self.out, exemplars.iter().max_by_key(|exemplar| exemplar.time));
            self.out.push('\n');
        }
    }

    fn explicit<T: Value>(&mut self, series: Series<'_>, point: &'a HistogramDataPoint<T>) {
        if self.start(series, point.attributes(), true) {
            self.bounds.set(|| point.bounds());
            self.histogram(series, point.bucket_counts(), point.count(), point.sum().number());
        }
    }

    fn exponential<T: Value>(&mut self, series: Series<'_>, point: &'a ExponentialHistogramDataPoint<T>) {
        if self.start(series, point.attributes(), true) {
            let (bounds, counts) = of_exponential(point);
            self.bounds.set(|| bounds.iter().copied());
            self.histogram(series, counts.into_iter(), point.count() as u64, point.sum().number());
        }
    }

    /// Writes a histogram with the counts of its buckets, of which the last may be missing.
    fn histogram(&mut self, series: Series<'_>, counts: impl Iterator<Item = u64>, count: u64, sum: Number) {
        let exemplars = self.exemplars(series);
        let Self { out, labels, bounds, .. } = self;
        let exemplar = |bucket: usize| {
            let is_inside = |exemplar: &&Exemplar| bounds.bucket_of(exemplar.value) == bucket;
            exemplars.iter().filter(is_inside).max_by_key(|exemplar| exemplar.time)
        };
        let mut below = 0;
        for (bucket, (bound, count)) in bounds.texts.iter().zip(counts).enumerate() {
            below += count;
            push_series(out, (series.family, "_bucket"), labels.text(), Some(bound));
            push_integer(out, below);
            push_exemplar(out, exemplar(bucket));
            out.push('\n');
        }
        push_series(out, (series.family, "_bucket"), labels.text(), Some("+Inf"));
        let count = count.max(below);
        push_integer(out, count);
        push_exemplar(out, exemplar(bounds.texts.len()));
        out.push('\n');
        // A sum that can decrease is no counter, which OpenMetrics expects, as it does the number beside it.
        if self.format == Format::OpenMetrics && (bounds.begin_below_zero() || !is_count(sum)) {
            return;
        }
        push_series(out, (series.family, "_sum"), labels.text(), None);
        push_number(out, sum);
        out.push('\n');
        push_series(out, (series.family, "_count"), labels.text(), None);
        push_integer(out, count);
        out.push('\n');
    }

    fn exemplars(&mut self, series: Series<'_>) -> Vec<Exemplar> {
        match &mut self.exemplars {
            Some(collected) => collected.of(series.metric, self.labels.attributes()),
            None => Vec::new(),
        }
    }
}

/// What a series belongs to.
#[derive(Clone, Copy)]
struct Series<'n> {
    /// The name of the family.
    family: &'n str,
    /// The name of the metric in OpenTelemetry.
    metric: &'n str,
}

/// Writes what stands before the value of a sample: its name, which has two parts, and its labels.
fn push_series(out: &mut String, (name, suffix): (&str, &str), labels: &str, bound: Option<&str>) {
    out.push_str(name);
    out.push_str(suffix);
    if !labels.is_empty() || bound.is_some() {
        out.push('{');
        out.push_str(labels);
        if let Some(bound) = bound {
            out.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
            out.push_str(bound);
            out.push('"');
        }
        out.push('}');
    }
    out.push(' ');
}

/// Writes an exemplar. Its labels have 68 characters; OpenMetrics allows 128.
fn push_exemplar(out: &mut String, exemplar: Option<&Exemplar>) {
    let Some(exemplar) = exemplar else { return };
    let _ = write!(out, " # {{trace_id=\"{}\",span_id=\"{}\"}} ", exemplar.trace, exemplar.span);
    push_number(out, exemplar.value);
    if let Ok(time) = exemplar.time.duration_since(UNIX_EPOCH) {
        let _ = write!(out, " {}.{:03}", time.as_secs(), time.subsec_millis());
    }
}

/// Whether a number can be the value of a counter.
fn is_count(number: Number) -> bool {
    match number {
        Number::Unsigned(_) => true,
        Number::Signed(number) => number >= 0,
        Number::Float(number) => number >= 0.0,
    }
}

/// The numbers of the SDK.
trait Value: Copy + std::fmt::Debug {
    fn number(self) -> Number;
}

impl Value for f64 {
    fn number(self) -> Number {
        Number::Float(self)
    }
}

impl Value for u64 {
    fn number(self) -> Number {
        Number::Unsigned(self)
    }
}

impl Value for i64 {
    fn number(self) -> Number {
        Number::Signed(self)
    }
}
