//! Calls over MCP and A2A, and calls that are observed twice.

use std::sync::Arc;

use a2a::{A2AError, CancelTaskRequest, GetTaskRequest, SendMessageResponse, StreamResponse};
use a2a_client::A2AClientFactory;
use a2a_otel::a2a::ContextInterceptor;
use a2a_otel::mcp::{TracedClient, TracedServer};
use a2a_otel::semconv::GenAiVersion;
use a2a_otel::{a2a_call, agent_span, tool_span};
use a2a_otel_tests::parrot::{Binding, Client, Parrot, connect, drain, observed, request, serve};
use a2a_otel_tests::shop::{CATALOGUE, Shop, serve_http};
use futures::StreamExt as _;
use rmcp::model::{CallToolRequestParams, CallToolResult, ReadResourceRequestParams};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{RoleClient, Service, ServiceError, ServiceExt as _};
use serde_json::json;

use crate::world::{EACH, count, figures, recorded, sum};

type Connected = TracedClient<()>;

/// Runs to the end, and then ends the servers and tasks.
pub(crate) fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work);
}

async fn connected() -> Connected {
    let (theirs, ours) = tokio::io::duplex(4096);
    tokio::spawn(async {
        let serving = TracedServer::new(Shop::new()).serve(theirs).await.expect("a client connects");
        let _ = serving.waiting().await;
    });
    TracedClient::connect((), ours).await.expect("a connection")
}

fn call(tool: &'static str) -> CallToolRequestParams {
    let arguments = json!({"product": 21}).as_object().cloned().expect("an object");
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

#[tool_span]
async fn check_stock<S: Service<RoleClient>>(
    client: &TracedClient<S>,
) -> Result<CallToolResult, ServiceError> {
    client.call_tool(call("check_stock")).await
}

#[tool_span]
async fn refuse(client: &Connected) -> bool {
    client.call_tool(call("refuse")).await.is_ok()
}

#[tool_span(tool = "break_down")]
async fn copes(client: &Connected) -> bool {
    client.call_tool(call("break_down")).await.is_err()
}

#[tool_span(tool = "break_down")]
async fn breaks(client: &Connected) -> Result<CallToolResult, ServiceError> {
    client.call_tool(call("break_down")).await
}

#[agent_span(name = "buyer")]
async fn buyer(client: &Connected) {
    check_stock(client).await.expect("a stock");
    // An agent's call of a tool, without a function of its own.
    client.call_tool(call("bare")).await.expect("a stock");
    refuse(client).await;
    copes(client).await;
    breaks(client).await.expect_err("it breaks");
    client.read_resource(ReadResourceRequestParams::new(CATALOGUE)).await.expect("a catalogue");
}

pub(crate) fn mcp_scene() {
    run(async {
        let client = connected().await;
        buyer(&client).await;
        let hanging =
            tokio::time::timeout(std::time::Duration::from_millis(100), client.call_tool(call("hang_on")));
        hanging.await.expect_err("it never ends");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(serve_http(listener));
        let transport = StreamableHttpClientTransport::from_uri(format!("http://{address}/mcp"));
        let client = TracedClient::connect((), transport).await.expect("a connection");
        check_stock(&client).await.expect("a stock");
    });
}

#[test]
fn a_tool_over_mcp_is_one_call_on_each_side() {
    let each = EACH.map(|sampled| recorded(sampled, GenAiVersion::V1_41, mcp_scene));
    for metrics in &each {
        let of = |side: &str, labels: &[(&str, &str)]| {
            count(metrics, &format!("mcp.{side}.operation.duration"), labels)
        };
        let call = ("mcp.method.name", "tools/call");
        for side in ["client", "server"] {
            assert_eq!(of(side, &[call, ("gen_ai.tool.name", "check_stock")]), 2, "{side} {metrics}");
            assert_eq!(
                of(side, &[call, ("gen_ai.tool.name", "refuse"), ("error.type", "tool_error")]),
                1,
                "{metrics}"
            );
            let broken = [call, ("error.type", "-32603"), ("rpc.response.status_code", "-32603")];
            assert_eq!(of(side, &broken), 2, "{side} {metrics}");
            assert_eq!(of(side, &[("mcp.method.name", "resources/read")]), 1, "{side} {metrics}");
            assert_eq!(of(side, &[("mcp.method.name", "initialize")]), 2, "{side} {metrics}");
        }
        assert_eq!(
            of("client", &[("gen_ai.tool.name", "hang_on"), ("error.type", "cancelled")]),
            1,
            "{metrics}"
        );
        assert!(of("server", &[call, ("network.transport", "tcp")]) > 0, "{metrics}");
        let tool = |labels: &[(&str, &str)]| count(metrics, "gen_ai.execute_tool.duration", labels);
        // The function that calls, and the function that serves.
        assert_eq!(tool(&[("gen_ai.tool.name", "check_stock")]), 4, "{metrics}");
        let buyer = ("gen_ai.agent.name", "buyer");
        assert_eq!(
            tool(&[("gen_ai.tool.name", "refuse"), buyer, ("error.type", "tool_error")]),
            1,
            "{metrics}"
        );
        // The function that copes has not failed, for the protocol's error is not one of the tool.
        assert_eq!(tool(&[("gen_ai.tool.name", "break_down"), buyer]), 2, "{metrics}");
        assert_eq!(
            tool(&[("gen_ai.tool.name", "break_down"), buyer, ("error.type", "-32603")]),
            1,
            "{metrics}"
        );
        assert_eq!(sum(metrics, "gen_ai.invoke_agent.tool_calls", &[buyer]), 5.0, "{metrics}");
        assert_eq!(figures(metrics), figures(&each[0]));
    }
}

/// Tries again, and answers itself in the end.
#[tool_span(tool = "refuse", skip_all)]
async fn insists(client: &Connected, attempts: usize) -> Result<&'static str, ServiceError> {
    for _ in 0..attempts {
        client.call_tool(call("refuse")).await?;
    }
    Ok("no matter")
}

