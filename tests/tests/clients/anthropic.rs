//! Tests `misanthropic`, whose types serialise to Anthropic's wire format.

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use misanthropic::client::Error;
use misanthropic::stream::{Error as StreamError, Event};
use misanthropic::{Client, Prompt, response};
use serde_json::json;

use super::provider::{Answer, Provider};
use super::{answer_of, assert_has, assert_says_all, events_of, request_of};

fn client(provider: &Provider) -> Client {
    Client::new("k".repeat(108)).unwrap().base_url(provider.url("")).unwrap()
}

#[llm_call(request = request)]
async fn ask(client: &Client, request: &Prompt) -> Result<response::Message, Error> {
    client.message(request).await
}

/// The client's own stream type cannot be returned, because the attribute macro returns a stream that observes it.
#[llm_call(request = request)]
async fn ask_bit_by_bit(
    client: &Client,
    request: &Prompt,
) -> Result<BoxStream<'static, Result<Event, StreamError>>, Error> {
    Ok(client.stream(request).await?.boxed())
}

#[tokio::test]
async fn messages_are_read() {
    for case in ["anthropic_messages", "anthropic_tools"] {
        let answer = answer_of(case);
        let provider = Provider::answering([Answer::json(&answer)]).await;
        let capturing = capture();
        ask(&client(&provider), &request_of(case)).await.unwrap();
        assert_eq!(provider.asked()[0].path, "/v1/messages");
        assert_says_all(&capturing.only(), &provider.asked(), &answer).await;
    }
}

#[tokio::test]
async fn a_tool_call_is_recorded_with_its_tokens() {
    let provider = Provider::answering([Answer::json(&answer_of("anthropic_tools"))]).await;
    let capturing = capture();
    ask(&client(&provider), &request_of("anthropic_tools")).await.unwrap();
    let call = "llm.output_messages.0.message.tool_calls.0.tool_call";
    let expected = [
        ("llm.model_name", "claude-sonnet-4-5"),
        ("llm.provider", "anthropic"),
        (&format!("{call}.function.name"), "get_weather"),
        (&format!("{call}.function.arguments"), r#"{"city":"Paris"}"#),
        ("llm.finish_reason", "tool_use"),
        ("llm.token_count.prompt", "420"),
        ("llm.token_count.completion", "10"),
    ];
    assert_has(&capturing.only(), &expected);
}

#[tokio::test]
async fn a_stream_becomes_the_message() {
    let events = events_of("anthropic_stream_raw");
    let provider = Provider::answering([Answer::events(&events)]).await;
    let capturing = capture();
    let request = request_of("anthropic_stream_raw");
    ask_bit_by_bit(&client(&provider), &request).await.unwrap().for_each(|_| async {}).await;
    let span = capturing.only();
    assert_has(&span, &[("llm.finish_reason", "end_turn"), ("llm.token_count.total", "430")]);
    assert_says_all(&span, &provider.asked(), &events).await;
}

#[tokio::test]
async fn what_came_before_a_stream_broke_is_kept() {
    let answer = Answer::events(&events_of("anthropic_stream_raw")).cut_after(4);
    let provider = Provider::answering([answer]).await;
    let capturing = capture();
    let request = request_of("anthropic_stream_raw");
    ask_bit_by_bit(&client(&provider), &request).await.unwrap().for_each(|_| async {}).await;
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    let expected = [("llm.output_messages.0.message.contents.0.message_content.text", "Hello from ")];
    assert_has(&span, &expected);
}

#[tokio::test]
async fn a_refused_call_names_the_model() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let provider = Provider::answering([Answer::refused(529, &error)]).await;
    let capturing = capture();
    ask(&client(&provider), &request_of("anthropic_messages")).await.unwrap_err();
    let span = capturing.only();
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_has(&span, &[("llm.model_name", "claude-sonnet-4-5"), ("llm.provider", "anthropic")]);
}
