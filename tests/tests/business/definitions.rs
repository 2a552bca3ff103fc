//! A name has one meaning, and what an instrument cannot take is left out; each is reported once.

use a2a_otel::business_metric;

use crate::{Own, in_own_process, messages};

#[business_metric(counter = "things", unit = "{thing}", description = "first")]
fn first() {}

#[business_metric(counter = "Things", unit = "{thing}")]
fn same() {}

#[business_metric(histogram = "things", unit = "{thing}", value = 1)]
fn other_kind() {}

#[business_metric(counter = "things", unit = "kg")]
fn other_unit() {}

#[test]
fn the_first_to_measure_defines_a_name() {
    let Some(stderr) = in_own_process("definitions::the_first_to_measure_defines_a_name", &[]) else {
        let own = Own::new();
        own.install();
        first();
        same();
        (0..3).for_each(|_| other_kind());
        (0..3).for_each(|_| other_unit());
        std::thread::spawn(other_kind).join().unwrap();
        first();
        assert_eq!(own.count("things"), 3, "one metric, and the rest goes on");
        return;
    };
    let [message] = messages(&stderr)[..] else { panic!("one message: {stderr}") };
    assert!(message.contains("the metric \"things\" is a counter in \"{thing}\""), "{message}");
    assert!(message.contains("a histogram in \"{thing}\": only the first is recorded"), "{message}");
}

#[business_metric(counter = "amount", value = amount)]
#[business_metric(histogram = "amount.spread", value = amount)]
#[business_metric(gauge = "amount.last", value = amount)]
#[business_metric(up_down_counter = "amount.change", value = amount)]
fn amount(amount: f64) {}

#[business_metric(counter = "debt", value = debt)]
fn debt(debt: i64) {}

#[test]
fn a_value_that_cannot_be_taken_is_left_out() {
    let Some(stderr) = in_own_process("definitions::a_value_that_cannot_be_taken_is_left_out", &[]) else {
        let telemetry = a2a_otel::Telemetry::builder().tracing(false).init().unwrap();
        for value in [1.5, f64::NAN, f64::INFINITY, -2.0, f64::NAN, 1.0] {
            amount(value);
        }
        for value in [2, -1, i64::MIN, 3] {
            debt(value);
        }
        let metrics = telemetry.metrics();
        for (name, sum) in
            [("amount", 2.5), ("amount.spread", 0.5), ("amount.last", 1.0), ("amount.change", 0.5)]
        {
            assert!((metrics.sum(name) - sum).abs() < 1e-9, "{name}: {}", metrics.sum(name));
        }
        assert_eq!(metrics.sum("debt").to_string(), "5");
        return;
    };
    let said = |name: &str| {
        let name = format!("the metric \"{name}\" is left out");
        messages(&stderr).iter().filter(|line| line.contains(&name)).count()
    };
    for name in ["amount", "amount.spread", "amount.last", "amount.change", "debt"] {
        assert_eq!(said(name), 1, "{name}: {stderr}");
    }
    assert!(stderr.contains("NaN is not a finite number, which a histogram cannot take"), "{stderr}");
    assert!(stderr.contains("-1 is negative, which a counter cannot take"), "{stderr}");
}

const WRONG: [f64; 3] = [1.0, 0.5, 2.0];

#[business_metric(histogram = "wrong", unit = "s", value = 0.3, buckets = WRONG)]
fn wrong_buckets() {}

#[business_metric(histogram = "shared", unit = "s", value = 0.3, buckets = [0.5])]
fn shared_buckets() {}

#[business_metric(histogram = "shared", unit = "s", value = 0.3, buckets = [0.1, 0.5])]
fn other_buckets() {}

#[business_metric(histogram = "shared", unit = "s", value = 0.3)]
fn usual_buckets() {}

#[test]
fn buckets_that_cannot_be_used_are_replaced() {
    let Some(stderr) = in_own_process("definitions::buckets_that_cannot_be_used_are_replaced", &[]) else {
        let telemetry = a2a_otel::Telemetry::builder().tracing(false).init().unwrap();
        (0..2).for_each(|_| wrong_buckets());
        shared_buckets();
        (0..2).for_each(|_| other_buckets());
        usual_buckets();
        let metrics = telemetry.metrics();
        assert_eq!((metrics.count("wrong"), metrics.count("shared")), (2, 4));
        assert!((metrics.percentile("wrong", 0.5).unwrap() - 0.3).abs() < 0.1, "the usual bounds");
        return;
    };
    let [wrong, other] = messages(&stderr)[..] else { panic!("two messages: {stderr}") };
    assert!(
        wrong.contains("the buckets of the metric \"wrong\" are not finite numbers that increase"),
        "{wrong}"
    );
    assert!(other.contains("the metric \"shared\" has different buckets in another place"), "{other}");
}
