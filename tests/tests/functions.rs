//! Tests the attribute macros on all kinds of functions: each records one span with the right outcome.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use a2a_otel::opentelemetry::trace::{SpanKind, Status};
use a2a_otel::opentelemetry::{Context, Value};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{a2a_call, agent_span, chain_span, llm_call, mcp_tool, tool_span};
use futures::FutureExt as _;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::JsonSchema;
use rmcp::{tool, tool_router};
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
#[error("no product {id}")]
struct NotFound {
    id: u32,
    #[source]
    cause: std::num::ParseIntError,
}

fn not_found(id: u32) -> NotFound {
    NotFound { id, cause: "x".parse::<u32>().unwrap_err() }
}

#[derive(Debug, Clone, Serialize)]
struct Query {
    text: String,
    limit: usize,
}

fn query() -> Query {
    Query { text: "lamp".into(), limit: 2 }
}

fn is_error(span: &Captured, message: &str) -> bool {
    span.status == Status::error(message.to_owned())
}

#[agent_span]
fn plain(text: &str) -> String {
    text.to_uppercase()
}

#[test]
fn a_sync_function_records_input_output_and_kind() {
    let capturing = capture();
    assert_eq!(plain("lamp"), "LAMP");
    let span = capturing.only();
    assert_eq!((span.name.as_str(), span.kind.as_str()), ("plain", "AGENT"));
    assert_eq!(span.text("input.value"), Some("lamp"));
    assert_eq!(span.text("input.mime_type"), Some("text/plain"));
    assert_eq!(span.text("output.value"), Some("LAMP"));
    assert_eq!(span.text("agent.name"), Some("plain"));
    assert_eq!(span.status, Status::Ok);
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[agent_span(name = "product-agent", session = "s-1", user = format!("user-{}", 7))]
async fn search(query: Query) -> Result<Vec<String>, NotFound> {
    step(1).await;
    if query.limit == 0 {
        return Err(not_found(7));
    }
    Ok(vec![query.text; query.limit])
}

#[chain_span(name = format!("step {number}"))]
async fn step(number: u32) {
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn an_async_function_carries_its_context_and_session_over_awaits() {
    let capturing = capture();
    assert_eq!(search(query()).await.unwrap().len(), 2);
    assert_eq!(capturing.tree(), "AGENT product-agent\n  CHAIN step 1\n");
    let agent = capturing.named("product-agent");
    assert_eq!(agent.text("input.value"), Some(r#"{"text":"lamp","limit":2}"#));
    assert_eq!(agent.text("input.mime_type"), Some("application/json"));
    assert_eq!(agent.text("output.value"), Some(r#"["lamp","lamp"]"#));
    for span in capturing.spans() {
        assert_eq!(span.text("session.id"), Some("s-1"), "{}", span.name);
        assert_eq!(span.text("user.id"), Some("user-7"), "{}", span.name);
    }
}

#[tokio::test]
async fn an_error_is_recorded_with_its_source_chain() {
    let capturing = capture();
    search(Query { text: String::new(), limit: 0 }).await.unwrap_err();
    let span = capturing.named("product-agent");
    assert!(is_error(&span, "no product 7"), "{:?}", span.status);
    assert_eq!(span.text("error.type"), Some("functions::NotFound"));
    assert_eq!(span.text("output.value"), None);
    let exception = span.event("exception").unwrap();
    assert_eq!(exception["exception.type"].as_str(), "functions::NotFound");
    assert_eq!(exception["exception.message"].as_str(), "no product 7");
    assert_eq!(
        exception["exception.stacktrace"].as_str(),
        "no product 7\ncaused by: invalid digit found in string"
    );
}

#[tool_span(err = debug)]
fn fails_in_debug() -> Result<(), NotFound> {
    Err(not_found(1))
}

#[tool_span]
fn fails_in_a_box() -> Result<(), Box<dyn std::error::Error>> {
    Err(Box::new(not_found(2)))
}

#[tool_span]
fn fails_in_a_shared_box() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(not_found(3).into())
}

#[tool_span]
fn fails_in_words() -> Result<(), String> {
    Err("out of lamps".into())
}

struct Silent;

#[tool_span]
fn fails_in_silence() -> Result<(), Silent> {
    Err(Silent)
}

#[test]
fn errors_of_every_ability_are_recorded() {
    let message = |run: &dyn Fn()| {
        let capturing = capture();
        run();
        let Status::Error { description } = capturing.only().status else { panic!("no error") };
        description.into_owned()
    };
    assert!(message(&|| drop(fails_in_debug())).starts_with("NotFound { id: 1"));
    assert_eq!(message(&|| drop(fails_in_a_box())), "no product 2");
    assert_eq!(message(&|| drop(fails_in_a_shared_box())), "no product 3");
    assert_eq!(message(&|| drop(fails_in_words())), "out of lamps");
    assert_eq!(message(&|| drop(fails_in_silence())), "functions::Silent");

    let capturing = capture();
    drop(fails_in_a_box());
    assert!(capturing.only().event("exception").unwrap().contains_key("exception.stacktrace"));
}

#[tool_span]
fn panics(reason: &str) {
    panic!("broken: {reason}");
}

#[tool_span]
async fn panics_later() -> Result<(), String> {
    tokio::task::yield_now().await;
    panic!("later");
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let capturing = capture();
    let panicked = std::panic::catch_unwind(|| panics("lamp")).unwrap_err();
    assert_eq!(panicked.downcast_ref::<String>().unwrap(), "broken: lamp");
    let span = capturing.only();
    assert!(is_error(&span, "broken: lamp"));
    assert_eq!(span.event("exception").unwrap()["exception.type"].as_str(), "panic");
}

#[tokio::test]
async fn a_panic_between_awaits_is_recorded_and_goes_on() {
    let capturing = capture();
    let task = tokio::task::LocalSet::new();
    let joined = task.run_until(async { tokio::task::spawn_local(panics_later()).await }).await;
    assert!(joined.unwrap_err().is_panic());
    assert!(is_error(&capturing.only(), "later"));
}

#[agent_span]
async fn waits_forever() {
    tool_that_waits(5).await;
}

#[tool_span]
async fn tool_that_waits(seconds: u32) {
    assert_eq!(seconds, 5);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_dropped_future_is_cancelled_with_what_was_captured() {
    let capturing = capture();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(20), waits_forever()).await;
    assert!(waited.is_err());
    assert_eq!(capturing.tree(), "AGENT waits_forever ! cancelled\n  TOOL tool_that_waits ! cancelled\n");
    let tool = capturing.named("tool_that_waits");
    assert!(tool.event("cancelled").is_some());
    assert_eq!(tool.text("input.value"), Some(r#"{"seconds":5}"#));
}

struct Agent {
    name: String,
}

#[async_trait::async_trait]
trait Finder {
    async fn find(&self, query: &str) -> Result<String, NotFound>;
}

#[async_trait::async_trait]
impl Finder for Agent {
    #[agent_span(name = self.name.as_str(), output = output.len())]
    async fn find(&self, query: &str) -> Result<String, NotFound> {
        step(1).await;
        if query.is_empty() {
            Err(not_found(0))?;
        }
        Ok(query.repeat(2))
    }
}

impl Agent {
    #[chain_span(fields("agent.first" = self.name.chars().next(), hits = output.len(), limit = query.limit))]
    async fn method(&mut self, query: Query) -> Vec<String> {
        self.name.push('!');
        vec![query.text; query.limit]
    }

    #[chain_span]
    fn boxed<'a>(
        &'a self,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>> {
        if text.is_empty() {
            return Box::pin(async { Err("empty".to_owned()) });
        }
        Box::pin(async move {
            step(1).await;
            Ok(text.len() + self.name.len())
        })
    }

    #[chain_span]
    fn promised(&self, text: String) -> impl Future<Output = usize> + use<> {
        let length = self.name.len();
        async move { text.len() + length }
    }
}

#[tokio::test]
async fn methods_of_async_traits_are_observed() {
    let capturing = capture();
    let agent = Agent { name: "finder".into() };
    assert_eq!(agent.find("ab").await.unwrap(), "abab");
    assert_eq!(capturing.tree(), "AGENT finder\n  CHAIN step 1\n");
    assert_eq!(capturing.named("finder").text("output.value"), Some("4"));
    agent.find("").await.unwrap_err();
    assert!(capturing.spans().iter().any(|span| is_error(span, "no product 0")));
}

#[tokio::test]
async fn methods_record_fields_before_and_after() {
    let capturing = capture();
    let mut agent = Agent { name: "finder".into() };
    agent.method(query()).await;
    let span = capturing.only();
    assert_eq!(span.text("agent.first"), Some("f"));
    assert_eq!(span.number("hits"), Some(2));
    assert_eq!(span.number("limit"), Some(2));
}

#[tokio::test]
async fn functions_that_return_futures_are_observed_to_their_end() {
    let capturing = capture();
    let agent = Agent { name: "x".into() };
    assert_eq!(agent.boxed("abc").await, Ok(4));
    assert_eq!(capturing.tree(), "CHAIN boxed\n  CHAIN step 1\n");
    assert_eq!(capturing.named("boxed").text("output.value"), Some("4"));
    assert_eq!(agent.boxed("").await, Err("empty".to_owned()));
    assert!(capturing.spans().iter().any(|span| is_error(span, "empty")));
    assert_eq!(agent.promised("abc".into()).await, 4);
    assert_eq!(capturing.named("promised").text("output.value"), Some("4"));
}

struct Unspeakable;

impl fmt::Debug for Unspeakable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<debugged>")
    }
}

#[tool_span(skip(password))]
fn mixed<T, S: Serialize>(
    query: &Query,
    unspeakable: Unspeakable,
    opaque: T,
    generic: S,
    password: &str,
    _unused: u8,
) {
    let _ = (query, unspeakable, opaque, generic, password);
}

#[test]
fn arguments_are_captured_by_what_their_type_can_do() {
    let capturing = capture();
    mixed(&query(), Unspeakable, Silent, [1, 2], "secret", 0);
    assert_eq!(
        capturing.only().text("input.value"),
        Some(r#"{"query":{"text":"lamp","limit":2},"unspeakable":"<debugged>","generic":[1,2]}"#)
    );
}

#[chain_span(skip_all)]
fn discreet(secret: &str) -> usize {
    secret.len()
}

#[chain_span(input = query.text, output = output.first())]
fn chosen(query: Query) -> Vec<String> {
    vec![query.text; 3]
}

#[test]
fn what_is_recorded_can_be_chosen() {
    let capturing = capture();
    assert_eq!(discreet("secret"), 6);
    chosen(query());
    let discreet = capturing.named("discreet");
    assert!(!discreet.attributes.keys().any(|key| key.starts_with("input") || key.starts_with("output")));
    let chosen = capturing.named("chosen");
    assert_eq!(chosen.text("input.value"), Some("lamp"));
    assert_eq!(chosen.text("output.value"), Some("lamp"));
}

/// Looks up a product.
///
/// By its number.
#[mcp_tool(server = "catalogue")]
fn lookup(id: u32, exact: bool) -> Result<String, String> {
    if exact { Ok(format!("product {id}")) } else { Err("inexact".into()) }
}

#[tool_span(tool = "price-list")]
fn prices() {}

#[test]
fn tools_say_their_name_and_description() {
    let capturing = capture();
    lookup(7, true).unwrap();
    prices();
    let span = capturing.named("lookup");
    assert_eq!(span.kind, "TOOL");
    assert_eq!(span.text("tool.name"), Some("lookup"));
    assert_eq!(span.text("gen_ai.tool.name"), Some("lookup"));
    assert_eq!(span.text("tool.description"), Some("Looks up a product.\n\nBy its number."));
    assert_eq!(span.text("mcp.method.name"), Some("tools/call"));
    assert_eq!(span.text("server.address"), Some("catalogue"));
    assert_eq!(span.text("input.value"), Some(r#"{"id":7,"exact":true}"#));
    let prices = capturing.named("price-list");
    assert_eq!(prices.text("tool.name"), Some("price-list"));
    assert_eq!(prices.text("output.value"), None);
}

#[a2a_call(peer = peer, method = "SendStreamingMessage")]
async fn ask(peer: &str, text: &str) -> Result<String, String> {
    Ok(format!("{peer}: {text}"))
}

#[tokio::test]
async fn a_call_to_an_agent_names_method_and_peer() {
    let capturing = capture();
    ask("inventory", "how many?").await.unwrap();
    let span = capturing.only();
    assert_eq!(span.name, "SendStreamingMessage inventory");
    assert_eq!(span.opentelemetry_kind, SpanKind::Client);
    assert_eq!(span.text("a2a.method.name"), Some("SendStreamingMessage"));
    assert_eq!(span.text("gen_ai.agent.name"), Some("inventory"));
    assert_eq!(span.text("input.value"), Some(r#"{"peer":"inventory","text":"how many?"}"#));
}

#[llm_call(request = request, provider = "openai")]
async fn complete(request: serde_json::Value) -> Result<serde_json::Value, String> {
    if request["fail"] == true {
        return Err("429".into());
    }
    Ok(serde_json::json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}}]}}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4}},
    }))
}

