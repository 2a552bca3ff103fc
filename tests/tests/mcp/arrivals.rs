//! Tests whose request a server takes a message for, and that a connection is nobody's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use a2a_otel::http::ExtractLayer;
use a2a_otel::mcp::{TracedClient, TracedServer};
use a2a_otel::opentelemetry::trace::SpanKind;
use a2a_otel::propagation::inject;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{agent_span, chain_span, with_session};
use a2a_otel_tests::shop::Shop;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, InitializeRequestParams, InitializeResult,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use tokio::net::TcpListener;
use tracing::span::Id;
use tracing::{Instrument as _, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::worlds::{product, request};

async fn listen(layers: impl FnOnce(Router) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let service = StreamableHttpService::new(
        || Ok(TracedServer::new(Shop::new())),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let app = layers(Router::new().nest_service("/mcp", service));
    tokio::spawn(async { axum::serve(listener, app).await });
    url
}

/// A client without telemetry behind a gateway, which writes the headers.
#[agent_span(skip_all)]
async fn behind_a_gateway(url: &str) {
    let mut headers = HashMap::new();
    inject(&mut headers);
    let headers = headers.iter().map(|(name, value)| {
        (name.parse().expect("a header's name"), value.parse().expect("a header's value"))
    });
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers.collect());
    let client = ().serve(StreamableHttpClientTransport::from_config(config)).await.expect("a connection");
    client.call_tool(request("bare", product(4))).await.expect("a stock");
    client.cancel().await.expect("an end");
}

#[chain_span(skip_all)]
async fn serve(request: Request, next: Next) -> Response {
    next.run(request).await
}

fn path<'a>(spans: &'a [Captured], name: &str) -> Vec<&'a str> {
    let own = spans.iter().find(|span| span.name == name && span.opentelemetry_kind != SpanKind::Client);
    let parent = |span: &&Captured| spans.iter().find(|other| Some(other.span_id) == span.parent_id);
    let mut path: Vec<_> = std::iter::successors(own, parent).map(|span| span.name.as_str()).collect();
    path.reverse();
    path
}

fn assert_session(spans: &[Captured], name: &str) {
    for span in spans.iter().filter(|span| span.name == name) {
        assert_eq!(span.text("session.id"), Some("s-1"), "{span:?}");
        assert_eq!(span.text("user.id"), Some("ada"), "{span:?}");
    }
}

#[tokio::test]
async fn headers_alone_name_the_parent() {
    let plain = listen(|app| app).await;
    let layered = listen(|app| app.layer(ExtractLayer::new())).await;
    for url in [plain, layered] {
        let capturing = capture();
        with_session("s-1").user("ada").wrap(behind_a_gateway(&url)).await;
        let spans = capturing.spans();
        assert_eq!(path(&spans, "look_up"), ["behind_a_gateway", "tools/call bare", "look_up"]);
        assert_session(&spans, "tools/call bare");
    }
}

#[tokio::test]
async fn a_middleware_s_span_is_kept() {
    // axum runs the layer that was added last first.
    let url =
        listen(|app| app.layer(ExtractLayer::new()).layer(from_fn(serve)).layer(ExtractLayer::new())).await;
    let capturing = capture();
    with_session("s-1").user("ada").wrap(behind_a_gateway(&url)).await;
    let spans = capturing.spans();
    assert_eq!(path(&spans, "look_up"), ["behind_a_gateway", "serve", "tools/call bare", "look_up"]);
    assert_session(&spans, "tools/call bare");
}

#[agent_span(skip_all)]
async fn visit(client: &TracedClient<()>) {
    client.call_tool(request("bare", product(4))).await.expect("a stock");
}

/// The gateway's headers are those of another trace.
#[agent_span(skip_all)]
async fn connect(url: &str) -> TracedClient<()> {
    let mut headers = HashMap::new();
    inject(&mut headers);
    let headers = headers.iter().map(|(name, value)| {
        (name.parse().expect("a header's name"), value.parse().expect("a header's value"))
    });
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers.collect());
    TracedClient::connect((), StreamableHttpClientTransport::from_config(config)).await.expect("a connection")
}

#[tokio::test]
async fn the_message_comes_before_the_headers() {
    let plain = listen(|app| app).await;
    let layered =
        listen(|app| app.layer(ExtractLayer::new()).layer(from_fn(serve)).layer(ExtractLayer::new())).await;
    for url in [plain, layered] {
        let client = connect(&url).await;
        let capturing = capture();
        with_session("s-1").user("ada").wrap(visit(&client)).await;
        let spans = capturing.spans();
        assert_eq!(path(&spans, "look_up"), ["visit", "tools/call bare", "tools/call bare", "look_up"]);
        assert_session(&spans, "tools/call bare");
    }
}

/// A server that keeps what its client says when it connects.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<String>>>);

impl ServerHandler for Keeper {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::default()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.0.lock().expect("no panic").push(format!("{request:?} {:?}", context.meta));
        self.negotiate_initialize(&request)
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.lock().expect("no panic").push(format!("{:?}", context.peer.peer_info()));
        Ok(CallToolResult::success(vec![]).into())
    }
}

#[agent_span(skip_all)]
async fn introduce(keeper: Keeper) -> TracedClient<()> {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    tokio::spawn(async {
        TracedServer::new(keeper).serve(theirs).await.expect("a connection").waiting().await
    });
    TracedClient::connect((), ours).await.expect("a connection")
}

#[tokio::test]
async fn a_connection_is_nobody_s() {
    let keeper = Keeper::default();
    let capturing = capture();
    let client = with_session("s-secret").user("ada").wrap(introduce(keeper.clone())).await;
    client.call_tool(CallToolRequestParams::new("kept")).await.expect("an answer");
    let kept = keeper.0.lock().expect("no panic").join("\n");
    assert!(kept.contains("protocol_version"), "{kept}");
    for secret in
        ["traceparent", "baggage", "s-secret", "ada", &capturing.named("introduce").trace_id.to_string()]
    {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
    // The handshake is the caller's, on its own side.
    let handshake = capturing.named("initialize");
    assert_eq!(handshake.parent_id, Some(capturing.named("introduce").span_id));
}

/// Notes the names of the spans that close.
struct Closes(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Closes {
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let name = context.span(&id).map(|span| span.name());
        self.0.lock().expect("no panic").extend(name);
    }
}

/// rmcp runs the connection in the span of `tracing` that is current when it starts.
#[tokio::test]
async fn a_span_in_which_one_connects_ends_before_the_connection() {
    let closed = Arc::<Mutex<Vec<_>>>::default();
    let _subscribed = tracing_subscriber::registry().with(Closes(Arc::clone(&closed))).set_default();
    let client = crate::worlds::duplex().instrument(tracing::info_span!("visit")).await;
    assert!(closed.lock().expect("no panic").contains(&"visit"), "{closed:?}");
    client.call_tool(request("bare", product(4))).await.expect("the connection lives");
}
