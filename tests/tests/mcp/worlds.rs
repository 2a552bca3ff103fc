//! Connections to a shop, with each transport.

use a2a_otel::mcp::{TracedClient, TracedServer};
use a2a_otel::testing::{Captured, Capturing};
use a2a_otel_tests::shop::{Shop, serve_http};
use rmcp::model::{CallToolRequestParams, CallToolResult, GetPromptRequestParams, JsonObject};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) type Client = TracedClient<()>;

/// In this process, without a socket.
pub(crate) async fn duplex() -> Client {
    duplex_with(TracedServer::new(Shop::new())).await
}

pub(crate) async fn duplex_with(server: impl ServerHandler) -> Client {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    tokio::spawn(async {
        let running = server.serve(theirs).await.expect("a connection");
        running.waiting().await
    });
    TracedClient::connect((), ours).await.expect("a connection")
}

/// Over streamable HTTP, in this process.
pub(crate) async fn http() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(serve_http(listener));
    connect(&url).await
}

pub(crate) async fn connect(url: &str) -> Client {
    let transport = StreamableHttpClientTransport::from_uri(url);
    TracedClient::connect((), transport).await.expect("a connection")
}

/// A request for a tool, with arguments.
pub(crate) fn request(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let arguments: JsonObject = serde_json::from_value(arguments).expect("an object");
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

pub(crate) fn describe(product: &str) -> GetPromptRequestParams {
    let arguments = serde_json::from_value(json!({ "product": product })).expect("an object");
    GetPromptRequestParams::new("describe").with_arguments(arguments)
}

pub(crate) fn product(number: u32) -> Value {
    json!({ "product": number, "secret": "hunter2" })
}

/// The text of a tool's result.
pub(crate) fn text(result: &CallToolResult) -> &str {
    result.content.first().and_then(|block| block.as_text()).map_or("", |text| text.text.as_str())
}

/// The two spans with this name: the client's, and the server's below it.
pub(crate) fn hop(capturing: &Capturing, name: &str) -> (Captured, Captured) {
    let spans = capturing.spans();
    let named: Vec<_> = spans.into_iter().filter(|span| span.name == name).collect();
    let [client, server] = <[Captured; 2]>::try_from(named)
        .unwrap_or_else(|named| panic!("{} spans {name}, not two:\n{capturing:?}", named.len()));
    assert_eq!(server.parent_id, Some(client.span_id), "{capturing:?}");
    (client, server)
}
