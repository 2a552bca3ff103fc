//! Tests the health probes. There is only one test, because telemetry is global.

use std::time::Duration;

use a2a_otel::http::{Probe, alive, readiness};
use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel::{Handle, Telemetry, tool_span};
use a2a_otel_tests::services::{eventually, unique};
use axum::http::Request;
use futures::FutureExt as _;
use tower_service::Service as _;

const SOON: Duration = Duration::from_secs(5);

#[tool_span]
fn work() {}

fn ask(mut probe: Probe) -> (u16, String) {
    let answer = probe.call(Request::new(())).now_or_never().unwrap().unwrap();
    (answer.status().as_u16(), answer.into_body())
}

#[test]
fn probes_say_whether_the_process_lives_and_whether_its_spans_get_through() {
    assert_eq!(ask(alive()), (200, "ok".to_owned()));
    assert_eq!(ask(readiness()).0, 503, "nothing was started");

    let receiver = Receiver::start();
    let telemetry = Telemetry::builder().endpoint(receiver.endpoint()).tracing(false).start();
    assert!(Handle::installed().is_some());
    work();
    telemetry.flush(SOON);
    let (status, text) = ask(readiness());
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("1 spans: 1 delivered"), "{text}");

    receiver.behave(Behaviour::Status(401));
    work();
    telemetry.flush(SOON);
    let (status, text) = ask(readiness());
    assert_eq!(status, 503);
    assert!(text.contains("failing: status 401 Unauthorized; check PHOENIX_API_KEY"), "{text}");
    assert_eq!(ask(alive()).0, 200);

    receiver.behave(Behaviour::Accept);
    work();
    telemetry.flush(SOON);
    assert_eq!(ask(readiness()).0, 200);

    receiver.behave(Behaviour::Reject("work".to_owned()));
    work();
    telemetry.flush(SOON);
    receiver.behave(Behaviour::Accept);
    work();
    telemetry.flush(SOON);
    // What was lost within the last minute is not forgotten because the next one gets through.
    let losses = telemetry.health().exporters[0].losses.expect("a span is lost");
    assert_eq!(losses.last_minute, 1);
    assert!(losses.since.elapsed().is_ok());
    let (status, text) = ask(readiness());
    assert_eq!(status, 503);
    assert!(text.contains("; 1 dropped in the last minute, and some for"), "{text}");

    drop(telemetry);
    assert_eq!(ask(readiness()).0, 503, "it has ended");
    assert!(Handle::installed().is_none());

    // With a spool, spans wait for a receiver that is away. One that refuses them does not come back by itself.
    let folder = std::env::temp_dir().join(unique("a2a-otel-health"));
    let builder = Telemetry::builder().endpoint(receiver.endpoint()).spool(&folder).tracing(false);
    let telemetry = builder.start();
    receiver.behave(Behaviour::Status(503));
    work();
    for (status, ready, said) in [
        (503, 200, "status 503"),
        (401, 503, "status 401"),
        (503, 503, "status 503"),
        (200, 200, "good; 1 spans: 1 delivered"),
    ] {
        receiver.behave(Behaviour::Status(status));
        let seen = eventually(Duration::from_secs(30), || {
            telemetry.flush(Duration::from_millis(100));
            let (answer, text) = ask(readiness());
            text.contains(said).then_some((answer, text))
        });
        let (answer, text) = seen.unwrap_or_else(|| panic!("{said}: {:?}", ask(readiness())));
        assert_eq!(answer, ready, "{status}: {text}");
    }
    drop(telemetry);
    let _ = std::fs::remove_dir_all(folder);
}
