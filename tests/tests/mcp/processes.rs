//! Tests a server in a separate process, over pipes and over HTTP.

use std::process::{Command, Stdio};
use std::time::Duration;

use a2a_otel::mcp::TracedClient;
use a2a_otel::testing::{Capturing, Receiver, capture};
use a2a_otel::{agent_span, with_session};
use a2a_otel_tests::services::{Service, free_ports};
use a2a_otel_tests::shop::CATALOGUE;
use rmcp::model::{CallToolRequestParams, ReadResourceRequestParams};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};

use crate::seen::{Seen, Trace, received};
use crate::worlds::{Client, describe, product, request};

/// The environment of a process that exports there.
pub(crate) fn exporting(receiver: &Receiver) -> [(&'static str, String); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ]
}

pub(crate) fn shop() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mcp_shop"))
}

/// Starts a server over HTTP, and returns its URL.
pub(crate) fn http_shop(receiver: &Receiver, more: &[(&str, &str)]) -> (Service, String) {
    let [port] = free_ports();
    let mut command = shop();
    let address = format!("127.0.0.1:{port}");
    command.arg(&address).envs(exporting(receiver)).envs(more.iter().copied());
    let mut service = Service::start("mcp-shop", &command).expect("a shop");
    let listens = || std::net::TcpStream::connect(&address).is_ok();
    service.wait_until(Duration::from_secs(20), listens).expect("a shop that listens");
    (service, format!("http://{address}/mcp"))
}

/// A child process whose log is discarded.
pub(crate) fn quiet(command: tokio::process::Command) -> TokioChildProcess {
    let child = TokioChildProcess::builder(command).stderr(Stdio::null()).spawn();
    child.expect("a child").0
}

async fn stdio(receiver: &Receiver, more: &[(&str, &str)]) -> Client {
    let mut command = tokio::process::Command::from(shop());
    command.envs(exporting(receiver)).envs(more.iter().copied());
    let child = quiet(command);
    TracedClient::connect((), child).await.expect("a connection")
}

#[agent_span(skip_all)]
async fn visit(client: &Client) {
    client.list_all_tools().await.expect("tools");
    client.call_tool(request("check_stock", product(21))).await.expect("a stock");
    client.call_tool(request("bare", product(4))).await.expect("a stock");
    client.call_tool(CallToolRequestParams::new("refuse")).await.expect("a refusal");
    client.call_tool(CallToolRequestParams::new("sell_the_shop")).await.expect_err("no such tool");
    client.read_resource(ReadResourceRequestParams::new(CATALOGUE)).await.expect("a catalogue");
    client.get_prompt(describe("1")).await.expect("a prompt");
}

/// The servers' spans of a visit: one for each request, and those below.
const SERVED: usize = 7 + 4;

fn assert_visit(capturing: &Capturing, receiver: &Receiver) {
    let mut spans = received(receiver, |spans| spans.len() >= SERVED);
    assert_eq!(spans.len(), SERVED, "{spans:#?}");
    spans.extend(capturing.spans().iter().map(Seen::from));
    let trace = Trace::of(spans);
    for target in ["tools/call check_stock", "tools/call bare", "resources/read", "prompts/get describe"] {
        trace.only(&["visit", target, target, "look_up"]);
    }
    for (target, message) in
        [("tools/call refuse", "sold out"), ("tools/call sell_the_shop", "tool not found")]
    {
        let error = trace.only(&["visit", target, target]).error.as_deref();
        assert!(error.is_some_and(|error| error.contains(message)), "{error:?}");
    }
    trace.only(&["visit", "tools/list", "tools/list"]);
    for span in &trace.0 {
        assert_eq!(span.attributes.get("session.id").map(String::as_str), Some("s-1"), "{span:?}");
        assert_eq!(span.attributes.get("user.id").map(String::as_str), Some("ada"), "{span:?}");
    }
}

