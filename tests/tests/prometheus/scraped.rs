//! A real Prometheus scrapes both formats.

use std::collections::BTreeMap;

use a2a_otel::opentelemetry::trace::TraceContextExt as _;
use a2a_otel::opentelemetry::{Context, KeyValue, global};
use a2a_otel::{agent_span, business_metric};
use a2a_otel_tests::prometheus::Prometheus;
use a2a_otel_tests::services::require;
use serde_json::Value;

use crate::{in_own_process, served};

#[agent_span]
#[business_metric(counter = "shop.orders", unit = "{order}", attributes(category = category))]
#[business_metric(counter = "shop.revenue", unit = "EUR", value = price)]
#[business_metric(histogram = "shop.order.duration", unit = "s", value = seconds, attributes(category = category))]
fn order(category: &'static str, price: f64, seconds: f64) -> String {
    Context::current().span().span_context().trace_id().to_string()
}

fn number(series: &Value) -> f64 {
    series["value"][1].as_str().expect("a value").parse().expect("a number")
}

/// The labels of a series, without those that Prometheus adds.
fn labels(series: &Value) -> BTreeMap<&str, &str> {
    let labels = series["metric"].as_object().expect("labels").iter();
    let own = labels.filter(|(name, _)| !["__name__", "job", "instance"].contains(&&***name));
    own.map(|(name, value)| (&**name, value.as_str().unwrap_or_default())).collect()
}

/// The value of the only series.
#[track_caller]
fn value(prometheus: &Prometheus, expression: &str) -> f64 {
    number(&prometheus.wait_for(expression, 1)[0])
}

#[test]
fn prometheus_reads_values_types_units_labels_and_exemplars() {
    let test = "scraped::prometheus_reads_values_types_units_labels_and_exemplars";
    let resource =
        "service.namespace=market,service.instance.id=one,deployment.environment.name=test,host.name=box";
    if in_own_process(test, &[("OTEL_RESOURCE_ATTRIBUTES", resource)]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    let jobs = [("text", "PrometheusText0.0.4", address), ("open_metrics", "OpenMetricsText1.0.0", address)];
    let Some(prometheus) = require("Prometheus", Prometheus::start(&jobs)) else { return };
    let traces = [order("lamps", 9.5, 0.004), order("lamps", 20.25, 42.0), order("books", 3.0, 0.3)];
    let hard = "\\ \" \n ; é 🦀 {a=\"b\"}";
    let gauge = global::meter("shop")
        .f64_gauge("shop.load")
        .with_unit("1")
        .with_description("How busy\nit is")
        .build();
    gauge.record(0.75, &[KeyValue::new("text", hard), KeyValue::new("number", 7)]);

    for job in ["text", "open_metrics"] {
        let orders = prometheus.wait_for(&format!("shop_orders_total{{job=\"{job}\"}}"), 2);
        let shared = [
            ("service_name", "shop"),
            ("service_namespace", "market"),
            ("service_instance_id", "one"),
            ("deployment_environment_name", "test"),
        ];
        for series in &orders {
            let labels = labels(series);
            let expected = if labels["category"] == "lamps" { 2.0 } else { 1.0 };
            assert_eq!(number(series).to_bits(), f64::to_bits(expected), "{series:#}");
            assert!(
                shared.iter().all(|(name, value)| labels[name] == *value) && labels.len() == 5,
                "{series:#}"
            );
        }
        let of = |expression: &str| value(&prometheus, &expression.replace("JOB", &format!("job=\"{job}\"")));
        assert_eq!(of("shop_revenue_EUR_total{JOB}").to_bits(), 32.75_f64.to_bits());
        assert_eq!(of("sum(shop_order_duration_seconds_count{JOB})").to_bits(), 3_f64.to_bits());
        assert!((of("shop_order_duration_seconds_sum{JOB,category=\"lamps\"}") - 42.004).abs() < 1e-9);
        assert_eq!(
            of("shop_order_duration_seconds_bucket{JOB,category=\"lamps\",le=\"1.0\"}").to_bits(),
            1_f64.to_bits()
        );
        assert_eq!(
            of("shop_order_duration_seconds_bucket{JOB,category=\"lamps\",le=\"+Inf\"}").to_bits(),
            2_f64.to_bits()
        );
        let load = prometheus.wait_for(&format!("shop_load_ratio{{job=\"{job}\"}}"), 1);
        assert_eq!((labels(&load[0])["text"], labels(&load[0])["number"]), (hard, "7"));
        assert_eq!(load[0]["value"][1], "0.75");
        assert!(
            (of("target_info{JOB,host_name=\"box\",telemetry_sdk_language=\"rust\"}") - 1.0).abs() < 1e-9
        );
        let metadata =
            prometheus.ask("/api/v1/targets/metadata", &[("match_target", &format!("{{job=\"{job}\"}}"))]);
        let metadata: BTreeMap<_, _> =
            metadata.as_array().unwrap().iter().map(|it| (it["metric"].as_str().unwrap(), it)).collect();
        // Prometheus names the family of a counter as the format does.
        let (orders, unit) =
            if job == "text" { ("shop_orders_total", "") } else { ("shop_orders", "seconds") };
        assert_eq!(metadata[orders]["type"], "counter");
        assert_eq!(metadata["shop_order_duration_seconds"]["type"], "histogram");
        assert_eq!(metadata["shop_order_duration_seconds"]["unit"], unit);
        assert_eq!(metadata["shop_load_ratio"]["type"], "gauge");
        assert_eq!(metadata["shop_load_ratio"]["help"], "How busy\nit is");
    }
    let found = |expression: &str| -> Vec<String> {
        let series = prometheus.exemplars(expression);
        let exemplars = series.iter().flat_map(|it| it["exemplars"].as_array().unwrap());
        exemplars.map(|it| it["labels"]["trace_id"].as_str().unwrap().to_owned()).collect()
    };
    let slow = found("shop_order_duration_seconds_bucket{category=\"lamps\",le=\"60.0\"}");
    assert!(!slow.is_empty() && slow.iter().all(|trace| *trace == traces[1]), "{slow:?} {traces:?}");
    let books = found("shop_orders_total{category=\"books\"}");
    assert!(!books.is_empty() && books.iter().all(|trace| *trace == traces[2]), "{books:?} {traces:?}");
}
