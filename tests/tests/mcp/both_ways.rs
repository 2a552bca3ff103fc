//! Tests what a server asks of its client, and what both tell each other, below the call that causes it.

use std::sync::Arc;
use std::time::Duration;

use a2a_otel::mcp::{TracedCaller, TracedClient, TracedServer};
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_otel::{agent_span, chain_span, llm_call, with_session};
use axum::Router;
use futures::future::join;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock,
    CreateMessageRequestParams, CreateMessageResult, CustomNotification, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, Implementation, ListRootsResult, LoggingLevel,
    LoggingMessageNotificationParam, ProgressNotificationParam, ResourceUpdatedNotificationParam, Root,
    SamplingMessage, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ClientHandler, ErrorData, RoleClient, RoleServer, ServerHandler};
use serde_json::json;
use tokio::net::TcpListener;

use crate::worlds::text;

type Client = TracedClient<Helper>;

/// A server whose tools need their client.
#[derive(Clone, Default)]
struct Asker {
    /// Where a tool waits for another.
    gate: Arc<tokio::sync::Notify>,
}

fn question() -> CreateMessageRequestParams {
    CreateMessageRequestParams::new(vec![SamplingMessage::user_text("Which lamp?")], 16)
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

#[chain_span]
async fn consult(caller: TracedCaller) -> Result<String, ErrorData> {
    let answer = caller.create_message(question()).await.map_err(failed)?;
    Ok(answer.model)
}

impl Asker {
    /// Asks over what records it.
    async fn ask(context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let caller = TracedCaller::new(context.peer.clone());
        let token = context.meta.get_progress_token().expect("rmcp's client sends one");
        caller.notify_progress(ProgressNotificationParam::new(token, 1.0)).await.map_err(failed)?;
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!("on it"));
        caller.notify_logging_message(message).await.map_err(failed)?;
        let updated = ResourceUpdatedNotificationParam::new("shop://catalogue");
        caller.notify_resource_updated(updated).await.map_err(failed)?;
        caller.notify_tool_list_changed().await.map_err(failed)?;
        caller.list_roots().await.map_err(failed)?;
        let asked = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: "Which room?".to_owned(),
            requested_schema: ElicitationSchema::builder().build().expect("a schema"),
        };
        caller.create_elicitation(asked).await.map_err(failed)?;
        consult(caller).await
    }

    /// Asks over rmcp's own peer.
    async fn ask_plainly(context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let token = context.meta.get_progress_token().expect("rmcp's client sends one");
        let progress = ProgressNotificationParam::new(token, 1.0);
        context.peer.notify_progress(progress).await.map_err(failed)?;
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!("on it"));
        context.peer.notify_logging_message(message).await.map_err(failed)?;
        let answer = context.peer.create_message(question()).await.map_err(failed)?;
        Ok(answer.model)
    }

    /// Asks while another call is waiting.
    async fn ask_while_waiting(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let token = context.meta.get_progress_token().expect("rmcp's client sends one");
        let progress = ProgressNotificationParam::new(token, 1.0);
        context.peer.notify_progress(progress).await.map_err(failed)?;
        let answer = context.peer.create_message(question()).await.map_err(failed);
        self.gate.notify_one();
        Ok(answer?.model)
    }
}

impl ServerHandler for Asker {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let said = match &*request.name {
            "ask" => Self::ask(context).await?,
            "ask_plainly" => Self::ask_plainly(context).await?,
            "ask_while_waiting" => self.ask_while_waiting(context).await?,
            _ => {
                self.gate.notified().await;
                "waited".to_owned()
            }
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(said)]).into())
    }

    async fn on_roots_list_changed(&self, _: NotificationContext<RoleServer>) {
        seen("roots").await;
    }

    async fn on_custom_notification(&self, _: CustomNotification, _: NotificationContext<RoleServer>) {
        seen("custom").await;
    }
}

/// A client that helps its server.
#[derive(Clone)]
pub(crate) struct Helper;

#[llm_call(model = "a-model")]
async fn think(question: String) -> String {
    question.to_uppercase()
}

