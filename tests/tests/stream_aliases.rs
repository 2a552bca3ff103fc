//! Tests functions whose type does not show that they return a stream: what the result is decides.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{agent_span, business_metric, chain_span, llm_call};
use futures::executor::block_on;
use futures::stream::{self, BoxStream, LocalBoxStream, Stream, StreamExt as _};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

type Numbers = BoxStream<'static, u32>;
type LocalNumbers = LocalBoxStream<'static, u32>;
type SharedNumbers = Pin<Box<dyn Stream<Item = u32> + Send + Sync>>;
type UnpinNumbers = Box<dyn Stream<Item = u32> + Unpin>;
type UnpinSendNumbers = Box<dyn Stream<Item = u32> + Unpin + Send>;
type UnpinSharedNumbers = Box<dyn Stream<Item = u32> + Unpin + Send + Sync>;
type Words<'a> = BoxStream<'a, &'a str>;
type Of<T> = BoxStream<'static, T>;
type Answer = Result<Numbers, String>;
type Boxed = Pin<Box<dyn Future<Output = Numbers> + Send>>;

#[chain_span]
fn plain() -> Numbers {
    if false {
        return stream::empty().boxed();
    }
    stream::iter([1, 2]).boxed()
}

#[chain_span]
fn local() -> LocalNumbers {
    let shared = Rc::new(1);
    stream::iter([0, 1]).map(move |number| number + *shared).boxed_local()
}

#[chain_span]
fn shared() -> SharedNumbers {
    Box::pin(stream::iter([1, 2]))
}

#[chain_span]
fn unpin() -> UnpinNumbers {
    Box::new(stream::iter([1, 2]))
}

#[chain_span]
fn unpin_and_send() -> UnpinSendNumbers {
    Box::new(stream::iter([1, 2]))
}

#[chain_span]
fn unpin_and_shared() -> UnpinSharedNumbers {
    Box::new(stream::iter([1, 2]))
}

#[chain_span]
fn shown_as_a_box() -> Box<dyn Stream<Item = u32> + Unpin + Send> {
    Box::new(stream::iter([1, 2]))
}

#[chain_span]
fn generic<T: Clone + Serialize + Send + 'static>(one: T) -> Of<T> {
    stream::iter(vec![one.clone(), one]).boxed()
}

#[chain_span]
fn in_a_result() -> Result<Numbers, String> {
    Ok(stream::iter([1, 2]).boxed())
}

#[agent_span(err = debug)]
async fn in_an_alias_of_a_result() -> Answer {
    tokio::task::yield_now().await;
    Ok(stream::iter([1, 2]).boxed())
}

#[chain_span]
async fn later() -> Numbers {
    tokio::task::yield_now().await;
    stream::iter([1, 2]).boxed()
}

#[chain_span]
fn of_a_future() -> impl Future<Output = Numbers> {
    async { stream::iter([1, 2]).boxed() }
}

#[chain_span]
fn of_a_boxed_future() -> Pin<Box<dyn Future<Output = Numbers> + Send>> {
    Box::pin(async { stream::iter([1, 2]).boxed() })
}

trait Source {
    type Items;

    fn items(&self) -> Self::Items;
}

struct Twice;

impl Source for Twice {
    type Items = Numbers;

    #[chain_span]
    fn items(&self) -> Self::Items {
        stream::iter([1, 2]).boxed()
    }
}

fn assert_whole(span: &Captured) {
    assert_eq!(span.status, Status::Ok, "{}", span.name);
    assert_eq!(span.number("a2a_otel.stream.items"), Some(2), "{}", span.name);
    assert_eq!(span.text("output.value"), Some("[1,2]"), "{}", span.name);
    assert!(span.attributes.contains_key("a2a_otel.stream.time_to_first_item"), "{}", span.name);
}

#[tokio::test]
async fn every_boxed_stream_is_observed_to_its_end() {
    let capturing = capture();
    let streams: Vec<LocalNumbers> = vec![
        plain(),
        local(),
        shared(),
        unpin().boxed_local(),
        unpin_and_send().boxed(),
        unpin_and_shared().boxed(),
        shown_as_a_box().boxed(),
        in_a_result().unwrap(),
        in_an_alias_of_a_result().await.unwrap(),
        later().await,
        of_a_future().await,
        of_a_boxed_future().await,
        Twice.items(),
    ];
    assert!(capturing.spans().is_empty(), "no span ends before its stream");
    let count = streams.len();
    for stream in streams {
        assert_eq!(stream.collect::<Vec<_>>().await, [1, 2]);
    }
    let _ = generic(1_u8).collect::<Vec<_>>().await;
    let spans = capturing.spans();
    assert_eq!(spans.len(), count + 1);
    spans[..count].iter().for_each(assert_whole);
    assert_eq!(spans[count].text("output.value"), Some("[1,1]"));
}

