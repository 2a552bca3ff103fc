//! Tests the crate `genai` with its feature `otel`.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel::{agent_span, llm_call};
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatResponse, ToolCall, ToolResponse};
use genai::otel::agent::ExecuteToolSpan;
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, Error, ModelIden, ServiceTarget};
use serde_json::json;

use crate::{assert_call, assert_conversation, bridged, completion, is_within, provider, provider_of};

fn target(url: &str) -> ServiceTarget {
    ServiceTarget {
        endpoint: Endpoint::from_owned(format!("{url}/v1/")),
        auth: AuthData::from_single("none"),
        model: ModelIden::new(AdapterKind::OpenAI, "gpt-4o-mini"),
    }
}

async fn ask(url: &str, request: ChatRequest) -> Result<ChatResponse, Error> {
    let options = ChatOptions::default().with_temperature(0.5).with_max_tokens(20);
    Client::new()?.exec_chat(target(url), request, Some(&options)).await
}

#[agent_span(skip_all)]
async fn answer(url: &str, request: ChatRequest) -> Result<ChatResponse, Error> {
    ask(url, request).await
}

fn question() -> ChatRequest {
    ChatRequest::from_system("Be brief.").append_message(ChatMessage::user("How many lamps?"))
}

#[tokio::test]
async fn a_chat_is_a_call_of_a_model() {
    bridged();
    let url = provider(completion()).await;
    let capturing = capture();
    answer(&url, question()).await.expect("an answer");
    assert_eq!(capturing.tree(), "AGENT answer\n  LLM chat gpt-4o-mini\n");
    let span = capturing.named("chat gpt-4o-mini");
    assert_call(&span);
    assert_eq!(span.text("llm.finish_reason"), Some("stop"), "{span:?}");
    let parameters = span.text("llm.invocation_parameters").expect("parameters");
    let parameters: serde_json::Value = serde_json::from_str(parameters).expect("JSON");
    assert_eq!(parameters, json!({"temperature": 0.5, "max_tokens": 20, "stream": false}));
}

#[tokio::test]
async fn a_failed_chat_is_an_error() {
    bridged();
    let capturing = capture();
    answer("http://127.0.0.1:1", question()).await.expect_err("nobody listens there");
    let span = capturing.named("chat gpt-4o-mini");
    assert_eq!(span.kind, "LLM");
    assert!(matches!(span.status, Status::Error { .. }), "{span:?}");
}

#[llm_call(request = request, model = "gpt-4o-mini")]
async fn observed(url: &str, request: ChatRequest) -> Result<ChatResponse, Error> {
    ask(url, request).await
}

/// Its tokens would otherwise count twice.
#[tokio::test]
async fn a_chat_that_an_attribute_observes_is_one_call_of_a_model() {
    bridged();
    let url = provider(completion()).await;
    let capturing = capture();
    observed(&url, question()).await.expect("an answer");
    assert_eq!(capturing.tree(), "LLM observed\n  CHAIN chat gpt-4o-mini\n");
    let inner = capturing.named("chat gpt-4o-mini");
    assert!(!format!("{:?}", inner.attributes).contains("llm.token_count"), "{inner:?}");
    assert!(!format!("{:?}", inner.attributes).contains("within"), "{inner:?}");
}

#[test]
fn a_tool_is_a_tool() {
    bridged();
    let capturing = capture();
    let span = ExecuteToolSpan::new("count").with_call_id("call_1").with_description("Counts lamps.").start();
    drop(span);
    let span = capturing.only();
    assert_eq!((span.kind.as_str(), span.name.as_str()), ("TOOL", "execute_tool count"));
    assert_eq!(span.text("tool.name"), Some("count"));
    assert_eq!(span.text("tool.id"), Some("call_1"));
    assert_eq!(span.text("tool.description"), Some("Counts lamps."));
}

const CONTENT: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

#[tokio::test]
async fn what_is_said_is_messages() {
    if !is_within("genai::what_is_said_is_messages", CONTENT, "true") {
        return;
    }
    bridged();
    let url = provider_of([completion(), completion()]).await;
    let capturing = capture();
    answer(&url, question()).await.expect("an answer");
    let span = capturing.named("chat gpt-4o-mini");
    assert_conversation(&span);

    let call = ToolCall {
        call_id: "call_1".to_owned(),
        fn_name: "count".to_owned(),
        fn_arguments: json!({"of": "lamps"}),
        thought_signatures: None,
    };
    let request = question().append_message(vec![call]).append_message(ToolResponse::new("call_1", "2"));
    let capturing = capture();
    answer(&url, request).await.expect("an answer");
    let span = capturing.named("chat gpt-4o-mini");
    let called = "llm.input_messages.2.message.tool_calls.0.tool_call";
    assert_eq!(span.text(&format!("{called}.id")), Some("call_1"), "{span:?}");
    assert_eq!(span.text(&format!("{called}.function.name")), Some("count"));
    assert_eq!(span.text(&format!("{called}.function.arguments")), Some(r#"{"of":"lamps"}"#));
    assert_eq!(span.text("llm.input_messages.3.message.role"), Some("tool"));
    assert_eq!(span.text("llm.input_messages.3.message.tool_call_id"), Some("call_1"));
    assert_eq!(span.text("llm.input_messages.3.message.content"), Some("2"));
    assert_eq!(span.text("input.mime_type"), Some("application/json"));
}
