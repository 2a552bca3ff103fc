//! Streams and iterators are answered item by item.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use a2a_otel::testing::{Replay, Trace, Unmatched, capture, diff, replay};
use a2a_otel::{agent_span, llm_call, mcp_tool, retriever_span, tool_span};
use a2a_otel_tests::services::{unique, workshop};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Offer, block, panic_of, question, ran, recorded, runs};

const ITEMS: &str = "a2a_otel.stream.recorded_items";

/// The error of an item.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<String> for Broken {
    fn from(message: String) -> Self {
        Self(message)
    }
}

type Offers = Pin<Box<dyn Stream<Item = Result<Offer, Broken>> + Send>>;

fn offer(product: &str) -> Result<Offer, Broken> {
    match product {
        "" => Err(Broken("no product".to_owned())),
        product => Ok(Offer { product: product.to_owned(), price: 12.5 }),
    }
}

fn offers(products: &[&str]) -> Vec<Result<Offer, Broken>> {
    products.iter().map(|product| offer(product)).collect()
}

#[tool_span(replay)]
fn opaque(products: &[&str]) -> impl Stream<Item = Result<Offer, Broken>> + use<> {
    runs("opaque");
    stream::iter(offers(products))
}

#[tool_span(replay)]
async fn later(products: &[&str]) -> impl Stream<Item = Result<Offer, Broken>> + Send + use<> {
    runs("later");
    stream::iter(offers(products))
}

#[mcp_tool(replay)]
async fn fallible(
    products: &[&str],
) -> Result<impl Stream<Item = Result<Offer, Broken>> + Unpin + use<>, Broken> {
    runs("fallible");
    offer(products.first().copied().unwrap_or_default())?;
    Ok(stream::iter(offers(products)))
}

#[tool_span(replay)]
fn boxed<'a>(products: &'a [&'a str]) -> BoxStream<'a, Result<Offer, Broken>> {
    runs("boxed");
    if products.is_empty() {
        return Box::pin(stream::empty());
    }
    Box::pin(stream::iter(offers(products)))
}

#[tool_span(replay)]
fn alias(products: &[&str]) -> Offers {
    runs("alias");
    Box::pin(stream::iter(offers(products)))
}

#[tool_span(replay)]
async fn fallible_alias(products: &[&str]) -> Result<Offers, Broken> {
    runs("fallible_alias");
    offer(products.first().copied().unwrap_or_default())?;
    Ok(Box::pin(stream::iter(offers(products))))
}

#[retriever_span(replay)]
fn future(products: &[&str]) -> impl Future<Output = Result<Offers, Broken>> + use<> {
    runs("future");
    let offers = offers(products);
    async move { Ok(Box::pin(stream::iter(offers)) as Offers) }
}

#[tool_span(replay)]
fn boxed_future<'a>(
    products: &'a [&'a str],
) -> Pin<Box<dyn Future<Output = Result<Offers, Broken>> + Send + 'a>> {
    runs("boxed_future");
    Box::pin(async move { Ok(Box::pin(stream::iter(offers(products))) as Offers) })
}

#[tool_span(replay)]
fn iterator(products: &[&str]) -> impl DoubleEndedIterator<Item = Result<Offer, Broken>> + use<> {
    runs("iterator");
    offers(products).into_iter()
}

#[tool_span(replay)]
fn boxed_iterator(products: &[&str]) -> Box<dyn Iterator<Item = Result<Offer, Broken>>> {
    runs("boxed_iterator");
    Box::new(offers(products).into_iter())
}

#[tool_span(replay)]
fn declared(products: &[&str]) -> Result<Box<dyn ExactSizeIterator<Item = Result<Offer, Broken>>>, Broken> {
    runs("declared");
    Ok(Box::new(offers(products).into_iter()))
}

type Answers = Vec<Result<Vec<Result<Offer, Broken>>, Broken>>;

/// The answers of all shapes of functions.
fn all(products: &[&str]) -> Answers {
    block(async {
        let fallible = match fallible(products).await {
            Ok(offers) => Ok(offers.collect().await),
            Err(error) => Err(error),
        };
        vec![
            Ok(opaque(products).collect().await),
            Ok(later(products).await.collect().await),
            fallible,
            Ok(boxed(products).collect().await),
            Ok(alias(products).collect().await),
            whole(fallible_alias(products).await).await,
            whole(future(products).await).await,
            whole(boxed_future(products).await).await,
            Ok(iterator(products).rev().collect()),
            Ok(boxed_iterator(products).collect()),
            declared(products).map(|offers| {
                assert_eq!(offers.len(), products.len());
                offers.collect()
            }),
        ]
    })
}

