//! Tests permanent faults: what cannot be delivered is named, and nothing else is lost with it.

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::{Agent, Report, distinct};

const BATCH: [&str; 2] = ["spans=512", "poison=300"];

fn under(behaviour: Behaviour, arguments: &[&str]) -> (Report, Receiver) {
    let receiver = Receiver::start();
    receiver.behave(behaviour);
    let report = Agent::new(&receiver.endpoint(), arguments).run();
    (report, receiver)
}

#[test]
fn a_poisoned_span_is_found_and_named_whatever_the_status() {
    for status in [400, 422, 500] {
        let (report, receiver) = under(Behaviour::Refuse(status, "poison".to_owned()), &BATCH);
        report.assert_balanced(512);
        assert_eq!(report.dropped["refused by the receiver"], 1, "{status}: {report:?}");
        assert_eq!(receiver.spans().len(), 511, "{status}");
        let named = report
            .messages
            .iter()
            .filter(|message| message.contains("does not accept the span \"poison\" ("));
        assert_eq!(named.count(), 1, "{status}: {:#?}", report.messages);
    }
}

#[test]
fn a_partial_success_is_counted_and_told_once() {
    let arguments = ["spans=1024", "poison=300"];
    let (report, receiver) = under(Behaviour::Reject("poison".to_owned()), &arguments);
    report.assert_balanced(1024);
    assert_eq!(report.dropped["rejected by the receiver"], 1, "{report:?}");
    assert_eq!(receiver.spans().len(), 1023);
    report.assert_said(&["rejected 1 spans of a batch: rejected by the test."]);
}

#[test]
fn requests_that_are_too_large_are_halved() {
    let arguments = ["spans=512", "bytes=2000"];
    let (report, receiver) = under(Behaviour::AtMost(100_000), &arguments);
    report.assert_delivered(512, &receiver);
    assert!(receiver.requests().iter().any(|request| request.status == 413));
    report.assert_said(&[]);
}

#[test]
fn a_span_that_is_too_large_on_its_own_is_cut_and_says_so() {
    let arguments = ["spans=3", "bytes=300000"];
    let (report, receiver) = under(Behaviour::AtMost(100_000), &arguments);
    report.assert_delivered(3, &receiver);
    let input = receiver.spans()[0].attributes["input.value"].to_string();
    assert!(input.contains("cut by a2a-otel: the span was too large]"), "{}", &input[input.len() - 200..]);
    report.assert_said(&["spans for"]);
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_once_and_clearly() {
    for (behaviour, message) in [
        (Behaviour::Status(401), "status 401 Unauthorized; check PHOENIX_API_KEY. The agent continues"),
        (Behaviour::Status(404), "status 404 Not Found; check the endpoint. The agent continues"),
        (Behaviour::Status(415), "status 415 Unsupported Media Type. The agent continues"),
        (Behaviour::WebPage, "it answers with a web page, which no OTLP receiver does; check the endpoint."),
    ] {
        let (report, receiver) = under(behaviour, &["spans=1500", "per_second=1000"]);
        report.assert_balanced(1500);
        assert_eq!(report.dropped["refused by the receiver"], 1500, "{report:?}");
        assert_eq!(distinct(&receiver.spans()), 0);
        report.assert_said(&[message, "1500 spans for http"]);
        assert!(report.messages[1].contains("were refused until the end and are lost"), "{report:?}");
    }
}
