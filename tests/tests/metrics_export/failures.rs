//! Receivers that fail: what waits, what is replaced, what is lost, and what is said.

use a2a_otel::testing::{Behaviour, ReceivedReading as Reading, Receiver};

use crate::agent::{Agent, readings, requests, wait_until};

const OFTEN: (&str, &str) = ("OTEL_METRIC_EXPORT_INTERVAL", "100");
const DELTA: (&str, &str) = ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");

fn to(receiver: &Receiver, arguments: &[&str], variables: &[(&str, &str)]) -> Agent {
    let agent = Agent::to(receiver, arguments);
    variables.iter().fold(agent, |agent, (variable, value)| agent.with(variable, value))
}

fn whole(readings: &[Reading]) -> Vec<i64> {
    readings.iter().map(|it| if let Reading::Whole(it) = it { *it } else { panic!("{it:?}") }).collect()
}

#[test]
fn after_an_outage_only_the_newest_of_values_since_the_start_is_sent() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Status(503));
    let mut agent = to(&receiver, &["rounds=20", "pause=100", "waits=true"], &[OFTEN]).start();
    agent.has_measured();
    wait_until("metrics were refused", || requests(&receiver) > 2);
    let refused = requests(&receiver);
    receiver.behave(Behaviour::Accept);
    wait_until("metrics arrive", || requests(&receiver) > refused);
    let report = agent.wait();
    report.assert_balanced();
    assert!(report.dropped.is_empty(), "{report:?}");
    assert!(report.replaced > 0, "{report:?}");
    report.assert_said(&["cannot send metrics to http://127.0.0.1", "metrics reach"]);
    // Nothing that came during the outage is sent afterwards.
    let orders = whole(&readings(&receiver.metrics(), "shop.orders"));
    assert!(orders.iter().all(|orders| *orders == 20), "{orders:?}");
}

#[test]
fn after_an_outage_every_change_is_sent() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Status(503));
    let mut agent = to(&receiver, &["rounds=20", "pause=100", "waits=true"], &[OFTEN, DELTA]).start();
    agent.has_measured();
    wait_until("metrics were refused", || requests(&receiver) > 2);
    receiver.behave(Behaviour::Accept);
    let report = agent.wait();
    report.assert_balanced();
    assert_eq!((report.generated, report.replaced), (report.delivered, 0), "{report:?}");
    let orders = whole(&readings(&receiver.metrics(), "shop.orders"));
    assert!(orders.len() > 2, "{orders:?}");
    assert_eq!(orders.iter().sum::<i64>(), 20, "{orders:?}");
}

#[test]
fn an_absent_receiver_is_said_once_and_does_not_hold_the_end() {
    for temporality in ["cumulative", "delta"] {
        let address = Receiver::start().address();
        let endpoint = format!("http://{address}/v1/metrics");
        let agent = Agent::new(&["rounds=10", "pause=100"])
            .with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint)
            .with("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality);
        let report = agent.with(OFTEN.0, OFTEN.1).run();
        report.assert_balanced();
        assert_eq!(report.delivered, 0, "{report:?}");
        assert!(report.dropped["not sent in time"] > 0, "{report:?}");
        assert_eq!(report.replaced > 0, temporality == "cumulative", "{report:?}");
        report.assert_said(&[
            "connection refused; is the receiver running? The agent continues; metrics wait until the receiver answers",
            "data points of metrics for http://127.0.0.1",
        ]);
        assert_eq!(report.json["is_healthy"], false);
        let health = report.json["health"].as_str().expect("text");
        assert!(health.contains("metrics: failing: connection refused"), "{health}");
    }
}

#[test]
fn a_receiver_that_comes_later_gets_the_newest_values() {
    let address = Receiver::start().address();
    let endpoint = format!("http://{address}/v1/metrics");
    let agent = Agent::new(&["rounds=10", "pause=100", "waits=true"]);
    let agent = agent.with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint).with(OFTEN.0, OFTEN.1);
    let mut agent = agent.start();
    agent.has_measured();
    let receiver = Receiver::at(address);
    wait_until("metrics arrive", || requests(&receiver) > 0);
    let report = agent.wait();
    report.assert_balanced();
    assert!(report.dropped.is_empty(), "{report:?}");
    assert_eq!(whole(&readings(&receiver.metrics(), "shop.orders")).last(), Some(&10));
}

