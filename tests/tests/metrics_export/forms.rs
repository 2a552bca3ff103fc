//! Values, units, temporality, aggregations, intervals, compression and headers, as a receiver gets them.

use a2a_otel::testing::{ReceivedReading as Reading, Receiver};
use serde_json::json;

use crate::agent::{Agent, last, readings, requests};

#[test]
fn every_kind_arrives_with_its_unit_and_its_values() {
    let receiver = Receiver::start();
    let report = Agent::to(&receiver, &["rounds=3"]).with("OTEL_SERVICE_NAME", "shop").run();
    report.assert_delivered(&receiver);
    let metrics = receiver.metrics();

    let orders = last(&metrics, "shop.orders");
    assert_eq!((&*orders.unit, &*orders.description), ("{order}", "What was ordered"));
    assert_eq!((orders.is_monotonic, orders.is_delta), (true, Some(false)));
    assert_eq!(orders.resource["service.name"], "shop");
    assert_eq!(orders.points[0].attributes["category"], "lamps");
    assert_eq!(orders.points[0].reading, Reading::Whole(3));
    assert!(orders.points[0].start > 0 && orders.points[0].start <= orders.points[0].time);

    let open = last(&metrics, "shop.open");
    assert_eq!((open.is_monotonic, open.is_delta), (false, Some(false)));
    assert_eq!(open.points[0].reading, Reading::Whole(-3));
    assert_eq!(open.scope, "shop");

    let price = last(&metrics, "shop.price");
    assert_eq!((price.is_monotonic, price.is_delta), (false, None));
    assert_eq!(price.points[0].reading, Reading::Fraction(2.5));
    assert_eq!(price.points[0].attributes["sale"], json!(true));

    let Reading::Histogram { count, sum, bounds, buckets, .. } =
        &last(&metrics, "shop.basket").points[0].reading
    else {
        panic!("a histogram");
    };
    assert_eq!((*count, *sum), (3, 37.5));
    assert_eq!(buckets.len(), bounds.len() + 1);
    let bucket = bounds.partition_point(|bound| *bound < 12.5);
    assert_eq!((buckets[bucket], buckets.iter().sum::<u64>()), (3, 3), "{bounds:?}");

    assert_eq!(readings(&metrics, "shop.shelves"), [Reading::Whole(7)]);
    assert_eq!(readings(&metrics, "shop.visits"), [Reading::Whole(9)]);
}

#[test]
fn a_whole_number_that_no_signed_one_expresses_is_not_lost() {
    let receiver = Receiver::start();
    Agent::to(&receiver, &[]).run().assert_delivered(&receiver);
    // 2^63, which the conversion of the SDK's crate sends as 0.
    assert_eq!(readings(&receiver.metrics(), "shop.huge"), [Reading::Fraction(9_223_372_036_854_775_808.0)]);
}

#[test]
fn values_are_sent_at_each_interval_and_at_the_end() {
    let receiver = Receiver::start();
    let agent = Agent::to(&receiver, &["rounds=10", "pause=200"]);
    let report = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "300").run();
    report.assert_delivered(&receiver);
    assert!(requests(&receiver) > 2, "{}", requests(&receiver));
    let orders = readings(&receiver.metrics(), "shop.orders");
    let orders: Vec<_> = orders.iter().map(|it| if let Reading::Whole(it) = it { *it } else { -1 }).collect();
    assert!(orders.is_sorted(), "{orders:?}");
    assert_eq!(orders.last(), Some(&10), "{orders:?}");
}

#[test]
fn changes_since_the_last_request_add_up() {
    for preference in ["delta", "LowMemory"] {
        let receiver = Receiver::start();
        let agent = Agent::to(&receiver, &["rounds=10", "pause=200"]);
        let agent = agent.with("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference);
        let report = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "300").run();
        report.assert_delivered(&receiver);
        let metrics = receiver.metrics();
        let is_delta = |name| last(&metrics, name).is_delta;
        assert_eq!(is_delta("shop.orders"), Some(true));
        assert_eq!(is_delta("shop.basket"), Some(true));
        // By the specification, sums that also decrease stay as they are.
        assert_eq!(is_delta("shop.open"), Some(false));
        assert_eq!(is_delta("shop.visits"), Some(preference == "delta"));
        let orders = readings(&metrics, "shop.orders");
        assert!(orders.len() > 1, "{orders:?}");
        let sum: i64 = orders.iter().map(|it| if let Reading::Whole(it) = it { *it } else { 0 }).sum();
        assert_eq!(sum, 10, "{orders:?}");
        // In the process, it is the sum since the start.
        assert_eq!(report.json["orders"], 10.0);
    }
}

