//! Tests that long values are visibly cut, and are read before they are cut. The limit comes from the environment, so
//! the test runs in a separate process.

use std::process::Command;

use a2a_otel::testing::capture;
use a2a_otel::{Telemetry, chain_span, llm_call};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use serde_json::{Value, json};

const LIMIT: &str = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";

#[chain_span]
fn echo(text: &str) -> Vec<&str> {
    vec![text; 3]
}

#[llm_call(request = request)]
fn complete(request: &Value) -> Value {
    json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"message": {"role": "assistant", "content": request["messages"][0]["content"]}}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
    })
}

#[llm_call(request = request)]
fn stream(request: &Value, pieces: Vec<Vec<u8>>) -> impl Stream<Item = Vec<u8>> {
    stream::iter(pieces)
}

#[test]
fn long_values_are_cut_and_read_before() {
    if std::env::var_os(LIMIT).is_none() {
        let program = std::env::current_exe().unwrap();
        let status = Command::new(program).env(LIMIT, "40").status().unwrap();
        return assert!(status.success());
    }
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::builder().span_exporter(exporter).tracing(false).init().unwrap();
    let capturing = capture();
    let long = "lämp".repeat(100);
    echo(&long);
    complete(&json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": long}]}));

    let mark = " … [cut at 40 bytes]";
    let cut = format!("{}{mark}", "lämp".repeat(8));
    let echoed = capturing.named("echo");
    assert_eq!(echoed.text("input.value"), Some(cut.as_str()));
    assert!(echoed.text("output.value").is_some_and(|output| output.ends_with(mark)));
    assert_eq!(echoed.text("output.mime_type"), Some("text/plain"), "half an object is none");

    let completed = capturing.named("complete");
    assert_eq!(completed.number("llm.token_count.total"), Some(1000));
    assert_eq!(completed.text("llm.model_name"), Some("gpt-4o-mini-2024-07-18"));
    assert_eq!(completed.text("llm.output_messages.0.message.content"), Some(cut.as_str()));
    assert_eq!(completed.text("llm.input_messages.0.message.role"), Some("user"));
    assert!(completed.text("input.value").is_some_and(|input| input.ends_with(mark)));

    let chunk = json!({
        "object": "chat.completion.chunk", "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": long}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
    });
    let bytes = format!("data: {chunk}\n\n").into_bytes();
    let request = json!({"model": "gpt-4o-mini", "messages": [], "stream": true});
    block_on(stream(&request, bytes.chunks(100).map(<[u8]>::to_vec).collect()).collect::<Vec<_>>());
    let streamed = capturing.named("stream");
    assert_eq!(streamed.number("llm.token_count.total"), Some(1000));
    assert_eq!(streamed.text("llm.finish_reason"), Some("stop"));
    assert_eq!(streamed.text("llm.output_messages.0.message.content"), Some(cut.as_str()));
    assert!(streamed.text("output.value").is_some_and(|output| output.ends_with(mark)));
    drop(telemetry);
}
