//! Tests what is read from each provider's requests and responses, whole and streamed, as far as the recorded
//! conversations in `golden.rs` do not show it.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::opentelemetry::{Array, Value as Attribute};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{embedding_call, llm_call};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

#[llm_call(request = request)]
fn ask<T: serde::Serialize>(request: &Value, answer: T) -> T {
    answer
}

#[llm_call(request = request)]
fn ask_bytes(request: &[u8], answer: Bytes) -> Result<Bytes, String> {
    Ok(answer)
}

#[embedding_call(request = request, model = "embed-1", provider = "openai")]
fn embed(request: &Value, answer: Value) -> Value {
    answer
}

#[llm_call(request = request)]
fn stream<T: serde::Serialize>(
    request: &Value,
    items: Vec<Result<T, String>>,
) -> impl Stream<Item = Result<T, String>> {
    stream::iter(items)
}

fn asked(request: &Value, answer: Value) -> Captured {
    let capturing = capture();
    ask(request, answer);
    capturing.only()
}

async fn streamed<T: serde::Serialize>(request: &Value, items: impl IntoIterator<Item = T>) -> Captured {
    let capturing = capture();
    let items = stream(request, items.into_iter().map(Ok).collect());
    items.collect::<Vec<_>>().await;
    capturing.only()
}

/// Asserts the attributes whose keys begin with this prefix, and that there are no others.
fn assert_says(span: &Captured, beginning: &str, expected: &[(&str, &str)]) {
    let said = span.attributes.iter().filter_map(|(key, value)| Some((key.strip_prefix(beginning)?, value)));
    let said: Vec<_> =
        said.map(|(key, value)| (key.trim_start_matches('.').to_owned(), value.to_string())).collect();
    let mut expected: Vec<_> =
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    expected.sort();
    assert_eq!(said, expected, "below {beginning}");
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[test]
fn openai_chats_say_all_of_their_messages() {
    let request = json!({
        "model": "my-model",
        "n": 2,
        "seed": null,
        "messages": [
            {"role": "user", "name": "ann", "content": [
                {"type": "text", "text": "What \"is\" this? \u{1F600}\n"},
                {"type": "image_url", "image_url": {"url": "https://shop/lamp.png"}},
                {"type": "file", "file": {"file_id": "f"}},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
            ]},
            {"role": "assistant", "content": null, "function_call": {"name": "old", "arguments": "{}"}},
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "a lamp"},
        ],
    });
    let answer = json!({
        "model": "my-model-7",
        "choices": [
            {"index": 1, "message": {"role": "assistant", "content": null, "refusal": "No."}, "finish_reason": "refusal"},
            {"index": 0, "message": {"role": "assistant", "content": "A lamp.", "reasoning": "Hm."}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 5.0, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}},
    });
    let span = asked(&request, answer);
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("0.message.role", "user"),
            ("0.message.name", "ann"),
            ("0.message.contents.0.message_content.type", "text"),
            ("0.message.contents.0.message_content.text", "What \"is\" this? \u{1F600}\n"),
            ("0.message.contents.1.message_content.type", "image"),
            ("0.message.contents.1.message_content.image.image.url", "https://shop/lamp.png"),
            ("0.message.contents.2.message_content.type", "file"),
            ("0.message.contents.2.message_content.text", "{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}"),
            ("0.message.contents.3.message_content.type", "audio"),
            ("0.message.contents.3.message_content.audio.audio.url", "data:audio/mp3;base64,QUJD"),
            ("0.message.contents.3.message_content.audio.audio.mime_type", "audio/mp3"),
            ("1.message.role", "assistant"),
            ("1.message.function_call_name", "old"),
            ("1.message.function_call_arguments_json", "{}"),
            ("2.message.role", "assistant"),
            ("2.message.tool_calls.0.tool_call.id", "c1"),
            ("2.message.tool_calls.0.tool_call.function.name", "find"),
            ("2.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
            ("3.message.role", "tool"),
            ("3.message.tool_call_id", "c1"),
            ("3.message.content", "a lamp"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.content", "A lamp."),
            ("0.message.contents.0.message_content.type", "reasoning"),
            ("0.message.contents.0.message_content.text", "Hm."),
            ("1.message.role", "assistant"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "No."),
        ],
    );
    assert_says(
        &span,
        "llm.token_count",
        &[("prompt", "0"), ("completion", "5"), ("total", "5"), ("prompt_details.cache_read", "3")],
    );
    assert_eq!(span.text("llm.invocation_parameters"), Some(r#"{"model":"my-model","n":2}"#));
    assert_eq!(span.text("llm.finish_reason"), Some("stop"));
    assert_eq!(span.text("llm.model_name"), Some("my-model-7"));
    assert_eq!(span.text("llm.system"), Some("openai"), "as nobody else's model is named like that");
}

#[tokio::test]
async fn tool_calls_are_put_together_from_their_pieces() {
    let delta = |delta: Value| json!({"object": "chat.completion.chunk", "model": "gpt-4o", "choices": [{"index": 0, "delta": delta}]});
    let call = |index: u32, piece: Value| delta(json!({"tool_calls": [{"index": index, "function": piece}]}));
    let mut chunks = vec![
        delta(
            json!({"role": "assistant", "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "find", "arguments": ""}}]}),
        ),
        call(0, json!({"arguments": "{\"what\":"})),
        delta(
            json!({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "buy", "arguments": "{}"}}]}),
        ),
        call(0, json!({"arguments": "\"lamp\"}"})),
    ];
    chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    let span =
        streamed(&json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}), chunks).await;
    assert_says(
        &span,
        "llm.output_messages.0.message.tool_calls",
        &[
            ("0.tool_call.id", "c1"),
            ("0.tool_call.function.name", "find"),
            ("0.tool_call.function.arguments", "{\"what\":\"lamp\"}"),
            ("1.tool_call.id", "c2"),
            ("1.tool_call.function.name", "buy"),
            ("1.tool_call.function.arguments", "{}"),
        ],
    );
    assert_eq!(span.text("llm.finish_reason"), Some("tool_calls"));
}