async fn whole(offers: Result<Offers, Broken>) -> Result<Vec<Result<Offer, Broken>>, Broken> {
    Ok(offers?.collect().await)
}

/// Runs it again, answered from the recording, and compares results and traces.
fn is_replayed<T: PartialEq + fmt::Debug>(run: impl Fn() -> T) {
    let (trace, expected) = recorded(&run);
    let capturing = capture();
    let replaying = replay(&trace);
    assert_eq!(run(), expected);
    assert_eq!(ran(), Vec::<&str>::new());
    assert_eq!(replaying.missing(), Vec::<String>::new());
    assert!(replaying.unused().is_empty());
    let again = capturing.trace();
    let diff = diff(&trace, &again);
    assert!(diff.is_empty(), "{diff}");
    for (before, after) in trace.spans().iter().zip(again.spans()) {
        assert_eq!(
            (&before.status, before.attributes.get(ITEMS)),
            (&after.status, after.attributes.get(ITEMS))
        );
    }
}

#[test]
fn every_shape_of_stream_is_answered() {
    for products in [&["lamp", "desk"][..], &["lamp", "", "desk"], &["", "lamp"], &[]] {
        is_replayed(|| all(products));
    }
}

thread_local! {
    static NEXT: Mutex<VecDeque<Item>> = const { Mutex::new(VecDeque::new()) };
}

type Item = Result<Kind, String>;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Kind {
    Nothing,
    Text(String),
    Numbers(Vec<i64>),
    Named { name: Option<String>, is_new: bool },
}

fn item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![
        Just(Kind::Nothing),
        any::<String>().prop_map(Kind::Text),
        any::<Vec<i64>>().prop_map(Kind::Numbers),
        any::<(Option<String>, bool)>().prop_map(|(name, is_new)| Kind::Named { name, is_new }),
    ];
    prop_oneof![3 => kind.prop_map(Ok), 1 => any::<String>().prop_map(Err)]
}

#[tool_span(replay)]
fn any_items() -> impl Stream<Item = Item> {
    let items = NEXT.with(|next| next.lock().unwrap().clone());
    stream::iter(items)
}

#[tool_span(replay)]
fn any_texts(texts: usize) -> BoxStream<'static, String> {
    let items = NEXT.with(|next| next.lock().unwrap().clone());
    stream::iter(items).take(texts).map(|item| format!("{item:?}")).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the items are, and however many of them are taken, the replay has the same.
    #[test]
    fn a_replayed_stream_has_the_items_of_the_recorded_one(
        items in prop::collection::vec(item(), 0..6), taken in 0_usize..7,
    ) {
        NEXT.with(|next| *next.lock().unwrap() = items.into());
        is_replayed(|| block(any_items().take(taken).collect::<Vec<_>>()));
        is_replayed(|| block(any_texts(taken).collect::<Vec<_>>()));
    }
}

/// A chunk of OpenAI's, as its crates read it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Chunk {
    model: String,
    choices: Vec<Value>,
    usage: Option<Value>,
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, Broken>> + Send>>;

#[llm_call(replay, request = request, provider = "openai")]
async fn stream_answer(request: Value) -> Result<Chunks, Broken> {
    runs("stream_answer");
    let asked = request["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
    let piece = |text: &str| json!({ "index": 0, "delta": { "role": "assistant", "content": text } });
    let chunk = |choices, usage| Ok(Chunk { model: "gpt-4o-mini".to_owned(), choices, usage });
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 });
    Ok(Box::pin(stream::iter([
        chunk(vec![piece("About ")], None),
        chunk(vec![piece(&asked)], None),
        chunk(vec![], Some(usage)),
    ])))
}

#[agent_span]
async fn answer(asked: &str) -> Result<String, Broken> {
    let mut chunks = stream_answer(question(asked)).await?;
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        for choice in chunk?.choices {
            text += choice["delta"]["content"].as_str().unwrap_or_default();
        }
    }
    Ok(text)
}

