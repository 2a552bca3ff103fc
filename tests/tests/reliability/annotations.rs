//! Tests annotations, which are sent separately from spans, with the same faults.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::{Agent, Report, wait_until};

/// This many spans, each with a score.
const SCORED: [&str; 2] = ["spans=250", "scores=true"];

fn under(behaviour: Behaviour, arguments: &[&str]) -> (Report, Receiver) {
    let receiver = Receiver::start();
    receiver.behave(behaviour);
    let report = Agent::new(&receiver.endpoint(), &[&SCORED, arguments].concat()).run();
    (report, receiver)
}

/// How many of the receiver's spans have a score there.
#[track_caller]
fn scored(receiver: &Receiver) -> usize {
    let annotations = receiver.annotations();
    assert!(annotations.iter().all(|annotation| annotation.path == "/v1/span_annotations"));
    let id = |annotation: &a2a_otel::testing::ReceivedAnnotation| annotation.content["span_id"].to_string();
    let ids: HashSet<_> = annotations.iter().map(id).collect();
    assert_eq!(ids.len(), annotations.len(), "none came twice");
    receiver.spans().iter().filter(|span| ids.contains(&format!("{:?}", span.span_id))).count()
}

fn posts(receiver: &Receiver) -> usize {
    receiver.requests().iter().filter(|request| request.path == "/v1/span_annotations").count()
}

#[test]
fn every_score_arrives_in_batches() {
    let (report, receiver) = under(Behaviour::Accept, &[]);
    report.assert_annotated(250, 250);
    report.assert_said(&[]);
    assert_eq!(scored(&receiver), 250);
    assert!(posts(&receiver) <= 10, "{}", posts(&receiver));
}

#[test]
fn an_agent_that_scores_nothing_posts_nothing() {
    let receiver = Receiver::start();
    let report = Agent::new(&receiver.endpoint(), &["spans=10"]).run();
    report.assert_annotated(0, 0);
    assert_eq!(posts(&receiver), 0);
}

#[test]
fn a_collector_is_asked_once_and_gets_its_spans() {
    let (report, receiver) = under(Behaviour::Collector, &["per_second=200"]);
    report.assert_delivered(250, &receiver);
    report.assert_annotated(250, 0);
    assert_eq!(report.annotations.dropped["refused by the receiver"], 250);
    assert_eq!(posts(&receiver), 1);
    report.assert_said(&[
        "does not accept annotations, only Phoenix does: status 404 Not Found; check the endpoint.",
    ]);
}

#[test]
fn a_wrong_key_is_said_once() {
    let (report, _receiver) = under(Behaviour::Status(401), &["per_second=200"]);
    report.assert_annotated(250, 0);
    let said = |signal: &str| format!("cannot send {signal} to http");
    for signal in ["spans", "annotations"] {
        let messages = report.messages.iter().filter(|message| message.contains(&said(signal)));
        let messages: Vec<_> = messages.collect();
        assert!(messages.len() == 1 && messages[0].contains("check PHOENIX_API_KEY"), "{messages:?}");
    }
}

#[test]
fn an_outage_costs_nothing() {
    for behaviour in [Behaviour::Status(503), Behaviour::Status(500), Behaviour::Reset] {
        let receiver = Receiver::start();
        receiver.behave(behaviour.clone());
        let agent = Agent::new(&receiver.endpoint(), &SCORED).start();
        // A repeated request was refused before.
        wait_until("annotations were refused", || posts(&receiver) > 1);
        receiver.behave(Behaviour::Accept);
        let report = agent.wait();
        report.assert_annotated(250, 250);
        assert_eq!(scored(&receiver), 250, "{behaviour:?}");
        let said = |text| report.messages.iter().filter(|message| message.contains(text)).count();
        assert_eq!(said("cannot send annotations"), 1, "{:#?}", report.messages);
        assert_eq!(said("annotations reach"), 1, "{:#?}", report.messages);
    }
}

#[test]
fn retry_after_is_waited_for() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::RetryAfter(429, 2));
    // The agent runs for five seconds: its end would shorten the pause.
    let agent = Agent::new(&receiver.endpoint(), &[&SCORED[..], &["per_second=50"]].concat()).start();
    wait_until("annotations were refused", || posts(&receiver) > 0);
    let asked = posts(&receiver);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(posts(&receiver), asked, "it waits");
    receiver.behave(Behaviour::Accept);
    agent.wait().assert_annotated(250, 250);
}

#[test]
fn a_receiver_that_comes_later_gets_everything() {
    let address = Receiver::start().address();
    let arguments = ["spans=600", "per_second=200", "scores=true", "timeout=30"];
    let agent = Agent::new(&format!("http://{address}"), &arguments).start();
    thread::sleep(Duration::from_secs(2));
    let receiver = Receiver::at(address);
    let report = agent.wait();
    report.assert_annotated(600, 600);
    assert_eq!(scored(&receiver), 600);
}

#[test]
fn an_annotation_that_is_not_taken_is_found_and_takes_no_other_along() {
    for status in [400, 422] {
        let (report, receiver) = under(Behaviour::Refuse(status, "poison".to_owned()), &["poison=130"]);
        report.assert_annotated(250, 249);
        assert_eq!(receiver.annotations().len(), 249, "{status}");
        let named = report
            .messages
            .iter()
            .filter(|message| message.contains("does not accept the annotation \"poison\": status"));
        assert_eq!(named.count(), 1, "{:#?}", report.messages);
    }
}

#[test]
fn requests_that_are_too_large_are_halved() {
    let (report, receiver) = under(Behaviour::AtMost(20_000), &["bytes=1000"]);
    report.assert_annotated(250, 250);
    assert_eq!(receiver.annotations().len(), 250);
}

#[test]
fn a_receiver_that_never_answers_does_not_hold_the_end_of_the_process() {
    let (report, receiver) = under(Behaviour::Hang, &["timeout=1"]);
    report.assert_annotated(250, 0);
    assert_eq!(report.annotations.dropped["not sent in time"], 250);
    let messages = &report.messages;
    let lost = messages.iter().filter(|message| message.contains("250 annotations for http"));
    assert_eq!(lost.count(), 1, "{messages:#?}");
    drop(receiver);
}

#[test]
fn what_does_not_fit_into_memory_is_dropped_and_counted() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Hang);
    let arguments = ["spans=60", "scores=true", "bytes=100000", "timeout=1"];
    let report = Agent::new(&receiver.endpoint(), &arguments).run();
    report.assert_annotated(60, 0);
    let dropped = &report.annotations.dropped;
    assert!(dropped["queue full"] > 10 && dropped["not sent in time"] > 30, "{report:?}");
    let full = report.messages.iter().filter(|message| message.contains("full, so annotations are dropped"));
    assert_eq!(full.count(), 1, "{:#?}", report.messages);
}

#[test]
fn an_endpoint_that_does_not_tell_where_phoenix_is_says_so() {
    let receiver = Receiver::start();
    let path = format!("{}/custom", receiver.endpoint());
    for (variable, value) in
        [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*path), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
    {
        let agent = Agent::new(&receiver.endpoint(), &[&SCORED[..], &["timeout=1"]].concat());
        let report = agent.with(variable, value).run();
        report.assert_annotated(250, 0);
        let said =
            report.messages.iter().filter(|message| message.contains("cannot send annotations to http"));
        let said: Vec<_> = said.collect();
        assert_eq!(said.len(), 1, "{:#?}", report.messages);
        assert!(said[0].contains("at an endpoint whose path ends in /v1/traces"), "{said:?}");
    }
    assert_eq!(receiver.spans().len(), 250, "those that went over HTTP");
}
