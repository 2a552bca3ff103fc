//! Tests functions that return iterators: the span lasts as long as the iterator, records its items, and is the parent of
//! what runs inside of it. And what cannot be followed is not recorded as a machine's text.

use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{agent_span, business_metric, chain_span, llm_call, retriever_span, tool_span};

#[tool_span]
fn tool(number: u32) -> u32 {
    number * 10
}

#[retriever_span]
fn hits(upto: u32) -> impl Iterator<Item = u32> {
    (1..=upto).map(tool)
}

#[retriever_span]
fn both_ways() -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + FusedIterator + Send {
    vec![1, 2].into_iter().map(tool)
}

#[chain_span]
fn words<'a>(text: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    Box::new(text.split(' '))
}

type Numbers = Box<dyn Iterator<Item = u32> + Send>;
type Answer = Result<Numbers, String>;

#[chain_span]
fn aliased() -> Numbers {
    Box::new((1..=2).map(tool))
}

#[chain_span]
fn in_a_result(upto: u32) -> Answer {
    if upto > 9 { Err("too many".into()) } else { Ok(Box::new((1..=upto).map(tool))) }
}

#[agent_span]
async fn later() -> Result<impl Iterator<Item = Result<u32, String>>, String> {
    Ok((1..=3).map(|number| if number == 2 { Err("no two".to_owned()) } else { Ok(tool(number)) }))
}

#[chain_span(items = list)]
fn listed() -> impl Iterator<Item = String> {
    ["a", "b"].into_iter().map(str::to_owned)
}

#[chain_span(output = output + 1, fields("last" = output, "upto" = upto))]
fn chosen(upto: u32) -> impl Iterator<Item = u32> {
    1..=upto
}

#[llm_call(model = "gpt-4o-mini", skip_all)]
fn tokens(words: &'static str) -> impl Iterator<Item = String> {
    words.split(' ').map(str::to_owned)
}

#[chain_span]
fn panics() -> impl Iterator<Item = u32> {
    (1..3).inspect(|number| assert!(*number < 2, "no two"))
}

#[business_metric(counter = "shop.hits", value = output)]
fn counted() -> impl Iterator<Item = u64> {
    1..=3
}

#[track_caller]
fn assert_whole(span: &Captured, items: i64, output: &str) {
    assert_eq!(span.status, Status::Ok, "{}", span.name);
    assert_eq!(span.number("a2a_otel.stream.items"), Some(items), "{}", span.name);
    assert_eq!(span.text("output.value"), Some(output), "{}", span.name);
}

#[test]
fn the_span_lives_to_the_last_item() {
    let capturing = capture();
    let mut hits = hits(3);
    assert_eq!(hits.next(), Some(10));
    assert_eq!(capturing.tree(), "TOOL tool\n", "it has not ended");
    assert_eq!(hits.by_ref().collect::<Vec<_>>(), [20, 30]);
    assert_eq!(hits.next(), None, "it is asked after its end");
    drop(hits);
    assert_eq!(capturing.tree(), "RETRIEVER hits\n  TOOL tool\n  TOOL tool\n  TOOL tool\n");
    assert_whole(&capturing.named("hits"), 3, "[10,20,30]");
}

