//! Metrics as a signal: OTLP metrics requests.
//!
//! Source:
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/metrics/v1/metrics.proto>.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, Metric, NumberDataPoint, ResourceMetrics as ResourcePart, ScopeMetrics as ScopePart,
};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, GaugeDataPoint, Metric as Collected, MetricData, ResourceMetrics, ScopeMetrics,
    SumDataPoint,
};
use prost::Message as _;

use crate::meter::{Number, exemplars};
use crate::pipeline::signal::{Payload, Signal};
use crate::pipeline::weigh::Weigh;

/// The gRPC method that accepts them.
#[cfg(feature = "otlp-grpc")]
pub(crate) const EXPORT_METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Returns the exemplars of a data point, by the name of its metric and its attributes.
pub(crate) type FindExemplars<'a> = &'a mut dyn FnMut(&str, &[KeyValue]) -> Vec<exemplars::Exemplar>;

/// The values of one collection, or a part of them, as they are sent.
#[derive(Clone, Debug)]
pub(crate) struct MetricsRequest {
    /// An encoded `ExportMetricsServiceRequest`.
    body: Vec<u8>,
    points: usize,
    /// The number of the collection.
    pub(crate) number: u64,
}

impl MetricsRequest {
    /// Encodes what was collected.
    pub(crate) fn new(collected: &ResourceMetrics, number: u64, exemplars: FindExemplars<'_>) -> Self {
        let mut request = ExportMetricsServiceRequest::from(collected);
        let parts = request.resource_metrics.iter_mut().flat_map(|part| &mut part.scope_metrics);
        let metrics = parts.flat_map(|part| &mut part.metrics);
        for (metric, collected) in metrics.zip(collected.scope_metrics().flat_map(ScopeMetrics::metrics)) {
            keep_large_numbers(metric, collected);
            add_exemplars(metric, collected, exemplars);
        }
        Self::encode(&request, number)
    }

    fn encode(request: &ExportMetricsServiceRequest, number: u64) -> Self {
        MetricsRequest { body: request.encode_to_vec(), points: points_of_request(request), number }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.body.clone()
    }

    /// Divides the request until each part takes at most this many bytes. A longer data point becomes a part of its
    /// own.
    fn within(self, bytes: usize) -> Vec<Self> {
        if self.body.len() <= bytes {
            return vec![self];
        }
        match self.halve() {
            Ok(halves) => halves.into_iter().flat_map(|half| half.within(bytes)).collect(),
            Err(whole) => vec![whole],
        }
    }

    fn decode(&self) -> ExportMetricsServiceRequest {
        // These are bytes that this process has encoded.
        ExportMetricsServiceRequest::decode(self.body.as_slice()).unwrap_or_default()
    }
}

impl Weigh for MetricsRequest {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.body.len()
    }
}

impl Payload for MetricsRequest {
    fn items(&self) -> usize {
        self.points
    }

    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn halve(self) -> Result<[Self; 2], Self> {
        if self.points < 2 {
            return Err(self);
        }
        let mut front = self.decode();
        let back = split_off(&mut front, self.points / 2);
        Ok([front, back].map(|half| Self::encode(&half, self.number)))
    }

    fn name_of_first(&self) -> String {
        let request = self.decode();
        let mut parts = request.resource_metrics.iter().flat_map(|part| &part.scope_metrics);
        let name = parts.find_map(|part| part.metrics.first()).map(|metric| &metric.name);
        format!("{:?}", name.map_or("", String::as_str))
    }
}

/// The signal of metrics.
pub(crate) struct MetricsSignal {
    /// The bytes of a request.
    pub(crate) bytes: usize,
    /// The number of the newest collection, if its values contain those of earlier ones.
    pub(crate) newest: Option<Arc<AtomicU64>>,
}

impl Signal for MetricsSignal {
    type Item = MetricsRequest;
    type Payload = MetricsRequest;

    fn pack(&mut self, requests: Vec<MetricsRequest>) -> Vec<MetricsRequest> {
        requests.into_iter().flat_map(|request| request.within(self.bytes)).collect()
    }

    fn is_replaced(&self, request: &MetricsRequest) -> bool {
        self.newest.as_ref().is_some_and(|newest| request.number < newest.load(Ordering::Relaxed))
    }
}

