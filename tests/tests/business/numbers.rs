//! Whole numbers stay whole, and the bounds of buckets fit the unit.

use std::fs;
use std::path::Path;
use std::time::Duration;

use a2a_otel::business_metric;
use a2a_otel::metrics::{Amount, Distribution, Reading};
use a2a_otel::testing::capture;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};

use crate::{Own, in_own_process};

/// Beyond what `f64` has exactly.
const LARGE: u64 = (1 << 53) + 1;

#[business_metric(counter = "calls")]
#[business_metric(counter = "items", value = items.len())]
#[business_metric(counter = "large", value = LARGE)]
#[business_metric(counter = "flags", value = items.is_empty())]
#[business_metric(counter = "signed", value = 3)]
#[business_metric(counter = "weight", value = 0.25)]
#[business_metric(counter = "maybe", value = Some(&&7_u8))]
#[business_metric(up_down_counter = "change", value = -2)]
#[business_metric(up_down_counter = "added", value = 2_u32)]
#[business_metric(up_down_counter = "drift", value = -0.5)]
#[business_metric(gauge = "level", value = 5_u64)]
#[business_metric(gauge = "depth", value = -5_i8)]
#[business_metric(gauge = "heat", value = 36.6_f32)]
#[business_metric(histogram = "sizes", value = items.len())]
#[business_metric(histogram = "offsets", value = -4)]
#[business_metric(histogram = "pauses", unit = "s", value = Duration::from_millis(20))]
fn measure(items: &[&str]) {}

/// The metric's kind of number, and its only value.
fn written(own: &Own, name: &str) -> String {
    fn value<T: std::fmt::Debug + Copy>(data: &MetricData<T>) -> String {
        match data {
            MetricData::Sum(sum) => format!("{:?}", sum.data_points().next().unwrap().value()),
            MetricData::Gauge(gauge) => format!("{:?}", gauge.data_points().next().unwrap().value()),
            MetricData::Histogram(histogram) => {
                format!("{:?}", histogram.data_points().next().unwrap().sum())
            }
            MetricData::ExponentialHistogram(_) => unreachable!("no view asks for one"),
        }
    }
    let written = own.read(name, |data| match data {
        AggregatedMetrics::U64(data) => format!("u64 {}", value(data)),
        AggregatedMetrics::I64(data) => format!("i64 {}", value(data)),
        AggregatedMetrics::F64(data) => format!("f64 {}", value(data)),
    });
    written.unwrap_or_else(|| panic!("{name} is recorded"))
}

#[test]
fn the_type_of_the_value_decides_the_instrument() {
    let test = "numbers::the_type_of_the_value_decides_the_instrument";
    let Some(stderr) = in_own_process(test, &[]) else {
        let own = Own::new();
        own.install();
        measure(&["a", "b"]);
        for (name, expected) in [
            ("calls", "u64 1"),
            ("items", "u64 2"),
            ("large", "u64 9007199254740993"),
            ("flags", "u64 0"),
            ("signed", "u64 3"),
            ("weight", "f64 0.25"),
            ("maybe", "u64 7"),
            ("change", "i64 -2"),
            ("added", "i64 2"),
            ("drift", "f64 -0.5"),
            ("level", "u64 5"),
            ("depth", "i64 -5"),
            ("heat", "f64 36.599998474121094"),
            ("sizes", "u64 2"),
            ("offsets", "f64 -4.0"),
            ("pauses", "f64 0.02"),
        ] {
            assert_eq!(written(&own, name), expected, "{name}");
        }
        return;
    };
    assert_eq!(crate::messages(&stderr), [""; 0]);
}

#[business_metric(counter = "of.generic", value = amount)]
fn generic<T: Amount + Copy>(amount: T) {}

#[test]
fn a_generic_function_and_several_functions_share_the_instrument_of_a_name() {
    #[business_metric(counter = "of.generic", value = 0.5)]
    fn half() {}
    #[business_metric(counter = "of.generic", value = 2.0)]
    fn two() {}

    let test = "numbers::a_generic_function_and_several_functions_share_the_instrument_of_a_name";
    let Some(stderr) = in_own_process(test, &[]) else {
        let own = Own::new();
        own.install();
        generic(1_u8);
        let borrowed = &1_u64;
        generic(borrowed);
        generic(true);
        two();
        half();
        half();
        assert_eq!(own.count("of.generic"), 5);
        return;
    };
    let [message] = crate::messages(&stderr)[..] else { panic!("one message: {stderr}") };
    assert!(message.contains("\"of.generic\" is left out") && message.contains("0.5 is not a whole number"));
}

