//! Where metrics go, by the environment.

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::{Agent, requests};

#[test]
fn without_a_receiver_of_metrics_nothing_is_sent_or_said() {
    let phoenix = Receiver::start();
    for (variable, value) in [
        ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.endpoint()),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/v1/traces", phoenix.endpoint())),
    ] {
        let agent = Agent::new(&["spans=3"]).with("OTEL_TRACES_EXPORTER", "otlp").with(variable, &value);
        let report = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "100").run();
        assert_eq!((report.generated, report.json["spans"]["delivered"].as_u64()), (0, Some(3)));
        report.assert_said(&[]);
        assert_eq!(report.json["orders"], 1.0);
    }
    assert_eq!(requests(&phoenix), 0);
}

#[test]
fn a_receiver_of_everything_gets_metrics_too() {
    let receiver = Receiver::start();
    let agent = Agent::new(&["spans=3"]).with("OTEL_TRACES_EXPORTER", "otlp");
    let report = agent.with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint()).run();
    report.assert_delivered(&receiver);
    let spans = receiver.spans();
    assert_eq!(spans.len(), 3);
    let metrics = receiver.metrics();
    let searches =
        metrics.iter().find(|metric| metric.name == "shop.searches").expect("searches are counted");
    let [exemplar] = &searches.points[0].exemplars[..] else { panic!("{searches:?}") };
    assert!(spans.iter().any(|span| span.trace_id == *exemplar), "{exemplar} of {spans:?}");
}

#[test]
fn a_phoenix_that_was_named_as_a_receiver_of_everything_is_asked_once() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Phoenix);
    let agent = Agent::new(&["spans=3", "rounds=5", "pause=200"]).with("OTEL_TRACES_EXPORTER", "otlp");
    let agent = agent.with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint());
    let report = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "100").run();
    report.assert_balanced();
    report.assert_said(&[
        "/v1/metrics does not accept metrics, as Phoenix does not: status 404 Not Found; set \
         OTEL_EXPORTER_OTLP_METRICS_ENDPOINT to a receiver of metrics, or OTEL_METRICS_EXPORTER to none. From now on, \
         metrics are dropped; everything else is still sent",
    ]);
    assert_eq!((requests(&receiver), receiver.spans().len()), (1, 3));
    assert_eq!(report.json["is_healthy"], true, "{}", report.json["health"]);
}

#[test]
fn the_list_of_exporters_decides() {
    let receiver = Receiver::start();
    for exporters in ["none", "console", "prometheus"] {
        let report = Agent::to(&receiver, &[]).with("OTEL_METRICS_EXPORTER", exporters).run();
        assert_eq!(report.generated, 0, "{exporters}");
        report.assert_said(&[]);
    }
    assert_eq!(requests(&receiver), 0);
    let report = Agent::to(&receiver, &[]).with("OTEL_METRICS_EXPORTER", "otlp, console").run();
    report.assert_delivered(&receiver);
    assert!(report.printed.contains("shop.orders"), "{}", report.printed);
    let report = Agent::new(&[]).with("OTEL_METRICS_EXPORTER", "otlp").run();
    report.assert_said(&[
        "no metrics are sent over OTLP: no receiver is named; set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ]);
}

#[test]
fn what_is_disabled_is_not_sent() {
    let receiver = Receiver::start();
    let report = Agent::to(&receiver, &["spans=3"]).with("OTEL_SDK_DISABLED", "true").run();
    assert_eq!((report.generated, requests(&receiver)), (0, 0));
    report.assert_said(&[]);
}

#[test]
fn unusable_values_are_named_and_the_rest_works() {
    for (variable, value, said) in [
        (
            "OTEL_METRICS_EXPORTER",
            "statsd",
            "OTEL_METRICS_EXPORTER=\"statsd\" is ignored: expected a list of",
        ),
        ("OTEL_METRICS_EXPORTER", "otlp,statsd", "OTEL_METRICS_EXPORTER=\"otlp,statsd\" is used in part"),
        ("OTEL_METRICS_EXPORTER", "none,otlp", "OTEL_METRICS_EXPORTER=\"none,otlp\" is used in part"),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            "often",
            "OTEL_METRIC_EXPORT_INTERVAL=\"often\" is ignored: expected",
        ),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0", "OTEL_METRIC_EXPORT_TIMEOUT=\"0\" is ignored"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "-1", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT=\"-1\" is ignored"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            "json",
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=\"json\" is ignored",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "br",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=\"br\" is ignored",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "secret",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS=**** is used in part",
        ),
        // One message, although spans read the same variable.
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "OTEL_EXPORTER_OTLP_HEADERS=**** is used in part"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "OTEL_EXPORTER_OTLP_TIMEOUT=\"soon\" is ignored"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "daily",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=\"daily\" is ignored: expected cumulative, delta",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "summary",
            "_DEFAULT_HISTOGRAM_AGGREGATION=\"summary\" is ignored: expected explicit_bucket_histogram or",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "high",
            "OTEL_EXPORTER_PROMETHEUS_PORT=\"high\" is ignored: expected a port",
        ),
    ] {
        let receiver = Receiver::start();
        let report = Agent::to(&receiver, &[]).with(variable, value).run();
        report.assert_said(&[said]);
        assert!(report.delivered > 0 && requests(&receiver) == 1, "{variable}: {report:?}");
    }
}

#[test]
fn certificates_of_metrics_are_their_own() {
    let agent =
        Agent::new(&["timeout=1"]).with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://127.0.0.1:1/x");
    let agent = agent.with("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/nowhere/authority.pem");
    let report = agent.run();
    report.assert_balanced();
    let said = report.said();
    let missing = "no metrics reach https://127.0.0.1:1/x for now: /nowhere/authority.pem cannot be read";
    assert!(said[0].contains(missing), "{said:?}");
    assert_eq!(report.dropped["not sent in time"], report.generated, "{report:?}");
}

#[test]
fn a_malformed_address_is_named_once_and_no_other_is_tried() {
    let receiver = Receiver::start();
    let agent = Agent::new(&["spans=2"]).with("OTEL_TRACES_EXPORTER", "otlp");
    let agent = agent.with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint());
    let report = agent.with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "metrics:4318").run();
    report.assert_said(&[
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=\"metrics:4318\" is ignored: expected http(s)://host[:port]/path; no \
         metrics are sent",
    ]);
    assert_eq!((requests(&receiver), receiver.spans().len()), (0, 2));
    let agent = Agent::new(&[]).with("OTEL_TRACES_EXPORTER", "otlp");
    let report = agent.with("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318").run();
    report.assert_said(&["OTEL_EXPORTER_OTLP_ENDPOINT=\"collector:4318\" is ignored"]);
}
