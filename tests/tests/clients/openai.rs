//! Tests `async-openai`, whose types serialise to the wire format.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{embedding_call, llm_call};
use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionResponseStream, CreateChatCompletionRequest, CreateChatCompletionResponse,
};
use async_openai::types::embeddings::{
    CreateBase64EmbeddingResponse, CreateEmbeddingRequest, CreateEmbeddingResponse,
};
use async_openai::types::responses::{CreateResponse, Response, ResponseStream};
use futures::StreamExt as _;
use serde_json::json;

use super::provider::{Answer, Provider};
use super::{answer_of, assert_has, assert_says_all, events_of, request_of};

type OpenAi = Client<OpenAIConfig>;

fn client(provider: &Provider) -> OpenAi {
    Client::with_config(OpenAIConfig::new().with_api_base(provider.url("/v1")).with_api_key("none"))
}

#[llm_call(request = request)]
async fn ask(
    client: &OpenAi,
    request: CreateChatCompletionRequest,
) -> Result<CreateChatCompletionResponse, OpenAIError> {
    client.chat().create(request).await
}

#[llm_call(request = request)]
async fn ask_bit_by_bit(
    client: &OpenAi,
    request: CreateChatCompletionRequest,
) -> Result<ChatCompletionResponseStream, OpenAIError> {
    client.chat().create_stream(request).await
}

#[embedding_call(request = request)]
async fn embed(
    client: &OpenAi,
    request: CreateEmbeddingRequest,
) -> Result<CreateEmbeddingResponse, OpenAIError> {
    client.embeddings().create(request).await
}

#[embedding_call(request = request)]
async fn embed_in_base64(
    client: &OpenAi,
    request: CreateEmbeddingRequest,
) -> Result<CreateBase64EmbeddingResponse, OpenAIError> {
    client.embeddings().create_base64(request).await
}

#[llm_call(request = request)]
async fn respond(client: &OpenAi, request: CreateResponse) -> Result<Response, OpenAIError> {
    client.responses().create(request).await
}

#[llm_call(request = request)]
async fn respond_bit_by_bit(client: &OpenAi, request: CreateResponse) -> Result<ResponseStream, OpenAIError> {
    client.responses().create_stream(request).await
}

#[tokio::test]
async fn chats_are_read() {
    for case in ["openai_chat", "openai_chat_tools", "openai_chat_multimodal"] {
        let answer = answer_of(case);
        let provider = Provider::answering([Answer::json(&answer)]).await;
        let capturing = capture();
        ask(&client(&provider), request_of(case)).await.unwrap();
        assert_says_all(&capturing.only(), &provider.asked(), &answer).await;
    }
}