async fn observe(client: &Client) -> Capturing {
    let capturing = capture();
    with_session("s-1").user("ada").wrap(visit(client)).await;
    capturing
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_one_trace_over_pipes() {
    let receiver = Receiver::start();
    let client = stdio(&receiver, &[]).await;
    let capturing = observe(&client).await;
    client.into_inner().cancel().await.expect("an end");
    assert_visit(&capturing, &receiver);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_one_trace_over_http_between_processes() {
    let receiver = Receiver::start();
    let (_shop, url) = http_shop(&receiver, &[]);
    let transport = StreamableHttpClientTransport::from_uri(url);
    let client = TracedClient::connect((), transport).await.expect("a connection");
    let capturing = observe(&client).await;
    assert_visit(&capturing, &receiver);
}

#[agent_span(skip_all)]
async fn arrive(receiver: &Receiver) {
    let client = stdio(receiver, &[]).await;
    client.call_tool(request("bare", product(4))).await.expect("a stock");
    client.into_inner().cancel().await.expect("an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_in_a_span_sees_the_handshake_on_its_own_side() {
    let receiver = Receiver::start();
    let capturing = capture();
    arrive(&receiver).await;
    let mut spans = received(&receiver, |spans| spans.len() >= 2);
    spans.extend(capturing.spans().iter().map(Seen::from));
    let trace = Trace::of(spans);
    let called = trace.only(&["arrive", "initialize"]);
    assert_eq!(called.attributes["a2a_otel.mcp.server.name"], "rmcp");
    trace.only(&["arrive", "tools/call bare", "tools/call bare", "look_up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_connect_in_a_span_sees_why() {
    let [port] = free_ports();
    let capturing = capture();
    let refused = connect_in_vain(&format!("http://127.0.0.1:{port}/mcp")).await;
    refused.expect_err("nobody listens");
    let span = capturing.named("initialize");
    assert!(Seen::from(&span).error.is_some_and(|error| error.contains("initialize")), "{span:?}");
    assert_eq!(span.text("error.type"), Some("transport_send"));
}

#[agent_span(skip_all)]
async fn connect_in_vain(url: &str) -> Result<Client, rmcp::service::ClientInitializeError> {
    TracedClient::connect((), StreamableHttpClientTransport::from_uri(url)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_the_middle_is_an_error() {
    let receiver = Receiver::start();
    let client = stdio(&receiver, &[]).await;
    let capturing = capture();
    client.call_tool(CallToolRequestParams::new("die")).await.expect_err("it died");
    let span = capturing.only();
    assert_eq!(span.name, "tools/call die");
    assert_eq!(span.text("error.type"), Some("transport_closed"));
    assert!(span.event("exception").is_some(), "{span:?}");
}

/// rmcp's client retries the stream until its caller gives up.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_server_over_http_that_dies_ends_with_the_caller_s_patience() {
    let receiver = Receiver::start();
    let (_shop, url) = http_shop(&receiver, &[]);
    let client = TracedClient::connect((), StreamableHttpClientTransport::from_uri(url)).await;
    let client = client.expect("a connection");
    let capturing = capture();
    let call = client.call_tool(CallToolRequestParams::new("die"));
    let _ = tokio::time::timeout(Duration::from_secs(2), call).await;
    let span = capturing.only();
    assert!(Seen::from(&span).error.is_some(), "{span:?}");
}

/// The server's own attributes and the protocol's are masked alike.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_hidden_on_the_server_s_spans_too() {
    let receiver = Receiver::start();
    let hidden = [("OPENINFERENCE_HIDE_INPUTS", "true"), ("OPENINFERENCE_HIDE_OUTPUTS", "true")];
    let client = stdio(&receiver, &hidden).await;
    observe(&client).await;
    client.into_inner().cancel().await.expect("an end");
    let spans = received(&receiver, |spans| spans.len() >= SERVED);
    for span in &spans {
        let told = format!("{span:?}");
        for secret in ["hunter2", "lamp, table", "sold out", "in a sentence", "shop://"] {
            let is_list = span.name.ends_with("/list");
            assert!(is_list || !told.contains(secret), "{secret} in {span:?}");
        }
    }
}