#[chain_span(name = "seen")]
async fn seen(what: &str) {
    tokio::task::yield_now().await;
    let _ = what;
}

impl ClientHandler for Helper {
    fn get_info(&self) -> ClientConfig {
        let builder = ClientCapabilities::builder().enable_sampling().enable_roots().enable_elicitation();
        ClientConfig::new(builder.build(), Implementation::new("helper", "1"))
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let said = think("which?".to_owned()).await;
        Ok(CreateMessageResult::new(SamplingMessage::assistant_text(said), "a-model".to_owned()))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        seen("roots").await;
        Ok(ListRootsResult::new(vec![Root::new("file:///shop")]))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        seen("elicitation").await;
        Ok(ElicitResult::new(ElicitationAction::Decline))
    }

    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        seen("progress").await;
    }

    async fn on_logging_message(
        &self,
        _: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        seen("log").await;
    }

    async fn on_resource_updated(
        &self,
        _: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        seen("resource").await;
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        seen("tools").await;
    }
}

async fn duplex() -> Client {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    tokio::spawn(async {
        let serving = rmcp::serve_server(TracedServer::new(Asker::default()), theirs);
        let running = Box::pin(serving).await;
        running.expect("a connection").waiting().await
    });
    TracedClient::connect(Helper, ours).await.expect("a connection")
}

async fn http() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let service = StreamableHttpService::new(
        || Ok(TracedServer::new(Asker::default())),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let app = Router::new().nest_service("/mcp", service);
    tokio::spawn(async { axum::serve(listener, app).await });
    let transport = StreamableHttpClientTransport::from_uri(url);
    TracedClient::connect(Helper, transport).await.expect("a connection")
}

#[agent_span(skip_all)]
async fn visit(client: &Client, tool: &'static str) {
    let answer = client.call_tool(CallToolRequestParams::new(tool)).await.expect("an answer");
    assert_eq!(text(&answer), "a-model");
}