/// A future by an alias is a value: only what a type shows is awaited.
#[chain_span]
fn future_by_an_alias() -> Boxed {
    Box::pin(async { stream::iter([1]).boxed() })
}

#[derive(Debug, PartialEq, Serialize)]
struct Order(u32);

#[chain_span]
fn no_stream() -> Order {
    Order(1)
}

#[chain_span]
fn generic_and_no_stream<T: Serialize>(value: T) -> T {
    value
}

#[chain_span]
async fn no_stream_in_a_result(fails: bool) -> Result<Order, Infallible> {
    let _ = fails;
    Ok(Order(2))
}

#[tokio::test]
async fn what_is_no_stream_ends_with_the_call() {
    let capturing = capture();
    no_stream();
    generic_and_no_stream(3);
    let _ = no_stream_in_a_result(false).await;
    let _ = future_by_an_alias().await;
    let outputs: Vec<_> =
        capturing.spans().iter().map(|span| span.text("output.value").map(str::to_owned)).collect();
    let texts = ["1", "3", "2"].map(|text| Some(text.to_owned()));
    assert_eq!(outputs[..3], texts);
    assert_eq!(outputs[3], None);
    let items = |span: &Captured| span.attributes.contains_key("a2a_otel.stream.items");
    assert!(!capturing.spans().iter().any(items));
}

#[chain_span(err = display)]
#[business_metric(counter = "aliased.streams")]
#[business_metric(counter = "aliased.failures", on = err)]
fn failing(upto: u32) -> Answer {
    if upto == 0 { Err("nothing".to_owned()) } else { Ok(stream::iter(1..=upto).boxed()) }
}

#[test]
fn a_stream_that_is_not_there_is_the_error_of_the_call() {
    let capturing = capture();
    assert_eq!(failing(0).err(), Some("nothing".to_owned()));
    drop(failing(1));
    assert_eq!(block_on(failing(2).unwrap().collect::<Vec<_>>()), [1, 2]);
    let ends: Vec<_> = capturing.spans().into_iter().map(|span| span.status).collect();
    assert_eq!(ends, [Status::error("nothing"), Status::error("cancelled"), Status::Ok]);
    let figures = capturing.metrics();
    let sums = ["aliased.streams", "aliased.failures"].map(|name| figures.sum(name).to_string());
    assert_eq!(sums, ["1", "1"]);
}

/// An item: a value, or an error.
type Item = Result<u32, String>;

type Streaming = fn(Vec<Item>) -> Of<Item>;

#[chain_span(name = "stream")]
fn hidden(items: Vec<Item>) -> Of<Item> {
    stream::iter(items).boxed()
}

#[chain_span(name = "stream")]
fn shown(items: Vec<Item>) -> BoxStream<'static, Item> {
    stream::iter(items).boxed()
}

#[llm_call(name = "stream", model = "gpt-4o-mini")]
fn hidden_model(items: Vec<Item>) -> Of<Item> {
    stream::iter(items).boxed()
}

#[llm_call(name = "stream", model = "gpt-4o-mini")]
fn shown_model(items: Vec<Item>) -> BoxStream<'static, Item> {
    stream::iter(items).boxed()
}

#[llm_call(name = "stream", model = "gpt-4o-mini", skip_all)]
fn hidden_and_skipped(items: Vec<Item>) -> Of<Item> {
    stream::iter(items).boxed()
}

#[llm_call(name = "stream", model = "gpt-4o-mini", skip_all)]
fn shown_and_skipped(items: Vec<Item>) -> BoxStream<'static, Item> {
    stream::iter(items).boxed()
}

