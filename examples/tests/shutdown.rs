//! What becomes of requests that a part cannot finish before its process ends.

mod support;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{ReceivedStatus, Receiver};
use serde_json::json;
use support::watch::FaultFile;
use support::{Extra, Parts};

#[test]
fn spans_of_unfinished_requests_end_with_the_process() {
    let (receiver, faults) = (Receiver::start(), FaultFile::new("shutdown"));
    let endpoint = receiver.endpoint();
    let parts =
        Parts::start(&[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint), ("MARKETPLACE_FAULTS", faults.path())]);
    // No answer comes in time.
    faults.set(&json!({ "model_delay": 60.0 }));
    let customers = Extra::customers(parts.coordinator(), &[("OTEL_SDK_DISABLED", "true")]);
    // Until all of them have come.
    thread::sleep(Duration::from_secs(5));
    parts.terminate();
    drop(customers);

    let spans = receiver.spans();
    let known: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let orphans: Vec<_> = spans
        .iter()
        .filter(|span| !span.parent_span_id.is_empty() && !known.contains(&span.parent_span_id))
        .collect();
    assert!(orphans.is_empty(), "{} orphans, such as {:#?}", orphans.len(), orphans[0]);
    let cancelled = ReceivedStatus::Error("cancelled".to_owned());
    let unfinished = spans.iter().any(|span| span.kind() == "LLM" && span.status == cancelled);
    assert!(unfinished, "no call of the model was in progress: {spans:#?}");
}
