//! Whatever is measured, parsers of others read it in both formats, and read what was measured.

use a2a_otel::opentelemetry::metrics::AsyncInstrument;
use a2a_otel::opentelemetry::{KeyValue, global};
use a2a_otel_tests::prometheus::{Parser, promtool_check};
use a2a_otel_tests::services::require;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::{in_own_process, scrape, served};

/// Something that is measured.
#[derive(Clone, Debug)]
struct Measured {
    kind: usize,
    name: String,
    unit: String,
    description: String,
    attributes: Vec<(String, String)>,
    numbers: Vec<f64>,
    bounds: Vec<f64>,
}

fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\\", "\"", "\n", "\r", "\t", "\0", "{", "}", ",", "=", "#", " ", "é", "🦀", "\u{2028}", "n",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(special, 0..8).prop_map(|parts| parts.concat())]
}

fn number() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e300,
        5e-324,
        f64::MAX,
        f64::MIN,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9_007_199_254_740_993.0,
        123_456_789.0,
    ]);
    prop_oneof![any::<f64>(), special]
}

fn measured() -> impl Strategy<Value = Measured> {
    let unit = prop_oneof!["s|ms|By|1|%|\\{order\\}|By/s|USD|m/s2", "[ -~]{0,20}"];
    let attributes = prop::collection::vec((prop_oneof![text(), "[a-z._]{1,6}"], text()), 0..5);
    let bounds = prop::collection::vec(-1e7..1e7, 0..5).prop_map(|mut bounds| {
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    });
    let numbers = prop::collection::vec(number(), 1..4);
    let name = prop_oneof![
        "[a-zA-Z][a-zA-Z0-9_./-]{0,30}",
        "[a-z]{1,2}[._](total|sum|count|bucket|info|ratio|seconds)"
    ];
    (0..6_usize, name, unit, text(), attributes, numbers, bounds).prop_map(
        |(kind, name, unit, description, attributes, numbers, bounds)| Measured {
            kind,
            name,
            unit,
            description,
            attributes,
            numbers,
            bounds,
        },
    )
}

impl Measured {
    fn record(&self) {
        let meter = global::meter("any");
        let attributes: Vec<_> =
            self.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let last = self.numbers[self.numbers.len() - 1];
        macro_rules! build {
            ($method:ident) => {
                meter
                    .$method(self.name.clone())
                    .with_unit(self.unit.clone())
                    .with_description(self.description.clone())
            };
        }
        match self.kind {
            0 => build!(f64_gauge).build().record(last, &attributes),
            1 => {
                for number in &self.numbers {
                    build!(f64_counter).build().add(*number, &attributes);
                }
            }
            2 => {
                for number in &self.numbers {
                    build!(f64_up_down_counter).build().add(*number, &attributes);
                }
            }
            3 => {
                let histogram = build!(f64_histogram).with_boundaries(self.bounds.clone()).build();
                for number in &self.numbers {
                    histogram.record(*number, &attributes);
                }
            }
            4 => {
                let observed = move |observer: &dyn AsyncInstrument<f64>| {
                    observer.observe(last, &attributes);
                };
                build!(f64_observable_counter).with_callback(observed).build();
            }
            _ => build!(u64_histogram).build().record(self.name.len() as u64, &attributes),
        }
    }
}

fn samples(families: &Value) -> impl Iterator<Item = &Value> {
    families
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|family| family["samples"].as_array().into_iter().flatten())
}

/// The series of a gauge has the value and the texts that were measured.
fn assert_is_read(families: &Value, measured: &Measured) -> Result<(), TestCaseError> {
    if measured.kind != 0 {
        return Ok(());
    }
    let last = measured.numbers[measured.numbers.len() - 1];
    let own: Vec<_> = samples(families)
        .filter(|sample| {
            let name = sample["name"].as_str().unwrap_or_default();
            name != "target_info" && !name.starts_with("otel_sdk_") && !name.starts_with("a2a_otel_")
        })
        .collect();
    // The SDK takes only numbers that are finite.
    prop_assert_eq!(own.len(), usize::from(last.is_finite()), "{:#?}", own);
    if own.is_empty() {
        return Ok(());
    }
    let value: f64 = own[0]["value"].as_str().unwrap().parse().unwrap();
    prop_assert_eq!(value.to_bits(), last.to_bits(), "{} {}", value, last);
    let mut keys: Vec<_> = measured.attributes.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys.dedup();
    if let ([(key, text)], 1) = (&measured.attributes[..], keys.len())
        && key.bytes().all(|byte| byte.is_ascii_lowercase())
        && !key.is_empty()
    {
        prop_assert_eq!(own[0]["labels"][key].as_str(), Some(&**text));
    }
    Ok(())
}

#[test]
fn whatever_is_measured_can_be_parsed() {
    if in_own_process("parsers::whatever_is_measured_can_be_parsed", &[]).is_some() {
        return;
    }
    let Some(parser) = require("Python's prometheus_client", Parser::start()) else { return };
    let parser = std::cell::RefCell::new(parser);
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(measured(), 1..6), |all| {
        let (telemetry, address) = served();
        all.iter().for_each(Measured::record);
        for format in ["text", "openmetrics"] {
            let metrics = scrape(address, format);
            let families = parser.borrow_mut().parse(format, &metrics);
            prop_assert!(families.is_ok(), "{:?}\n{}", families, metrics);
            if let [one] = &all[..] {
                assert_is_read(&families.unwrap(), one)?;
            }
        }
        drop(telemetry);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn promtool_finds_nothing_wrong() {
    if in_own_process("parsers::promtool_finds_nothing_wrong", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    let meter = global::meter("shop");
    meter.u64_counter("shop.orders").with_unit("{order}").with_description("Orders").build().add(1, &[]);
    meter.f64_histogram("shop.duration").with_unit("s").with_description("Time").build().record(0.1, &[]);
    let metrics = scrape(address, "text");
    let Some((is_good, said)) = require("promtool", promtool_check(&metrics)) else { return };
    assert!(is_good, "{said}\n{metrics}");
}