#[tokio::test]
async fn a_tool_call_is_recorded_with_its_tokens() {
    let provider = Provider::answering([Answer::json(&answer_of("openai_chat_tools"))]).await;
    let capturing = capture();
    ask(&client(&provider), request_of("openai_chat_tools")).await.unwrap();
    let call = "llm.output_messages.0.message.tool_calls.1.tool_call";
    let expected = [
        ("llm.model_name", "gpt-4o-2024-08-06"),
        ("llm.input_messages.1.message.content", "tools please"),
        (&format!("{call}.id"), "call_B"),
        (&format!("{call}.function.name"), "get_weather"),
        (&format!("{call}.function.arguments"), r#"{"city": "Tokyo"}"#),
        ("llm.finish_reason", "tool_calls"),
        ("llm.token_count.prompt", "31"),
        ("llm.token_count.completion", "17"),
        ("llm.token_count.prompt_details.cache_read", "8"),
    ];
    assert_has(&capturing.only(), &expected);
}

#[tokio::test]
async fn a_stream_becomes_the_message_with_its_usage() {
    let events = events_of("openai_chat_stream_usage");
    let provider = Provider::answering([Answer::events(&events)]).await;
    let capturing = capture();
    let request = request_of("openai_chat_stream_usage");
    let chunks: Vec<_> = ask_bit_by_bit(&client(&provider), request).await.unwrap().collect().await;
    let span = capturing.only();
    assert_eq!(span.number("a2a_otel.stream.items"), i64::try_from(chunks.len()).ok());
    assert_has(&span, &[("llm.token_count.total", "48"), ("llm.finish_reason", "stop")]);
    assert_says_all(&span, &provider.asked(), &events).await;
}

#[tokio::test]
async fn what_came_before_a_stream_broke_is_kept() {
    let answer = Answer::events(&events_of("openai_chat_stream_usage")).cut_after(4);
    let provider = Provider::answering([answer]).await;
    let capturing = capture();
    let request = request_of("openai_chat_stream_usage");
    let chunks: Vec<_> = ask_bit_by_bit(&client(&provider), request).await.unwrap().collect().await;
    assert!(chunks.last().unwrap().is_err());
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.output_messages.0.message.content", "Hello from the ")]);
}

#[tokio::test]
async fn retries_within_the_client_are_one_call() {
    let answer = answer_of("openai_chat");
    let provider = Provider::answering([Answer::busy(), Answer::busy(), Answer::json(&answer)]).await;
    let capturing = capture();
    ask(&client(&provider), request_of("openai_chat")).await.unwrap();
    assert_eq!(provider.asked().len(), 3);
    assert_says_all(&capturing.only(), &provider.asked(), &answer).await;
}

#[tokio::test]
async fn a_refused_call_names_the_model() {
    let error = json!({"error": {"message": "No such model", "type": "invalid_request_error", "code": null}});
    let provider = Provider::answering([Answer::refused(400, &error)]).await;
    let capturing = capture();
    let error = ask(&client(&provider), request_of("openai_chat")).await.unwrap_err();
    let span = capturing.only();
    assert_eq!(span.status, Status::error(error.to_string()));
    assert_has(&span, &[("llm.model_name", "gpt-4o"), ("error.type", "async_openai::error::OpenAIError")]);
}

#[tokio::test]
async fn embeddings_are_read_as_numbers_and_in_base64() {
    let vectors = [json!({"object": "embedding", "index": 0, "embedding": [0.25, -0.5]})];
    let usage = json!({"prompt_tokens": 5, "total_tokens": 5});
    let numbers =
        json!({"object": "list", "model": "text-embedding-3-small", "data": vectors, "usage": usage});
    let answers = [Answer::json(&numbers.to_string()), Answer::json(&answer_of("openai_embeddings"))];
    let provider = Provider::answering(answers).await;
    let client = client(&provider);
    let in_base64: CreateEmbeddingRequest = request_of("openai_embeddings");
    let in_numbers = CreateEmbeddingRequest { encoding_format: None, ..in_base64.clone() };
    let capturing = capture();
    embed(&client, in_numbers).await.unwrap();
    embed_in_base64(&client, in_base64).await.unwrap();
    let spans = capturing.spans();
    for span in &spans {
        assert_eq!(span.kind, "EMBEDDING");
        let model = ("embedding.model_name", "text-embedding-3-small");
        assert_has(span, &[model, ("llm.token_count.prompt", "5")]);
        assert!(span.text("embedding.embeddings.0.embedding.text").is_some());
    }
    let vector = |span: &Captured| span.attributes["embedding.embeddings.0.embedding.vector"].to_string();
    assert_eq!(vector(&spans[0]), "[0.25,-0.5]");
    assert!(vector(&spans[1]).starts_with("[0.1"), "{}", vector(&spans[1]));
}

#[tokio::test]
async fn responses_are_read() {
    let answer = answer_of("openai_responses");
    let provider = Provider::answering([Answer::json(&answer)]).await;
    let capturing = capture();
    respond(&client(&provider), request_of("openai_responses")).await.unwrap();
    let span = capturing.only();
    assert_has(&span, &[("llm.token_count.total", "123")]);
    assert_says_all(&span, &provider.asked(), &answer).await;
}

#[tokio::test]
async fn streamed_responses_are_read() {
    let events = events_of("openai_responses_stream");
    let provider = Provider::answering([Answer::events(&events)]).await;
    let capturing = capture();
    let request = request_of("openai_responses_stream");
    let _: Vec<_> = respond_bit_by_bit(&client(&provider), request).await.unwrap().collect().await;
    let span = capturing.only();
    assert_has(&span, &[("llm.token_count.total", "123")]);
    assert_says_all(&span, &provider.asked(), &events).await;
}