#[test]
fn every_form_of_an_iterator_is_followed() {
    let run = |work: &dyn Fn(), items, output: &str, tools| {
        let capturing = capture();
        work();
        let spans = capturing.spans();
        assert_whole(&spans[0], items, output);
        assert_eq!(spans.len() - 1, tools);
        assert!(spans[1..].iter().all(|tool| tool.parent_id == Some(spans[0].span_id)));
    };
    let backwards = || {
        let numbers = both_ways();
        assert_eq!(numbers.len(), 2);
        assert_eq!(numbers.rev().collect::<Vec<_>>(), [20, 10]);
    };
    run(&backwards, 2, "[20,10]", 2);
    run(&|| assert_eq!(words("a b").count(), 2), 2, "ab", 0);
    run(&|| assert_eq!(aliased().sum::<u32>(), 30), 2, "[10,20]", 2);
    run(&|| assert_eq!(in_a_result(2).unwrap().sum::<u32>(), 30), 2, "[10,20]", 2);
    run(&|| assert_eq!(listed().count(), 2), 2, r#"["a","b"]"#, 0);
}

#[test]
fn errors_are_those_of_the_call_and_of_the_items() {
    let capturing = capture();
    assert!(in_a_result(10).is_err());
    assert_eq!(capturing.only().status, Status::error("too many"));
    let capturing = capture();
    assert_eq!(futures::executor::block_on(later()).unwrap().count(), 3);
    assert_eq!(capturing.named("later").status, Status::error("no two"));
    assert_eq!(capturing.spans().iter().filter(|span| span.parent_id.is_some()).count(), 2);
}

#[test]
fn arguments_apply_to_items() {
    let capturing = capture();
    assert_eq!(chosen(3).count(), 3);
    let span = capturing.only();
    assert_whole(&span, 3, "[2,3,4]");
    assert_eq!((span.number("last"), span.number("upto")), (Some(3), Some(3)));
    let capturing = capture();
    assert_eq!(tokens("a b").count(), 2);
    assert_eq!(capturing.only().number("a2a_otel.stream.items"), Some(2));
    assert!(capturing.only().attributes.contains_key("gen_ai.response.time_to_first_chunk"));
    let capturing = capture();
    assert_eq!(counted().count(), 3);
    assert_eq!(capturing.metrics().sum("shop.hits").to_string(), "6");
}

#[test]
fn it_may_end_early() {
    let ended = |work: &dyn Fn()| {
        let capturing = capture();
        work();
        capturing.spans()[0].clone()
    };
    let dropped = ended(&|| assert_eq!(hits(3).next(), Some(10)));
    assert_eq!(dropped.number("a2a_otel.stream.items"), Some(1));
    assert!(dropped.event("cancelled").is_some());
    // Whoever takes as many as there are does not see the end.
    assert_whole(&ended(&|| assert_eq!(hits(3).take(3).count(), 3)), 3, "[10,20,30]");
    let panicked = ended(&|| assert!(catch_unwind(AssertUnwindSafe(|| panics().count())).is_err()));
    assert_eq!(panicked.status, Status::error("no two"));
}

#[chain_span]
fn concrete() -> std::iter::Map<std::ops::RangeInclusive<u32>, fn(u32) -> u32> {
    (1..=3).map(tool)
}

#[chain_span]
fn receiver() -> mpsc::Receiver<u32> {
    mpsc::channel().1
}

#[chain_span]
fn receiver_in_a_pair() -> (mpsc::Sender<u32>, mpsc::Receiver<u32>) {
    mpsc::channel()
}

#[chain_span]
fn tokio_receiver() -> tokio::sync::mpsc::Receiver<u32> {
    tokio::sync::mpsc::channel(1).1
}

#[chain_span]
fn watch() -> Option<tokio::sync::watch::Receiver<u32>> {
    Some(tokio::sync::watch::channel(1).1)
}

#[chain_span]
fn broadcast() -> tokio::sync::broadcast::Receiver<u32> {
    tokio::sync::broadcast::channel(1).1
}

#[chain_span]
fn oneshot() -> tokio::sync::oneshot::Receiver<u32> {
    tokio::sync::oneshot::channel().1
}

#[chain_span]
fn futures_receiver() -> futures::channel::mpsc::Receiver<u32> {
    futures::channel::mpsc::channel(1).1
}

#[chain_span]
fn thread() -> thread::JoinHandle<u32> {
    thread::spawn(|| 1)
}

#[chain_span]
fn task() -> tokio::task::JoinHandle<u32> {
    tokio::spawn(async { 1 })
}

/// A type of the user's is recorded, whatever its name.
#[derive(Debug)]
struct Receiver<T>(T);

#[chain_span]
fn own() -> Receiver<u32> {
    Receiver(1)
}

#[tokio::test]
async fn what_cannot_be_followed_is_not_recorded_as_text() {
    let capturing = capture();
    drop((concrete(), receiver(), receiver_in_a_pair(), tokio_receiver(), watch(), broadcast(), oneshot()));
    drop((futures_receiver(), thread(), task()));
    for span in capturing.spans() {
        assert_eq!(span.attributes.get("output.value"), None, "{}", span.name);
        assert_eq!(span.status, Status::Ok, "{}", span.name);
    }
    assert_eq!(capturing.spans().len(), 10);
    let capturing = capture();
    own();
    assert_eq!(capturing.only().text("output.value"), Some("Receiver(1)"));
}

#[chain_span]
fn received(receiver: mpsc::Receiver<u32>) -> impl Iterator<Item = u32> {
    receiver.into_iter().map(tool)
}

#[chain_span]
fn joined() -> impl Future<Output = u32> {
    let task = tokio::spawn(a2a_otel::InCurrentSpan::in_current_span(async { tool(1) }));
    async { task.await.unwrap() }
}

#[tokio::test]
async fn a_channel_and_a_join_can_be_followed_as_an_iterator_and_a_future() {
    let capturing = capture();
    let (sender, receiver) = mpsc::channel();
    let mut numbers = received(receiver);
    sender.send(1).unwrap();
    assert_eq!(numbers.next(), Some(10));
    drop(sender);
    assert_eq!(numbers.next(), None);
    assert_eq!(joined().await, 10);
    assert_eq!(capturing.tree(), "CHAIN received\n  TOOL tool\nCHAIN joined\n  TOOL tool\n");
    assert_whole(&capturing.named("received"), 1, "[10]");
}