#[tokio::test]
async fn completions_of_old_are_streamed_too() {
    let chunk = |text: &str| json!({"object": "text_completion", "model": "davinci", "choices": [{"index": 0, "text": text}]});
    let span = streamed(&json!({"model": "davinci", "prompt": "a"}), [chunk("b"), chunk("c")]).await;
    assert_says(&span, "llm.prompts", &[("0.prompt.text", "a")]);
    assert_says(&span, "llm.choices", &[("0.completion.text", "bc")]);
}

#[test]
fn openai_responses_say_what_tools_did() {
    let request = json!({
        "model": "gpt-5",
        "tools": [{"type": "function", "name": "find"}],
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "https://shop/a.png"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": [{"found": 1}]},
            {"type": "item_reference", "id": "r"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "run", "input": "1+1"},
        ],
    });
    let answer = json!({
        "object": "response",
        "model": "gpt-5-2025",
        "output": [
            {"type": "web_search_call", "id": "w1", "status": "completed"},
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"type": "image_generation_call", "id": "i1", "result": "QUJD"},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    });
    let span = asked(&request, answer);
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("1.message.role", "user"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "hi"),
            ("1.message.contents.1.message_content.type", "image"),
            ("1.message.contents.1.message_content.image.image.url", "https://shop/a.png"),
            ("2.message.role", "assistant"),
            ("2.message.contents.0.message_content.type", "reasoning"),
            ("2.message.contents.0.message_content.text", "a\nb"),
            ("3.message.role", "assistant"),
            ("3.message.tool_calls.0.tool_call.id", "c1"),
            ("3.message.tool_calls.0.tool_call.function.name", "find"),
            ("4.message.role", "tool"),
            ("4.message.tool_call_id", "c1"),
            ("4.message.content", "[{\"found\":1}]"),
            ("6.message.role", "assistant"),
            ("6.message.tool_calls.0.tool_call.id", "c2"),
            ("6.message.tool_calls.0.tool_call.function.name", "run"),
            ("6.message.tool_calls.0.tool_call.function.arguments", "{\"input\":\"1+1\"}"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.tool_calls.0.tool_call.id", "w1"),
            ("0.message.tool_calls.0.tool_call.function.name", "web_search_call"),
            ("1.message.role", "assistant"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "No."),
        ],
    );
    assert_says(&span, "output.images", &[("0.image.url", "data:image/png;base64,QUJD")]);
    assert_says(&span, "llm.tools", &[("0.tool.json_schema", r#"{"type":"function","name":"find"}"#)]);
}

#[tokio::test]
async fn a_response_that_never_completes_is_what_came_of_it() {
    let items = [
        json!({"type": "response.created", "response": {"object": "response", "model": "gpt-5", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "call_id": "c1", "name": "find", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"a\""}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": ":1}"}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "role": "assistant", "content": []}}),
        json!({"type": "response.content_part.added", "output_index": 1, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hel"}),
    ];
    let span = streamed(&json!({"model": "gpt-5", "input": "hi"}), items).await;
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.tool_calls.0.tool_call.id", "c1"),
            ("0.message.tool_calls.0.tool_call.function.name", "find"),
            ("0.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
            ("1.message.role", "assistant"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "Hel"),
        ],
    );
}

#[test]
fn embeddings_of_tokens_have_no_text() {
    let capturing = capture();
    embed(
        &json!({"input": [1, 2]}),
        json!({"data": [{"index": 0, "embedding": [0.5, 1]}], "usage": {"prompt_tokens": 2}}),
    );
    let span = capturing.only();
    let vector = &span.attributes["embedding.embeddings.0.embedding.vector"];
    assert_eq!(vector, &Attribute::Array(Array::F64(vec![0.5, 1.0])));
    assert_eq!(span.text("embedding.model_name"), Some("embed-1"));
    assert_eq!(span.text("embedding.embeddings.0.embedding.text"), None);
    assert_eq!(span.duplicates, Vec::<String>::new());
}

#[test]
fn anthropic_says_each_result_of_a_tool_by_itself() {
    let request = json!({
        "model": "claude-x",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be nice."}],
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "UERG"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "REDACTED"},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "a lamp"},
                {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "b"}]},
                {"type": "text", "text": "And?"},
            ]},
        ],
    });
    let answer = json!({
        "type": "message", "role": "assistant", "model": "claude-x-1", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "A lamp."}, {"type": "web_search_tool_result", "content": []}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1}},
    });
    let span = asked(&request, answer);
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("0.message.role", "system"),
            ("0.message.contents.0.message_content.type", "text"),
            ("0.message.contents.0.message_content.text", "Be nice."),
            ("1.message.role", "user"),
            ("1.message.contents.0.message_content.type", "image"),
            ("1.message.contents.0.message_content.image.image.url", "data:image/png;base64,QUJD"),
            ("1.message.contents.1.message_content.type", "document"),
            (
                "1.message.contents.1.message_content.text",
                r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"__REDACTED__"}}"#,
            ),
            ("2.message.role", "assistant"),
            ("2.message.contents.0.message_content.type", "reasoning"),
            ("2.message.contents.0.message_content.text", "Hm."),
            ("2.message.contents.0.message_content.signature", "sig"),
            ("2.message.contents.1.message_content.type", "reasoning"),
            ("2.message.contents.1.message_content.data", "REDACTED"),
            ("2.message.contents.2.message_content.type", "tool_use"),
            ("2.message.contents.2.tool_call.id", "t1"),
            ("2.message.contents.2.tool_call.function.name", "find"),
            ("2.message.contents.2.tool_call.function.arguments", "{\"a\":1}"),
            ("2.message.tool_calls.0.tool_call.id", "t1"),
            ("2.message.tool_calls.0.tool_call.function.name", "find"),
            ("2.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
            ("3.message.role", "tool"),
            ("3.message.tool_call_id", "t1"),
            ("3.message.content", "a lamp"),
            ("4.message.role", "tool"),
            ("4.message.tool_call_id", "t2"),
            ("4.message.content", r#"[{"type":"text","text":"b"}]"#),
            ("5.message.role", "user"),
            ("5.message.contents.0.message_content.type", "text"),
            ("5.message.contents.0.message_content.text", "And?"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.contents.0.message_content.type", "text"),
            ("0.message.contents.0.message_content.text", "A lamp."),
            ("0.message.contents.1.message_content.type", "web_search_tool_result"),
            (
                "0.message.contents.1.message_content.text",
                r#"{"type":"web_search_tool_result","content":[]}"#,
            ),
        ],
    );
    assert_says(
        &span,
        "llm.token_count",
        &[("prompt", "1"), ("completion", "2"), ("total", "3"), ("completion_details.reasoning", "1")],
    );
    assert_eq!(span.text("llm.provider"), Some("anthropic"));
    assert_eq!(span.text("llm.response.model_name"), Some("claude-x-1"));
}

