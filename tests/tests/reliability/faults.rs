//! Tests temporary faults: nothing is lost, whatever the receiver did meanwhile.

use std::thread;
use std::time::Duration;

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::{Agent, Report, distinct, wait_until};

const COME_BACK: Duration = Duration::from_secs(20);

/// Creates spans at a steady rate while the receiver behaves like this, and then lets it work.
fn through(behaviour: Behaviour, time: Duration, arguments: &[&str]) -> (Report, Receiver) {
    let receiver = Receiver::start();
    receiver.behave(behaviour);
    let agent = Agent::new(&receiver.endpoint(), arguments).start();
    thread::sleep(time);
    receiver.behave(Behaviour::Accept);
    (agent.wait(), receiver)
}

#[test]
fn a_burst_arrives_whole_and_once() {
    let receiver = Receiver::start();
    let report = Agent::new(&receiver.endpoint(), &["spans=20000"]).run();
    report.assert_delivered(20_000, &receiver);
    assert_eq!(receiver.spans().len(), 20_000, "none came twice");
    report.assert_said(&[]);
}

#[test]
fn a_receiver_that_comes_after_twenty_seconds_gets_everything() {
    let address = Receiver::start().address();
    let endpoint = format!("http://{address}");
    let agent = Agent::new(&endpoint, &["spans=4400", "per_second=200", "timeout=30"]).start();
    thread::sleep(COME_BACK);
    let receiver = Receiver::at(address);
    let report = agent.wait();
    report.assert_delivered(4400, &receiver);
    report.assert_said(&["connection refused; is Phoenix running? The agent continues", "spans reach"]);
}

#[test]
fn six_seconds_of_503_cost_nothing() {
    let arguments = ["spans=4000", "per_second=500"];
    let (report, receiver) = through(Behaviour::Status(503), Duration::from_secs(6), &arguments);
    report.assert_delivered(4000, &receiver);
    assert_eq!(receiver.spans().len(), 4000, "none came twice");
    report.assert_said(&["status 503", "spans reach"]);
}

#[test]
fn retry_after_is_waited_for() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::RetryAfter(429, 2));
    let agent = Agent::new(&receiver.endpoint(), &["spans=2000", "per_second=1000"]).start();
    wait_until("the first request came", || !receiver.requests().is_empty());
    let asked = receiver.requests().len();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(receiver.requests().len(), asked, "it waits although more spans come");
    receiver.behave(Behaviour::Accept);
    agent.wait().assert_delivered(2000, &receiver);
}

#[test]
fn a_connection_that_breaks_in_the_middle_costs_nothing() {
    let arguments = ["spans=2000", "per_second=1000"];
    let (report, receiver) = through(Behaviour::Reset, Duration::from_secs(3), &arguments);
    report.assert_delivered(2000, &receiver);
}

#[test]
fn a_slow_receiver_gets_everything() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Slow(Duration::from_secs(1)));
    let report = Agent::new(&receiver.endpoint(), &["spans=6000", "per_second=1000"]).run();
    report.assert_delivered(6000, &receiver);
    report.assert_said(&[]);
}

#[test]
fn errors_of_the_receiver_that_pass_cost_nothing() {
    let arguments = ["spans=2000", "per_second=500"];
    let (report, receiver) = through(Behaviour::Status(500), Duration::from_secs(5), &arguments);
    report.assert_delivered(2000, &receiver);
    report.assert_said(&["status 500", "spans reach"]);
}

#[test]
fn a_receiver_that_never_answers_holds_neither_the_agent_nor_its_memory() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Hang);
    let arguments = ["spans=6000", "per_second=1000", "bytes=2000", "timeout=60"];
    let agent = Agent::new(&receiver.endpoint(), &arguments)
        .with("A2A_OTEL_QUEUE_BYTES", &(32 << 20).to_string())
        .with("OTEL_EXPORTER_OTLP_TIMEOUT", "2000")
        .start();
    // The agent finishes when it has created its spans, whatever the receiver does.
    thread::sleep(Duration::from_secs(8));
    assert_eq!(receiver.spans().len(), 0);
    receiver.behave(Behaviour::Accept);
    let report = agent.wait();
    report.assert_balanced(6000);
    assert_eq!(report.delivered, 6000, "{report:?}");
    assert_eq!(distinct(&receiver.spans()), 6000);
    assert!(report.peak_kilobytes < 80 << 10, "{report:?}");
}

#[test]
fn a_flush_amid_the_work_waits_for_what_was_there() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Slow(Duration::from_millis(50)));
    let arguments = ["spans=20000", "per_second=2000", "flush_at=1000"];
    let report = Agent::new(&receiver.endpoint(), &arguments).run();
    report.assert_delivered(20_000, &receiver);
    let [before, after, delivered] = report.flushed[..] else { panic!("{report:?}") };
    assert!(delivered >= before, "{report:?}");
    assert!(after < 20_000, "the flush ends while spans go on: {report:?}");
}

/// Whatever the reason: while spans are lost, health is not good.
#[test]
fn health_is_not_good_while_spans_are_lost() {
    let poison = || "poison".to_owned();
    for (behaviour, variables) in [
        (Behaviour::Refuse(400, poison()), &[][..]),
        (Behaviour::Reject(poison()), &[]),
        (Behaviour::Hang, &[("OTEL_BSP_MAX_QUEUE_SIZE", "10")]),
        (Behaviour::AtMost(10), &[]),
    ] {
        let receiver = Receiver::start();
        receiver.behave(behaviour.clone());
        let arguments = ["spans=400", "per_second=100", "poison=50", "timeout=1"];
        let agent = Agent::new(&receiver.endpoint(), &arguments).with("OTEL_BSP_SCHEDULE_DELAY", "200");
        let report = variables.iter().fold(agent, |agent, (name, value)| agent.with(name, value)).run();
        report.assert_balanced(400);
        assert!(!report.is_healthy, "{behaviour:?}: {report:?}");
    }
    let receiver = Receiver::start();
    assert!(Agent::new(&receiver.endpoint(), &["spans=100"]).run().is_healthy);
}
