//! Tests `genai`, which uses each provider's own interface, and has one shape of its own for all of them.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{embedding_call, llm_call};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use genai::adapter::AdapterKind;
use genai::chat::{
    Binary, ChatMessage, ChatOptions, ChatRequest, ChatResponse, ChatStreamEvent, ContentPart, Tool,
    ToolCall, ToolResponse,
};
use genai::embed::{EmbedRequest, EmbedResponse};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, Error, ModelIden, ServiceTarget};
use serde_json::{Value, json};

use super::provider::{Answer, Provider};
use super::{answer_of, assert_has, events_of};

/// The request does not name the model, so the attribute macro does.
#[llm_call(request = request, model = model.model.model_name.as_str())]
async fn ask(client: &Client, model: ServiceTarget, request: ChatRequest) -> Result<ChatResponse, Error> {
    client.exec_chat(model, request, None).await
}

#[llm_call(request = request, model = model.model.model_name.as_str())]
async fn ask_bit_by_bit(
    client: &Client,
    model: ServiceTarget,
    request: ChatRequest,
    options: &ChatOptions,
) -> Result<BoxStream<'static, Result<ChatStreamEvent, Error>>, Error> {
    Ok(client.exec_chat_stream(model, request, Some(options)).await?.stream.boxed())
}

#[embedding_call(request = request, model = model.model.model_name.as_str())]
async fn embed(client: &Client, model: ServiceTarget, request: EmbedRequest) -> Result<EmbedResponse, Error> {
    client.exec_embed(model, request, None).await
}

fn at(provider: &Provider, adapter: AdapterKind, path: &str, model: &str) -> ServiceTarget {
    ServiceTarget {
        endpoint: Endpoint::from_owned(provider.url(path)),
        auth: AuthData::from_single("none"),
        model: ModelIden::new(adapter, model.to_owned()),
    }
}

/// A conversation with everything that can be recorded.
fn conversation() -> ChatRequest {
    let call = ToolCall {
        call_id: "call_1".to_owned(),
        fn_name: "get_weather".to_owned(),
        fn_arguments: json!({"city": "Paris"}),
        thought_signatures: None,
    };
    let image = ContentPart::Binary(Binary::from_base64("image/png", "aGk=", None));
    ChatRequest::from_system("You are helpful.")
        .append_message(ChatMessage::user(vec![ContentPart::from("What is this?"), image]))
        .append_message(ChatMessage::assistant(vec![call]))
        .append_message(ToolResponse::new("call_1", "sunny"))
        .append_message(ChatMessage::user("And now?"))
        .append_tool(
            Tool::new("get_weather").with_description("Weather").with_schema(json!({"type": "object"})),
        )
}

async fn asked(adapter: AdapterKind, path: &str, model: &str, answer: &str) -> (Captured, Provider) {
    let provider = Provider::answering([Answer::json(answer)]).await;
    let capturing = capture();
    ask(&Client::new().unwrap(), at(&provider, adapter, path, model), conversation()).await.unwrap();
    let span = capturing.only();
    assert_eq!(span.duplicates, Vec::<String>::new());
    (span, provider)
}

#[tokio::test]
async fn a_conversation_is_read() {
    let answer = answer_of("openai_chat_tools");
    let (span, _) = asked(AdapterKind::OpenAI, "/v1/", "gpt-4o", &answer).await;
    let image = "llm.input_messages.1.message.contents.1.message_content.image.image.url";
    let call = "llm.input_messages.2.message.tool_calls.0.tool_call";
    let expected = [
        ("llm.input_messages.0.message.role", "system"),
        ("llm.input_messages.0.message.content", "You are helpful."),
        ("llm.input_messages.1.message.contents.0.message_content.text", "What is this?"),
        (image, "data:image/png;base64,aGk="),
        (&format!("{call}.id"), "call_1"),
        (&format!("{call}.function.name"), "get_weather"),
        (&format!("{call}.function.arguments"), r#"{"city":"Paris"}"#),
        ("llm.input_messages.3.message.role", "tool"),
        ("llm.input_messages.3.message.tool_call_id", "call_1"),
        ("llm.input_messages.3.message.content", "sunny"),
        ("llm.input_messages.4.message.content", "And now?"),
    ];
    assert_has(&span, &expected);
    let tool: Value = serde_json::from_str(span.text("llm.tools.0.tool.json_schema").unwrap()).unwrap();
    assert_eq!(tool["name"], "get_weather");
}

#[tokio::test]
async fn openai_answers_are_read() {
    let answer = answer_of("openai_chat_tools");
    let (span, _) = asked(AdapterKind::OpenAI, "/v1/", "gpt-4o", &answer).await;
    let call = "llm.output_messages.0.message.tool_calls.1.tool_call";
    let expected = [
        ("llm.model_name", "gpt-4o-2024-08-06"),
        ("llm.system", "openai"),
        (&format!("{call}.id"), "call_B"),
        (&format!("{call}.function.arguments"), r#"{"city":"Tokyo"}"#),
        ("llm.finish_reason", "tool_calls"),
        ("llm.token_count.prompt", "31"),
        ("llm.token_count.prompt_details.cache_read", "8"),
        ("llm.token_count.completion_details.reasoning", "5"),
    ];
    assert_has(&span, &expected);
}

#[tokio::test]
async fn anthropic_answers_are_read() {
    let answer = answer_of("anthropic_tools");
    let (span, provider) = asked(AdapterKind::Anthropic, "/v1/", "claude-sonnet-4-5", &answer).await;
    assert_eq!(provider.asked()[0].path, "/v1/messages");
    let expected = [
        ("llm.output_messages.0.message.content", "Let me check."),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "toolu_1"),
        ("llm.finish_reason", "tool_use"),
        ("llm.token_count.prompt", "420"),
        ("llm.token_count.completion", "10"),
        ("llm.token_count.prompt_details.cache_write", "100"),
        ("llm.token_count.prompt_details.cache_read", "300"),
    ];
    assert_has(&span, &expected);
}

#[tokio::test]
async fn gemini_answers_are_read() {
    let parts = json!([{"text": "It is sunny."}]);
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 4, "totalTokenCount": 15},
        "modelVersion": "gemini-2.5-flash",
    });
    let (span, provider) =
        asked(AdapterKind::Gemini, "/v1beta/", "gemini-2.5-flash", &answer.to_string()).await;
    assert!(provider.asked()[0].path.ends_with(":generateContent"));
    let expected = [
        ("llm.model_name", "gemini-2.5-flash"),
        ("llm.output_messages.0.message.content", "It is sunny."),
        ("llm.finish_reason", "STOP"),
        ("llm.token_count.total", "15"),
    ];
    assert_has(&span, &expected);
}

