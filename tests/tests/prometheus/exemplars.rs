//! Exemplars lead from a value to the span in which it was measured.

use a2a_otel::opentelemetry::Context;
use a2a_otel::opentelemetry::trace::TraceContextExt as _;
use a2a_otel::{agent_span, business_metric, tool_span};

use crate::{in_own_process, lines, scrape, served};

#[agent_span]
fn shop(category: &'static str, seconds: f64) -> String {
    order(category, seconds)
}

/// Returns the exemplar's labels that are expected.
#[business_metric(counter = "orders", attributes(category = category))]
#[business_metric(histogram = "order.duration", unit = "s", value = seconds, buckets = [0.1, 1.0], attributes(category = category))]
fn order(category: &'static str, seconds: f64) -> String {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    format!("# {{trace_id=\"{}\",span_id=\"{}\"}}", span.trace_id(), span.span_id())
}

/// The measurement belongs to the span of the same function, and one outside of all spans to none.
#[business_metric(counter = "inside")]
#[tool_span]
fn inside() {}

#[agent_span]
#[business_metric(counter = "around")]
fn around() -> String {
    Context::current().span().span_context().trace_id().to_string()
}

#[agent_span]
#[business_metric(counter = "around.slowly")]
async fn around_slowly() -> String {
    tokio::task::yield_now().await;
    Context::current().span().span_context().trace_id().to_string()
}

#[business_metric(counter = "outside")]
fn outside() {}

/// What follows the value of the sample that begins with this.
fn exemplar<'a>(metrics: &'a str, start: &str) -> Option<&'a str> {
    let [line] = lines(metrics, start)[..] else { panic!("one line with {start}: {metrics}") };
    line.find('#').map(|place| &line[place..])
}

#[test]
fn each_series_and_bucket_has_its_latest_exemplar() {
    if in_own_process("exemplars::each_series_and_bucket_has_its_latest_exemplar", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    shop("lamps", 0.05);
    let lamp = shop("lamps", 0.07);
    let slow = shop("lamps", 20.0);
    let book = shop("books", 0.1);
    let metrics = scrape(address, "openmetrics");
    let of = |name: &str, category: &str, le: &str| {
        let le = if le.is_empty() { String::new() } else { format!(",le=\"{le}\"") };
        let start = format!("{name}{{service_name=\"shop\",category=\"{category}\"{le}}}");
        exemplar(&metrics, &start).map(str::to_owned)
    };
    let starts = |found: Option<String>, labels: &str, value: &str| {
        let found = found.unwrap_or_default();
        assert!(found.starts_with(&format!("{labels} {value} 1")), "{found} {labels}");
    };
    starts(of("orders_total", "lamps", ""), &slow, "1");
    starts(of("orders_total", "books", ""), &book, "1");
    starts(of("order_duration_seconds_bucket", "lamps", "0.1"), &lamp, "0.07");
    assert_eq!(of("order_duration_seconds_bucket", "lamps", "1.0"), None);
    starts(of("order_duration_seconds_bucket", "lamps", "+Inf"), &slow, "20.0");
    starts(of("order_duration_seconds_bucket", "books", "0.1"), &book, "0.1");
    // It stays until there is a newer one, and the text format has none.
    let again = scrape(address, "openmetrics");
    assert!(exemplar(&again, "orders_total{service_name=\"shop\",category=\"books\"}").is_some());
    assert!(!scrape(address, "text").contains("trace_id"));
}

#[test]
fn the_attribute_macros_of_a_function_may_have_any_order() {
    if in_own_process("exemplars::the_attribute_macros_of_a_function_may_have_any_order", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    inside();
    let around = around();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    let slowly: Vec<_> = (0..20).map(|_| runtime.spawn(around_slowly())).collect();
    let slowly: Vec<_> = slowly.into_iter().map(|task| runtime.block_on(task).expect("no panic")).collect();
    outside();
    let metrics = scrape(address, "openmetrics");
    assert!(exemplar(&metrics, "inside_total").is_some());
    assert!(exemplar(&metrics, "around_total").unwrap_or_default().contains(&around), "{metrics}");
    let found = exemplar(&metrics, "around_slowly_total").unwrap_or_default();
    assert!(slowly.iter().any(|trace| found.contains(trace)), "{metrics}");
    assert_eq!(exemplar(&metrics, "outside_total"), None);
}

#[test]
fn a_span_that_is_not_sampled_is_no_exemplar() {
    let variables = [("OTEL_TRACES_SAMPLER", "always_off")];
    if in_own_process("exemplars::a_span_that_is_not_sampled_is_no_exemplar", &variables).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    shop("lamps", 0.05);
    let metrics = scrape(address, "openmetrics");
    assert!(metrics.contains("orders_total{") && !metrics.contains("trace_id"), "{metrics}");
}

#[test]
fn series_beyond_the_cardinality_limit_have_none() {
    let variables = [("A2A_OTEL_CARDINALITY_LIMIT", "1")];
    if in_own_process("exemplars::series_beyond_the_cardinality_limit_have_none", &variables).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    shop("lamps", 0.05);
    shop("books", 0.05);
    let metrics = scrape(address, "openmetrics");
    assert_eq!(lines(&metrics, "orders_total{").len(), 2);
    assert!(exemplar(&metrics, "orders_total{service_name=\"shop\",category=\"lamps\"}").is_some());
    assert_eq!(exemplar(&metrics, "orders_total{service_name=\"shop\",otel_metric_overflow=\"true\"}"), None);
}

#[test]
fn threads_that_measure_at_once_lose_no_series() {
    if in_own_process("exemplars::threads_that_measure_at_once_lose_no_series", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    std::thread::scope(|scope| {
        for category in ["a", "b", "c", "d"] {
            scope.spawn(move || (0..1000).for_each(|_| drop(shop(category, 0.05))));
        }
        for _ in 0..5 {
            scrape(address, "openmetrics");
        }
    });
    let metrics = scrape(address, "openmetrics");
    for line in lines(&metrics, "orders_total{") {
        assert!(line.contains("} 1000 # {trace_id="), "{line}");
    }
    assert_eq!(lines(&metrics, "orders_total{").len(), 4);
}
