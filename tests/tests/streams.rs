//! Tests functions that return streams: the span lasts as long as the stream, and records its items.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{agent_span, chain_span, llm_call, tool_span};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};

#[tool_span]
fn look_up(number: u32) -> u32 {
    number * 10
}

fn numbers(upto: u32) -> impl Stream<Item = u32> {
    stream::iter(1..=upto).then(|number| async move {
        tokio::task::yield_now().await;
        look_up(number)
    })
}

#[chain_span]
fn opaque(upto: u32) -> impl Stream<Item = u32> {
    numbers(upto)
}

#[chain_span]
fn pinned(upto: u32) -> Pin<Box<dyn Stream<Item = u32> + Send>> {
    if upto == 0 {
        return Box::pin(stream::empty());
    }
    Box::pin(numbers(upto))
}

#[chain_span]
fn boxed<'a>(words: &'a str) -> BoxStream<'a, &'a str> {
    stream::iter(words.split(' ')).boxed()
}

#[chain_span]
fn fallible(upto: u32) -> Result<impl Stream<Item = u32>, String> {
    if upto > 9 { Err("too many".into()) } else { Ok(numbers(upto)) }
}

#[agent_span]
async fn later(upto: u32) -> Result<BoxStream<'static, Result<u32, String>>, String> {
    tokio::task::yield_now().await;
    if upto > 9 {
        return Err("too many".into());
    }
    Ok(numbers(upto)
        .map(|number| if number == 30 { Err("no thirty".to_owned()) } else { Ok(number) })
        .boxed())
}

#[chain_span]
fn future_of_stream(upto: u32) -> Pin<Box<dyn Future<Output = BoxStream<'static, u32>> + Send>> {
    Box::pin(async move { numbers(upto).boxed() })
}

type Numbers = BoxStream<'static, u32>;

#[chain_span(stream)]
fn aliased(upto: u32) -> Numbers {
    numbers(upto).boxed()
}

#[chain_span(output = output + 1, fields("last" = output, "upto" = upto))]
fn chosen(upto: u32) -> impl Stream<Item = u32> {
    numbers(upto)
}

#[llm_call(model = "gpt-4o-mini", skip_all)]
fn tokens(words: &'static str) -> impl Stream<Item = String> {
    stream::iter(words.split(' ').map(str::to_owned))
}

#[chain_span]
fn breaks() -> impl Stream<Item = u32> {
    stream::iter(0..3).inspect(|number| assert!(*number < 2, "two is too much"))
}

async fn all<S: Stream>(stream: S) -> Vec<S::Item> {
    stream.collect().await
}

fn assert_whole(span: &Captured, items: i64, output: Option<&str>) {
    assert_eq!(span.status, Status::Ok, "{}", span.name);
    assert_eq!(span.number("a2a_otel.stream.items"), Some(items), "{}", span.name);
    assert_eq!(span.text("output.value"), output, "{}", span.name);
    assert_eq!(
        span.attributes.contains_key("a2a_otel.stream.time_to_first_item"),
        items > 0,
        "{}",
        span.name
    );
    assert_eq!(span.duplicates, Vec::<String>::new(), "{}", span.name);
}

