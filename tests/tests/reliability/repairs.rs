//! Tests faults that somebody repairs: what was refused until then is delivered, and the account is true meanwhile.

use std::fs;
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel_tests::services::unique;

use crate::agent::{Agent, distinct, wait_until};
use crate::grpc::over_grpc;

/// What an operator can repair.
fn refusals() -> [Behaviour; 5] {
    let json = Behaviour::Says(200, "application/json".to_owned(), r#"{"error":"no"}"#.to_owned());
    [Behaviour::Status(401), Behaviour::Status(404), Behaviour::Status(400), Behaviour::WebPage, json]
}

#[test]
fn what_is_refused_by_configuration_arrives_when_it_is_repaired() {
    for refusal in refusals() {
        let receiver = Receiver::start();
        receiver.behave(refusal.clone());
        let agent = Agent::new(&receiver.endpoint(), &["spans=2000", "per_second=1000"]).start();
        thread::sleep(Duration::from_millis(1500));
        receiver.behave(Behaviour::Accept);
        let report = agent.wait();
        report.assert_delivered(2000, &receiver);
        assert_eq!(report.messages.len(), 2, "{refusal:?}: {:#?}", report.messages);
        assert!(report.messages[1].contains("spans reach"), "{:#?}", report.messages);
    }
}

#[test]
fn a_backlog_on_disk_outlives_a_start_that_is_refused() {
    for refusal in refusals() {
        let folder = std::env::temp_dir().join(unique("a2a-otel-repairs"));
        let receiver = Receiver::start();
        let agent = |arguments: &[&str]| {
            let agent = Agent::new(&receiver.endpoint(), arguments);
            agent.with("A2A_OTEL_SPOOL_DIR", folder.to_str().unwrap())
        };
        receiver.behave(Behaviour::Status(503));
        let left = agent(&["spans=1000", "timeout=1"]).run();
        assert_eq!(left.spooled, 1000, "{left:?}");
        receiver.behave(refusal.clone());
        let refused = agent(&["spans=10", "timeout=5"]).run();
        refused.assert_balanced(10);
        assert_eq!(
            (refused.spooled, refused.recovered, refused.replayed),
            (10, 1000, 0),
            "{refusal:?}: {refused:?}"
        );
        receiver.behave(Behaviour::Accept);
        let report = agent(&["spans=1", "linger=20"]).run();
        assert_eq!(report.replayed, 1010, "{refusal:?}: {report:?}");
        assert_eq!(distinct(&receiver.spans()), 1011, "{refusal:?}");
        let _ = fs::remove_dir_all(&folder);
    }
}

#[test]
fn a_receiver_that_answers_now_and_then_costs_nothing() {
    for status in [400, 500] {
        let receiver = Receiver::start();
        receiver.behave(Behaviour::Status(status));
        let agent = Agent::new(&receiver.endpoint(), &["spans=4000", "per_second=500"]).start();
        thread::sleep(Duration::from_secs(3));
        receiver.behave(Behaviour::Accept);
        wait_until("one request is accepted", || !receiver.spans().is_empty());
        receiver.behave(Behaviour::Status(status));
        thread::sleep(Duration::from_secs(2));
        receiver.behave(Behaviour::Accept);
        agent.wait().assert_delivered(4000, &receiver);
        assert!(receiver.requests().len() < 200, "{status}: {}", receiver.requests().len());
    }
}

#[test]
fn no_message_shows_what_was_sent_in_confidence() {
    for status in [400, 407, 413, 422, 429, 500, 503, 200] {
        let receiver = Receiver::start();
        let body = "\u{1b}[31mthe key '{authorization}' is unknown\u{7}".to_owned();
        receiver.behave(Behaviour::Says(status, "text/plain".to_owned(), body));
        let report = Agent::new(&receiver.endpoint(), &["spans=2", "timeout=1"])
            .with("PHOENIX_API_KEY", "s3cr3t-key")
            .run();
        report.assert_balanced(2);
        let said = report.messages.join("\n");
        assert!(said.contains("the key '****' is unknown"), "{status}: {said}");
        assert!(!said.contains("s3cr3t") && !said.contains('\u{1b}'), "{status}: {said}");
    }
}

#[test]
fn the_end_does_not_wait_where_nobody_has_listened() {
    // The pause between attempts has grown to seconds by then.
    let agent = Agent::new("http://127.0.0.1:1", &["spans=4000", "per_second=500"]).start();
    let report = agent.wait();
    report.assert_balanced(4000);
    for agent in [Agent::new, over_grpc] {
        let report = agent("http://no-such-host.invalid:4318", &["spans=10"]).run();
        report.assert_balanced(10);
        assert!(report.messages[0].contains("check the endpoint"), "{report:?}");
    }
}