#[test]
fn exponential_histograms_survive() {
    let receiver = Receiver::start();
    let agent = Agent::to(&receiver, &["rounds=5"]);
    let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let report = agent.with(name, "base2_exponential_bucket_histogram").run();
    report.assert_delivered(&receiver);
    let basket = last(&receiver.metrics(), "shop.basket");
    let Reading::Exponential { count, sum, scale, zeros, positive: (offset, counts), negative, .. } =
        &basket.points[0].reading
    else {
        panic!("{basket:?}");
    };
    assert_eq!((*count, *sum, *zeros, &negative.1[..]), (5, 62.5, 0, &[][..]));
    // A value is in the bucket whose index is the logarithm of it, rounded up, minus one.
    let index = (12.5_f64.log2() * f64::from(*scale).exp2()).ceil() - 1.0;
    let filled: Vec<_> = (*offset..).zip(counts).filter(|(_, count)| **count > 0).collect();
    assert_eq!(filled.len(), 1, "{filled:?}");
    assert!((f64::from(filled[0].0) - index).abs() < 0.5 && *filled[0].1 == 5, "{filled:?} {index}");
    // The process itself reads the same buckets.
    let median = report.json["median"].as_f64().expect("a median");
    assert!((median - 12.5).abs() < 0.01, "{median}");
}

#[test]
fn requests_are_compressed_unless_told_otherwise_and_have_their_headers() {
    for (compression, expected) in [(None, Some("gzip")), (Some("none"), None)] {
        let receiver = Receiver::start();
        let mut agent = Agent::to(&receiver, &[])
            .with("OTEL_EXPORTER_OTLP_HEADERS", "x-team=shop,x-key=general")
            .with("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-key=metrics")
            .with("PHOENIX_API_KEY", "secret")
            .with("PHOENIX_CLIENT_HEADERS", "x-phoenix=secret");
        if let Some(compression) = compression {
            agent = agent.with("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", compression);
        }
        agent.run().assert_delivered(&receiver);
        let request = &receiver.requests()[0];
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!(header("content-encoding"), expected);
        assert_eq!(header("content-type"), Some("application/x-protobuf"));
        assert_eq!((header("x-team"), header("x-key")), (Some("shop"), Some("metrics")));
        // What is meant for Phoenix does not go to others.
        assert_eq!(
            (header("authorization"), header("x-phoenix"), header("x-project-name")),
            (None, None, None)
        );
    }
}

#[test]
fn flush_sends_the_current_values() {
    let receiver = Receiver::start();
    let report = Agent::to(&receiver, &["flush=true"]).run();
    report.assert_delivered(&receiver);
    assert_eq!(requests(&receiver), 2, "one by the flush, one at the end");
}

#[test]
fn the_console_prints_a_table() {
    let agent = Agent::new(&["rounds=10", "pause=100"]).with("OTEL_METRICS_EXPORTER", "console");
    let report = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "300").with("OTEL_SERVICE_NAME", "shop").run();
    report.assert_said(&[]);
    let tables: Vec<_> = report.printed.split("metrics of shop\n").skip(1).collect();
    assert!(tables.len() > 1, "{}", report.printed);
    let (first, last) = (tables[0], tables[tables.len() - 1]);
    let row = |table: &str| {
        table.lines().find(|line| line.starts_with("shop.orders category=lamps")).map(str::to_owned)
    };
    assert!(row(last).is_some_and(|row| row.contains(" 10 ") && row.ends_with("{order}")), "{last}");
    assert!(row(first).is_some() && row(first) != row(last), "{first}");
    assert_eq!(report.generated, 0);
}
