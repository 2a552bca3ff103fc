//! Tests user code that panics while a value is recorded: the agent is not affected.

use std::fmt::{self, Debug, Display};

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel::{agent_span, retriever_span, tool_span};
use futures::FutureExt as _;
use serde::{Serialize, Serializer};

const PANICKED: &str = "[not recorded: the value's own code panicked]";

/// A type whose methods all panic.
#[derive(Clone)]
struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

struct Shy;

impl Debug for Shy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

#[derive(Debug)]
struct Mute;

impl Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl std::error::Error for Mute {}

#[tool_span(fields("field" = bomb))]
fn beside_others(first: u32, bomb: Bomb, shy: Shy, last: &str) -> Bomb {
    bomb
}

#[tool_span(name = Mute)]
fn without_a_name() {}

#[agent_span]
async fn failing() -> Result<u32, Mute> {
    Err(Mute)
}

#[retriever_span(documents = documents)]
fn searching(documents: Vec<Bomb>) -> usize {
    documents.len()
}

#[test]
fn a_value_that_panics_is_marked_and_the_others_are_recorded() {
    let capturing = capture();
    beside_others(1, Bomb, Shy, "last");
    let span = capturing.only();
    let input: serde_json::Value = serde_json::from_str(span.text("input.value").unwrap()).unwrap();
    let expected = serde_json::json!({ "first": 1, "bomb": PANICKED, "shy": PANICKED, "last": "last" });
    assert_eq!(input, expected);
    assert_eq!(span.text("output.value"), Some(PANICKED));
    assert_eq!(span.text("field"), Some(PANICKED));
    assert_eq!(span.status, Status::Ok);
}

#[test]
fn an_error_that_panics_is_an_error_still() {
    let capturing = capture();
    assert!(failing().now_or_never().unwrap().is_err());
    assert_eq!(capturing.only().status, Status::error(PANICKED));
}

#[test]
fn a_name_and_documents_that_panic_leave_the_span() {
    let capturing = capture();
    without_a_name();
    assert_eq!(searching(vec![Bomb]), 1);
    let [unnamed, search] = capturing.spans().try_into().unwrap();
    assert_eq!((unnamed.name.as_ref(), search.name.as_ref()), ("without_a_name", "searching"));
    assert_eq!(search.text("output.value"), Some("1"));
}