#[test]
fn a_receiver_that_hangs_does_not_hold_the_end_of_the_process_or_the_spans() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Hang);
    let phoenix = Receiver::start();
    let agent = Agent::to(&receiver, &["spans=3", "timeout=2"]).with("OTEL_TRACES_EXPORTER", "otlp");
    let report = agent.with("PHOENIX_COLLECTOR_ENDPOINT", &phoenix.endpoint()).run();
    report.assert_balanced();
    assert_eq!(report.dropped["not sent in time"], report.generated, "{report:?}");
    assert_eq!((report.json["spans"]["delivered"].as_u64(), phoenix.spans().len()), (Some(3), 3));
    let said = report.said();
    assert!(said.last().is_some_and(|said| said.contains("were not sent in time and are lost")), "{said:?}");
}

#[test]
fn a_wrong_path_or_key_is_said_once_and_tried_again() {
    for (status, advice) in [
        (
            404,
            "status 404 Not Found; check OTEL_EXPORTER_OTLP_METRICS_ENDPOINT. The agent continues; metrics wait",
        ),
        (401, "status 401 Unauthorized; check OTEL_EXPORTER_OTLP_METRICS_HEADERS. The agent continues"),
    ] {
        let receiver = Receiver::start();
        receiver.answer(status);
        let mut agent = to(&receiver, &["waits=true"], &[OFTEN]).start();
        agent.has_measured();
        wait_until("metrics were refused more than once", || requests(&receiver) > 2);
        receiver.behave(Behaviour::Accept);
        wait_until("metrics are accepted", || !receiver.metrics().is_empty());
        let report = agent.wait();
        report.assert_balanced();
        assert!(report.delivered > 0, "{report:?}");
        report.assert_said(&[advice, "metrics reach"]);
    }
}

#[test]
fn a_metric_that_is_not_taken_is_found_and_takes_no_other_along() {
    for status in [400, 500] {
        let receiver = Receiver::start();
        receiver.behave(Behaviour::Refuse(status, "shop.price".to_owned()));
        let report = Agent::to(&receiver, &[]).run();
        report.assert_balanced();
        assert_eq!(report.dropped["refused by the receiver"], 1, "{report:?}");
        let names: Vec<_> = receiver.metrics().into_iter().map(|metric| metric.name).collect();
        assert!(
            names.contains(&"shop.orders".to_owned()) && names.contains(&"shop.open".to_owned()),
            "{names:?}"
        );
        let said = report.said();
        assert!(
            said.iter().any(|said| said.contains("does not accept the metric \"shop.price\": status")),
            "{said:?}"
        );
    }
}

#[test]
fn a_partial_success_is_counted_and_told_once() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Reject("shop.price".to_owned()));
    let report = Agent::to(&receiver, &["flush=true"]).run();
    report.assert_balanced();
    assert_eq!(report.dropped["rejected by the receiver"], 2, "{report:?}");
    report.assert_said(&["rejected 1 data points of metrics of a batch: rejected by the test."]);
}

#[test]
fn requests_that_are_too_large_are_divided_without_loss() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::AtMost(50_000));
    let report = Agent::to(&receiver, &["series=1500"]).run();
    report.assert_delivered(&receiver);
    assert!(requests(&receiver) > 5, "{}", requests(&receiver));
    let metrics = receiver.metrics();
    let series = metrics.iter().filter(|metric| metric.name == "shop.series");
    let mut numbers: Vec<_> = series
        .flat_map(|metric| &metric.points)
        .map(|point| point.attributes["number"].to_string())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 1500);
    // Each part says what it is a part of.
    assert!(metrics.iter().all(|metric| metric.resource.contains_key("service.name")));
}