#[tool_span(tool = "hang_on", skip_all)]
async fn gives_up(client: &Connected) -> bool {
    let hanging = client.call_tool(call("hang_on"));
    tokio::time::timeout(std::time::Duration::from_millis(100), hanging).await.is_ok()
}

/// Asks another tool instead.
#[tool_span(tool = "refuse", skip_all)]
async fn falls_back(client: &Connected) -> bool {
    let _ = client.call_tool(call("refuse")).await;
    client.call_tool(call("check_stock")).await.is_ok()
}

#[tool_span(tool = "break_down", skip_all)]
async fn breaks_at_last(client: &Connected) -> Result<CallToolResult, ServiceError> {
    let _ = client.call_tool(call("refuse")).await;
    let _ = client.call_tool(call("break_down")).await;
    client.call_tool(call("break_down")).await
}

/// Hands on the refusal of its second attempt.
#[tool_span(tool = "refuse", skip_all)]
async fn refuses_at_last(client: &Connected) -> Option<CallToolResult> {
    let _ = client.call_tool(call("refuse")).await;
    client.call_tool(call("refuse")).await.ok()
}

/// A call counts as what its function returned; the requests are counted as what they are.
#[test]
fn a_function_that_recovers_has_not_failed() {
    let each = EACH.map(|sampled| {
        recorded(sampled, GenAiVersion::V1_41, || {
            run(async {
                let client = connected().await;
                insists(&client, 1).await.expect("an answer");
                insists(&client, 2).await.expect("an answer");
                gives_up(&client).await;
                falls_back(&client).await;
                breaks_at_last(&client).await.expect_err("it breaks");
                refuses_at_last(&client).await.expect("a refusal");
            });
        })
    });
    for metrics in &each {
        // The functions of this process; those of the server record `break_down` and `refuse` as failed, too.
        let requests = |labels: &[(&str, &str)]| count(metrics, "mcp.client.operation.duration", labels);
        assert_eq!(requests(&[("gen_ai.tool.name", "refuse"), ("error.type", "tool_error")]), 7, "{metrics}");
        assert_eq!(requests(&[("gen_ai.tool.name", "hang_on"), ("error.type", "cancelled")]), 1, "{metrics}");
        let tool = |labels: &[(&str, &str)]| count(metrics, "gen_ai.execute_tool.duration", labels);
        let (refuse, hang_on) = (("gen_ai.tool.name", "refuse"), ("gen_ai.tool.name", "hang_on"));
        assert_eq!(tool(&[refuse]), 4 + 7, "{metrics}");
        assert_eq!(tool(&[refuse, ("error.type", "tool_error")]), 1, "{metrics}");
        assert_eq!(tool(&[hang_on, ("error.type", "cancelled")]), 1, "the server's: {metrics}");
        assert_eq!(tool(&[("gen_ai.tool.name", "break_down"), ("error.type", "-32603")]), 1, "{metrics}");
        assert_eq!(figures(metrics), figures(&each[0]));
    }
}

#[a2a_call(peer = "parrot")]
async fn ask(client: &Client, text: &str) -> Result<SendMessageResponse, A2AError> {
    client.send_message(&request(text)).await
}

/// Asks until it gets an answer.
#[a2a_call(peer = peer, skip(client))]
async fn insist<T: a2a_client::Transport>(
    peer: &str,
    client: &a2a_client::A2AClient<T>,
) -> Result<SendMessageResponse, A2AError> {
    let _ = client.send_message(&request("err")).await;
    let _ = client.send_message(&request("err")).await;
    client.send_message(&request("hello")).await
}