#[test]
fn a_model_s_stream_is_answered_and_recorded_as_it_was() {
    let (trace, _) = recorded(|| block(answer("the lamp")));
    let capturing = capture();
    let _replaying = replay(&trace);
    assert_eq!(block(answer("the lamp")), Ok("About the lamp".to_owned()));
    assert_eq!(ran(), Vec::<&str>::new());
    let call = capturing.named("stream_answer");
    assert_eq!(call.text("llm.output_messages.0.message.content"), Some("About the lamp"));
    assert_eq!(call.attributes.get("llm.token_count.total"), Some(&11_i64.into()));
    assert_eq!(call.attributes.get("a2a_otel.stream.items"), Some(&3_i64.into()));
}

#[tool_span(replay)]
fn failing(products: usize) -> Offers {
    runs("failing");
    let next = move |at| async move {
        assert!(at < products, "the shop has closed");
        Some((offer("lamp"), at + 1))
    };
    Box::pin(stream::unfold(0, next))
}

#[test]
fn a_stream_that_panicked_answers_with_an_error_in_that_place() {
    for products in [0, 2] {
        let (trace, _) = recorded(|| panic_of(|| block(failing(products).collect::<Vec<_>>())));
        let _replaying = replay(&trace);
        let again: Vec<_> = block(failing(products).collect());
        assert_eq!(again.len(), products + 1);
        let Some(Err(Broken(message))) = again.last() else { panic!("it is no error: {again:?}") };
        assert!(message.contains("the shop has closed"), "{message}");
        assert_eq!(ran(), Vec::<&str>::new());
    }
}

/// The trace as it comes from a process that did not keep the items.
fn without_items(trace: &Trace) -> Trace {
    let path = workshop().unwrap().join(unique("without_items.jsonl"));
    trace.write(&path).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains(ITEMS));
    fs::write(&path, written.replace(ITEMS, "other")).unwrap();
    Trace::read(&path).unwrap()
}

#[tool_span(replay)]
fn words(text: &str) -> impl Iterator<Item = String> + use<> {
    runs("words");
    text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[tool_span(replay, items = list)]
fn listed(text: &str) -> Box<dyn Iterator<Item = String>> {
    runs("listed");
    Box::new(text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>().into_iter())
}

#[test]
fn without_the_items_the_output_answers() {
    let (trace, _) = recorded(|| (words("a b c").count(), listed("a b c").count(), all(&["lamp", "desk"])));
    let _replaying = replay(without_items(&trace));
    assert_eq!(words("a b c").collect::<Vec<_>>(), ["a b c"]);
    assert_eq!(listed("a b c").collect::<Vec<_>>(), ["a ", "b ", "c"]);
    assert_eq!(alias_of(&["lamp", "desk"]), offers(&["lamp", "desk"]));
    assert_eq!(ran(), Vec::<&str>::new());
}

fn alias_of(products: &[&str]) -> Vec<Result<Offer, Broken>> {
    block(alias(products).collect())
}

#[test]
fn an_answer_whose_chunks_are_not_there_says_how_to_record_them() {
    let (trace, _) = recorded(|| block(answer("the lamp")));
    let _replaying = replay(without_items(&trace));
    let message = panic_of(|| block(answer("the lamp")));
    let expected = "the recording of `stream_answer` (LLM) has the answer as a whole, but not the items of the stream. \
                    Record the trace again within `testing::capture`, or with A2A_OTEL_REPLAY=record";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_stream_that_was_not_recorded_fails_in_its_first_item() {
    let replaying = Replay::new(Trace::default()).unmatched(Unmatched::Fail).start();
    let Err(Broken(message)) = &alias_of(&["lamp"])[0] else { panic!("it is no error") };
    assert_eq!(replaying.missing(), std::slice::from_ref(message));
    assert!(matches!(block(fallible_alias(&["lamp"])), Err(Broken(_))));
    let message = panic_of(|| words("a b").count());
    assert!(message.contains("its error cannot be made of a text"), "{message}");
    assert_eq!(ran(), Vec::<&str>::new());
}

#[tool_span]
fn not_replayed() -> impl Iterator<Item = u32> {
    0..3
}

#[test]
fn items_are_kept_only_where_a_replay_is_asked_for() {
    let capturing = capture();
    assert_eq!((not_replayed().count(), words("a b").count()), (3, 2));
    assert!(!capturing.named("not_replayed").attributes.contains_key(ITEMS));
    let kept = capturing.named("words").attributes[ITEMS].clone();
    assert_eq!(
        kept,
        opentelemetry::Value::Array(opentelemetry::Array::String(vec!["text:a ".into(), "text:b".into()]))
    );
    assert_eq!(capturing.named("words").text("output.value"), Some("a b"));
}
