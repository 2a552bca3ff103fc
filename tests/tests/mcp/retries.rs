//! Tests functions that call their tool more than once or give a call up: the function's span says what the function
//! returned, and each attempt is visible below it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_otel::mcp::TracedServer;
use a2a_otel::opentelemetry::trace::{SpanKind, Status};
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_otel::{chain_span, mcp_tool, tool_span};
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::worlds::{self, Client, product, request, text};

/// What the server does with a call.
#[derive(Clone, Copy)]
enum Does {
    Answer(&'static str),
    Refuse(&'static str),
    Break,
    /// Nothing, until the call is cancelled.
    Hang,
    /// Nothing, ever.
    Sleep,
}

/// A server that does the next thing of its list, whichever tool is called.
#[derive(Clone)]
struct Scripted(Arc<Mutex<VecDeque<Does>>>);

impl ServerHandler for Scripted {
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let said = |text| vec![ContentBlock::text(text)];
        match next.expect("another call") {
            Does::Answer(text) => Ok(CallToolResult::success(said(text)).into()),
            Does::Refuse(text) => Ok(CallToolResult::error(said(text)).into()),
            Does::Break => Err(ErrorData::internal_error("the shelf fell over", None)),
            Does::Hang => {
                context.ct.cancelled().await;
                Ok(CallToolResult::success(Vec::new()).into())
            }
            Does::Sleep => std::future::pending().await,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Pipe,
    Http,
}

/// How long a function waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_millis(200);

pub(crate) const BOTH: [Transport; 2] = [Transport::Pipe, Transport::Http];

/// A connection to a server that does this.
async fn server(transport: Transport, script: &[Does]) -> Client {
    connected(transport, Scripted(Arc::new(Mutex::new(script.iter().copied().collect())))).await
}

/// A connection to a server.
pub(crate) async fn connected(transport: Transport, server: impl ServerHandler + Clone) -> Client {
    let handler = TracedServer::new(server);
    match transport {
        Transport::Pipe => worlds::duplex_with(handler).await,
        Transport::Http => {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
            let service = StreamableHttpService::new(
                move || Ok(handler.clone()),
                Arc::new(LocalSessionManager::default()),
                StreamableHttpServerConfig::default(),
            );
            let router = axum::Router::new().nest_service("/mcp", service);
            tokio::spawn(async { axum::serve(listener, router).await });
            worlds::connect(&url).await
        }
    }
}

async fn call(client: &Client, tool: &'static str) -> Result<CallToolResult, ServiceError> {
    client.call_tool(request(tool, product(7))).await
}

/// A call that counts as failed if the tool refuses.
async fn ask(client: &Client, tool: &'static str) -> Result<String, String> {
    let answer = call(client, tool).await.map_err(|error| error.to_string())?;
    let said = text(&answer).to_owned();
    if answer.is_error == Some(true) { Err(said) } else { Ok(said) }
}

#[mcp_tool(tool = "flaky", skip_all)]
async fn tries_again(client: &Client, most: u32) -> Result<String, String> {
    let mut answer = Err("never tried".to_owned());
    for _ in 0..most {
        answer = ask(client, "flaky").await;
        if answer.is_ok() {
            break;
        }
    }
    answer
}

/// Waits until the servers' spans have ended too.
async fn tree(capturing: &Capturing, spans: usize) -> String {
    for _ in 0..500 {
        if capturing.spans().len() >= spans {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    capturing.tree()
}

/// The client's spans of calls, in the order in which they started.
fn attempts(capturing: &Capturing) -> Vec<Captured> {
    let mut spans = capturing.spans();
    spans.retain(|span| span.opentelemetry_kind == SpanKind::Client);
    spans.sort_by_key(|span| span.start);
    spans
}

#[tokio::test]
async fn a_second_attempt_that_succeeds() {
    for transport in BOTH {
        let client = server(transport, &[Does::Refuse("not now"), Does::Answer("42")]).await;
        let capturing = capture();
        assert_eq!(tries_again(&client, 3).await.as_deref(), Ok("42"));
        let expected = "\
TOOL flaky
  TOOL tools/call flaky ! not now
  TOOL tools/call flaky ! not now
  TOOL tools/call flaky
    TOOL tools/call flaky
";
        assert_eq!(tree(&capturing, 5).await, expected, "{transport:?}");
        let function = capturing.named("flaky");
        assert_eq!(function.status, Status::Ok);
        assert!(function.events.is_empty(), "{function:?}");
        let [first, second] = attempts(&capturing).try_into().expect("two attempts");
        assert_eq!(first.text("error.type"), Some("tool_error"));
        assert_eq!(first.events.len(), 1, "{first:?}");
        assert!(first.event("exception").is_some());
        assert!(function.start <= first.start && first.start <= first.end, "{capturing:?}");
        assert!(first.end <= second.start && second.end <= function.end, "{capturing:?}");
        for attempt in [&first, &second] {
            assert_eq!(attempt.parent_id, Some(function.span_id));
            assert_eq!(attempt.text("mcp.method.name"), Some("tools/call"));
            assert_eq!(attempt.text("tool.name"), Some("flaky"));
            assert!(attempt.text("mcp.protocol.version").is_some());
            assert!(attempt.duplicates.is_empty(), "{attempt:?}");
            // The function's attribute leaves the values out.
            assert_eq!(attempt.text("input.value"), None);
            assert_eq!(attempt.text("output.value"), None);
        }
        assert_eq!(function.text("mcp.protocol.version"), None, "{function:?}");
    }
}

#[tokio::test]
async fn all_attempts_fail() {
    for transport in BOTH {
        let client = server(transport, &[Does::Break, Does::Refuse("sold out")]).await;
        let capturing = capture();
        tries_again(&client, 2).await.expect_err("no answer");
        let expected = "\
TOOL flaky ! sold out
  TOOL tools/call flaky ! the shelf fell over
  TOOL tools/call flaky ! the shelf fell over
  TOOL tools/call flaky ! sold out
    TOOL tools/call flaky ! sold out
";
        assert_eq!(tree(&capturing, 5).await, expected, "{transport:?}");
        let [first, _] = attempts(&capturing).try_into().expect("two attempts");
        assert_eq!(first.text("error.type"), Some("-32603"));
        assert_eq!(first.text("rpc.response.status_code"), Some("-32603"));
        // The last attempt says why the function failed.
        assert_eq!(capturing.named("flaky").text("error.type"), Some("tool_error"));
    }
}

#[tokio::test]
async fn a_single_call_that_fails_with_the_function_is_one_span() {
    for transport in BOTH {
        let client = server(transport, &[Does::Refuse("sold out")]).await;
        let capturing = capture();
        tries_again(&client, 1).await.expect_err("no answer");
        let expected = "TOOL flaky ! sold out\n  TOOL tools/call flaky ! sold out\n";
        assert_eq!(tree(&capturing, 2).await, expected, "{transport:?}");
        let function = capturing.named("flaky");
        assert_eq!(function.text("error.type"), Some("tool_error"));
        assert!(function.text("mcp.protocol.version").is_some(), "{function:?}");
    }
}

#[mcp_tool(tool = "slow")]
async fn cached(client: &Client) -> String {
    let answer = timeout(PATIENCE, ask(client, "slow")).await;
    answer.unwrap_or_else(|_| Ok("41".to_owned())).unwrap_or_else(|_| "40".to_owned())
}

#[tokio::test]
async fn a_call_that_is_given_up() {
    for transport in BOTH {
        let client = server(transport, &[Does::Hang]).await;
        let capturing = capture();
        assert_eq!(cached(&client).await, "41");
        let expected = "\
TOOL slow
  TOOL tools/call slow ! cancelled
  TOOL tools/call slow ! cancelled
";
        assert_eq!(tree(&capturing, 3).await, expected, "{transport:?}");
        let function = capturing.named("slow");
        assert_eq!(function.status, Status::Ok);
        assert!(function.events.is_empty(), "{function:?}");
        let [attempt] = attempts(&capturing).try_into().expect("an attempt");
        assert!(attempt.event("cancelled").is_some(), "{attempt:?}");
        assert!(attempt.end <= function.end);
    }
}

#[mcp_tool(tool = "slow")]
async fn copes(client: &Client) -> Result<String, String> {
    Ok(ask(client, "slow").await.unwrap_or_else(|_| "40".to_owned()))
}

#[tokio::test]
async fn a_failure_that_is_replaced_by_a_value() {
    for (does, status, error_type) in
        [(Does::Refuse("sold out"), "sold out", "tool_error"), (Does::Break, "the shelf fell over", "-32603")]
    {
        let client = server(Transport::Pipe, &[does]).await;
        let capturing = capture();
        assert_eq!(copes(&client).await.as_deref(), Ok("40"));
        let expected = format!("TOOL slow\n{0}{0}", format_args!("  TOOL tools/call slow ! {status}\n"));
        assert_eq!(tree(&capturing, 3).await, expected);
        let [attempt] = attempts(&capturing).try_into().expect("an attempt");
        assert_eq!(attempt.text("error.type"), Some(error_type));
        assert_eq!(capturing.named("slow").text("error.type"), None);
    }
}

/// A function that cannot return an error may not have noticed that the tool refused.
#[tokio::test]
async fn a_refusal_that_the_function_cannot_return() {
    let client = server(Transport::Pipe, &[Does::Refuse("sold out")]).await;
    let capturing = capture();
    assert_eq!(cached(&client).await, "40");
    let expected = "TOOL slow ! sold out\n  TOOL tools/call slow ! sold out\n";
    assert_eq!(tree(&capturing, 2).await, expected);
}

#[tokio::test]
async fn a_broken_connection_is_survived() {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    let handler = TracedServer::new(Scripted(Arc::new(Mutex::new([Does::Sleep].into()))));
    let serving = tokio::spawn(async {
        let running = rmcp::ServiceExt::serve(handler, theirs).await.expect("a connection");
        let _ = timeout(PATIENCE, running.waiting()).await;
    });
    let client = a2a_otel::mcp::TracedClient::connect((), ours).await.expect("a connection");
    let capturing = capture();
    tries_again(&client, 2).await.expect_err("no connection");
    serving.await.expect("an end");
    let attempts = attempts(&capturing);
    assert_eq!(attempts.len(), 2, "{capturing:?}");
    for attempt in attempts {
        assert_eq!(attempt.text("error.type"), Some("transport_closed"), "{attempt:?}");
        assert_eq!(attempt.parent_id, Some(capturing.named("flaky").span_id));
    }
}

#[mcp_tool(tool = "twin", skip_all)]
async fn hedged(one: &Client, other: &Client) -> Result<String, String> {
    tokio::select! {
        answer = ask(one, "twin") => answer,
        answer = async {
            tokio::time::sleep(PATIENCE).await;
            ask(other, "twin").await
        } => answer,
    }
}

#[tokio::test]
async fn two_attempts_at_once() {
    for transport in BOTH {
        let slow = server(transport, &[Does::Hang]).await;
        let fast = server(transport, &[Does::Answer("42")]).await;
        let capturing = capture();
        assert_eq!(hedged(&slow, &fast).await.as_deref(), Ok("42"));
        let tree = tree(&capturing, 5).await;
        assert!(tree.starts_with("TOOL twin\n"), "{tree}");
        assert_eq!(tree.matches("  TOOL tools/call twin ! cancelled\n").count(), 2, "{transport:?} {tree}");
        assert!(tree.contains("  TOOL tools/call twin\n    TOOL tools/call twin\n"), "{transport:?} {tree}");
    }
}

#[mcp_tool(tool = "everything", skip_all)]
async fn joins(one: &Client, other: &Client) -> usize {
    let (one, other) = tokio::join!(ask(one, "everything"), ask(other, "everything"));
    usize::from(one.is_ok()) + usize::from(other.is_ok())
}

#[tokio::test]
async fn two_attempts_that_are_joined() {
    let one = server(Transport::Http, &[Does::Break]).await;
    let other = server(Transport::Pipe, &[Does::Answer("42")]).await;
    let capturing = capture();
    assert_eq!(joins(&one, &other).await, 1);
    tree(&capturing, 5).await;
    let function = capturing.named("everything");
    assert_eq!(function.status, Status::Ok);
    let attempts = attempts(&capturing);
    let failed: Vec<_> = attempts.iter().map(|one| matches!(one.status, Status::Error { .. })).collect();
    assert_eq!(failed, [true, false], "{capturing:?}");
    assert!(attempts.iter().all(|one| one.parent_id == Some(function.span_id)), "{capturing:?}");
}

#[mcp_tool(tool = "primary", skip_all)]
async fn falls_back(client: &Client, is_late: bool) -> Result<String, String> {
    if is_late {
        ask(client, "before").await?;
    }
    match ask(client, "primary").await {
        Ok(answer) => ask(client, "after").await.map(|_| answer),
        Err(_) => ask(client, "secondary").await,
    }
}

#[tokio::test]
async fn a_fallback_to_another_tool() {
    let client = server(Transport::Pipe, &[Does::Refuse("no"), Does::Refuse("neither")]).await;
    let capturing = capture();
    falls_back(&client, false).await.expect_err("no answer");
    let expected = "\
TOOL primary ! neither
  TOOL tools/call primary ! no
  TOOL tools/call primary ! no
  TOOL tools/call secondary ! neither
    TOOL tools/call secondary ! neither
";
    assert_eq!(tree(&capturing, 5).await, expected);
}

/// Other calls before and after a good one do not make it a second attempt.
#[tokio::test]
async fn other_calls_beside_a_good_one() {
    let client = server(Transport::Pipe, &[Does::Answer("1"), Does::Answer("2"), Does::Answer("3")]).await;
    let capturing = capture();
    falls_back(&client, true).await.expect("an answer");
    let expected = "\
TOOL primary
  TOOL tools/call before
    TOOL tools/call before
  TOOL tools/call primary
  TOOL tools/call after
    TOOL tools/call after
";
    assert_eq!(tree(&capturing, 6).await, expected);
    assert!(capturing.named("primary").text("mcp.protocol.version").is_some());
}

#[tool_span]
async fn from_the_shelf() -> Result<String, String> {
    Err("an empty shelf".to_owned())
}

#[mcp_tool(tool = "local", skip_all)]
async fn falls_back_here(client: &Client) -> Result<String, String> {
    match ask(client, "local").await {
        Ok(answer) => Ok(answer),
        Err(_) => from_the_shelf().await,
    }
}

#[tokio::test]
async fn a_fallback_to_a_tool_of_this_process() {
    let client = server(Transport::Pipe, &[Does::Refuse("no")]).await;
    let capturing = capture();
    falls_back_here(&client).await.expect_err("no answer");
    let expected = "\
TOOL local ! an empty shelf
  TOOL tools/call local ! no
  TOOL tools/call local ! no
  TOOL from_the_shelf ! an empty shelf
";
    assert_eq!(tree(&capturing, 4).await, expected);
}

#[mcp_tool(tool = "refuse", skip_all)]
async fn hands_on(client: &Client) -> Result<CallToolResult, ServiceError> {
    call(client, "refuse").await
}

#[mcp_tool(tool = "refuse", output = text(output))]
async fn hands_on_text(client: &Client) -> CallToolResult {
    call(client, "refuse").await.expect("an answer")
}

#[mcp_tool(tool = "refuse", skip_all)]
async fn hands_on_the_second(client: &Client) -> Option<CallToolResponse> {
    call(client, "refuse").await.expect_err("broken");
    call(client, "refuse").await.ok().map(Into::into)
}

/// What the function returned is its outcome.
#[tokio::test]
async fn a_refusal_that_is_handed_on() {
    let client =
        server(Transport::Pipe, &[Does::Refuse("no"), Does::Refuse("no"), Does::Break, Does::Refuse("no")])
            .await;
    for kind in 0..3 {
        let capturing = capture();
        match kind {
            0 => drop(hands_on(&client).await),
            1 => drop(hands_on_text(&client).await),
            _ => drop(hands_on_the_second(&client).await),
        }
        tree(&capturing, if kind == 2 { 5 } else { 2 }).await;
        let function = capturing.named("refuse");
        assert_eq!(function.status, Status::error("no"), "{capturing:?}");
        assert_eq!(function.text("error.type"), Some("tool_error"));
        assert_eq!(function.events.len(), 1, "{function:?}");
        assert_eq!(attempts(&capturing).len(), if kind == 2 { 2 } else { 0 }, "{capturing:?}");
    }
}

#[mcp_tool(tool = "slow", skip_all)]
async fn waits(client: &Client) -> Result<String, String> {
    ask(client, "slow").await
}

#[mcp_tool(tool = "slow", skip_all)]
async fn waits_after_giving_up(client: &Client) {
    let _ = timeout(PATIENCE, ask(client, "slow")).await;
    std::future::pending().await
}

#[tokio::test]
async fn a_function_that_is_dropped_with_its_call() {
    for transport in BOTH {
        let client = server(transport, &[Does::Hang]).await;
        let capturing = capture();
        timeout(PATIENCE, waits(&client)).await.expect_err("a time-out");
        let expected = "TOOL slow ! cancelled\n  TOOL tools/call slow ! cancelled\n";
        assert_eq!(tree(&capturing, 2).await, expected, "{transport:?}");
        assert!(capturing.named("slow").text("mcp.protocol.version").is_some());
    }
}

#[tokio::test]
async fn a_function_that_is_dropped_after_its_call() {
    let client = server(Transport::Pipe, &[Does::Hang]).await;
    let capturing = capture();
    timeout(3 * PATIENCE, waits_after_giving_up(&client)).await.expect_err("a time-out");
    let expected = "\
TOOL slow ! cancelled
  TOOL tools/call slow ! cancelled
  TOOL tools/call slow ! cancelled
";
    assert_eq!(tree(&capturing, 3).await, expected);
}

#[mcp_tool(tool = "later", skip_all)]
async fn leaves_a_call_behind(client: Arc<Client>, left: &Mutex<Option<JoinHandle<()>>>) {
    let (started, has_started) = tokio::sync::oneshot::channel();
    let call = async move {
        started.send(()).expect("a listener");
        ask(&client, "later").await.expect_err("a refusal");
    };
    let call = tokio::spawn(a2a_otel::InCurrentSpan::in_current_span(call));
    has_started.await.expect("a start");
    *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
}

/// The call ends after the function has.
#[tokio::test]
async fn a_call_that_is_left_behind() {
    let client = Arc::new(server(Transport::Http, &[Does::Refuse("too late")]).await);
    let capturing = capture();
    let left = Mutex::new(None);
    leaves_a_call_behind(client, &left).await;
    let call = left.into_inner().unwrap_or_else(PoisonError::into_inner).expect("a call");
    call.await.expect("an end");
    let tree = tree(&capturing, 3).await;
    assert!(tree.starts_with("TOOL later\n  TOOL tools/call later"), "{tree}");
    assert_eq!(capturing.named("later").status, Status::Ok);
    assert!(tree.contains("! too late"), "{tree}");
}

#[mcp_tool(tool = "panics", skip_all)]
async fn panics_after(client: &Client) {
    timeout(PATIENCE, ask(client, "panics")).await.expect("in time").expect("an answer");
}

#[tokio::test]
async fn a_function_that_panics_because_it_gave_up() {
    let client = server(Transport::Pipe, &[Does::Hang]).await;
    let capturing = capture();
    let panicked = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(panics_after(&client)));
    panicked.await.expect_err("a panic");
    let tree = tree(&capturing, 3).await;
    assert!(tree.starts_with("TOOL panics ! in time"), "{tree}");
    assert_eq!(tree.matches("  TOOL tools/call panics ! cancelled\n").count(), 2, "{tree}");
}

#[chain_span]
async fn calls_twice(client: &Client) -> usize {
    usize::from(ask(client, "twice").await.is_ok()) + usize::from(ask(client, "twice").await.is_ok())
}

/// Values are left out only below a function that records its own.
#[tokio::test]
async fn calls_of_a_function_that_is_no_tool_record_their_values() {
    let client = server(Transport::Pipe, &[Does::Answer("1"), Does::Answer("2")]).await;
    let capturing = capture();
    calls_twice(&client).await;
    let attempts = attempts(&capturing);
    assert_eq!(attempts.len(), 2);
    for (attempt, output) in attempts.iter().zip(["1", "2"]) {
        assert!(attempt.text("input.value").is_some_and(|input| input.contains("hunter2")), "{attempt:?}");
        assert_eq!(attempt.text("output.value"), Some(output));
    }
}