/// Corrects whole numbers that OTLP's signed integers cannot express: the conversion sends 0 for them.
fn keep_large_numbers(metric: &mut Metric, collected: &Collected) {
    let AggregatedMetrics::U64(data) = collected.data() else { return };
    match (&mut metric.data, data) {
        (Some(Data::Sum(to)), MetricData::Sum(from)) => {
            keep_large(&mut to.data_points, from.data_points().map(SumDataPoint::value));
        }
        (Some(Data::Gauge(to)), MetricData::Gauge(from)) => {
            keep_large(&mut to.data_points, from.data_points().map(GaugeDataPoint::value));
        }
        _ => {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number above 2^63 may be off by one part in 2^53")]
fn keep_large(points: &mut [NumberDataPoint], values: impl Iterator<Item = u64>) {
    for (point, value) in points.iter_mut().zip(values) {
        if i64::try_from(value).is_err() {
            point.value = Some(Value::AsDouble(value as f64));
        }
    }
}

/// Adds the exemplars of each data point. The conversion keeps the order of the data points.
fn add_exemplars(metric: &mut Metric, collected: &Collected, find: FindExemplars<'_>) {
    let name = collected.name();
    let mut attributes = attributes_of_points(collected).into_iter();
    let mut next = || {
        let found = attributes.next().map(|attributes| find(name, &attributes)).unwrap_or_default();
        found.into_iter().map(encoded_exemplar)
    };
    match &mut metric.data {
        Some(Data::Gauge(data)) => data.data_points.iter_mut().for_each(|it| it.exemplars.extend(next())),
        Some(Data::Sum(data)) => data.data_points.iter_mut().for_each(|it| it.exemplars.extend(next())),
        Some(Data::Histogram(data)) => data.data_points.iter_mut().for_each(|it| it.exemplars.extend(next())),
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter_mut().for_each(|it| it.exemplars.extend(next()));
        }
        Some(Data::Summary(_)) | None => {}
    }
}

fn encoded_exemplar(exemplar: exemplars::Exemplar) -> Exemplar {
    let since = exemplar.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let value = match exemplar.value {
        Number::Unsigned(number) => i64::try_from(number).map(ExemplarValue::AsInt).ok(),
        Number::Signed(number) => Some(ExemplarValue::AsInt(number)),
        Number::Float(number) => Some(ExemplarValue::AsDouble(number)),
    };
    Exemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
        span_id: exemplar.span.to_bytes().to_vec(),
        trace_id: exemplar.trace.to_bytes().to_vec(),
        value: Some(value.unwrap_or_else(|| ExemplarValue::AsDouble(exemplar.value.to_float()))),
    }
}

fn attributes_of_points(metric: &Collected) -> Vec<Vec<KeyValue>> {
    fn of_data<T>(data: &MetricData<T>) -> Vec<Vec<KeyValue>>
    where
        T: Copy,
    {
        match data {
            MetricData::Gauge(data) => {
                data.data_points().map(|it| it.attributes().cloned().collect()).collect()
            }
            MetricData::Sum(data) => {
                data.data_points().map(|it| it.attributes().cloned().collect()).collect()
            }
            MetricData::Histogram(data) => {
                data.data_points().map(|it| it.attributes().cloned().collect()).collect()
            }
            MetricData::ExponentialHistogram(data) => {
                data.data_points().map(|it| it.attributes().cloned().collect()).collect()
            }
        }
    }
    match metric.data() {
        AggregatedMetrics::F64(data) => of_data(data),
        AggregatedMetrics::U64(data) => of_data(data),
        AggregatedMetrics::I64(data) => of_data(data),
    }
}

fn points_of_request(request: &ExportMetricsServiceRequest) -> usize {
    let parts = request.resource_metrics.iter().flat_map(|part| &part.scope_metrics);
    parts.flat_map(|part| &part.metrics).map(points_of).sum()
}

fn points_of(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

/// Keeps the first data points, and returns the others, with what describes them.
fn split_off(request: &mut ExportMetricsServiceRequest, keep: usize) -> ExportMetricsServiceRequest {
    let mut left = keep;
    let split = |part: &mut ResourcePart| {
        let scopes = part.scope_metrics.iter_mut().map(|scope| split_scope(scope, &mut left)).collect();
        ResourcePart {
            scope_metrics: scopes,
            resource: part.resource.clone(),
            schema_url: part.schema_url.clone(),
        }
    };
    let mut back = ExportMetricsServiceRequest {
        resource_metrics: request.resource_metrics.iter_mut().map(split).collect(),
    };
    [request, &mut back].into_iter().for_each(remove_what_is_empty);
    back
}

fn split_scope(scope: &mut ScopePart, left: &mut usize) -> ScopePart {
    let metrics = scope.metrics.iter_mut().map(|metric| split_metric(metric, left)).collect();
    ScopePart { metrics, scope: scope.scope.clone(), schema_url: scope.schema_url.clone() }
}

fn split_metric(metric: &mut Metric, left: &mut usize) -> Metric {
    fn cut<Point>(points: &mut Vec<Point>, left: &mut usize) -> Vec<Point> {
        let kept = points.len().min(*left);
        *left -= kept;
        points.split_off(kept)
    }
    let mut back = metric.clone();
    match (&mut metric.data, &mut back.data) {
        (Some(Data::Gauge(from)), Some(Data::Gauge(to))) => to.data_points = cut(&mut from.data_points, left),
        (Some(Data::Sum(from)), Some(Data::Sum(to))) => to.data_points = cut(&mut from.data_points, left),
        (Some(Data::Histogram(from)), Some(Data::Histogram(to))) => {
            to.data_points = cut(&mut from.data_points, left);
        }
        (Some(Data::ExponentialHistogram(from)), Some(Data::ExponentialHistogram(to))) => {
            to.data_points = cut(&mut from.data_points, left);
        }
        // The SDK makes no summaries.
        _ => {}
    }
    back
}

fn remove_what_is_empty(request: &mut ExportMetricsServiceRequest) {
    for part in &mut request.resource_metrics {
        for scope in &mut part.scope_metrics {
            scope.metrics.retain(|metric| points_of(metric) > 0);
        }
        part.scope_metrics.retain(|scope| !scope.metrics.is_empty());
    }
    request.resource_metrics.retain(|part| !part.scope_metrics.is_empty());
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogram, ExponentialHistogramDataPoint};

    use super::*;

    #[test]
    fn the_histograms_of_a_view_are_divided_too() {
        let points = |metric: &Metric| match &metric.data {
            Some(Data::ExponentialHistogram(histogram)) => {
                histogram.data_points.iter().map(|point| point.count).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        let point =
            |count| ExponentialHistogramDataPoint { count, ..ExponentialHistogramDataPoint::default() };
        let data_points = (1..6).map(point).collect();
        let histogram = ExponentialHistogram { data_points, aggregation_temporality: 2 };
        let mut front = Metric { data: Some(Data::ExponentialHistogram(histogram)), ..Metric::default() };
        let back = split_metric(&mut front, &mut 2);
        assert_eq!((points(&front), points(&back)), (vec![1, 2], vec![3, 4, 5]));
    }
}