const STEPS: [f64; 2] = [1.0, 10.0];
const WAITS: &[f64] = &[0.5, 5.0];

#[business_metric(histogram = "wait.s", unit = "s", value = wait)]
#[business_metric(histogram = "wait.ms", unit = "ms", value = wait)]
#[business_metric(histogram = "wait.given", unit = "s", buckets = [-1, 0.5, 1e1], value = wait)]
#[business_metric(histogram = "wait.array", unit = "s", buckets = STEPS, value = wait)]
#[business_metric(histogram = "wait.slice", unit = "s", buckets = WAITS, value = wait)]
#[business_metric(histogram = "wait.mixed", unit = "s", buckets = [0.25, STEPS[1]], value = wait)]
#[business_metric(histogram = "wait.none", unit = "s", buckets = [], value = wait)]
fn wait(wait: Duration) {}

#[business_metric(histogram = "tokens", unit = "{token}", value = tokens)]
#[business_metric(histogram = "price", unit = "{USD}", value = f64::from(tokens) / 1e6)]
#[business_metric(histogram = "share", unit = "1", value = f64::from(tokens) / 2e3)]
#[business_metric(histogram = "size", unit = "By", value = tokens * 4)]
fn answer(tokens: u32) {}

#[test]
fn the_bounds_of_the_buckets_fit_the_unit() {
    let capturing = capture();
    (0..90).for_each(|_| wait(Duration::from_millis(10)));
    (0..10).for_each(|_| wait(Duration::from_secs(2)));
    answer(900);
    let figures = capturing.metrics();
    let near = |name, part, expected: f64| {
        let percentile = figures.percentile(name, part).unwrap();
        assert!((percentile / expected - 1.0).abs() < 0.5, "{name} {part}: {percentile}");
    };
    near("wait.s", 0.5, 0.010);
    near("wait.s", 0.95, 2.0);
    near("wait.ms", 0.5, 10.0);
    near("wait.ms", 0.95, 2_000.0);
    let distribution = |name: &str| -> Distribution {
        match &figures.points(name)[0].reading {
            Reading::Distribution(distribution) => distribution.clone(),
            other => panic!("{name} is a histogram: {other:?}"),
        }
    };
    let bounds = |name| distribution(name).bounds;
    assert_eq!(bounds("wait.given"), [-1.0, 0.5, 10.0]);
    assert_eq!(bounds("wait.array"), STEPS);
    assert_eq!(bounds("wait.slice"), WAITS);
    assert_eq!(bounds("wait.mixed"), [0.25, 10.0]);
    assert_eq!((bounds("wait.none"), distribution("wait.none").count), (vec![], 100));
    for (name, value) in [("tokens", 900.0), ("price", 0.0009), ("share", 0.45), ("size", 3600.0)] {
        let bounds = bounds(name);
        let (first, last) = (bounds[0], bounds[bounds.len() - 1]);
        assert!(first < value && value < last, "{name}: {value} is within {bounds:?}");
    }
}

#[business_metric(histogram = "row.s", unit = "s", value = 1)]
#[business_metric(histogram = "row.min", unit = "min", value = 1)]
#[business_metric(histogram = "row.ratio", unit = "1", value = 1)]
#[business_metric(histogram = "row.currency", unit = "USD", value = 1)]
#[business_metric(histogram = "row.other", unit = "{order}", value = 1)]
fn rows() {}

#[test]
fn the_page_lists_the_bounds() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = fs::read_to_string(page).expect("docs/metrics.md");
    let capturing = capture();
    rows();
    let figures = capturing.metrics();
    let rows = [
        ("row.s", "| `s` |"),
        ("row.min", "| `min`, `h`, `d` |"),
        ("row.ratio", "| `1` (ratios) |"),
        ("row.currency", "| a currency, as in `USD` or `{EUR}` |"),
        ("row.other", "| any other |"),
    ];
    for (name, row) in rows {
        let list = page.lines().find_map(|line| line.strip_prefix(row)).unwrap_or_else(|| panic!("{row}"));
        let numbers = list.trim_matches([' ', '|']).split(", ").map(|number| number.replace(',', ""));
        let numbers: Vec<f64> = numbers.map(|number| number.parse().expect("a number")).collect();
        let Reading::Distribution(distribution) = &figures.points(name)[0].reading else { panic!("{name}") };
        assert_eq!(distribution.bounds, numbers, "{row}");
    }
}
