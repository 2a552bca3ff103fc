//! Tests the policy of each listener, with and without layers in front of it.

use std::sync::Arc;

use a2a_otel::a2a::TracedExecutor;
use a2a_otel::http::ExtractLayer;
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::testing::{Capturing, capture};
use a2a_otel::{chain_span, with_session, with_tags};
use a2a_otel_tests::parrot::{
    Binding, NAME, Parrot, card, connect, observed, request_in, serve, settled, spawn, unobserved,
};
use a2a_server::RequestHandler;
use a2a_server::jsonrpc::jsonrpc_router;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tokio::net::TcpListener;

const CALLER: &str = "CHAIN SendMessage parrot\n";
const CALLED: &str = "CHAIN SendMessage\n  AGENT invoke_agent parrot\n    TOOL shout\n";

/// Serves a handler behind the given layers.
async fn behind(handler: impl RequestHandler, layered: impl FnOnce(Router) -> Router) -> Capturing {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    spawn(listener, layered(jsonrpc_router(Arc::new(handler))));
    call(&card(NAME, Binding::JsonRpc, &url), 4).await
}

async fn call(card: &a2a::AgentCard, spans: usize) -> Capturing {
    let client = connect(card).await;
    let capturing = capture();
    let request = request_in("c-1", "hello");
    let call = client.send_message(&request);
    with_session("s-1").user("ada").wrap(call).await.expect("an answer");
    settled(&capturing, spans).await;
    capturing
}

fn assert_strangers(capturing: &Capturing, policy: InboundPolicy) {
    assert_eq!(capturing.tree(), format!("{CALLER}{CALLED}"), "{policy:?}");
    let caller = capturing.named("SendMessage parrot");
    for name in ["SendMessage", "invoke_agent parrot", "shout"] {
        let span = capturing.named(name);
        assert_eq!(span.text("session.id"), Some("c-1"), "the context id, not the stranger's word: {span:?}");
        assert_eq!(span.text("user.id"), None, "{span:?}");
        let noted = (policy == InboundPolicy::Restart)
            .then(|| (caller.trace_id.to_string(), caller.span_id.to_string()));
        let (trace, id) = (span.text("a2a_otel.remote.trace_id"), span.text("a2a_otel.remote.span_id"));
        assert_eq!(trace.zip(id), noted.as_ref().map(|(trace, id)| (trace.as_str(), id.as_str())));
    }
}

fn below(indent: usize, tree: &str) -> String {
    let margin = " ".repeat(indent);
    tree.split_inclusive('\n').flat_map(|line| [margin.as_str(), line]).collect()
}

#[tokio::test]
async fn a_handler_that_strangers_reach() {
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        let handler = observed(Parrot::default()).policy(policy);
        assert_strangers(&call(&serve(Binding::JsonRpc, handler).await, 4).await, policy);
    }
}

#[tokio::test]
async fn an_executor_that_strangers_reach() {
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        let card = card(NAME, Binding::JsonRpc, "http://nowhere");
        let executor = TracedExecutor::new(Parrot::default(), &card).policy(policy);
        let handler = unobserved(executor);
        assert_strangers(&call(&serve(Binding::JsonRpc, handler).await, 4).await, policy);
    }
}

#[tokio::test]
async fn a_layer_in_front_decides_for_the_handler() {
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        let handler = observed(Parrot::default()).policy(InboundPolicy::Continue);
        let capturing = behind(handler, |routes| routes.layer(ExtractLayer::new().policy(policy))).await;
        assert_strangers(&capturing, policy);
    }
    let handler = observed(Parrot::default()).policy(InboundPolicy::Restart);
    let capturing = behind(handler, |routes| routes.layer(ExtractLayer::new())).await;
    assert_eq!(capturing.tree(), format!("{CALLER}{}", below(2, CALLED)));
}

#[chain_span(skip_all)]
async fn http(request: Request, next: Next) -> Response {
    next.run(request).await
}

/// A middleware that continues the caller's trace itself.
async fn continued(request: Request, next: Next) -> Response {
    use a2a_otel::opentelemetry::trace::FutureExt as _;
    let context = a2a_otel::http::extract(request.headers());
    http(request, next).with_context(context).await
}

#[tokio::test]
async fn a_middleware_that_knows_nothing_of_the_caller_does_not_break_the_trace() {
    let capturing = behind(observed(Parrot::default()), |routes| routes.layer(from_fn(http))).await;
    assert_eq!(capturing.tree(), format!("{CALLER}{}CHAIN http\n", below(2, CALLED)));
}

#[tokio::test]
async fn a_middleware_that_goes_on_with_the_trace_is_between_caller_and_called() {
    let capturing = behind(observed(Parrot::default()), |routes| routes.layer(from_fn(continued))).await;
    assert_eq!(capturing.tree(), format!("{CALLER}  CHAIN http\n{}", below(4, CALLED)));
}

#[tokio::test]
async fn a_public_agent_stays_below_its_own_middleware() {
    let handler = observed(Parrot::default()).policy(InboundPolicy::Restart);
    let capturing = behind(handler, |routes| routes.layer(from_fn(http))).await;
    assert_eq!(capturing.tree(), format!("{CALLER}CHAIN http\n{}", below(2, CALLED)));
}

#[tokio::test]
async fn what_a_middleware_says_reaches_the_agent_past_the_task_that_the_sdk_spawns() {
    async fn tagged(request: Request, next: Next) -> Response {
        with_tags(["eu"]).wrap(next.run(request)).await
    }
    let capturing = behind(observed(Parrot::default()), |routes| routes.layer(from_fn(tagged))).await;
    for name in ["SendMessage", "invoke_agent parrot", "shout"] {
        assert!(capturing.named(name).attributes.contains_key("tag.tags"), "{name}");
    }
    assert!(!capturing.named("SendMessage parrot").attributes.contains_key("tag.tags"));
}
