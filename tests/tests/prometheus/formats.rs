//! Both formats, and which of them a request gets.

use std::io::Read as _;

use a2a_otel::opentelemetry::{KeyValue, global};

use crate::{OPEN_METRICS, get, in_own_process, lines, scrape, served};

fn measure() {
    let meter = global::meter("shop");
    let orders =
        meter.u64_counter("shop.orders").with_unit("{order}").with_description("Orders \"placed\"").build();
    orders.add(3, &[KeyValue::new("category", "lamps")]);
    let duration = meter.f64_histogram("shop.duration").with_unit("s").with_boundaries(vec![0.5, 1.0, 1e6]);
    let duration = duration.build();
    for seconds in [0.25, 0.75, 0.75, 2e6] {
        duration.record(seconds, &[]);
    }
    meter.f64_gauge("shop.load").with_unit("1").build().record(0.25, &[]);
    meter.i64_up_down_counter("shop.open").build().add(-2, &[]);
}

const RESOURCE: &[(&str, &str)] = &[(
    "OTEL_RESOURCE_ATTRIBUTES",
    "service.namespace=market,service.instance.id=one,deployment.environment.name=test,host.name=box",
)];

/// The labels of every series.
const SHARED: &str = r#"service_name="shop",service_namespace="market",service_instance_id="one",deployment_environment_name="test""#;

/// The block of a metric: its metadata and its samples.
fn block(metrics: &str, name: &str) -> String {
    let is_part = |line: &&str| line.contains(name);
    metrics.split_inclusive('\n').filter(is_part).collect::<String>().replace(SHARED, "…")
}

#[test]
fn the_text_format_is_as_prometheus_describes_it() {
    if in_own_process("formats::the_text_format_is_as_prometheus_describes_it", RESOURCE).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    measure();
    let metrics = scrape(address, "text");
    assert_eq!(
        block(&metrics, "shop_orders"),
        "# HELP shop_orders_total Orders \"placed\"\n# TYPE shop_orders_total counter\n\
         shop_orders_total{…,category=\"lamps\"} 3\n"
    );
    assert_eq!(
        block(&metrics, "shop_duration"),
        "# TYPE shop_duration_seconds histogram\n\
         shop_duration_seconds_bucket{…,le=\"0.5\"} 1\n\
         shop_duration_seconds_bucket{…,le=\"1.0\"} 3\n\
         shop_duration_seconds_bucket{…,le=\"1e+06\"} 3\n\
         shop_duration_seconds_bucket{…,le=\"+Inf\"} 4\n\
         shop_duration_seconds_sum{…} 2000001.75\n\
         shop_duration_seconds_count{…} 4\n"
    );
    assert_eq!(block(&metrics, "shop_load"), "# TYPE shop_load_ratio gauge\nshop_load_ratio{…} 0.25\n");
    assert_eq!(block(&metrics, "shop_open"), "# TYPE shop_open gauge\nshop_open{…} -2\n");
    let target = lines(&metrics, "target_info{");
    assert_eq!(target.len(), 1);
    for label in ["service_name=\"shop\"", "host_name=\"box\"", "telemetry_sdk_language=\"rust\""] {
        assert!(target[0].contains(label) && target[0].ends_with("} 1"), "{target:?}");
    }
    assert!(!metrics.contains("# EOF") && !metrics.contains("# UNIT"));
}

#[test]
fn open_metrics_is_as_its_specification_says() {
    if in_own_process("formats::open_metrics_is_as_its_specification_says", RESOURCE).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    measure();
    let metrics = scrape(address, "openmetrics");
    assert_eq!(
        block(&metrics, "shop_orders"),
        "# HELP shop_orders Orders \\\"placed\\\"\n# TYPE shop_orders counter\n\
         shop_orders_total{…,category=\"lamps\"} 3\n"
    );
    assert!(
        metrics.contains("# TYPE shop_duration_seconds histogram\n# UNIT shop_duration_seconds seconds\n")
    );
    assert!(metrics.contains("# TYPE shop_load_ratio gauge\n# UNIT shop_load_ratio ratio\n"), "{metrics}");
    assert!(metrics.contains("# TYPE target info\n") && metrics.ends_with("\n# EOF\n"), "{metrics}");
}

#[test]
fn a_request_gets_what_it_accepts() {
    if in_own_process("formats::a_request_gets_what_it_accepts", &[]).is_some() {
        return;
    }
    let (_telemetry, address) = served();
    measure();
    let text = "content-type: text/plain; version=0.0.4; charset=utf-8";
    let open_metrics = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    let quality = "accept: application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5\r\n";
    for (headers, expected) in
        [("", text), (OPEN_METRICS, open_metrics), ("accept: image/png\r\n", text), (quality, text)]
    {
        let answer = get(address, headers);
        assert!(answer.head.contains(expected) && !answer.head.contains("gzip"), "{}", answer.head);
    }
    let answer = get(address, "accept-encoding: gzip\r\n");
    assert!(answer.head.contains("content-encoding: gzip"), "{}", answer.head);
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut unpacked).expect("gzip");
    assert!(unpacked.contains("shop_orders_total"), "{unpacked}");
}
