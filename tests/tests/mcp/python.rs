//! Tests the official Python SDK as the peer, which records its own spans.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use a2a_otel::mcp::TracedClient;
use a2a_otel::testing::{Capturing, ReceivedSpan, Receiver, capture};
use a2a_otel::{agent_span, with_session};
use a2a_otel_tests::python::python_environment;
use a2a_otel_tests::services::{Service, free_ports, require};
use rmcp::model::{CallToolRequestParams, ReadResourceRequestParams};
use rmcp::transport::StreamableHttpClientTransport;

use crate::both_ways::Helper;
use crate::processes::{exporting, http_shop, quiet, shop};
use crate::seen::{Seen, Trace, received};
use crate::worlds::{Client, describe, text};

pub(crate) fn python() -> Option<PathBuf> {
    let requirements =
        ["mcp==2.3.0", "opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"];
    require("Python's MCP SDK", python_environment("mcp-2.3.0", &requirements))
}

fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name));
    command
}

pub(crate) fn client_script(python: &Path) -> Command {
    script(python, "mcp_client.py")
}

fn server_script(python: &Path, receiver: &Receiver) -> Command {
    let mut command = script(python, "mcp_server.py");
    command.envs(exporting(receiver));
    command
}

/// What the Python client prints about its visit.
fn send_client(python: &Path, receiver: &Receiver, mode: &str, server: &[&str]) -> String {
    send_on(python, receiver, "visit", mode, server)
}

/// What the Python client prints about an errand, the name of one of its functions.
fn send_on(python: &Path, receiver: &Receiver, errand: &str, mode: &str, server: &[&str]) -> String {
    let mut client = client_script(python);
    client
        .args(server)
        .envs(exporting(receiver))
        .env("ERRAND", errand)
        .env("MCP_MODE", mode)
        .env("SESSION", "s-1")
        .stdin(Stdio::null());
    let output = client.output().expect("a Python that runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    printed
}

/// What Python's client and our server record of its visit.
fn assert_visited(receiver: &Receiver, printed: &str) {
    assert!(printed.contains("stock 42\nbare 8\nrefused True\nunknown MCPError\n"), "{printed}");
    let spans = received(receiver, |spans| {
        let count = |name| spans.iter().filter(|span| span.name == name).count();
        count("visit") == 1 && count("look_up") == 4 && count("tools/call sell_the_shop") == 1
    });
    let trace = Trace::of(spans);
    for target in ["tools/call check_stock", "tools/call bare", "resources/read", "prompts/get describe"] {
        let called = format!("MCP send {target}");
        let served = trace.only(&["visit", &called, target]);
        assert_eq!(served.attributes["session.id"], "s-1", "{served:?}");
        assert_eq!(served.attributes["user.id"], "ada", "{served:?}");
        trace.only(&["visit", &called, target, "look_up"]);
    }
    trace.only(&["visit", "MCP send tools/list", "tools/list"]);
    let refused = trace.only(&["visit", "MCP send tools/call refuse", "tools/call refuse"]);
    assert_eq!(refused.error.as_deref(), Some("sold out"));
    let unknown = trace.only(&["visit", "MCP send tools/call sell_the_shop", "tools/call sell_the_shop"]);
    assert_eq!(unknown.attributes["error.type"], "-32602");
}

#[test]
fn a_python_client_over_pipes_is_in_one_trace_with_our_server() {
    let Some(python) = python() else { return };
    for mode in ["legacy", "auto"] {
        let receiver = Receiver::start();
        let shop = shop();
        let program = shop.get_program().to_str().expect("a path");
        let printed = send_client(&python, &receiver, mode, &["--", program]);
        assert_visited(&receiver, &printed);
    }
}

#[test]
fn a_python_client_over_http_is_in_one_trace_with_our_server() {
    let Some(python) = python() else { return };
    for mode in ["legacy", "auto"] {
        let receiver = Receiver::start();
        let (_shop, url) = http_shop(&receiver, &[]);
        let printed = send_client(&python, &receiver, mode, &[&url]);
        assert_visited(&receiver, &printed);
    }
}

#[test]
fn the_headers_of_a_python_client_name_the_parent() {
    let Some(python) = python() else { return };
    for mode in ["legacy", "auto"] {
        let receiver = Receiver::start();
        let (_shop, url) = http_shop(&receiver, &[]);
        let printed = send_on(&python, &receiver, "visit_with_headers_alone", mode, &[&url]);
        assert!(printed.contains("bare 8\n"), "{printed}");
        let trace = Trace::of(received(&receiver, |spans| {
            let count = |name| spans.iter().filter(|span| span.name == name).count();
            count("visit") == 1 && count("look_up") == 1 && count("tools/call bare") == 1
        }));
        let served = trace.only(&["visit", "tools/call bare"]);
        assert_eq!(served.attributes["session.id"], "s-1", "{served:?}");
        assert_eq!(served.attributes["user.id"], "ada", "{served:?}");
        trace.only(&["visit", "tools/call bare", "look_up"]);
    }
}

/// Checks what is recorded of a server's question to a Python client.
fn assert_asked(receiver: &Receiver, printed: &str) {
    assert!(printed.contains("asked a-model\n"), "{printed}");
    let trace = Trace::of(received(receiver, |spans| {
        let has = |name: &str| spans.iter().any(|span| span.name == name);
        has("visit") && has("think") && has("tools/call ask")
    }));
    let asked = ["visit", "MCP send tools/call ask", "tools/call ask", "sampling/createMessage"];
    assert_eq!(trace.only(&asked).attributes["session.id"], "s-1");
    trace.only(&[&asked[..], &["think"]].concat());
}

/// A server asks only over connections that began with a handshake.
#[test]
fn what_our_server_asks_a_python_client_is_below_its_tool() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start();
    let shop = shop();
    let program = shop.get_program().to_str().expect("a path");
    assert_asked(&receiver, &send_on(&python, &receiver, "be_asked", "legacy", &["--", program]));
    let receiver = Receiver::start();
    let (_shop, url) = http_shop(&receiver, &[]);
    assert_asked(&receiver, &send_on(&python, &receiver, "be_asked", "legacy", &[&url]));
}

