//! What arrives is what was measured, whatever the instruments, numbers and attributes are.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_otel::settings::{HistogramAggregation, TemporalityPreference};
use a2a_otel::testing::{ReceivedReading as Reading, Receiver};
use a2a_otel::{Telemetry, opentelemetry};
use opentelemetry::{Array, KeyValue, StringValue, Value, global};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// An instrument and what is measured with it, for each set of attributes.
#[derive(Clone, Debug)]
struct Measured {
    kind: Kind,
    series: Vec<(Vec<KeyValue>, Vec<f64>)>,
}

/// A kind of instrument and of its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    CounterU64,
    CounterF64,
    UpDownI64,
    UpDownF64,
    GaugeU64,
    GaugeI64,
    GaugeF64,
    HistogramU64,
    HistogramF64,
}

const KINDS: [Kind; 9] = [
    Kind::CounterU64,
    Kind::CounterF64,
    Kind::UpDownI64,
    Kind::UpDownF64,
    Kind::GaugeU64,
    Kind::GaugeI64,
    Kind::GaugeF64,
    Kind::HistogramU64,
    Kind::HistogramF64,
];

impl Kind {
    fn is_signed(self) -> bool {
        matches!(self, Kind::UpDownI64 | Kind::UpDownF64 | Kind::GaugeI64 | Kind::GaugeF64)
    }

    fn is_whole(self) -> bool {
        !matches!(self, Kind::CounterF64 | Kind::UpDownF64 | Kind::GaugeF64 | Kind::HistogramF64)
    }

    fn is_histogram(self) -> bool {
        matches!(self, Kind::HistogramU64 | Kind::HistogramF64)
    }

    fn is_gauge(self) -> bool {
        matches!(self, Kind::GaugeU64 | Kind::GaugeI64 | Kind::GaugeF64)
    }

    /// Values that the kind takes. They are multiples of an eighth, so that sums are exact.
    fn values(self) -> impl Strategy<Value = Vec<f64>> {
        let value = (-80_000_i32..80_000).prop_map(move |eighths| {
            let eighths = if self.is_signed() { eighths } else { eighths.abs() };
            if self.is_whole() { f64::from(eighths / 8) } else { f64::from(eighths) / 8.0 }
        });
        prop::collection::vec(value, 1..6)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the values are whole and small")]
fn record(name: &str, Measured { kind, series }: &Measured) {
    let meter = global::meter("property");
    let name = name.to_owned();
    let each = |add: &dyn Fn(f64, &[KeyValue])| {
        for (attributes, values) in series {
            for value in values {
                add(*value, attributes);
            }
        }
    };
    match kind {
        Kind::CounterU64 => {
            let it = meter.u64_counter(name).build();
            each(&|value, key| it.add(value as u64, key));
        }
        Kind::CounterF64 => {
            let it = meter.f64_counter(name).build();
            each(&|value, key| it.add(value, key));
        }
        Kind::UpDownI64 => {
            let it = meter.i64_up_down_counter(name).build();
            each(&|value, key| it.add(value as i64, key));
        }
        Kind::UpDownF64 => {
            let it = meter.f64_up_down_counter(name).build();
            each(&|value, key| it.add(value, key));
        }
        Kind::GaugeU64 => {
            let it = meter.u64_gauge(name).build();
            each(&|value, key| it.record(value as u64, key));
        }
        Kind::GaugeI64 => {
            let it = meter.i64_gauge(name).build();
            each(&|value, key| it.record(value as i64, key));
        }
        Kind::GaugeF64 => {
            let it = meter.f64_gauge(name).build();
            each(&|value, key| it.record(value, key));
        }
        Kind::HistogramU64 => {
            let it = meter.u64_histogram(name).build();
            each(&|value, key| it.record(value as u64, key));
        }
        Kind::HistogramF64 => {
            let it = meter.f64_histogram(name).build();
            each(&|value, key| it.record(value, key));
        }
    }
}

fn attribute_value() -> impl Strategy<Value = Value> {
    let text = || "[a-zäöü\u{0} ]{0,8}".prop_map(String::from);
    prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(|list| Value::Array(Array::Bool(list))),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(|list| Value::Array(Array::I64(list))),
        prop::collection::vec(-1e9..1e9, 0..3).prop_map(|list| Value::Array(Array::F64(list))),
        prop::collection::vec(text(), 0..3).prop_map(|list| {
            Value::Array(Array::String(list.into_iter().map(StringValue::from).collect()))
        }),
    ]
}

fn measured() -> impl Strategy<Value = Measured> {
    let attributes = || prop::collection::btree_map("[a-z]{1,5}", attribute_value(), 0..3);
    prop::sample::select(&KINDS[..]).prop_flat_map(move |kind| {
        prop::collection::vec((attributes(), kind.values()), 1..4).prop_map(move |series| {
            // The number tells the sets of attributes apart.
            let numbered = series.into_iter().enumerate().map(|(number, (attributes, values))| {
                let mut attributes: Vec<_> =
                    attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
                attributes.push(KeyValue::new("the-number", i64::try_from(number).expect("few")));
                (attributes, values)
            });
            Measured { kind, series: numbered.collect() }
        })
    })
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(value) => json!(value.as_str()),
        Value::Array(Array::Bool(list)) => json!(list),
        Value::Array(Array::I64(list)) => json!(list),
        Value::Array(Array::F64(list)) => json!(list),
        Value::Array(Array::String(list)) => list.iter().map(|it| json!(it.as_str())).collect(),
        _ => Json::Null,
    }
}

