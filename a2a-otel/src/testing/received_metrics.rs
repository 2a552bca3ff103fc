//! Metrics as the receiver of tests shows them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint,
};
use serde_json::Value;

use super::json::{attributes, hexadecimal};

/// A metric of a request that the [`Receiver`](super::Receiver) has accepted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedMetric {
    /// The name.
    pub name: String,
    /// The unit.
    pub unit: String,
    /// The description.
    pub description: String,
    /// The library that measured it.
    pub scope: String,
    /// The attributes of the resource.
    pub resource: BTreeMap<String, Value>,
    /// Whether it is a sum that never decreases.
    pub is_monotonic: bool,
    /// Whether its values are those since the last request. `None` for a gauge, which has neither.
    pub is_delta: Option<bool>,
    /// Its values.
    pub points: Vec<ReceivedPoint>,
}

/// The value of a [`ReceivedMetric`] for one set of attributes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedPoint {
    /// The attributes.
    pub attributes: BTreeMap<String, Value>,
    /// When counting began, in nanoseconds since 1970; 0 for a gauge.
    pub start: u64,
    /// When it was collected, in nanoseconds since 1970.
    pub time: u64,
    /// The value.
    pub reading: ReceivedReading,
    /// The trace ids of its exemplars, in hexadecimal.
    pub exemplars: Vec<String>,
}

/// The value of a [`ReceivedPoint`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReceivedReading {
    /// A whole number.
    Whole(i64),
    /// A number that need not be whole.
    Fraction(f64),
    /// A histogram with bounds.
    #[non_exhaustive]
    Histogram {
        /// The number of values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The upper bounds of all buckets except the last.
        bounds: Vec<f64>,
        /// The number of values in each bucket.
        buckets: Vec<u64>,
    },
    /// A histogram whose bounds are powers of a base.
    #[non_exhaustive]
    Exponential {
        /// The number of values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The base is 2 to the power of 2 to the power of minus the scale.
        scale: i32,
        /// The number of values that are 0.
        zeros: u64,
        /// The power of the first bucket of positive values, and the number of values in each.
        positive: (i32, Vec<u64>),
        /// The same for negative values.
        negative: (i32, Vec<u64>),
    },
}

pub(super) fn metrics(message: ExportMetricsServiceRequest) -> Vec<ReceivedMetric> {
    let mut metrics = Vec::new();
    for part in message.resource_metrics {
        let resource = attributes(part.resource.map(|resource| resource.attributes).unwrap_or_default());
        for scope in part.scope_metrics {
            let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
            metrics.extend(scope.metrics.into_iter().map(|metric| received(metric, &name, &resource)));
        }
    }
    metrics
}

fn received(metric: Metric, scope: &str, resource: &BTreeMap<String, Value>) -> ReceivedMetric {
    let is_delta = |temporality: i32| Some(temporality == AggregationTemporality::Delta as i32);
    let is_monotonic = matches!(&metric.data, Some(Data::Sum(sum)) if sum.is_monotonic);
    let (is_delta, points) = match metric.data {
        Some(Data::Gauge(gauge)) => (None, gauge.data_points.into_iter().map(number).collect()),
        Some(Data::Sum(sum)) => {
            (is_delta(sum.aggregation_temporality), sum.data_points.into_iter().map(number).collect())
        }
        Some(Data::Histogram(histogram)) => (
            is_delta(histogram.aggregation_temporality),
            histogram.data_points.into_iter().map(explicit).collect(),
        ),
        Some(Data::ExponentialHistogram(histogram)) => (
            is_delta(histogram.aggregation_temporality),
            histogram.data_points.into_iter().map(exponential).collect(),
        ),
        Some(Data::Summary(_)) | None => (None, Vec::new()),
    };
    ReceivedMetric {
        name: metric.name,
        unit: metric.unit,
        description: metric.description,
        scope: scope.to_owned(),
        resource: resource.clone(),
        is_monotonic,
        is_delta,
        points,
    }
}

/// The trace ids of exemplars.
fn traces(exemplars: &[Exemplar]) -> Vec<String> {
    exemplars.iter().map(|exemplar| hexadecimal(&exemplar.trace_id)).collect()
}

fn number(point: NumberDataPoint) -> ReceivedPoint {
    ReceivedPoint {
        exemplars: traces(&point.exemplars),
        attributes: attributes(point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        reading: match point.value {
            Some(Number::AsInt(number)) => ReceivedReading::Whole(number),
            Some(Number::AsDouble(number)) => ReceivedReading::Fraction(number),
            None => ReceivedReading::Fraction(f64::NAN),
        },
    }
}

fn explicit(point: HistogramDataPoint) -> ReceivedPoint {
    ReceivedPoint {
        exemplars: traces(&point.exemplars),
        attributes: attributes(point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        reading: ReceivedReading::Histogram {
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            bounds: point.explicit_bounds,
            buckets: point.bucket_counts,
        },
    }
}

fn exponential(point: ExponentialHistogramDataPoint) -> ReceivedPoint {
    let counts = |buckets: Option<Buckets>| {
        let Buckets { offset, bucket_counts } = buckets.unwrap_or_default();
        (offset, bucket_counts)
    };
    ReceivedPoint {
        exemplars: traces(&point.exemplars),
        attributes: attributes(point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        reading: ReceivedReading::Exponential {
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            scale: point.scale,
            zeros: point.zero_count,
            positive: counts(point.positive),
            negative: counts(point.negative),
        },
    }
}
