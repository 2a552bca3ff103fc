//! A metric keeps a limited number of label sets; reaching it is reported once.

use a2a_otel::{Telemetry, business_metric};

use crate::{in_own_process, messages};

#[business_metric(counter = "visits", attributes(page = page))]
#[business_metric(counter = "visits.all")]
fn visit(page: u32) {}

fn visit_pages(telemetry: &Telemetry, limit: u32) {
    (0..limit).for_each(visit);
    let metrics = telemetry.metrics();
    assert_eq!(metrics.points("visits").len(), limit as usize);
    (0..limit + 5).for_each(visit);
    (0..3).for_each(|_| drop(telemetry.metrics()));
    let metrics = telemetry.metrics();
    let points = metrics.points("visits");
    assert_eq!(points.len(), limit as usize + 1);
    let overflow = points.iter().find(|point| point.attributes.contains_key("otel.metric.overflow"));
    assert_eq!(overflow.map(|point| point.reading.to_string()).as_deref(), Some("5"));
    let total = (2 * limit + 5).to_string();
    assert_eq!(
        (metrics.sum("visits").to_string(), metrics.sum("visits.all").to_string()),
        (total.clone(), total)
    );
}

fn assert_said_once(stderr: &str, limit: u32) {
    let [message] = messages(stderr)[..] else { panic!("one message: {stderr}") };
    let expected = format!("the metric \"visits\" has more than {limit} different sets of attributes");
    assert!(message.contains(&expected) && message.contains("raise A2A_OTEL_CARDINALITY_LIMIT"), "{message}");
}

#[test]
fn the_limit_comes_from_the_environment() {
    let variables = [("A2A_OTEL_CARDINALITY_LIMIT", "20")];
    match in_own_process("limits::the_limit_comes_from_the_environment", &variables) {
        None => visit_pages(&Telemetry::builder().tracing(false).init().unwrap(), 20),
        Some(stderr) => assert_said_once(&stderr, 20),
    }
}

#[test]
fn the_limit_comes_from_code() {
    match in_own_process("limits::the_limit_comes_from_code", &[("A2A_OTEL_CARDINALITY_LIMIT", "20")]) {
        None => {
            let telemetry = Telemetry::builder().cardinality_limit(2_500).tracing(false).init().unwrap();
            assert_eq!(telemetry.settings().cardinality_limit, 2_500);
            visit_pages(&telemetry, 2_500);
        }
        Some(stderr) => assert_said_once(&stderr, 2_500),
    }
}

#[test]
fn the_usual_limit_is_that_of_opentelemetry() {
    match in_own_process("limits::the_usual_limit_is_that_of_opentelemetry", &[]) {
        None => visit_pages(&Telemetry::builder().tracing(false).init().unwrap(), 2_000),
        Some(stderr) => assert_said_once(&stderr, 2_000),
    }
}
