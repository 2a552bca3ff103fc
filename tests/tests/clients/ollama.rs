//! Tests `ollama-rs`, whose types keep the data at the end of an answer in a separate object.

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use futures::StreamExt as _;
use ollama_rs::Ollama;
use ollama_rs::error::OllamaError;
use ollama_rs::generation::chat::request::ChatMessageRequest;
use ollama_rs::generation::chat::{ChatMessage, ChatMessageResponse, ChatMessageResponseStream};
use ollama_rs::generation::completion::request::GenerationRequest;
use ollama_rs::generation::completion::{GenerationResponse, GenerationResponseStream};
use ollama_rs::models::ModelOptions;
use serde_json::json;

use super::provider::{Answer, Provider};
use super::{assert_has, assert_says_all_but};

/// What its types have no field for.
const LOST: &[&str] = &["llm.finish_reason"];

fn client(provider: &Provider) -> Ollama {
    Ollama::try_new(provider.url("")).unwrap()
}

#[llm_call(request = request)]
async fn chat(client: &Ollama, request: ChatMessageRequest) -> Result<ChatMessageResponse, OllamaError> {
    client.send_chat_messages(request).await
}

#[llm_call(request = request)]
async fn chat_bit_by_bit(
    client: &Ollama,
    request: ChatMessageRequest,
) -> Result<ChatMessageResponseStream, OllamaError> {
    client.send_chat_messages_stream(request).await
}

#[llm_call(request = request)]
async fn generate(
    client: &Ollama,
    request: GenerationRequest<'_>,
) -> Result<GenerationResponse, OllamaError> {
    client.generate(request).await
}

#[llm_call(request = request)]
async fn generate_bit_by_bit(
    client: &Ollama,
    request: GenerationRequest<'_>,
) -> Result<GenerationResponseStream, OllamaError> {
    client.generate_stream(request).await
}

fn question() -> ChatMessageRequest {
    let messages = vec![
        ChatMessage::system("You are helpful.".to_owned()),
        ChatMessage::user("What is the weather in Paris?".to_owned()),
    ];
    ChatMessageRequest::new("llama3.2".to_owned(), messages).options(ModelOptions::default().temperature(0.5))
}

fn prompt() -> GenerationRequest<'static> {
    GenerationRequest::new("llama3.2".to_owned(), "Once upon").options(ModelOptions::default().seed(7))
}

/// A line of Ollama's answer. The last one contains the data at the end.
fn line(said: &serde_json::Value, is_last: bool) -> String {
    let mut line = json!({"model": "llama3.2", "created_at": "2026-11-24T20:00:00Z", "done": is_last});
    let end = json!({
        "done_reason": "stop", "total_duration": 9, "load_duration": 1, "prompt_eval_count": 26,
        "prompt_eval_duration": 2, "eval_count": 12, "eval_duration": 3,
    });
    let parts = [said.as_object(), end.as_object().filter(|_| is_last)];
    for (name, value) in parts.into_iter().flatten().flatten() {
        line[name] = value.clone();
    }
    format!("{line}\n")
}

fn chunk(content: &str) -> String {
    line(&json!({"message": {"role": "assistant", "content": content}}), false)
}

#[tokio::test]
async fn chats_are_read() {
    let call = json!({"function": {"name": "get_weather", "arguments": {"city": "Paris"}}});
    let message = json!({"role": "assistant", "content": "", "thinking": "A tool!", "tool_calls": [call]});
    let answer = line(&json!({ "message": message }), true);
    let provider = Provider::answering([Answer::json(&answer)]).await;
    let capturing = capture();
    chat(&client(&provider), question()).await.unwrap();
    let span = capturing.only();
    let call = "llm.output_messages.0.message.tool_calls.0.tool_call.function";
    let expected = [
        ("llm.model_name", "llama3.2"),
        ("llm.provider", "ollama"),
        ("llm.input_messages.0.message.content", "You are helpful."),
        (&format!("{call}.name"), "get_weather"),
        (&format!("{call}.arguments"), r#"{"city":"Paris"}"#),
        ("llm.token_count.prompt", "26"),
        ("llm.token_count.completion", "12"),
    ];
    assert_has(&span, &expected);
    assert_says_all_but(LOST, &span, &provider.asked(), &answer).await;
}

#[tokio::test]
async fn streamed_chats_are_read() {
    let last = line(&json!({"message": {"role": "assistant", "content": ""}}), true);
    let lines = [chunk("It is "), chunk("sunny."), last].concat();
    let provider = Provider::answering([Answer::lines(&lines)]).await;
    let capturing = capture();
    let stream = chat_bit_by_bit(&client(&provider), question()).await.unwrap();
    stream.for_each(|_| async {}).await;
    let span = capturing.only();
    assert_has(&span, &[("llm.output_messages.0.message.content", "It is sunny.")]);
    assert_says_all_but(LOST, &span, &provider.asked(), &lines).await;
}

#[tokio::test]
async fn completions_are_read() {
    let answer = line(&json!({"response": " a time."}), true);
    let provider = Provider::answering([Answer::json(&answer)]).await;
    let capturing = capture();
    generate(&client(&provider), prompt()).await.unwrap();
    let span = capturing.only();
    assert_has(&span, &[("llm.choices.0.completion.text", " a time."), ("llm.token_count.total", "38")]);
    assert_says_all_but(LOST, &span, &provider.asked(), &answer).await;
}

#[tokio::test]
async fn streamed_completions_are_read() {
    let lines = [
        line(&json!({"response": " a"}), false),
        line(&json!({"response": " time."}), false),
        line(&json!({"response": ""}), true),
    ];
    let provider = Provider::answering([Answer::lines(&lines.concat())]).await;
    let capturing = capture();
    let stream = generate_bit_by_bit(&client(&provider), prompt()).await.unwrap();
    stream.for_each(|_| async {}).await;
    let span = capturing.only();
    assert_has(&span, &[("llm.choices.0.completion.text", " a time."), ("llm.token_count.total", "38")]);
    assert_says_all_but(LOST, &span, &provider.asked(), &lines.concat()).await;
}

#[tokio::test]
async fn what_came_before_a_stream_broke_is_kept() {
    let lines = [chunk("It is "), chunk("sunny.")].concat();
    let provider = Provider::answering([Answer::lines(&lines).cut_after(1)]).await;
    let capturing = capture();
    let stream = chat_bit_by_bit(&client(&provider), question()).await.unwrap();
    stream.for_each(|_| async {}).await;
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.output_messages.0.message.content", "It is ")]);
}
