//! Every row of the table is recorded by a call of what it counts, as the row says.

use std::collections::BTreeSet;

use a2a_otel::metrics::{Instrument, InstrumentKind, MetricsSnapshot, Reading};
use a2a_otel::semconv::GenAiVersion;
use a2a_otel::semconv::metrics::{self, BuiltIn};

use crate::world::{Sampled, is_of_pipeline, recorded};
use crate::{calls, counted_once, models};

/// Rows that other tests record, by the beginning of their names, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("otel.sdk.", "a2a-otel/src/telemetry/tests.rs"),
    ("a2a_otel.queue.", "a2a-otel/src/telemetry/tests.rs"),
    ("a2a_otel.spool.", "a2a-otel/src/telemetry/tests.rs"),
    ("process.", "tests/tests/performance_monitor.rs"),
    ("tokio.", "tests/tests/performance_monitor.rs"),
    ("gen_ai.client.cost", "tests/tests/cost"),
    ("gen_ai.client.unpriced_calls", "tests/tests/cost"),
];

/// Bounds that rows without bounds have: those of their unit.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

fn everything() {
    calls::scene();
    models::scene();
    counted_once::mcp_scene();
    counted_once::a2a_scene();
}

fn assert_as_declared(row: &BuiltIn, instrument: &Instrument) {
    assert_eq!(instrument.kind, row.kind, "{}", row.name);
    assert_eq!(instrument.unit, row.unit, "{}", row.name);
    assert_eq!(instrument.description, row.description, "{}", row.name);
    for point in &instrument.points {
        for label in point.attributes.keys() {
            assert!(row.labels.contains(&&**label), "{} has the label {label}", row.name);
        }
        if let Reading::Distribution(values) = &point.reading {
            match row.bounds {
                Some(bounds) => assert_eq!(values.bounds, bounds, "{}", row.name),
                None if row.unit == "{token}" => assert_eq!(values.bounds, TOKENS, "{}", row.name),
                None => assert!(!values.bounds.is_empty(), "{}", row.name),
            }
        }
    }
}

fn labels_of<'a>(snapshots: &'a [MetricsSnapshot], name: &str) -> BTreeSet<&'a str> {
    let points = snapshots.iter().flat_map(|snapshot| snapshot.points(name));
    points.flat_map(|point| point.attributes.keys().map(String::as_str)).collect()
}

#[test]
fn every_row_is_recorded_as_it_says() {
    for sampled in [Sampled::All, Sampled::None] {
        let each: Vec<_> =
            GenAiVersion::ALL.iter().map(|version| recorded(sampled, *version, everything)).collect();
        for row in
            metrics::all().filter(|row| !ELSEWHERE.iter().any(|(prefix, _)| row.name.starts_with(prefix)))
        {
            let instruments: Vec<_> = each.iter().filter_map(|snapshot| snapshot.get(row.name)).collect();
            assert!(!instruments.is_empty(), "nothing records {}", row.name);
            for instrument in instruments {
                assert_as_declared(row, instrument);
            }
            let missing: Vec<_> =
                row.labels.iter().filter(|label| !labels_of(&each, row.name).contains(*label)).collect();
            assert!(missing.is_empty(), "{} never has {missing:?}", row.name);
        }
        // What the crate records is in the table.
        for instrument in each.iter().flat_map(MetricsSnapshot::instruments) {
            assert!(metrics::find(&instrument.name).is_some(), "{} is in no row", instrument.name);
            if is_of_pipeline(&instrument.name) {
                assert_as_declared(metrics::find(&instrument.name).expect("a row"), instrument);
            }
        }
    }
}

#[test]
fn counters_and_histograms_are_what_they_are_called() {
    let is_duration = |row: &&BuiltIn| row.unit == "s" && !is_of_pipeline(row.name);
    assert!(metrics::all().filter(is_duration).all(|row| row.kind == InstrumentKind::Histogram));
}