/// Waits until this many spans have ended, and checks that nothing else follows.
async fn ended(capturing: &Capturing, count: usize) -> Vec<Captured> {
    for _ in 0..500 {
        if capturing.spans().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let spans = capturing.spans();
    assert_eq!(spans.len(), count, "{}", capturing.tree());
    spans
}

fn assert_session(spans: &[Captured]) {
    for span in spans {
        assert_eq!(span.text("session.id"), Some("s-1"), "{span:?}");
        assert_eq!(span.text("user.id"), Some("ada"), "{span:?}");
    }
}

/// The names from the root to each span, in order.
fn paths(spans: &[Captured]) -> Vec<String> {
    let path = |span: &Captured| {
        let parent = |span: &&Captured| spans.iter().find(|other| Some(other.span_id) == span.parent_id);
        let mut names: Vec<_> = std::iter::successors(Some(span), parent)
            .map(|span| format!("{} {}", span.kind, span.name))
            .collect();
        names.reverse();
        names.join(" > ")
    };
    let mut paths: Vec<_> = spans.iter().map(path).collect();
    paths.sort_unstable();
    paths
}

#[tokio::test]
async fn what_a_tool_asks_and_tells_is_below_it_on_both_sides() {
    for client in [duplex().await, http().await] {
        let capturing = capture();
        with_session("s-1").user("ada").wrap(visit(&client, "ask")).await;
        let spans = ended(&capturing, 3 + 4 * 3 + 2 * 3 + 4).await;
        assert_session(&spans);
        let tool = "AGENT visit > TOOL tools/call ask > TOOL tools/call ask";
        let mut expected = vec![
            "AGENT visit".to_owned(),
            "AGENT visit > TOOL tools/call ask".to_owned(),
            tool.to_owned(),
            format!("{tool} > CHAIN consult"),
            format!("{tool} > CHAIN consult > CHAIN sampling/createMessage"),
            format!("{tool} > CHAIN consult > CHAIN sampling/createMessage > LLM sampling/createMessage"),
            format!(
                "{tool} > CHAIN consult > CHAIN sampling/createMessage > LLM sampling/createMessage > LLM think"
            ),
        ];
        for method in [
            "notifications/progress",
            "notifications/message",
            "notifications/resources/updated",
            "notifications/tools/list_changed",
            "roots/list",
            "elicitation/create",
        ] {
            expected.push(format!("{tool} > CHAIN {method}"));
            expected.push(format!("{tool} > CHAIN {method} > CHAIN {method}"));
            expected.push(format!("{tool} > CHAIN {method} > CHAIN {method} > CHAIN seen"));
        }
        expected.sort_unstable();
        assert_eq!(paths(&spans), expected);
        let sampled = spans.iter().find(|span| span.kind == "LLM" && span.name == "sampling/createMessage");
        let sampled = sampled.expect("a span");
        assert_eq!(sampled.text("llm.model_name"), Some("a-model"));
        assert_eq!(sampled.text("llm.input_messages.0.message.content"), Some("Which lamp?"));
        assert_eq!(sampled.text("llm.output_messages.0.message.content"), Some("WHICH?"));
        assert!(sampled.duplicates.is_empty(), "{sampled:?}");
    }
}

/// The server's requests name no span then, and belong to the client's.
#[tokio::test]
async fn what_a_tool_asks_over_rmcp_is_below_the_call() {
    for client in [duplex().await, http().await] {
        let capturing = capture();
        with_session("s-1").user("ada").wrap(visit(&client, "ask_plainly")).await;
        let spans = ended(&capturing, 3 + 2 * 3).await;
        assert_session(&spans);
        let call = "AGENT visit > TOOL tools/call ask_plainly";
        let expected = [
            "AGENT visit".to_owned(),
            call.to_owned(),
            format!("{call} > CHAIN notifications/message"),
            format!("{call} > CHAIN notifications/message > CHAIN seen"),
            format!("{call} > CHAIN notifications/progress"),
            format!("{call} > CHAIN notifications/progress > CHAIN seen"),
            format!("{call} > LLM sampling/createMessage"),
            format!("{call} > LLM sampling/createMessage > LLM think"),
            format!("{call} > TOOL tools/call ask_plainly"),
        ];
        assert_eq!(paths(&spans), expected);
    }
}

#[agent_span(skip_all)]
async fn wait(client: &Client) {
    client.call_tool(CallToolRequestParams::new("wait")).await.expect("an answer");
}

/// Over HTTP a request comes on the stream of the call that causes it.
#[tokio::test]
async fn what_one_of_several_calls_asks_is_below_that_call() {
    let client = http().await;
    let capturing = capture();
    join(wait(&client), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        with_session("s-1").user("ada").wrap(visit(&client, "ask_while_waiting")).await;
    })
    .await;
    let spans = ended(&capturing, 3 + 3 + 2 * 2).await;
    let paths = paths(&spans);
    let call = "AGENT visit > TOOL tools/call ask_while_waiting";
    for below in ["LLM sampling/createMessage > LLM think", "CHAIN notifications/progress > CHAIN seen"] {
        assert!(paths.contains(&format!("{call} > {below}")), "{paths:#?}");
    }
}

#[agent_span(skip_all)]
async fn tell(client: &Client) {
    client.notify_roots_list_changed().await.expect("it is sent");
    let custom = CustomNotification::new("shop/opened", Some(json!({ "at": 9 })));
    client.notify(custom.into()).await.expect("it is sent");
}

#[tokio::test]
async fn what_a_client_tells_is_below_it_on_both_sides() {
    for client in [duplex().await, http().await] {
        let capturing = capture();
        with_session("s-1").user("ada").wrap(tell(&client)).await;
        let spans = ended(&capturing, 1 + 2 * 3).await;
        assert_session(&spans);
        let mut expected = vec!["AGENT tell".to_owned()];
        for method in ["notifications/roots/list_changed", "shop/opened"] {
            expected.push(format!("AGENT tell > CHAIN {method}"));
            expected.push(format!("AGENT tell > CHAIN {method} > CHAIN {method}"));
            expected.push(format!("AGENT tell > CHAIN {method} > CHAIN {method} > CHAIN seen"));
        }
        expected.sort_unstable();
        assert_eq!(paths(&spans), expected);
    }
}
