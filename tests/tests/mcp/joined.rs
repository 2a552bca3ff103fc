//! Tests that a function with an attribute macro and the MCP call that it makes or serves share one span.

use a2a_otel::mcp::TracedServer;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel::{mcp_tool, tool_span};
use rmcp::ServiceError;
use rmcp::model::{CallToolRequestParams, CallToolResult};

use crate::worlds::{self, Client, product, request, text};

/// The caller's own description.
#[mcp_tool(server = "shop", input = number, output = text(output))]
async fn check_stock(client: &Client, number: u32) -> Result<CallToolResult, ServiceError> {
    client.call_tool(request("check_stock", product(number))).await
}

#[tokio::test]
async fn one_span_on_each_side() {
    let client = worlds::duplex().await;
    client.list_all_tools().await.expect("tools");
    let capturing = capture();
    check_stock(&client, 21).await.expect("a stock");
    assert_eq!(capturing.tree(), "TOOL check_stock\n  TOOL tools/call check_stock\n    CHAIN look_up\n");
    let ours = capturing.named("check_stock");
    assert_eq!(ours.text("tool.description"), Some("The caller's own description."));
    assert_eq!(ours.text("server.address"), Some("shop"));
    assert!(ours.text("tool.json_schema").is_some_and(|schema| schema.contains("product")), "{ours:?}");
    assert!(ours.text("mcp.protocol.version").is_some());
    let theirs = capturing.named("tools/call check_stock");
    assert_eq!(theirs.text("tool.description"), Some("Says how many pieces are in stock."));
    for span in [ours, theirs] {
        // The input as the functions record it, without the secret in the protocol's arguments.
        assert_eq!(span.text("input.value"), Some("21"));
        assert_eq!(span.text("output.value"), Some("42"));
        assert_eq!(span.text("mcp.method.name"), Some("tools/call"));
        assert_eq!(span.status, Status::Ok);
        assert!(span.duplicates.is_empty(), "{span:?}");
        assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");
    }
}

#[tool_span]
async fn refuse(client: &Client) -> Result<CallToolResult, ServiceError> {
    client.call_tool(CallToolRequestParams::new("refuse")).await
}

#[tool_span(tool = "break_down")]
async fn breaks(client: &Client) -> Result<CallToolResult, ServiceError> {
    client.call_tool(CallToolRequestParams::new("break_down")).await
}

#[tool_span(tool = "break_down")]
async fn copes(client: &Client) -> String {
    let broken = client.call_tool(CallToolRequestParams::new("break_down")).await;
    broken.map_or_else(|_| "no matter".to_owned(), |answer| text(&answer).to_owned())
}

#[tokio::test]
async fn a_refusal_is_an_error_though_the_function_hands_it_on() {
    let client = worlds::duplex().await;
    let capturing = capture();
    refuse(&client).await.expect("an answer");
    assert_eq!(capturing.tree(), "TOOL refuse ! sold out\n  TOOL tools/call refuse ! sold out\n");
    for span in capturing.spans() {
        assert_eq!(span.text("error.type"), Some("tool_error"));
        assert_eq!(span.events.len(), 1, "{span:?}");
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
    let served = capturing.named("tools/call refuse");
    let exception = served.event("exception").expect("an exception");
    assert_eq!(exception["exception.type"].as_str(), "alloc::string::String");
}

#[tokio::test]
async fn an_error_of_the_protocol_is_the_function_s() {
    let client = worlds::duplex().await;
    let capturing = capture();
    breaks(&client).await.expect_err("it breaks");
    for span in capturing.spans().iter().filter(|span| span.kind == "TOOL") {
        assert_eq!(span.text("error.type"), Some("-32603"), "{span:?}");
        assert_eq!(span.text("rpc.response.status_code"), Some("-32603"), "{span:?}");
        assert_eq!(span.events.len(), 1, "{span:?}");
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
    assert_eq!(
        capturing.tree(),
        "TOOL break_down ! Mcp error: -32603: the shelf fell over\n  TOOL tools/call break_down ! -32603: the shelf fell over\n    CHAIN look_up\n"
    );
}

#[tokio::test]
async fn a_function_may_cope_with_an_error_of_the_protocol() {
    let client = worlds::duplex().await;
    let capturing = capture();
    assert_eq!(copes(&client).await, "no matter");
    let ours = capturing.named("break_down");
    assert_eq!(ours.status, Status::Ok);
    assert!(ours.events.is_empty(), "{ours:?}");
    assert_eq!(ours.text("error.type"), None);
    let expected = "\
TOOL break_down
  TOOL tools/call break_down ! the shelf fell over
  TOOL tools/call break_down ! -32603: the shelf fell over
    CHAIN look_up
";
    assert_eq!(capturing.tree(), expected);
}

#[mcp_tool(tool = "both", skip_all)]
async fn both(client: &Client) {
    client.call_tool(CallToolRequestParams::new("plain_span")).await.expect("an answer");
    for _ in 0..2 {
        client.call_tool(CallToolRequestParams::new("both")).await.expect_err("no such tool");
    }
}

/// Only a single call with the same name belongs to the function. What the first one has sent on is the function's span.
#[tokio::test]
async fn other_calls_are_children() {
    let client = worlds::duplex().await;
    let capturing = capture();
    both(&client).await;
    let tree = capturing.tree();
    let expected = "\
TOOL both
  TOOL tools/call plain_span
    TOOL tools/call plain_span
  TOOL tools/call both ! tool not found
  TOOL tools/call both ! tool not found
  TOOL tools/call both ! tool not found
    TOOL tools/call both ! tool not found
";
    assert_eq!(tree, expected);
}

#[tokio::test]
async fn a_served_function_may_have_another_name() {
    let client = worlds::duplex().await;
    let capturing = capture();
    client.call_tool(CallToolRequestParams::new("renamed")).await.expect("an answer");
    assert_eq!(capturing.tree(), "TOOL tools/call renamed\n  TOOL tools/call renamed\n");
    assert!(capturing.spans().iter().all(|span| span.text("tool.name") == Some("renamed")));
}

#[tokio::test]
async fn a_tool_that_a_served_function_uses_is_its_child() {
    let client = worlds::duplex().await;
    let capturing = capture();
    client.call_tool(CallToolRequestParams::new("delegate")).await.expect("an answer");
    let tree = "TOOL tools/call delegate\n  TOOL tools/call delegate\n    TOOL help\n";
    assert_eq!(capturing.tree(), tree);
    assert_eq!(capturing.named("help").text("input.value"), Some(r#"{"pieces":3}"#));
}

/// A proxy's own call of the same tool is a separate hop.
#[tokio::test]
async fn a_proxy_s_call_is_no_part_of_the_call_that_it_serves() {
    let upstream = std::sync::Arc::new(worlds::duplex().await);
    let client = worlds::duplex_with(TracedServer::new(Proxy(upstream))).await;
    let capturing = capture();
    client.call_tool(request("bare", product(1))).await.expect("an answer");
    let expected = "\
TOOL tools/call bare
  TOOL tools/call bare
    TOOL tools/call bare
      TOOL tools/call bare
        CHAIN look_up
";
    assert_eq!(capturing.tree(), expected);
}

struct Proxy(std::sync::Arc<Client>);

impl rmcp::ServerHandler for Proxy {
    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        _: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
        request.meta = None;
        let answer = self.0.call_tool(request).await;
        answer.map(Into::into).map_err(|error| rmcp::ErrorData::internal_error(error.to_string(), None))
    }
}
