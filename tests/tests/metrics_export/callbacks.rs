//! Callbacks of observable instruments that panic or hang cost only their own values.

use a2a_otel::testing::{ReceivedReading as Reading, Receiver};

use crate::agent::{Agent, Report, last, readings, requests, wait_until};

fn with(callback: &str) -> (Report, Receiver) {
    let receiver = Receiver::start();
    let callback = format!("callback={callback}");
    let agent = Agent::to(&receiver, &[&*callback, "rounds=3", "pause=50", "waits=true"]);
    let mut agent = agent.with("OTEL_METRIC_EXPORT_INTERVAL", "200").start();
    agent.has_measured();
    wait_until("metrics arrive more than once", || requests(&receiver) > 2);
    (agent.wait(), receiver)
}

fn assert_the_rest_goes_on(report: &Report, receiver: &Receiver) {
    report.assert_balanced();
    assert_eq!(report.generated, report.delivered + report.replaced, "{report:?}");
    let metrics = receiver.metrics();
    assert_eq!(last(&metrics, "shop.orders").points[0].reading, Reading::Whole(3));
    assert_eq!(readings(&metrics, "shop.shelves").last(), Some(&Reading::Whole(7)));
    assert_eq!(readings(&metrics, "shop.visits").last(), Some(&Reading::Whole(9)));
    assert_eq!(readings(&metrics, "shop.stock"), []);
    // The process itself can read them too.
    assert_eq!(report.json["orders"], 3.0);
}

#[test]
fn a_callback_that_panics_is_said_once() {
    let (report, receiver) = with("panic");
    assert_the_rest_goes_on(&report, &receiver);
    report.assert_said(&["a callback of the metric \"shop.stock\" panicked: "]);
}

#[test]
fn a_callback_that_hangs_is_said_once_and_stalls_nothing() {
    let (report, receiver) = with("hang");
    assert_the_rest_goes_on(&report, &receiver);
    report.assert_said(&["a callback of the metric \"shop.stock\" takes longer than 1s: "]);
}

#[test]
fn a_callback_that_works_is_read() {
    let (report, receiver) = with("works");
    report.assert_said(&[]);
    assert_eq!(readings(&receiver.metrics(), "shop.stock").last(), Some(&Reading::Whole(3)));
}
