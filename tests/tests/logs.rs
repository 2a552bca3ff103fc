//! Tests that `tracing` events are sent as log records, if that is asked for.
//!
//! The subscriber and telemetry are global, so every test runs in a process of its own.

use std::time::Duration;

use a2a_otel::opentelemetry::Context;
use a2a_otel::opentelemetry::trace::TraceContextExt as _;
use a2a_otel::testing::{Behaviour, ReceivedLog, Receiver};
use a2a_otel::{agent_span, current};
use a2a_otel_tests::child::{self, Printed};
use tracing_subscriber::layer::SubscriberExt as _;

/// Runs a test in a process of its own with these variables, and returns what that printed on both outputs. `None` means
/// that this is the process.
fn in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    // An empty variable counts as unset.
    let usual = [("OTEL_TRACES_EXPORTER", "none"), ("RUST_LOG", "")];
    let Printed { stdout, stderr } = child::printed_in_own_process(test, &[&usual[..], variables].concat())?;
    Some(format!("{stdout}\n{stderr}"))
}

/// Runs a test in a process that sends to this receiver.
fn sending_to(receiver: &Receiver, test: &str, variables: &[(&str, &str)]) -> Option<String> {
    let endpoint = format!("{}/v1/logs", receiver.endpoint());
    let to = [("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint.as_str())];
    in_own_process(test, &[&to[..], variables].concat())
}

#[agent_span(name = "guide")]
fn look_up(city: &str) {
    let context = Context::current();
    let span = context.span().span_context().clone();
    println!("span {} {}", span.trace_id(), span.span_id());
    tracing::info!(city, found = 3, input.value = "a secret", "looked up");
    tracing::debug!("details");
    current().attribute("found", 3);
}

fn work() {
    let telemetry = a2a_otel::init();
    tracing::warn!(target: "shop::start", "started");
    look_up("Bern");
    tracing::error!(target: "hyper::client", "of the sending itself");
    println!("delivery {}", telemetry.shutdown(Duration::from_secs(5)));
}

fn bodies(logs: &[ReceivedLog]) -> Vec<&str> {
    logs.iter().map(|log| log.body.as_str()).collect()
}

#[test]
fn events_are_sent_with_their_span() {
    let receiver = Receiver::start();
    let name = [("OTEL_SERVICE_NAME", "shop")];
    let Some(printed) = sending_to(&receiver, "events_are_sent_with_their_span", &name) else {
        return work();
    };
    let logs = receiver.logs();
    assert_eq!(bodies(&logs), ["started", "looked up"], "{printed}");
    let [started, looked_up] = &logs[..] else { unreachable!() };
    assert_eq!((started.scope.as_str(), &started.severity), ("shop::start", &(13, "WARN".to_owned())));
    assert_eq!((started.trace_id.as_str(), started.span_id.as_str()), ("", ""));
    assert_eq!((looked_up.scope.as_str(), &looked_up.severity), ("logs", &(9, "INFO".to_owned())));
    assert_eq!(looked_up.attributes["city"], "Bern");
    assert_eq!(looked_up.attributes["found"], 3);
    assert_eq!(looked_up.attributes["gen_ai.agent.name"], "guide");
    assert_eq!(looked_up.resource["service.name"], "shop");
    let span = format!("span {} {}", looked_up.trace_id, looked_up.span_id);
    assert!(printed.contains(&span), "{span} in {printed}");
    assert!(printed.contains("2 log records: 2 delivered, 0 dropped"), "{printed}");
}

#[test]
fn the_filter_of_log_lines_holds_and_so_do_masks() {
    let receiver = Receiver::start();
    let test = "the_filter_of_log_lines_holds_and_so_do_masks";
    let variables = [("RUST_LOG", "logs=debug"), ("OPENINFERENCE_HIDE_INPUTS", "true")];
    let Some(printed) = sending_to(&receiver, test, &variables) else { return work() };
    let logs = receiver.logs();
    assert_eq!(bodies(&logs), ["looked up", "details"], "{printed}");
    assert!(!format!("{logs:?}").contains("secret"), "{logs:?}");
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_METRICS_EXPORTER", "none")];
    let test = "nothing_is_sent_unless_it_is_asked_for";
    if in_own_process(test, &variables).is_some() {
        assert!(receiver.requests().is_empty());
    } else {
        work();
    }
}

#[test]
fn who_has_no_receiver_is_told_so_once() {
    let test = "who_has_no_receiver_is_told_so_once";
    let Some(printed) = in_own_process(test, &[("OTEL_LOGS_EXPORTER", "otlp")]) else { return work() };
    let notice =
        "no log records are sent over OTLP: no receiver is named; set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
    assert_eq!(printed.matches(notice).count(), 1, "{printed}");
    let malformed = [("OTEL_LOGS_EXPORTER", "console")];
    let printed = in_own_process(test, &malformed).expect("this is not the child");
    assert!(
        printed.contains("OTEL_LOGS_EXPORTER=\"console\" is ignored: expected otlp or none"),
        "{printed}"
    );
}

#[test]
fn a_receiver_that_fails_is_asked_again() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Status(503));
    let test = "a_receiver_that_fails_is_asked_again";
    if child::is_child(test) {
        return work();
    }
    let printed = std::thread::scope(|scope| {
        let child = scope.spawn(|| sending_to(&receiver, test, &[]).expect("this is not the child"));
        while receiver.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        receiver.behave(Behaviour::Accept);
        child.join().expect("the child ends well")
    });
    assert_eq!(bodies(&receiver.logs()), ["started", "looked up"], "{printed}");
    assert!(printed.contains("cannot send log records to"), "{printed}");
}

#[test]
fn a_flush_sends_what_was_logged() {
    let receiver = Receiver::start();
    let later = [("OTEL_BLRP_SCHEDULE_DELAY", "3600000")];
    let Some(printed) = sending_to(&receiver, "a_flush_sends_what_was_logged", &later) else {
        let telemetry = a2a_otel::init();
        tracing::warn!("started");
        println!("flushed: {}", telemetry.flush(Duration::from_secs(60)));
        return;
    };
    let flushed = printed.lines().find(|line| line.contains("flushed: ")).expect("a delivery");
    assert!(flushed.contains("1 log records: 1 delivered"), "{printed}");
}

#[test]
fn what_cannot_be_sent_is_counted() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Status(401));
    let Some(printed) = sending_to(&receiver, "what_cannot_be_sent_is_counted", &[]) else { return work() };
    assert!(
        printed.contains("2 log records: 0 delivered, 2 dropped (refused by the receiver 2)"),
        "{printed}"
    );
    assert!(printed.contains("check OTEL_EXPORTER_OTLP_LOGS_HEADERS"), "{printed}");
}

#[test]
fn a_subscriber_of_the_applications_own_sends_them_too() {
    let receiver = Receiver::start();
    let test = "a_subscriber_of_the_applications_own_sends_them_too";
    if sending_to(&receiver, test, &[]).is_some() {
        return assert_eq!(bodies(&receiver.logs()), ["started", "looked up"]);
    }
    let subscriber = tracing_subscriber::registry().with(a2a_otel::tracing_layer());
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let telemetry = a2a_otel::Telemetry::builder().tracing(false).start();
    tracing::warn!(target: "shop::start", "started");
    look_up("Bern");
    telemetry.shutdown(Duration::from_secs(5));
}
