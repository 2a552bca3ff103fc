//! Tests the ways in which a process may end.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::{Agent, distinct};

#[test]
fn spans_arrive_however_the_process_ends() {
    for exit in ["shutdown", "drop", "process::exit", "panic"] {
        let receiver = Receiver::start();
        Agent::new(&receiver.endpoint(), &["spans=700", &format!("exit={exit}")]).run();
        assert_eq!(receiver.spans().len(), 700, "{exit}");
    }
}

#[test]
fn a_signal_sends_what_waits_and_then_does_what_it_does() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let receiver = Receiver::start();
        let mut running = Agent::new(&receiver.endpoint(), &["spans=700", "exit=signal"])
            .with("OTEL_BSP_SCHEDULE_DELAY", "600000")
            .start();
        running.wait_for_line();
        let status = running.signal(name);
        assert_eq!(status.signal(), Some(number), "{status}");
        assert_eq!(receiver.spans().len(), 700, "{name}");
    }
}

#[test]
fn each_receiver_has_a_queue_of_its_own() {
    let (good, silent) = (Receiver::start(), Receiver::start());
    silent.behave(Behaviour::Hang);
    let mirror = format!("mirror={}", silent.endpoint());
    let report = Agent::new(&good.endpoint(), &["spans=700", &mirror, "timeout=3"]).run();
    assert_eq!(good.spans().len(), 700);
    assert_eq!((report.generated, report.delivered), (1400, 700), "{report:?}");
    assert_eq!(report.dropped["not sent in time"], 700, "{report:?}");

    let mirror = Receiver::start();
    let arguments = ["spans=700", &format!("mirror={}", mirror.endpoint())];
    let report = Agent::new(&good.endpoint(), &arguments).with("PHOENIX_API_KEY", "secret").run();
    assert_eq!((report.generated, report.delivered), (1400, 1400), "{report:?}");
    let headers = &mirror.requests()[0].headers;
    assert_eq!(
        (headers.get("x-mirror").map(String::as_str), headers.get("authorization")),
        (Some("yes"), None)
    );
}

#[test]
fn what_is_open_at_the_end_is_counted() {
    let receiver = Receiver::start();
    let report = Agent::new(&receiver.endpoint(), &["spans=100", "open=3"]).run();
    report.assert_balanced(103);
    assert_eq!((report.delivered, report.dropped["still open at shutdown"]), (100, 3), "{report:?}");
    report.assert_said(&["3 spans for http"]);
    assert!(report.messages[0].contains("were still open at shutdown and are lost; end them before"));
}

#[test]
fn the_account_is_balanced_if_nobody_waits_for_the_end() {
    for behaviour in [Behaviour::Accept, Behaviour::Slow(Duration::from_millis(50)), Behaviour::Status(503)] {
        let receiver = Receiver::start();
        receiver.behave(behaviour.clone());
        let report = Agent::new(&receiver.endpoint(), &["spans=3000", "open=1", "timeout=0"]).run();
        report.assert_balanced(3001);
        // The receiver may have got more: the answer to the last request did not come in time.
        assert!(report.delivered <= distinct(&receiver.spans()) as u64, "{behaviour:?}: {report:?}");
    }
}