/// What is recorded of a stream of which this many items are taken, without the times.
fn recorded(stream: Of<Item>, taken: usize) -> impl FnOnce(&a2a_otel::testing::Capturing) -> Value {
    let _: Vec<_> = block_on(stream.take(taken).collect());
    |capturing| {
        let span = capturing.only();
        let attributes = span.attributes.iter().filter(|(key, _)| !key.contains("time_to_first"));
        let attributes: Vec<_> = attributes.map(|(key, value)| format!("{key} {value:?}")).collect();
        let events: Vec<_> = span.events.iter().map(|event| format!("{event:?}")).collect();
        json!([span.kind, format!("{:?}", span.status), attributes, events.len()])
    }
}

proptest! {
    #[test]
    fn an_alias_is_recorded_as_its_type_is(
        items in prop::collection::vec(prop::result::maybe_err(any::<u32>(), ".{0,8}"), 0..5),
        taken in 0_usize..6,
    ) {
        let pairs: [[Streaming; 2]; 3] =
            [[hidden, shown], [hidden_model, shown_model], [hidden_and_skipped, shown_and_skipped]];
        for pair in pairs {
            let [hidden, shown] = pair.map(|call| {
                let capturing = capture();
                recorded(call(items.clone()), taken)(&capturing)
            });
            prop_assert_eq!(hidden, shown);
        }
    }
}

#[chain_span]
fn texts() -> Of<String> {
    stream::iter(["to be", " or", ""].map(str::to_owned)).boxed()
}

#[chain_span(items = list)]
fn listed() -> Of<String> {
    texts_of(["to be", " or"])
}

#[chain_span(items = list)]
fn listed_and_shown() -> impl Stream<Item = String> {
    texts_of(["to be", " or"])
}

fn texts_of(words: [&'static str; 2]) -> Of<String> {
    stream::iter(words.map(str::to_owned)).boxed()
}

#[chain_span]
fn borrowed(text: &str) -> Words<'_> {
    stream::iter(text.split_inclusive(' ')).boxed()
}

#[chain_span]
fn copied_or_borrowed() -> impl Stream<Item = Cow<'static, str>> {
    stream::iter([Cow::Borrowed("to "), Cow::Owned("be".to_owned())])
}

#[chain_span]
fn counted() -> Of<Arc<str>> {
    stream::iter(["to ", "be"].map(Arc::from)).boxed()
}

#[chain_span]
fn fallible_texts() -> Of<Result<String, String>> {
    stream::iter([Ok("to ".to_owned()), Ok("be".to_owned()), Err("or not".to_owned())]).boxed()
}

#[chain_span(output = output.0)]
fn chosen() -> impl Stream<Item = (&'static str, u8)> {
    stream::iter([("to ", 1), ("be", 2)])
}

#[derive(Serialize)]
enum Step {
    Started,
    Said(u8),
}

/// As `strum` derives it.
impl AsRef<str> for Step {
    fn as_ref(&self) -> &str {
        match self {
            Step::Started => "Started",
            Step::Said(_) => "Said",
        }
    }
}

#[chain_span]
fn steps() -> Of<Step> {
    stream::iter([Step::Started, Step::Said(1)]).boxed()
}

#[llm_call(model = "gpt-4o-mini")]
fn deltas() -> Of<String> {
    texts_of(["to be", " or"])
}

#[test]
fn texts_are_joined_unless_a_list_is_asked_for() {
    fn output<S: Stream>(call: impl FnOnce() -> S) -> (String, String) {
        let capturing = capture();
        block_on(call().for_each(async |_| {}));
        let span = capturing.only();
        let text = |key| span.text(key).unwrap_or_default().to_owned();
        (text("output.value"), text("output.mime_type"))
    }
    let plain = |text: &str| (text.to_owned(), "text/plain".to_owned());
    let list = |text: &str| (text.to_owned(), "application/json".to_owned());
    assert_eq!(output(texts), plain("to be or"));
    assert_eq!(output(listed), list(r#"["to be"," or"]"#));
    assert_eq!(output(listed_and_shown), list(r#"["to be"," or"]"#));
    assert_eq!(output(|| borrowed("to be or")), plain("to be or"));
    assert_eq!(output(copied_or_borrowed), plain("to be"));
    assert_eq!(output(counted), plain("to be"));
    assert_eq!(output(fallible_texts), plain("to be"));
    assert_eq!(output(chosen), plain("to be"));
    assert_eq!(output(deltas), plain("to be or"));
    assert_eq!(output(steps), list(r#"["Started",{"Said":1}]"#), "names of events are no pieces of a text");
}