#[tokio::test]
async fn anthropic_streams_thoughts_and_arguments_in_pieces() {
    let delta =
        |index: u32, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start = |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let events = [
        json!({"type": "message_start", "message": {"role": "assistant", "model": "claude-x", "content": [], "usage": {"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 1}}}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "H"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "m."})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        start(1, json!({"type": "tool_use", "id": "t1", "name": "find", "input": {}})),
        delta(1, json!({"type": "input_json_delta", "partial_json": "{\"a\":"})),
        delta(1, json!({"type": "input_json_delta", "partial_json": "1}"})),
        start(2, json!({"type": "tool_use", "id": "t2", "name": "none", "input": {}})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ];
    let span = streamed(
        &json!({"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
        events,
    )
    .await;
    assert_says(
        &span,
        "llm.output_messages.0.message.contents",
        &[
            ("0.message_content.type", "reasoning"),
            ("0.message_content.text", "Hm."),
            ("0.message_content.signature", "sig"),
            ("1.message_content.type", "tool_use"),
            ("1.tool_call.id", "t1"),
            ("1.tool_call.function.name", "find"),
            ("1.tool_call.function.arguments", "{\"a\":1}"),
            ("2.message_content.type", "tool_use"),
            ("2.tool_call.id", "t2"),
            ("2.tool_call.function.name", "none"),
            ("2.tool_call.function.arguments", "{}"),
        ],
    );
    assert_says(
        &span,
        "llm.token_count",
        &[("prompt", "8"), ("completion", "7"), ("total", "15"), ("prompt_details.cache_read", "3")],
    );
}

#[tokio::test]
async fn ollama_chats_and_generates() {
    let request = json!({
        "model": "llama3.2", "options": {"temperature": 0.1},
        "messages": [{"role": "user", "content": "hi", "images": ["QUJD"]}, {"role": "tool", "tool_name": "find", "content": "a lamp"}],
    });
    let chunks = [
        json!({"model": "llama3.2", "created_at": "1", "message": {"role": "assistant", "content": "", "thinking": "Hm."}, "done": false}),
        json!({"model": "llama3.2", "created_at": "2", "message": {"role": "assistant", "content": "A ", "tool_calls": [{"function": {"name": "find", "arguments": {"a": 1}}}]}, "done": false}),
        json!({"model": "llama3.2", "created_at": "3", "message": {"role": "assistant", "content": "lamp."}, "done": true, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 2}),
    ];
    let span = streamed(&request, chunks.iter().map(|chunk| format!("{chunk}\n"))).await;
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("0.message.role", "user"),
            ("0.message.content", "hi"),
            ("0.message.contents.0.message_content.type", "image"),
            ("0.message.contents.0.message_content.image.image.url", "data:image/png;base64,QUJD"),
            ("1.message.role", "tool"),
            ("1.message.name", "find"),
            ("1.message.content", "a lamp"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.content", "A lamp."),
            ("0.message.contents.0.message_content.type", "reasoning"),
            ("0.message.contents.0.message_content.text", "Hm."),
            ("0.message.tool_calls.0.tool_call.function.name", "find"),
            ("0.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
        ],
    );
    assert_says(&span, "llm.token_count", &[("prompt", "4"), ("completion", "2"), ("total", "6")]);
    assert_eq!(span.text("llm.provider"), Some("ollama"));
    assert_eq!(span.text("llm.finish_reason"), Some("stop"));

    let answer = json!({"model": "llama3.2", "response": "b", "done": true, "final_data": {"prompt_eval_count": 1, "eval_count": 1}});
    let span = asked(&json!({"model": "llama3.2", "prompt": "a", "keep_alive": null}), answer);
    assert_says(&span, "llm.prompts", &[("0.prompt.text", "a")]);
    assert_says(&span, "llm.choices", &[("0.completion.text", "b")]);
    assert_says(&span, "llm.token_count", &[("prompt", "1"), ("completion", "1"), ("total", "2")]);
}

#[tokio::test]
async fn gemini_answers_in_parts() {
    let request = json!({
        "model": "models/gemini-2.5-pro",
        "systemInstruction": {"parts": [{"text": "Be nice."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "What is this?"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]},
            {"role": "model", "parts": [{"functionCall": {"id": "f1", "name": "find", "args": {"a": 1}}, "thoughtSignature": "sig"}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "f1", "name": "find", "response": {"found": 1}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "find"}, {"name": "buy"}]}],
        "generationConfig": {"temperature": 0.1},
    });
    let part = |part: Value| json!({"candidates": [{"content": {"role": "model", "parts": [part]}}], "modelVersion": "gemini-2.5-pro"});
    let chunks = [
        part(json!({"text": "H", "thought": true})),
        part(json!({"text": "m.", "thought": true})),
        part(json!({"text": "A "})),
        part(json!({"text": "lamp."})),
        json!({
            "candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 10},
        }),
    ];
    let span = streamed(&request, chunks).await;
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("0.message.role", "system"),
            ("0.message.content", "Be nice."),
            ("1.message.role", "user"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "What is this?"),
            ("1.message.contents.1.message_content.type", "image"),
            ("1.message.contents.1.message_content.image.image.url", "data:image/png;base64,QUJD"),
            ("2.message.role", "model"),
            ("2.message.tool_calls.0.tool_call.id", "f1"),
            ("2.message.tool_calls.0.tool_call.function.name", "find"),
            ("2.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
            ("2.message.tool_calls.0.tool_call.reasoning_signature", "sig"),
            ("3.message.role", "user"),
            ("3.message.name", "find"),
            ("3.message.tool_call_id", "f1"),
            ("3.message.content", "{\"found\":1}"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "model"),
            ("0.message.contents.0.message_content.type", "reasoning"),
            ("0.message.contents.0.message_content.text", "Hm."),
            ("0.message.contents.1.message_content.type", "text"),
            ("0.message.contents.1.message_content.text", "A lamp."),
        ],
    );
    assert_says(
        &span,
        "llm.token_count",
        &[("prompt", "5"), ("completion", "5"), ("total", "10"), ("completion_details.reasoning", "2")],
    );
    assert_says(
        &span,
        "llm.tools",
        &[("0.tool.json_schema", r#"{"name":"find"}"#), ("1.tool.json_schema", r#"{"name":"buy"}"#)],
    );
    assert_eq!(span.text("llm.model_name"), Some("gemini-2.5-pro"));
    assert_eq!(span.text("llm.provider"), Some("google"));
}

#[tokio::test]
async fn the_types_of_genai_are_read_too() {
    let request = json!({
        "system": "Be nice.",
        "messages": [
            {"role": "User", "content": [{"Text": "hi"}, {"Binary": {"content_type": "image/png", "source": {"Base64": "QUJD"}}}]},
            {"role": "Assistant", "content": [{"ToolCall": {"call_id": "c1", "fn_name": "find", "fn_arguments": {"a": 1}}}]},
            {"role": "Tool", "content": [{"ToolResponse": {"call_id": "c1", "content": "a lamp"}}]},
        ],
        "tools": null,
    });
    let answer = json!({
        "content": [{"Text": "A lamp."}],
        "reasoning_content": "Hm.",
        "model_iden": {"adapter_kind": "OpenAI", "model_name": "gpt-4o"},
        "provider_model_iden": {"adapter_kind": "OpenAI", "model_name": "gpt-4o-1"},
        "stop_reason": {"Completed": "stop"},
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    let span = asked(&request, answer);
    assert_says(
        &span,
        "llm.input_messages",
        &[
            ("0.message.role", "system"),
            ("0.message.content", "Be nice."),
            ("1.message.role", "user"),
            ("1.message.contents.0.message_content.type", "text"),
            ("1.message.contents.0.message_content.text", "hi"),
            ("1.message.contents.1.message_content.type", "image"),
            ("1.message.contents.1.message_content.image.image.url", "data:image/png;base64,QUJD"),
            ("2.message.role", "assistant"),
            ("2.message.tool_calls.0.tool_call.id", "c1"),
            ("2.message.tool_calls.0.tool_call.function.name", "find"),
            ("2.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}"),
            ("3.message.role", "tool"),
            ("3.message.tool_call_id", "c1"),
            ("3.message.content", "a lamp"),
        ],
    );
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.content", "A lamp."),
            ("0.message.contents.0.message_content.type", "reasoning"),
            ("0.message.contents.0.message_content.text", "Hm."),
        ],
    );
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o-1"));
    assert_eq!(span.text("llm.finish_reason"), Some("stop"));

    let call = |arguments: &str| json!({"ToolCallChunk": {"tool_call": {"call_id": "c\"1", "fn_name": "find", "fn_arguments": arguments}}});
    let events = [
        json!("Start"),
        json!({"Chunk": {"content": "A "}}),
        json!({"Chunk": {"content": "lamp."}}),
        call("{"),
        call("{}"),
        json!({"End": {"captured_usage": {"prompt_tokens": 3}, "captured_stop_reason": {"ToolCall": "tool_calls"}}}),
    ];
    let span = streamed(&request, events).await;
    assert_says(
        &span,
        "llm.output_messages",
        &[
            ("0.message.role", "assistant"),
            ("0.message.content", "A lamp."),
            ("0.message.tool_calls.0.tool_call.id", "c\"1"),
            ("0.message.tool_calls.0.tool_call.function.name", "find"),
            ("0.message.tool_calls.0.tool_call.function.arguments", "{}"),
        ],
    );
    assert_says(&span, "llm.token_count", &[("prompt", "3")]);
}

#[test]
fn a_body_in_text_or_bytes_is_read_like_its_value() {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    let answer = json!({"object": "chat.completion", "model": "gpt-4o-1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}]});
    let capturing = capture();
    ask(&Value::from(request.to_string()), answer.to_string());
    ask_bytes(request.to_string().as_bytes(), answer.to_string().into()).unwrap();
    ask(
        &request,
        "event: x\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\ndata: [DONE]\n\n",
    );
    for span in capturing.spans() {
        assert_eq!(span.text("llm.input_messages.0.message.content"), Some("hi"));
        assert_eq!(span.text("llm.output_messages.0.message.content"), Some("Hello"));
        assert_eq!(span.text("input.value"), Some(&*request.to_string()));
        assert_eq!(span.text("output.mime_type"), Some("application/json"));
        assert_eq!(span.duplicates, Vec::<String>::new());
    }
}

#[test]
fn what_is_of_no_known_shape_is_recorded_as_it_is() {
    let capturing = capture();
    ask(&json!({"question": 1}), json!({"answer": 2}));
    ask(&json!("just text"), "just text");
    let [unknown, text] = &capturing.spans()[..] else { panic!("two calls") };
    assert_eq!(unknown.text("input.value"), Some(r#"{"question":1}"#));
    assert_eq!(unknown.text("output.value"), Some(r#"{"answer":2}"#));
    assert_says(unknown, "llm", &[]);
    assert_eq!(text.text("output.value"), Some("just text"));
    assert_eq!(text.text("output.mime_type"), Some("text/plain"));
}

/// The request is made within.
#[llm_call(skip(answer))]
fn ask_in_words(question: &str, answer: Value) -> Value {
    let _ = question;
    answer
}

#[test]
fn an_answer_is_read_without_its_request() {
    let capturing = capture();
    let message = json!({"role": "assistant", "content": "Of course."});
    ask_in_words("Lamps?", json!({"model": "gpt-4o", "choices": [{"index": 0, "message": message}]}));
    let span = capturing.only();
    assert_eq!(span.text("input.value"), Some("Lamps?"));
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o"));
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("Of course."));
}

#[tokio::test]
async fn a_stream_that_fails_keeps_what_came() {
    let capturing = capture();
    let chunk = json!({"object": "chat.completion.chunk", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": "Hel"}}]});
    let items = vec![Ok(chunk), Err("the connection broke".to_owned())];
    stream(&json!({"model": "gpt", "messages": []}), items).collect::<Vec<_>>().await;
    let span = capturing.only();
    assert_eq!(span.status, Status::error("the connection broke"));
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("Hel"));
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o"));
}

/// Parsers of server-sent events return objects with the data as text. Other lines are between the events.
#[tokio::test]
async fn chunks_may_come_inside_of_events() {
    let chunk = |text: &str| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]});
    let event = |text: &str| json!({"event": "message", "data": chunk(text).to_string(), "id": ""});
    let request = json!({"model": "m", "messages": []});
    let broken = json!({"event": "message", "data": "{".repeat(1 << 17)});
    let span = streamed(&request, [event("A "), broken, event("lamp."), json!({"data": "[DONE]"})]).await;
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("A lamp."));
    let lines = [
        ": comment\n\n".to_owned(),
        format!("data:{}\r\n\r\n", chunk("A lamp.")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let span = streamed(&request, lines).await;
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("A lamp."));
}

#[tokio::test]
async fn items_that_are_no_chunks_stay_a_list() {
    let span = streamed(&json!({"model": "m", "messages": []}), ["to", "be"]).await;
    assert_eq!(span.text("output.value"), Some(r#"["to","be"]"#));
}

#[test]
fn a_text_is_embedded_whatever_the_answer_is() {
    let capturing = capture();
    embed(&json!({"model": "m", "input": "a lamp"}), json!([0.5]));
    assert_eq!(capturing.only().text("embedding.embeddings.0.embedding.text"), Some("a lamp"));
}