pub(crate) fn a2a_scene() {
    run(async {
        let card = serve(Binding::JsonRpc, observed(Parrot::default())).await;
        let client = connect(&card).await;
        for text in ["hello there", "fail", "reject", "ask", "message"] {
            client.send_message(&request(text)).await.expect("an answer");
        }
        client.send_message(&request("err")).await.expect_err("a broken wing");
        let events = client.send_streaming_message(&request("one two three")).await.expect("a stream");
        drain(events).await;
        client
            .get_task(&GetTaskRequest { id: "none".into(), history_length: None, tenant: None })
            .await
            .expect_err("none");
        // A task that is cancelled by another request.
        let mut events = client.send_streaming_message(&request("wait")).await.expect("a stream");
        let task = loop {
            match events.next().await.expect("an event").expect("no error") {
                StreamResponse::StatusUpdate(update) => break update.task_id,
                StreamResponse::Task(task) if task.status.state == a2a::TaskState::Working => break task.id,
                _ => {}
            }
        };
        let cancel = CancelTaskRequest { id: task, metadata: None, tenant: None };
        client.cancel_task(&cancel).await.expect("a cancelled task");
        drain(events).await;
        // Calls that are observed twice.
        ask(&client, "hello").await.expect("an answer");
        insist("parrot", &client).await.expect("an answer");
        let factory = A2AClientFactory::builder().with_interceptor(Arc::new(ContextInterceptor)).build();
        let client = factory.create_from_card(&card).await.expect("a client");
        insist("cockatoo", &client).await.expect("an answer");
    });
}

#[test]
fn a_call_of_an_agent_is_one_call_on_each_side() {
    let each = EACH.map(|sampled| recorded(sampled, GenAiVersion::V1_41, a2a_scene));
    for metrics in &each {
        let of = |side: &str, labels: &[(&str, &str)]| {
            count(metrics, &format!("a2a.{side}.operation.duration"), labels)
        };
        let (send, parrot) = (("a2a.method.name", "SendMessage"), ("gen_ai.agent.name", "parrot"));
        // Six by the client, and one each of `ask` and `insist`, however often that asks.
        assert_eq!(of("client", &[send, parrot]), 8, "{metrics}");
        assert_eq!(of("client", &[send, ("gen_ai.agent.name", "cockatoo")]), 1, "{metrics}");
        assert_eq!(of("server", &[send]), 6 + 1 + 3 + 3, "{metrics}");
        let failed = ("error.type", "TASK_STATE_FAILED");
        for side in ["client", "server"] {
            let state = ("a2a.task.state", "TASK_STATE_FAILED");
            assert_eq!(of(side, &[send, failed, state]), 1, "{side} {metrics}");
            let streamed =
                [("a2a.method.name", "SendStreamingMessage"), ("a2a.task.state", "TASK_STATE_COMPLETED")];
            assert_eq!(of(side, &streamed), 1, "{side} {metrics}");
        }
        let retries = |agent: &[(&str, &str)]| sum(metrics, "a2a.client.retries", agent);
        assert_eq!((retries(&[]), retries(&[parrot])), (4.0, 2.0), "{metrics}");
        let size =
            |direction| sum(metrics, "a2a.client.message.size", &[("network.io.direction", direction)]);
        let texts =
            ["hello there", "fail", "reject", "ask", "message", "err", "one two three", "wait", "hello"];
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>() + "errerrhello".len();
        assert_eq!(size("transmit"), f64::from(u32::try_from(bytes).expect("few")), "{metrics}");
        assert!(size("receive") > 0.0, "{metrics}");
        let tasks = |state| sum(metrics, "a2a.server.tasks", &[("a2a.task.state", state)]);
        assert_eq!((tasks("TASK_STATE_FAILED"), tasks("TASK_STATE_REJECTED")), (1.0, 1.0), "{metrics}");
        assert_eq!(
            (tasks("TASK_STATE_CANCELED"), tasks("TASK_STATE_INPUT_REQUIRED")),
            (1.0, 1.0),
            "{metrics}"
        );
        // "hello there", "one two three", and one each of the calls that are observed twice.
        assert_eq!(tasks("TASK_STATE_COMPLETED"), 5.0, "{metrics}");
        assert_eq!(sum(metrics, "a2a.server.active_tasks", &[]), 0.0, "{metrics}");
        assert_eq!(count(metrics, "gen_ai.invoke_agent.duration", &[parrot, failed]), 1, "{metrics}");
        assert_eq!(figures(metrics), figures(&each[0]));
    }
}
