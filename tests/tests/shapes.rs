//! Functions as people and macros write them, in a crate that denies warnings.

#![deny(warnings, clippy::pedantic)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel::{agent_span, chain_span, llm_call, mcp_tool, tool_span};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::JsonSchema;
use rmcp::{tool, tool_router};
use serde::{Deserialize, Serialize};

#[agent_span]
#[rustfmt::skip]
async fn one_line(n: u32) -> u32 { n }

#[tool_span]
#[rustfmt::skip]
fn sync_line(n: u32) -> u32 { n }

type Outcome<T> = Result<T, String>;

#[tool_span]
fn aliased(fails: bool) -> Outcome<u32> {
    if fails { Err("aliased".into()) } else { Ok(1) }
}

#[tool_span]
fn never(reason: &str) -> ! {
    panic!("never {reason}")
}

#[tool_span]
async fn never_later() -> ! {
    panic!("later")
}

macro_rules! observed {
    ($name:ident, $body:block) => {
        #[chain_span]
        fn $name() -> u32 $body
    };
}

observed!(generated, { 7 });

#[chain_span(output = format!("{output:?}"), fields("first" = format!("{text} {output}")))]
fn inline_format(text: String) -> usize {
    text.len()
}

#[chain_span]
fn generic<T: Serialize + Clone, const N: usize>(value: &T) -> [T; N] {
    std::array::from_fn(|_| value.clone())
}

#[chain_span]
fn opaque<'a>(words: impl Iterator<Item = &'a str> + 'a) -> impl Iterator<Item = usize> + 'a {
    words.map(str::len)
}

#[chain_span]
fn borrowed<'a>(longest: &'a str, other: &'a str) -> Result<&'a str, String> {
    if other.len() > longest.len() {
        return Ok(other);
    }
    Ok(longest)
}

#[chain_span(skip(output, scope))]
fn our_words(result: u32, recorder: u32, output: u32, scope: u32, value: u32, copies: u32) -> u32 {
    result + recorder + output + scope + value + copies
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
    fn into_items(self) -> Vec<String> {
        self.items
    }

    #[chain_span]
    async fn shared(self: Arc<Self>, (from, to): (usize, usize)) -> Option<String> {
        self.items.get(from..to).map(|items| items.join(" "))
    }
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

struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
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

#[llm_call(request = request)]
fn is_send(request: String) -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async move { request })
}

fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

fn send<T: Send>(value: T) -> T {
    value
}

#[test]
fn functions_of_a_line_warn_of_nothing() {
    let capturing = capture();
    assert_eq!(now(send(one_line(1))) + sync_line(2), 3);
    assert_eq!(now(send(is_send("hello".into()))), "hello");
    assert_eq!(capturing.tree(), "AGENT one_line\nTOOL sync_line\nLLM is_send\n");
}

#[test]
fn a_result_is_known_by_its_type_and_not_by_its_name() {
    let capturing = capture();
    assert!(aliased(true).is_err());
    assert_eq!(capturing.tree(), "TOOL aliased ! aliased\n");
    assert_eq!(aliased(false), Ok(1));
    assert_eq!(capturing.spans()[1].text("output.value"), Some("1"));
}

#[test]
fn functions_that_never_return_are_observed() {
    let capturing = capture();
    assert!(std::panic::catch_unwind(|| never("mind")).is_err());
    assert!(std::panic::catch_unwind(|| now(never_later())).is_err());
    assert_eq!(capturing.tree(), "TOOL never ! never mind\nTOOL never_later ! later\n");
}

#[test]
fn expressions_may_name_the_result_in_a_format_string() {
    let capturing = capture();
    assert_eq!(inline_format("lamp".into()), 4);
    let span = capturing.only();
    assert_eq!(span.text("output.value"), Some("4"));
    assert_eq!(span.text("first"), Some("lamp 4"));
}

#[test]
fn generics_macros_and_our_own_words_are_no_trouble() {
    let capturing = capture();
    assert_eq!(generated(), 7);
    assert_eq!(generic::<_, 2>(&"x"), ["x", "x"]);
    assert_eq!(opaque("a bc".split(' ')).sum::<usize>(), 3);
    assert_eq!(borrowed("ab", "abc"), Ok("abc"));
    assert_eq!(our_words(1, 2, 3, 4, 5, 6), 21);
    assert_eq!(capturing.spans().len(), 5);
    let span = capturing.named("our_words");
    assert_eq!(span.text("input.value"), Some(r#"{"result":1,"recorder":2,"value":5,"copies":6}"#));
    assert_eq!(capturing.named("opaque").text("output.value"), None);
}

#[test]
fn receivers_and_patterns_of_every_kind_are_observed() {
    let capturing = capture();
    let mut cart = Cart { items: vec!["lamp".into()] };
    assert_eq!(cart.add("chair"), 2);
    assert_eq!(now(Arc::new(Cart { items: cart.into_items() }).shared((0, 2))), Some("lamp chair".into()));
    let added = capturing.named("add");
    assert_eq!((added.number("before"), added.number("after")), (Some(1), Some(2)));
    assert_eq!(capturing.named("shared").text("input.value"), Some(r#"{"from":0,"to":2}"#));
}

#[test]
fn tools_of_rmcp_are_observed_above_and_below() {
    let capturing = capture();
    assert_eq!(now(Catalogue.above(Parameters(Wanted { id: 7 }))), "7");
    assert_eq!(now(Catalogue.below(Parameters(Wanted { id: 8 }))), "8");
    assert_eq!(Catalogue::tool_router().list_all().len(), 2);
    for (name, input) in [("above", r#"{"id":7}"#), ("below", r#"{"id":8}"#)] {
        let span = capturing.named(name);
        assert_eq!(span.text("input.value"), Some(input));
        assert_eq!(span.text("tool.description"), Some("Looks a product up."));
    }
}

#[test]
fn what_a_cancelled_call_leaves_to_do_belongs_to_it() {
    let capturing = capture();
    {
        let mut future = pin!(abandoned());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(capturing.tree(), "AGENT abandoned ! cancelled\n  TOOL clean_up\n");
    assert_eq!(capturing.named("clean_up").text("session.id"), Some("s"));
    assert!(matches!(capturing.named("clean_up").status, Status::Ok));
}