#[agent_span(skip_all)]
async fn visit(client: &Client) {
    client.list_all_tools().await.expect("tools");
    let whose = client.call_tool(CallToolRequestParams::new("whose")).await.expect("an answer");
    assert_eq!(text(&whose), "s-1 ada");
    client.call_tool(CallToolRequestParams::new("refuse")).await.expect("a refusal");
    client.read_resource(ReadResourceRequestParams::new("shop://catalogue")).await.expect("a catalogue");
    client.get_prompt(describe("1")).await.expect("a prompt");
    client.call_tool(CallToolRequestParams::new("sell_the_shop")).await.ok();
}

#[agent_span(skip_all)]
async fn visit_child(python: &Path, receiver: &Receiver) {
    let child = quiet(server_script(python, receiver).into());
    let client = TracedClient::connect((), child).await.expect("a connection");
    visit(&client).await;
    client.into_inner().cancel().await.expect("an end");
}

#[agent_span(skip_all)]
async fn visit_url(url: &str) {
    let transport = StreamableHttpClientTransport::from_uri(url);
    let client = TracedClient::connect((), transport).await.expect("a connection");
    visit(&client).await;
    client.into_inner().cancel().await.expect("an end");
}

fn assert_served(root: &str, capturing: &Capturing, receiver: &Receiver) {
    let mut spans = received(receiver, |spans| spans.iter().any(|span| span.name.ends_with("sell_the_shop")));
    // The handshake names no caller, so Python's SDK starts a trace for it.
    let is_handshake = |span: &Seen| span.name == "initialize" && span.is_root();
    assert_eq!(spans.iter().filter(|span| is_handshake(span)).count(), 1, "{spans:#?}");
    spans.retain(|span| !is_handshake(span));
    spans.extend(capturing.spans().iter().map(Seen::from));
    let trace = Trace::of(spans);
    trace.only(&[root, "initialize"]);
    trace.only(&[root, "initialize", "notifications/initialized"]);
    let path = [root, "visit", "tools/call whose", "tools/call whose", "look_up"];
    trace.only(&path);
    assert_eq!(trace.only(&path[..3]).attributes["a2a_otel.mcp.server.name"], "python-shop");
    assert_eq!(trace.only(&path[..3]).attributes["tool.description"], "Says on whose behalf it is called.");
    // Python also names a resource's span after the method.
    for target in ["tools/list", "resources/read", "prompts/get describe", "tools/call sell_the_shop"] {
        trace.only(&[root, "visit", target, target]);
    }
    let refused = trace.only(&[root, "visit", "tools/call refuse"]);
    assert_eq!(refused.attributes["error.type"], "tool_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_server_over_pipes_is_in_one_trace_with_our_client() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start();
    let capturing = capture();
    with_session("s-1").user("ada").wrap(visit_child(&python, &receiver)).await;
    assert_served("visit_child", &capturing, &receiver);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_server_over_http_is_in_one_trace_with_our_client() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start();
    let [port] = free_ports();
    let mut command = server_script(&python, &receiver);
    command.arg(port.to_string());
    let mut service = Service::start("mcp-python", &command).expect("a server");
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    service.wait_until(Duration::from_secs(30), listens).expect("a server that listens");
    let capturing = capture();
    let url = format!("http://127.0.0.1:{port}/mcp");
    with_session("s-1").user("ada").wrap(visit_url(&url)).await;
    assert_served("visit_url", &capturing, &receiver);
}

#[agent_span(skip_all)]
async fn ask(python: &Path, receiver: &Receiver) {
    let child = quiet(server_script(python, receiver).into());
    let client = TracedClient::connect(Helper, child).await.expect("a connection");
    let answer = client.call_tool(CallToolRequestParams::new("ask")).await.expect("an answer");
    assert_eq!(text(&answer), "WHICH?");
    client.into_inner().cancel().await.expect("an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_python_server_asks_is_below_its_tool() {
    let Some(python) = python() else { return };
    let receiver = Receiver::start();
    let capturing = capture();
    with_session("s-1").user("ada").wrap(ask(&python, &receiver)).await;
    let is_end = |span: &ReceivedSpan| span.name.ends_with("tools/call ask");
    let mut spans = received(&receiver, |spans| spans.iter().any(is_end));
    spans.retain(|span| !(span.name == "initialize" && span.is_root()));
    spans.extend(capturing.spans().iter().map(Seen::from));
    let trace = Trace::of(spans);
    let sampled = [
        "ask",
        "tools/call ask",
        "tools/call ask",
        "MCP send sampling/createMessage",
        "sampling/createMessage",
    ];
    assert_eq!(trace.only(&sampled).attributes["session.id"], "s-1");
    trace.only(&[&sampled[..], &["think"]].concat());
    trace.only(&["ask", "tools/call ask", "notifications/progress", "seen"]);
}
