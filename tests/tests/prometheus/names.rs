//! Names and labels that collide.

use a2a_otel::opentelemetry::{InstrumentationScope, KeyValue, global};

use crate::{in_own_process, lines, messages, scrape, served};

#[test]
fn the_first_of_two_metrics_with_one_name_is_served() {
    let test = "names::the_first_of_two_metrics_with_one_name_is_served";
    let Some(stderr) = in_own_process(test, &[]) else {
        let (_telemetry, address) = served();
        let meter = global::meter("shop");
        meter.u64_counter("sold.items").build().add(1, &[]);
        meter.u64_gauge("sold_items").build().record(2, &[]);
        meter.f64_gauge("sold.items.total").build().record(3.0, &[]);
        meter.f64_gauge("target_info").build().record(4.0, &[]);
        meter.u64_counter("sold-items").build().add(5, &[KeyValue::new("shop", "other")]);
        // The first scrape decides, because the SDK does not say which library was first.
        scrape(address, "text");
        for number in 0..50 {
            // The SDK's order changes with each meter that is added.
            let other =
                global::meter_with_scope(InstrumentationScope::builder(format!("other-{number}")).build());
            other.u64_gauge("sold_items").build().record(6, &[]);
            let metrics = scrape(address, "text");
            let sold = lines(&metrics, "sold");
            let expected = [
                "sold_items_total{service_name=\"shop\"} 1",
                "sold_items_total{service_name=\"shop\",shop=\"other\"} 5",
            ];
            assert_eq!(sold, expected);
            assert_eq!(lines(&metrics, "target_info").len(), 1);
        }
        return;
    };
    let messages = messages(&stderr);
    assert_eq!(messages.len(), 3, "{stderr}");
    let expected = "the metrics \"sold.items\" and \"sold_items\" are both called sold_items in Prometheus, but differ in \
                    type or unit: only the first is served; rename one of them";
    assert!(messages.iter().any(|message| message.ends_with(expected)), "{stderr}");
}

#[test]
fn labels_that_collide_are_joined_or_the_first_series_is_served() {
    let test = "names::labels_that_collide_are_joined_or_the_first_series_is_served";
    let Some(stderr) = in_own_process(test, &[]) else {
        let (_telemetry, address) = served();
        let meter = global::meter("shop");
        let joined =
            [KeyValue::new("b.c", "two"), KeyValue::new("b-c", "one"), KeyValue::new("service.name", "own")];
        meter.u64_counter("joined").build().add(1, &joined);
        let same = meter.u64_counter("same").build();
        same.add(1, &[KeyValue::new("number", 1)]);
        same.add(1, &[KeyValue::new("number", "1")]);
        meter
            .f64_histogram("bounded")
            .with_boundaries(vec![])
            .build()
            .record(1.0, &[KeyValue::new("le", "mine")]);
        for format in ["text", "openmetrics", "text"] {
            let metrics = scrape(address, format);
            assert_eq!(lines(&metrics, "joined"), ["joined_total{b_c=\"one;two\",service_name=\"own\"} 1"]);
            assert_eq!(lines(&metrics, "same"), ["same_total{service_name=\"shop\",number=\"1\"} 1"]);
            let bucket = "bounded_bucket{service_name=\"shop\",exported_le=\"mine\",le=\"+Inf\"} 1";
            assert_eq!(lines(&metrics, "bounded_bucket"), [bucket]);
        }
        return;
    };
    let messages = messages(&stderr);
    assert!(
        messages.len() == 1 && messages[0].contains("the metric \"same\" have the same labels"),
        "{stderr}"
    );
}