/// Asserts that a histogram has these values.
fn assert_distribution(reading: &Reading, values: &[f64]) {
    let expected: f64 = values.iter().sum();
    match reading {
        Reading::Histogram { count, sum, bounds, buckets, .. } => {
            assert_eq!((*count, *sum), (values.len() as u64, expected));
            let mut counted = vec![0; bounds.len() + 1];
            for value in values {
                counted[bounds.partition_point(|bound| bound < value)] += 1;
            }
            assert_eq!(*buckets, counted, "{values:?} in {bounds:?}");
        }
        Reading::Exponential { count, sum, scale, zeros, positive, .. } => {
            assert_eq!((*count, *sum), (values.len() as u64, expected));
            assert_eq!(*zeros, values.iter().filter(|value| **value == 0.0).count() as u64);
            let (offset, counts) = positive;
            assert_eq!(counts.iter().sum::<u64>() + zeros, *count);
            let bound = |index: i32| (f64::from(index) * (-f64::from(*scale)).exp2()).exp2();
            for (index, count) in (*offset..).zip(counts) {
                // Values at a bound may fall on either side, by the rounding of logarithms.
                let (lower, upper) = (bound(index) * (1.0 - 1e-9), bound(index + 1) * (1.0 + 1e-9));
                let within = values.iter().filter(|value| (lower..=upper).contains(*value)).count() as u64;
                assert!(*count <= within, "{count} values from {lower} to {upper} of {values:?}");
            }
        }
        other => panic!("{other:?} is no histogram"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the values are whole and small")]
fn assert_reading(kind: Kind, reading: &Reading, values: &[f64]) {
    if kind.is_histogram() {
        return assert_distribution(reading, values);
    }
    let expected = if kind.is_gauge() { values[values.len() - 1] } else { values.iter().sum() };
    let expected =
        if kind.is_whole() { Reading::Whole(expected as i64) } else { Reading::Fraction(expected) };
    assert_eq!(*reading, expected, "{kind:?} of {values:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_arrives_is_what_was_measured(
        all in prop::collection::vec(measured(), 1..6),
        is_exponential: bool,
        is_delta: bool,
    ) {
        let receiver = Receiver::start();
        let histograms = if is_exponential {
            HistogramAggregation::Base2Exponential
        } else {
            HistogramAggregation::ExplicitBuckets
        };
        let temporality =
            if is_delta { TemporalityPreference::Delta } else { TemporalityPreference::Cumulative };
        let telemetry = Telemetry::builder()
            .metrics_endpoint(receiver.endpoint())
            .metrics_histograms(histograms)
            .metrics_temporality(temporality)
            .span_exporter(opentelemetry_sdk::trace::InMemorySpanExporter::default())
            .tracing(false)
            .init()
            .unwrap();
        for (number, measured) in all.iter().enumerate() {
            record(&format!("metric-{number}"), measured);
        }
        let delivery = telemetry.shutdown(Duration::from_secs(30));
        prop_assert_eq!(delivery.metrics.generated, delivery.metrics.delivered, "{}", delivery);
        let metrics = receiver.metrics();
        for (number, Measured { kind, series }) in all.iter().enumerate() {
            let name = format!("metric-{number}");
            let arrived: Vec<_> = metrics.iter().filter(|metric| metric.name == name).collect();
            prop_assert_eq!(arrived.len(), 1, "{} in {:?}", name, arrived);
            prop_assert_eq!(arrived[0].points.len(), series.len());
            let expected_delta = match kind {
                kind if kind.is_gauge() => None,
                Kind::UpDownI64 | Kind::UpDownF64 => Some(false),
                _ => Some(is_delta),
            };
            prop_assert_eq!(arrived[0].is_delta, expected_delta);
            for (attributes, values) in series {
                let attributes: BTreeMap<_, _> =
                    attributes.iter().map(|it| (it.key.to_string(), as_json(&it.value))).collect();
                let point = arrived[0].points.iter().find(|point| point.attributes == attributes);
                let point = point.unwrap_or_else(|| panic!("{attributes:?} is not in {:#?}", arrived[0]));
                assert_reading(*kind, &point.reading, values);
            }
        }
    }
}