#[tokio::test]
async fn streams_of_every_type_are_observed_to_their_end() {
    let capturing = capture();
    assert_eq!(all(opaque(2)).await, [10, 20]);
    assert_eq!(all(pinned(2)).await, [10, 20]);
    assert!(all(pinned(0)).await.is_empty());
    assert_eq!(all(boxed("a b")).await, ["a", "b"]);
    assert_eq!(all(fallible(2).unwrap()).await, [10, 20]);
    assert_eq!(all(later(2).await.unwrap()).await, [Ok(10), Ok(20)]);
    assert_eq!(all(future_of_stream(2).await).await, [10, 20]);
    assert_eq!(all(aliased(2)).await, [10, 20]);
    let spans = capturing.spans();
    let observed: Vec<_> = spans.iter().filter(|span| span.kind != "TOOL").collect();
    let names: Vec<_> = observed.iter().map(|span| span.name.as_str()).collect();
    let expected =
        ["opaque", "pinned", "pinned", "boxed", "fallible", "later", "future_of_stream", "aliased"];
    assert_eq!(names, expected);
    for span in observed {
        match span.name.as_str() {
            "pinned" if span.text("input.value") == Some("0") => assert_whole(span, 0, None),
            "boxed" => assert_whole(span, 2, Some("ab")),
            _ => {
                assert_whole(span, 2, Some("[10,20]"));
                let tools = spans.iter().filter(|tool| tool.parent_id == Some(span.span_id)).count();
                assert_eq!(tools, 2, "what a poll does belongs to the stream of {}", span.name);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_was_never_given_back_failed() {
    let capturing = capture();
    assert_eq!(fallible(10).err(), Some("too many".to_owned()));
    assert_eq!(later(10).await.err(), Some("too many".to_owned()));
    assert_eq!(capturing.tree(), "CHAIN fallible ! too many\nAGENT later ! too many\n");
}

#[tokio::test]
async fn the_first_error_among_the_items_is_what_failed() {
    let capturing = capture();
    assert_eq!(all(later(4).await.unwrap()).await.len(), 4);
    let span = capturing.named("later");
    assert_eq!(span.status, Status::error("no thirty"));
    assert_eq!(span.text("error.type"), Some("alloc::string::String"));
    assert_eq!(span.text("output.value"), Some("[10,20,40]"));
    assert_eq!(span.number("a2a_otel.stream.items"), Some(4));
}

#[tokio::test]
async fn a_stream_dropped_early_is_cancelled_and_keeps_what_came() {
    let capturing = capture();
    assert_eq!(all(Box::pin(opaque(5)).take(2)).await, [10, 20]);
    let span = capturing.named("opaque");
    assert_eq!(span.status, Status::error("cancelled"));
    assert!(span.event("cancelled").is_some());
    assert_eq!(span.text("output.value"), Some("[10,20]"));
    assert_eq!(span.number("a2a_otel.stream.items"), Some(2));
}

#[tokio::test]
async fn a_panic_in_a_stream_is_recorded_and_goes_on() {
    let capturing = capture();
    let panicked = tokio::task::LocalSet::new()
        .run_until(async { tokio::task::spawn_local(all(breaks())).await })
        .await
        .unwrap_err();
    assert!(panicked.is_panic());
    let span = capturing.only();
    assert_eq!(span.status, Status::error("two is too much"));
    assert_eq!(span.text("output.value"), Some("[0,1]"));
}

#[tokio::test]
async fn expressions_see_each_item_and_fields_keep_the_last() {
    let capturing = capture();
    assert_eq!(all(chosen(3)).await, [10, 20, 30]);
    let span = capturing.named("chosen");
    assert_eq!(span.text("output.value"), Some("[11,21,31]"));
    assert_eq!(span.number("last"), Some(30));
    assert_eq!(span.number("upto"), Some(3));
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[tokio::test]
async fn the_first_token_of_a_model_is_an_event() {
    let capturing = capture();
    assert_eq!(all(tokens("to be or")).await, ["to", "be", "or"]);
    let span = capturing.only();
    assert!(span.event("First Token Stream Event").is_some());
    assert!(span.attributes.contains_key("gen_ai.response.time_to_first_chunk"));
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o-mini"));
    assert_eq!(span.text("output.value"), None, "skip_all");
    assert_eq!(span.number("a2a_otel.stream.items"), Some(3));
}

#[test]
fn a_stream_keeps_its_hint_and_can_be_polled_after_its_end() {
    let capturing = capture();
    let mut stream = pin!(boxed("a b").fuse());
    assert_eq!(boxed("a b").size_hint(), stream::iter("a b".split(' ')).size_hint());
    let mut context = Context::from_waker(Waker::noop());
    let mut polled = || stream.as_mut().poll_next(&mut context);
    assert_eq!(
        [polled(), polled(), polled(), polled()],
        [Poll::Ready(Some("a")), Poll::Ready(Some("b")), Poll::Ready(None), Poll::Ready(None)]
    );
    assert_eq!(capturing.spans().len(), 2, "one was dropped at once");
}
