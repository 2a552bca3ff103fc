//! Tests that a capture says which spans were made beside it. There is only one test, because other tests of the process
//! make spans too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use a2a_otel::testing::{Capturing, capture};
use a2a_otel::{agent_span, in_current_span, tool_span};

#[tool_span]
fn lost() {}

#[tool_span]
fn kept() {}

#[agent_span]
fn agent() {
    thread::spawn(lost).join().unwrap();
    thread::spawn(in_current_span(kept)).join().unwrap();
}

fn beside(capturing: &Capturing) -> Vec<String> {
    capturing.beside().into_iter().map(|span| span.name).collect()
}

#[test]
fn a_capture_says_which_spans_were_made_beside_it() {
    let outer = capture();
    let inner = thread::spawn(|| {
        let capturing = capture();
        agent();
        assert_eq!(capturing.tree(), "AGENT agent\n  TOOL kept\n");
        assert_eq!(beside(&capturing), ["lost"]);
        assert_eq!(capturing.beside()[0].parent_id, None);
        let text = format!("{capturing:?}");
        assert!(text.ends_with("is of another test:\nTOOL lost\n"), "{text}");
        let failed = catch_unwind(AssertUnwindSafe(|| capturing.named("lost"))).unwrap_err();
        let message = failed.downcast_ref::<String>().unwrap();
        assert!(message.contains("beside the capture") && message.contains("TOOL lost"), "{message}");
    });
    inner.join().unwrap();
    assert_eq!(beside(&outer), ["lost"], "what another capture has is not beside this one");
    let later = capture();
    assert_eq!(beside(&later), [""; 0], "it was made before");
}
