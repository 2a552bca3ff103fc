//! Tests `reqwest` by hand: JSON, text and bytes.

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use axum::body::Bytes;
use futures::{Stream, StreamExt as _};
use reqwest::{Client, Error};
use serde_json::{Value, json};

use super::provider::{Answer, Provider};
use super::{answer_of, assert_has, assert_says_all, events_of, request_of};

#[llm_call(request = request)]
async fn as_json(url: &str, request: &Value) -> Result<Value, Error> {
    Client::new().post(url).json(request).send().await?.error_for_status()?.json().await
}

#[llm_call(request = request)]
async fn as_text(url: &str, request: &Value) -> Result<String, Error> {
    Client::new().post(url).json(request).send().await?.error_for_status()?.text().await
}

#[llm_call(request = request)]
async fn as_bytes(url: &str, request: &Value) -> Result<Bytes, Error> {
    Client::new().post(url).json(request).send().await?.error_for_status()?.bytes().await
}

#[llm_call(request = request)]
async fn piece_by_piece(
    url: String,
    request: Value,
) -> Result<impl Stream<Item = Result<Bytes, Error>>, Error> {
    Ok(Client::new().post(url).json(&request).send().await?.error_for_status()?.bytes_stream())
}

/// Types that do not serialise, like those of some clients.
struct Question {
    model: &'static str,
    text: &'static str,
}

struct Reply {
    text: &'static str,
    tokens: [u32; 2],
}

#[llm_call(
    request = json!({"model": question.model, "messages": [{"role": "user", "content": question.text}]}),
    output = json!({
        "choices": [{"message": {"role": "assistant", "content": output.text}}],
        "usage": {"prompt_tokens": output.tokens[0], "completion_tokens": output.tokens[1]},
    })
)]
async fn in_types_that_do_not_serialise(question: &Question) -> Result<Reply, Error> {
    Ok(Reply { text: question.text, tokens: [3, 4] })
}

#[tokio::test]
async fn what_does_not_serialise_is_read_from_what_stands_for_it() {
    let capturing = capture();
    in_types_that_do_not_serialise(&Question { model: "gpt-4o", text: "hi" }).await.unwrap();
    let expected = [
        ("llm.model_name", "gpt-4o"),
        ("llm.input_messages.0.message.content", "hi"),
        ("llm.output_messages.0.message.content", "hi"),
        ("llm.token_count.prompt", "3"),
        ("llm.token_count.completion", "4"),
    ];
    assert_has(&capturing.only(), &expected);
}

#[tokio::test]
async fn answers_are_read_as_json_text_and_bytes() {
    for case in ["openai_chat_tools", "anthropic_tools", "openai_responses"] {
        let answer = answer_of(case);
        let provider = Provider::answering([(); 3].map(|()| Answer::json(&answer))).await;
        let (url, request) = (provider.url("/v1"), request_of(case));
        let capturing = capture();
        as_json(&url, &request).await.unwrap();
        as_text(&url, &request).await.unwrap();
        as_bytes(&url, &request).await.unwrap();
        for span in capturing.spans() {
            assert_says_all(&span, &provider.asked(), &answer).await;
        }
    }
}

#[tokio::test]
async fn streams_of_bytes_are_read() {
    for case in ["openai_chat_stream_usage", "openai_responses_stream", "anthropic_stream_raw"] {
        let events = events_of(case);
        let provider = Provider::answering([Answer::events(&events)]).await;
        let capturing = capture();
        let stream = piece_by_piece(provider.url("/v1"), request_of(case)).await.unwrap();
        stream.for_each(|_| async {}).await;
        assert_says_all(&capturing.only(), &provider.asked(), &events).await;
    }
}

/// Text beyond ASCII, with everything that is escaped, and split within characters.
#[tokio::test]
async fn bytes_are_read_whatever_they_are() {
    let text = "grüß\u{7f} \"dich\"\\ \u{1f600}\t'\0";
    let chunk =
        json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]});
    let answer = Answer::events(&format!("data: {chunk}\r\n\r\n")).split(1);
    let provider = Provider::answering([answer]).await;
    let capturing = capture();
    let request = request_of("openai_chat_stream_usage");
    let stream = piece_by_piece(provider.url("/v1"), request).await.unwrap();
    stream.for_each(|_| async {}).await;
    assert_has(&capturing.only(), &[("llm.output_messages.0.message.content", text)]);
}

#[tokio::test]
async fn a_call_that_fails_names_the_model() {
    let provider = Provider::answering([Answer::busy()]).await;
    let capturing = capture();
    as_json(&provider.url("/v1"), &request_of("openai_chat")).await.unwrap_err();
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.model_name", "gpt-4o"), ("llm.input_messages.1.message.role", "user")]);
}

/// In the user's own retry loop, each attempt is a separate call.
#[tokio::test]
async fn each_attempt_of_a_loop_is_a_span() {
    let answer = answer_of("openai_chat");
    let provider = Provider::answering([Answer::busy(), Answer::json(&answer)]).await;
    let capturing = capture();
    let (url, request) = (provider.url("/v1"), request_of("openai_chat"));
    while as_json(&url, &request).await.is_err() {}
    assert_eq!(capturing.spans().len(), 2);
}
