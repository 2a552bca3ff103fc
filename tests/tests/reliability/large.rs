//! Tests that a span that is larger than a request may be costs no other span its delivery.

use a2a_otel::testing::{Behaviour, Receiver};

use crate::agent::Agent;
use crate::spool::Folder;

/// An agent with one large span among a thousand others.
fn agent(endpoint: &str, shape: &str) -> Agent {
    let limits = [
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    ];
    let agent = Agent::new(endpoint, &["spans=1000", &format!("shape={shape}"), "timeout=60"]);
    limits.into_iter().fold(agent, |agent, limit| agent.with(limit, "100000"))
}

#[test]
fn what_is_said_about_a_large_span_is_what_is_sent() {
    for shape in ["events", "names", "keys", "list"] {
        let receiver = Receiver::start();
        receiver.behave(Behaviour::AtMost(4_128_768));
        let report = agent(&receiver.endpoint(), shape).run();
        report.assert_delivered(1001, &receiver);
        report.assert_said(&["were shortened to 4128768 bytes"]);
        let refused = receiver.requests().iter().filter(|request| request.status == 413).count();
        assert_eq!(refused, 0, "{shape}: a request is larger than it was said to be");
    }
}

#[test]
fn a_large_span_reaches_the_disk_with_all_others() {
    let folder = Folder::new();
    let report = agent("http://127.0.0.1:1", "events").with("A2A_OTEL_SPOOL_DIR", folder.text()).run();
    assert_eq!(report.spooled, 1001, "{report:?}");
}
