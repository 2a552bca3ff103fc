//! Tests that `tracing` spans of other crates are shown as well as ours.

mod a2a_protocol;
mod adk;
mod genai;
mod integers;
mod langchain;
mod langfuse;
mod retrieval;
mod rig;

use std::collections::VecDeque;
use std::env;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use a2a_otel::Telemetry;
use a2a_otel::testing::Captured;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The bridge to `tracing`, and the pipeline behind it.
pub(crate) fn bridged() {
    static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
    TELEMETRY.get_or_init(|| {
        let telemetry = Telemetry::builder().span_exporter(InMemorySpanExporter::default()).init();
        telemetry.expect("a configuration without mistakes")
    });
}

/// Runs a test of this binary again, in a process with this variable. Returns true in that process.
pub(crate) fn is_within(test: &str, variable: &str, value: &str) -> bool {
    if env::var(variable).is_ok_and(|is| is == value) {
        return true;
    }
    let this = env::current_exe().expect("a test binary");
    let output = Command::new(this).args(["--exact", test]).env(variable, value).output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// Starts a provider that answers once, and returns its address.
pub(crate) async fn provider(answer: Value) -> String {
    provider_of([answer]).await
}

/// Starts a provider with these answers, in order.
pub(crate) async fn provider_of<const COUNT: usize>(answers: [Value; COUNT]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let router = Router::new().fallback(async move || {
        let answer = answers.lock().expect("answers").pop_front();
        ([(CONTENT_TYPE, "application/json")], answer.expect("an answer to each request").to_string())
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

/// An answer in OpenAI's form.
pub(crate) fn completion() -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Two lamps.", "refusal": null},
            "finish_reason": "stop",
            "logprobs": null,
        }],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 3,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
        },
    })
}

/// Asserts the attributes that every call to a model must have.
pub(crate) fn assert_call(span: &Captured) {
    assert_eq!(span.kind, "LLM", "{span:?}");
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o-mini-2024-07-18"), "{span:?}");
    assert_eq!(span.text("llm.provider"), Some("openai"), "{span:?}");
    assert_eq!(span.text("llm.system"), Some("openai"), "{span:?}");
    assert_eq!(span.number("llm.token_count.prompt"), Some(12), "{span:?}");
    assert_eq!(span.number("llm.token_count.completion"), Some(3), "{span:?}");
    assert_eq!(span.number("llm.token_count.total"), Some(15), "{span:?}");
    assert_eq!(span.number("llm.token_count.prompt_details.cache_read"), Some(4), "{span:?}");
    assert!(span.duplicates.is_empty(), "{span:?}");
}

/// Asserts the messages, which are recorded if the user allows it.
pub(crate) fn assert_conversation(span: &Captured) {
    let said = |key: &str| span.text(key).unwrap_or_else(|| panic!("no {key} in {span:?}"));
    assert_eq!(said("llm.input_messages.0.message.role"), "system");
    assert_eq!(said("llm.input_messages.0.message.content"), "Be brief.");
    assert_eq!(said("llm.input_messages.1.message.role"), "user");
    assert_eq!(said("llm.input_messages.1.message.content"), "How many lamps?");
    assert_eq!(said("llm.output_messages.0.message.role"), "assistant");
    assert_eq!(said("llm.output_messages.0.message.content"), "Two lamps.");
    assert_eq!(said("output.value"), "Two lamps.");
    assert_eq!(said("output.mime_type"), "text/plain");
}
