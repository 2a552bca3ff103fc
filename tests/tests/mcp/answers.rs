//! Tests what is recorded of a tool's result, whatever its form.

use a2a_otel::mcp::TracedServer;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ResourceContents,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::worlds::{self, hop};

/// A server whose tool has this result.
struct Says(CallToolResult);

impl ServerHandler for Says {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(self.0.clone().into())
    }
}

/// The spans of a call with this result.
async fn spans_of(result: CallToolResult) -> [Captured; 2] {
    let client = worlds::duplex_with(TracedServer::new(Says(result))).await;
    let capturing = capture();
    client.call_tool(CallToolRequestParams::new("say")).await.expect("an answer");
    let (called, served) = hop(&capturing, "tools/call say");
    [called, served]
}

fn refused(content: Vec<ContentBlock>, structured: Option<Value>) -> CallToolResult {
    let mut result = CallToolResult::error(content);
    result.structured_content = structured;
    result
}

fn image() -> ContentBlock {
    ContentBlock::image("iVBORw0KGgo=", "image/png")
}

#[tokio::test]
async fn a_refusal_says_why_in_any_form() {
    let code = json!({ "code": "RATE_LIMITED" });
    let page = ContentBlock::resource(ResourceContents::text("The shop is shut.", "shop://notice"));
    let cases = [
        (refused(vec![], Some(code.clone())), r#"{"code":"RATE_LIMITED"}"#, "RATE_LIMITED"),
        (refused(vec![ContentBlock::text("sold out"), image()], None), "sold out", "image/png"),
        (refused(vec![ContentBlock::text("sold out")], Some(code)), "sold out", "RATE_LIMITED"),
        (refused(vec![page], None), "The shop is shut.", "shop://notice"),
        (
            refused(vec![image()], None),
            "the tool failed without a message, with an image (image/png)",
            "image",
        ),
        (refused(vec![], None), "the tool failed without a message", "[]"),
    ];
    for (result, reason, output) in cases {
        for span in spans_of(result).await {
            assert_eq!(span.status, Status::error(reason), "{span:?}");
            assert_eq!(span.text("error.type"), Some("tool_error"));
            let exception = span.event("exception").expect("an exception");
            assert_eq!(exception["exception.message"].as_str(), reason);
            assert!(span.text("output.value").is_some_and(|said| said.contains(output)), "{span:?}");
        }
    }
}

#[tokio::test]
async fn text_beside_structured_content_is_kept() {
    let stock = json!({ "stock": 3 });
    let with = |text: &str| {
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(stock.clone());
        result
    };
    for span in spans_of(with("Three, and a lamp is on order.")).await {
        let output = span.text("output.value").unwrap_or_default();
        let output: Value = serde_json::from_str(output).expect("JSON");
        assert_eq!(output["structuredContent"], stock);
        assert_eq!(output["content"][0]["text"], "Three, and a lamp is on order.");
    }
    // Servers repeat the structured content as a text for older clients.
    for span in spans_of(with(r#"{ "stock": 3 }"#)).await {
        assert_eq!(span.text("output.value"), Some(r#"{"stock":3}"#));
    }
}