async fn streamed(answer: Answer) -> Captured {
    let provider = Provider::answering([answer]).await;
    let client = Client::new().unwrap();
    let model = at(&provider, AdapterKind::OpenAI, "/v1/", "gpt-4o");
    let options = ChatOptions::default().with_capture_usage(true).with_capture_tool_calls(true);
    let capturing = capture();
    let stream = ask_bit_by_bit(&client, model, conversation(), &options).await.unwrap();
    stream.for_each(|_| async {}).await;
    capturing.only()
}

#[tokio::test]
async fn a_stream_becomes_the_message_with_its_usage() {
    let span = streamed(Answer::events(&events_of("openai_chat_stream_usage"))).await;
    let expected = [
        ("llm.model_name", "gpt-4o"),
        ("llm.output_messages.0.message.content", "Hello from the fake model. hi "),
        ("llm.finish_reason", "stop"),
        ("llm.token_count.total", "48"),
    ];
    assert_has(&span, &expected);
    assert_eq!(span.status, Status::Ok);
}

#[tokio::test]
async fn tool_calls_of_a_stream_are_read_at_its_end() {
    let delta = |delta: &Value, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "choices": [choice]}))
    };
    let call = |function: &Value, id: Option<&str>| {
        delta(&json!({"tool_calls": [{"index": 0, "id": id, "function": function}]}), None)
    };
    let events = [
        delta(&json!({"role": "assistant", "content": "Let me see."}), None),
        call(&json!({"name": "get_weather", "arguments": "{\"city\":"}), Some("call_9")),
        call(&json!({"arguments": "\"Paris\"}"}), None),
        delta(&json!({}), Some("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let span = streamed(Answer::events(&events.concat())).await;
    let call = "llm.output_messages.0.message.tool_calls.0.tool_call";
    let expected = [
        ("llm.output_messages.0.message.content", "Let me see."),
        (&format!("{call}.id"), "call_9"),
        (&format!("{call}.function.arguments"), r#"{"city":"Paris"}"#),
        ("llm.finish_reason", "tool_calls"),
    ];
    assert_has(&span, &expected);
}

#[tokio::test]
async fn what_came_before_a_stream_broke_is_kept() {
    let span = streamed(Answer::events(&events_of("openai_chat_stream_usage")).cut_after(4)).await;
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.output_messages.0.message.content", "Hello from the ")]);
}

#[tokio::test]
async fn a_refused_call_names_the_model() {
    let provider = Provider::answering([Answer::busy()]).await;
    let capturing = capture();
    let model = at(&provider, AdapterKind::OpenAI, "/v1/", "gpt-4o");
    ask(&Client::new().unwrap(), model, conversation()).await.unwrap_err();
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.model_name", "gpt-4o"), ("error.type", "genai::error::Error")]);
}

#[tokio::test]
async fn embeddings_are_read() {
    let vectors = [[0.25, -0.5], [0.75, 1.0]].into_iter().enumerate();
    let vectors: Vec<_> =
        vectors.map(|(index, vector)| json!({"index": index, "embedding": vector})).collect();
    let usage = json!({"prompt_tokens": 5, "total_tokens": 5});
    let answer = json!({"model": "text-embedding-3-small", "data": vectors, "usage": usage});
    let provider = Provider::answering([Answer::json(&answer.to_string())]).await;
    let capturing = capture();
    let model = at(&provider, AdapterKind::OpenAI, "/v1/", "text-embedding-3-small");
    let request = EmbedRequest::new_batch(vec!["one".to_owned(), "two".to_owned()]);
    embed(&Client::new().unwrap(), model, request).await.unwrap();
    let span = capturing.only();
    let expected = [
        ("embedding.model_name", "text-embedding-3-small"),
        ("embedding.embeddings.1.embedding.text", "two"),
        ("llm.token_count.prompt", "5"),
    ];
    assert_has(&span, &expected);
    let vector = span.attributes["embedding.embeddings.1.embedding.vector"].to_string();
    assert_eq!(vector, "[0.75,1]");
}