fn chat(fail: bool) -> serde_json::Value {
    serde_json::json!({
        "model": "gpt-4o-mini",
        "temperature": 0,
        "fail": fail,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
            {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:x"}}]}],
        // In alphabetical order, which a map has with and without serde_json's `preserve_order`.
        "tools": [{"function": {"name": "find"}, "type": "function"}],
    })
}

#[tokio::test]
async fn an_llm_call_is_read_by_its_shape() {
    let capturing = capture();
    complete(chat(false)).await.unwrap();
    let span = capturing.only();
    assert_eq!(span.kind, "LLM");
    let texts = [
        ("llm.model_name", "gpt-4o-mini-2024-07-18"),
        ("llm.provider", "openai"),
        ("llm.system", "openai"),
        ("llm.finish_reason", "tool_calls"),
        ("llm.input_messages.0.message.role", "system"),
        ("llm.input_messages.0.message.content", "Be brief."),
        ("llm.input_messages.1.message.contents.0.message_content.text", "What is it?"),
        ("llm.input_messages.1.message.contents.1.message_content.image.image.url", "data:x"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "find"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{\"q\":1}"),
        ("llm.tools.0.tool.json_schema", r#"{"function":{"name":"find"},"type":"function"}"#),
        ("input.mime_type", "application/json"),
        ("output.mime_type", "application/json"),
    ];
    for (key, expected) in texts {
        assert_eq!(span.text(key), Some(expected), "{key}");
    }
    assert_eq!(span.number("llm.token_count.prompt"), Some(12));
    assert_eq!(span.number("llm.token_count.completion"), Some(3));
    assert_eq!(span.number("llm.token_count.total"), Some(15));
    assert_eq!(span.number("llm.token_count.prompt_details.cache_read"), Some(4));
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_llm_call_keeps_the_model_that_was_asked_for() {
    let capturing = capture();
    complete(chat(true)).await.unwrap_err();
    let span = capturing.only();
    assert!(is_error(&span, "429"));
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o-mini"));
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[tool_span]
fn adds_more(hits: usize) {
    let span = a2a_otel::current();
    span.attribute("search.hits", i64::try_from(hits).unwrap());
    span.event("searched", Vec::new());
    span.error(&not_found(9));
}

#[test]
fn the_current_span_takes_more() {
    let capturing = capture();
    adds_more(3);
    let span = capturing.only();
    assert_eq!(span.attributes["search.hits"], Value::I64(3));
    assert!(span.event("searched").is_some() && span.event("exception").is_some());
    assert_eq!(span.status, Status::Ok);
}

type Outcome<T> = Result<T, String>;

#[tool_span]
fn aliased(fails: bool) -> Outcome<u32> {
    if fails { Err("aliased".into()) } else { Ok(1) }
}

#[test]
fn a_result_is_known_by_its_type_and_not_by_its_name() {
    let capturing = capture();
    assert!(aliased(true).is_err());
    assert_eq!(capturing.tree(), "TOOL aliased ! aliased\n");
    assert_eq!(aliased(false), Ok(1));
    assert_eq!(capturing.spans()[1].text("output.value"), Some("1"));
}

#[tool_span]
fn never(reason: &str) -> ! {
    panic!("never {reason}")
}

#[tool_span]
async fn never_later() -> ! {
    panic!("later")
}

#[test]
fn functions_that_never_return_record_their_panic() {
    let capturing = capture();
    assert!(std::panic::catch_unwind(|| never("mind")).is_err());
    assert!(std::panic::catch_unwind(|| never_later().now_or_never()).is_err());
    assert_eq!(capturing.tree(), "TOOL never ! never mind\nTOOL never_later ! later\n");
}

#[chain_span(output = format!("{output:?}"), fields("first" = format!("{text} {output}")))]
fn inline_format(text: String) -> usize {
    text.len()
}

#[test]
fn expressions_may_name_the_result_in_a_format_string() {
    let capturing = capture();
    assert_eq!(inline_format("lamp".into()), 4);
    let span = capturing.only();
    assert_eq!(span.text("output.value"), Some("4"));
    assert_eq!(span.text("first"), Some("lamp 4"));
}

#[chain_span(skip(output, scope))]
fn our_words(result: u32, recorder: u32, output: u32, scope: u32, value: u32, copies: u32) -> u32 {
    result + recorder + output + scope + value + copies
}

#[test]
fn parameters_may_go_by_names_of_ours() {
    let capturing = capture();
    assert_eq!(our_words(1, 2, 3, 4, 5, 6), 21);
    assert_eq!(
        capturing.only().text("input.value"),
        Some(r#"{"result":1,"recorder":2,"value":5,"copies":6}"#)
    );
}

struct Cart {
    items: Vec<String>,
}

impl Cart {
    #[chain_span(fields("before" = self.items.len(), "after" = output))]
    fn add(&mut self, item: &str) -> usize {
        self.items.push(item.to_owned());
        self.items.len()
    }

    #[chain_span]
    async fn shared(self: Arc<Self>, (from, to): (usize, usize)) -> Option<String> {
        self.items.get(from..to).map(|items| items.join(" "))
    }
}

#[tokio::test]
async fn receivers_are_read_and_patterns_recorded_by_their_names() {
    let capturing = capture();
    let mut cart = Cart { items: vec!["lamp".into()] };
    assert_eq!(cart.add("chair"), 2);
    assert_eq!(Arc::new(cart).shared((0, 2)).await, Some("lamp chair".into()));
    let added = capturing.named("add");
    assert_eq!((added.number("before"), added.number("after")), (Some(1), Some(2)));
    assert_eq!(capturing.named("shared").text("input.value"), Some(r#"{"from":0,"to":2}"#));
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Wanted {
    id: u32,
}

#[derive(Clone)]
struct Catalogue;

#[tool_router(server_handler)]
impl Catalogue {
    /// Looks a product up.
    #[mcp_tool(server = "catalogue")]
    #[tool]
    async fn above(&self, Parameters(wanted): Parameters<Wanted>) -> String {
        wanted.id.to_string()
    }

    /// Looks a product up.
    #[tool]
    #[mcp_tool(server = "catalogue")]
    async fn below(&self, Parameters(wanted): Parameters<Wanted>) -> String {
        wanted.id.to_string()
    }
}

#[tokio::test]
async fn tools_of_rmcp_are_recorded_alike_above_and_below() {
    let capturing = capture();
    assert_eq!(Catalogue.above(Parameters(Wanted { id: 7 })).await, "7");
    assert_eq!(Catalogue.below(Parameters(Wanted { id: 8 })).await, "8");
    assert_eq!(Catalogue::tool_router().list_all().len(), 2);
    for (name, input) in [("above", r#"{"id":7}"#), ("below", r#"{"id":8}"#)] {
        let span = capturing.named(name);
        assert_eq!(span.text("input.value"), Some(input));
        assert_eq!(span.text("tool.description"), Some("Looks a product up."));
    }
}

struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        a2a_otel::current().attribute("cleaned.up", true);
        clean_up();
    }
}

#[tool_span]
fn clean_up() {}

#[agent_span(session = "s")]
async fn abandoned() {
    let _cleanup = Cleanup;
    std::future::pending::<()>().await;
}

#[test]
fn what_a_cancelled_call_leaves_to_do_belongs_to_it() {
    let capturing = capture();
    assert_eq!(abandoned().now_or_never(), None);
    assert_eq!(capturing.tree(), "AGENT abandoned ! cancelled\n  TOOL clean_up\n");
    assert_eq!(capturing.named("clean_up").text("session.id"), Some("s"));
    assert_eq!(capturing.named("clean_up").status, Status::Ok);
}

#[agent_span]
async fn abandoned_with_another() {
    let mut other = Box::pin(abandoned());
    assert_eq!(futures::poll!(&mut other), Poll::Pending);
    let _cleanup = Cleanup;
    std::future::pending::<()>().await;
}

#[test]
fn calls_that_are_cancelled_together_are_told_apart() {
    let capturing = capture();
    assert_eq!(abandoned_with_another().now_or_never(), None);
    clean_up();
    let expected = "AGENT abandoned_with_another ! cancelled
  AGENT abandoned ! cancelled
    TOOL clean_up
  TOOL clean_up
TOOL clean_up
";
    assert_eq!(capturing.tree(), expected);
}

struct Breaks;

impl Drop for Breaks {
    fn drop(&mut self) {
        panic!("while it is dropped");
    }
}

#[agent_span]
async fn breaks_when_it_is_dropped() {
    let _breaks = Breaks;
    std::future::pending::<()>().await;
}

#[test]
fn a_body_that_panics_while_it_is_dropped_leaves_nothing_entered() {
    let capturing = capture();
    let dropped = std::panic::catch_unwind(|| breaks_when_it_is_dropped().now_or_never());
    assert!(dropped.is_err());
    clean_up();
    assert_eq!(capturing.tree(), "AGENT breaks_when_it_is_dropped ! cancelled\nTOOL clean_up\n");
}

#[test]
fn a_future_can_be_dropped_on_another_thread() {
    let capturing = capture();
    let mut future = Box::pin(abandoned());
    assert_eq!(future.as_mut().now_or_never(), None);
    std::thread::spawn(move || drop(future)).join().unwrap();
    assert_eq!(capturing.tree(), "AGENT abandoned ! cancelled\n  TOOL clean_up\n");
}

thread_local! {
    static HELD: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_may_end_with_a_future_that_nobody_dropped() {
    let capturing = capture();
    let context = Context::current();
    let held = std::thread::spawn(move || {
        // Created before OpenTelemetry's storage, so that the thread destroys that one first.
        HELD.with_borrow(|held| assert!(held.is_none()));
        let _entered = context.attach();
        let mut future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(abandoned());
        assert_eq!(future.as_mut().now_or_never(), None);
        HELD.set(Some(future));
    });
    held.join().unwrap();
    assert_eq!(capturing.named("abandoned").status, Status::error("cancelled"));
}
