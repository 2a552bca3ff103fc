//! Tests answers that come later, and answers that rmcp does not send.

use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_otel::agent_span;
use a2a_otel::mcp::{TracedClient, TracedServer};
use a2a_otel::opentelemetry::trace::{SpanContext, Status};
use a2a_otel::testing::capture;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, CreateTaskResult,
    DetailedTask, GetTaskParams, GetTaskResult, Implementation, ServerCapabilities, ServerConfig, Task,
    TaskPayload, TaskStatus,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::worlds::hop;

/// A server whose tool fails later.
#[derive(Default)]
struct Slow(AtomicUsize);

fn task(status: TaskStatus) -> Task {
    Task::new("task-1", status, "2026-07-28T10:00:00Z", "2026-07-28T10:00:00Z")
}

fn object(value: Value) -> rmcp::model::JsonObject {
    serde_json::from_value(value).expect("an object")
}

impl ServerHandler for Slow {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tasks().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CreateTaskResult::new(task(TaskStatus::Working)).into())
    }

    async fn get_task(
        &self,
        _: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let payload = match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => TaskPayload::Working,
            1 => TaskPayload::Failed {
                error: object(json!({ "code": -32603, "message": "the shelf fell over" })),
            },
            _ => {
                let result = json!({ "content": [{ "type": "text", "text": "sold out" }], "isError": true });
                TaskPayload::Completed { result: object(result) }
            }
        };
        Ok(GetTaskResult::new(DetailedTask::new(task(payload.status()), payload)))
    }
}

async fn connect(capabilities: ClientCapabilities) -> TracedClient<ClientConfig> {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    tokio::spawn(async {
        let running = rmcp::serve_server(TracedServer::new(Slow::default()), theirs).await;
        running.expect("a connection").waiting().await
    });
    let handler = ClientConfig::new(capabilities, Implementation::new("client", "1"));
    TracedClient::connect(handler, ours).await.expect("a connection")
}

#[agent_span(skip_all)]
async fn order(client: &TracedClient<ClientConfig>) {
    let answer = client.call_tool_once(CallToolRequestParams::new("order")).await.expect("an answer");
    let CallToolResponse::Task(created) = answer else { panic!("{answer:?}") };
    for _ in 0..3 {
        client.get_task(GetTaskParams::new(&*created.task.task_id)).await.expect("a task");
    }
}

#[tokio::test]
async fn a_failure_that_is_found_by_polling_is_an_error_with_a_link_to_the_call() {
    let client = connect(ClientCapabilities::builder().enable_tasks().build()).await;
    let capturing = capture();
    order(&client).await;
    let expected = "\
AGENT order
  TOOL tools/call order
    TOOL tools/call order
  CHAIN tasks/get
    CHAIN tasks/get
  CHAIN tasks/get ! the shelf fell over
    CHAIN tasks/get ! the shelf fell over
  CHAIN tasks/get ! sold out
    CHAIN tasks/get ! sold out
";
    assert_eq!(capturing.tree(), expected);
    let (called, served) = hop(&capturing, "tools/call order");
    for span in capturing.spans().iter().filter(|span| span.name == "tasks/get") {
        let is_ours = span.opentelemetry_kind == called.opentelemetry_kind;
        let call = if is_ours { called.span_id } else { served.span_id };
        let links: Vec<_> = span.links.iter().map(SpanContext::span_id).collect();
        assert_eq!(links, [call], "{span:?}");
        let error_type = match &span.status {
            Status::Error { description } if description == "sold out" => Some("tool_error"),
            Status::Error { .. } => Some("-32603"),
            _ => None,
        };
        assert_eq!(span.text("error.type"), error_type);
    }
}

/// The client did not say that it knows tasks.
#[tokio::test]
async fn an_answer_that_rmcp_refuses_is_an_error_on_both_sides() {
    let client = connect(ClientCapabilities::default()).await;
    let capturing = capture();
    client.call_tool_once(CallToolRequestParams::new("order")).await.expect_err("rmcp refuses it");
    let (called, served) = hop(&capturing, "tools/call order");
    assert!(matches!(&served.status, Status::Error { .. }), "{served:?}");
    assert_eq!(served.status, called.status);
    assert_eq!(served.text("error.type"), called.text("error.type"));
}
