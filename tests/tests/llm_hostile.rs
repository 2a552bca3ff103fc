//! Tests malformed input: the readers of models' calls neither panic nor run out of stack, memory or time.

use a2a_otel::llm_call;
use a2a_otel::testing::{Captured, capture};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use proptest::prelude::*;
use serde_json::{Value, json};

#[llm_call(request = request)]
fn ask(request: &str, answer: String) -> String {
    answer
}

#[llm_call(request = request)]
fn stream<T: serde::Serialize>(request: &str, items: Vec<T>) -> impl Stream<Item = T> {
    stream::iter(items)
}

#[llm_call(request = request)]
fn stream_bytes(request: &str, items: Vec<Vec<u8>>) -> impl Stream<Item = Vec<u8>> {
    stream::iter(items)
}

/// Records the input once as a request and response, and once as a stream of pieces of this length.
fn read(text: &str, size: usize) -> Vec<Captured> {
    let capturing = capture();
    ask(text, text.to_owned());
    let bytes: Vec<_> = text.as_bytes().chunks(size.max(1)).map(<[u8]>::to_vec).collect();
    block_on(stream_bytes(text, bytes).collect::<Vec<_>>());
    capturing.spans()
}

/// Asserts that nothing is lost, and that no attribute is longer than the limit and its mark.
fn assert_recorded(spans: &[Captured], text: &str) {
    const LIMIT: usize = 1 << 20;
    for span in spans {
        let input = span.text("input.value").expect("an input");
        let is_shorter = input.contains("[cut at") || input.contains("__REDACTED__");
        assert!(input.len() == text.len() || is_shorter, "{} of {}", input.len(), text.len());
        for (key, value) in &span.attributes {
            assert!(value.as_str().len() < LIMIT + 100, "{key} is {} long", value.as_str().len());
        }
    }
}

/// Names that the readers look for.
const NAMES: &[&str] = &[
    "arguments",
    "candidates",
    "choices",
    "content",
    "content_block",
    "content_index",
    "contents",
    "data",
    "delta",
    "done",
    "embedding",
    "function",
    "functionCall",
    "function_call",
    "id",
    "index",
    "input",
    "instructions",
    "item",
    "max_tokens",
    "message",
    "messages",
    "model",
    "name",
    "object",
    "output",
    "output_index",
    "part",
    "parts",
    "prompt",
    "reasoning",
    "response",
    "role",
    "source",
    "stop_reason",
    "summary",
    "system",
    "text",
    "thinking",
    "tool_calls",
    "tools",
    "type",
    "usage",
    "usageMetadata",
];

/// Texts that the readers look for.
const TEXTS: &[&str] = &[
    "",
    "{}",
    "assistant",
    "base64",
    "chat.completion.chunk",
    "content_block_delta",
    "content_block_start",
    "function_call",
    "image",
    "input_json_delta",
    "message_delta",
    "message_start",
    "reasoning",
    "response.completed",
    "response.output_item.added",
    "response.output_text.delta",
    "text",
    "text_completion",
    "tool_result",
    "tool_use",
    "\u{1F600}\"\\\n",
    "\u{0}",
];

/// JSON with these names and texts at any position.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![any::<i64>(), 0..3_i64].prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 8, |inner| {
        let name = prop::sample::select(NAMES).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_json_is_recorded(value in any_json()) {
        let text = value.to_string();
        assert_recorded(&read(&text, 64), &text);
    }

    #[test]
    fn any_json_that_ends_early_is_recorded(value in any_json(), at in any::<prop::sample::Index>()) {
        let text = value.to_string();
        let end = (0..=at.index(text.len() + 1)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        assert_recorded(&read(&text[..end], 16), &text[..end]);
    }

    #[test]
    fn any_events_are_folded(values in prop::collection::vec(any_json(), 0..12), size in 1..200_usize) {
        let events = values.iter().fold(String::new(), |events, value| events + &format!("data: {value}\n\n"));
        assert_recorded(&read(&events, size), &events);
        let capturing = capture();
        block_on(stream(&events, values).collect::<Vec<_>>());
        assert_recorded(&capturing.spans(), &events);
    }

    #[test]
    fn any_text_is_recorded(text in any::<String>(), size in 1..50_usize) {
        assert_recorded(&read(&text, size), &text);
    }
}

const TEN_MEGABYTES: usize = 10 << 20;

fn repeated(piece: &str) -> String {
    piece.repeat(TEN_MEGABYTES / piece.len())
}

#[test]
fn ten_megabytes_of_anything_are_recorded() {
    let list = |before: &str, piece: &str, after: &str| {
        format!("{before}{}{after}", repeated(piece).trim_end_matches(','))
    };
    let texts = [
        repeated("{\"messages\":["),
        repeated("\\"),
        repeated("data: {}\n"),
        list("{\"messages\":[", "{\"role\":\"user\",\"content\":\"hi\"},", "]}"),
        list("{\"choices\":[", "{\"delta\":{\"content\":\"a\"}},", "]}"),
        list("{\"model\":\"m\",\"input\":[", "1,", "]}"),
        list("{\"messages\":[{\"content\":\"", "\\u0041", "\"}]}"),
        list("{\"messages\":[],\"model\":\"", "claude", "\"}"),
    ];
    for text in texts {
        let capturing = capture();
        ask(&text, String::new());
        block_on(stream("", vec![text.clone()]).collect::<Vec<_>>());
        let [asked, streamed] = &capturing.spans()[..] else { panic!("two calls") };
        assert_recorded(std::slice::from_ref(asked), &text);
        assert_recorded(std::slice::from_ref(streamed), "");
    }
}

#[test]
fn a_stream_without_end_keeps_within_the_limit() {
    let chunk = |number: usize| {
        let piece = "many words ".repeat(100);
        json!({
            "object": "chat.completion.chunk", "model": format!("m{number}"), format!("field {number}"): number,
            "choices": [{"index": number, "delta": {"content": piece, "tool_calls": [{"index": number, "id": piece}]}}],
        })
    };
    let capturing = capture();
    block_on(stream("", (0..5000).map(chunk).collect()).collect::<Vec<_>>());
    let span = capturing.only();
    let output = span.text("output.value").unwrap();
    assert!(output.len() < 2 << 20, "{} long", output.len());
    assert!(serde_json::from_str::<Value>(output).is_ok_and(|output| output["choices"].is_array()));
    assert!(output.contains("[cut at"), "what is missing is said");
}

/// What does not fit need not be a text.
#[test]
fn the_last_text_says_what_is_missing() {
    let chunk = |delta: Value| json!({"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta}]});
    let numbers = json!({"content": "A lamp.", "numbers": vec![1; 1 << 20]});
    let capturing = capture();
    block_on(stream("", vec![chunk(numbers)]).collect::<Vec<_>>());
    let span = capturing.only();
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("A lamp. … [cut at 1048576 bytes]"));
}

#[test]
fn an_answer_that_the_last_events_repeat_takes_room_once() {
    let text = "many words ".repeat(40_000);
    let part = json!({"type": "output_text", "text": text});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [part]});
    let response =
        |output: &[&Value]| json!({"id": "r", "object": "response", "model": "m", "output": output});
    let mut last = response(&[&item]);
    last["usage"] = json!({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3});
    let empty = json!({"id": "msg_1", "type": "message", "role": "assistant", "content": []});
    let of_part = |kind: &str, field: &str, value: &Value| json!({"type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0, field: value});
    let events = [
        json!({"type": "response.created", "response": response(&[])}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": empty}),
        of_part("response.output_text.delta", "delta", &json!(text)),
        of_part("response.output_text.done", "text", &json!(text)),
        of_part("response.content_part.done", "part", &part),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": last}),
    ];
    let capturing = capture();
    block_on(stream("", events.to_vec()).collect::<Vec<_>>());
    let span = capturing.only();
    assert_eq!(span.text("output.value").unwrap(), last.to_string());
}

/// Streamed answers, by interface. Each says that it is by an assistant, why it ended and what it used, and has a place for one
/// more value: beside what was said, or instead of it.
fn answers_with(value: &Value) -> Vec<(&'static str, Vec<Value>)> {
    let chat = |choices: Value| json!({"object": "chat.completion.chunk", "model": "m", "choices": choices});
    let choice =
        |delta: Value, reason: Value| chat(json!([{"index": 0, "delta": delta, "finish_reason": reason}]));
    let chat_usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let usage = json!({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3});
    let parts = |parts: Value| json!({"content": {"role": "model", "parts": parts}});
    let response = |output: Value| json!({"id": "r", "object": "response", "model": "m", "output": output});
    let mut incomplete =
        response(json!([{"id": "a", "type": "message", "role": "assistant", "content": value}]));
    incomplete["incomplete_details"] = json!({"reason": "stop"});
    incomplete["usage"] = usage.clone();
    vec![
        (
            "OpenAI, chat: beside",
            vec![
                choice(json!({"note": value, "role": "assistant", "content": "A lamp."}), Value::Null),
                choice(json!({}), json!("stop")),
                json!({"object": "chat.completion.chunk", "choices": [], "usage": chat_usage}),
            ],
        ),
        (
            "OpenAI, chat: instead",
            vec![
                choice(json!({"content": value}), Value::Null),
                choice(json!({"role": "assistant"}), json!("stop")),
                json!({"object": "chat.completion.chunk", "choices": [], "usage": chat_usage}),
            ],
        ),
        (
            "OpenAI, responses: beside",
            vec![
                json!({"type": "response.created", "response": {"object": "response", "note": value}}),
                json!({"type": "response.incomplete", "response": {
                    "model": "m", "usage": usage, "incomplete_details": {"reason": "stop"},
                    "output": [{"id": "a", "type": "message", "role": "assistant", "content": "A lamp."}],
                }}),
            ],
        ),
        ("OpenAI, responses: instead", vec![json!({"type": "response.incomplete", "response": incomplete})]),
        (
            "Anthropic: instead",
            vec![
                json!({"type": "message_start", "message": {"role": "assistant", "content": [], "usage": {"input_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": value}}),
                json!({"type": "message_delta", "delta": {"stop_reason": "stop"}, "usage": {"output_tokens": 2}}),
            ],
        ),
        (
            "Anthropic: beside",
            vec![
                json!({"type": "message_start", "message": {"note": value, "role": "assistant", "content": []}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "A lamp."}}),
                json!({"type": "message_delta", "delta": {"stop_reason": "stop"}, "usage": {"input_tokens": 1, "output_tokens": 2}}),
            ],
        ),
        (
            "Gemini",
            vec![
                json!({"candidates": [parts(json!([{"text": value}]))]}),
                json!({
                    "candidates": [{"finishReason": "stop"}],
                    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
                }),
            ],
        ),
        (
            "Ollama",
            vec![
                json!({"model": "m", "created_at": "", "message": {"content": value}, "done": false}),
                json!({
                    "model": "m", "created_at": "", "message": {"role": "assistant"}, "done": true, "done_reason": "stop",
                    "prompt_eval_count": 1, "eval_count": 2,
                }),
            ],
        ),
    ]
}

/// A value that does not fit is lost alone, or cut, if it is a text.
#[test]
fn what_comes_after_a_value_that_does_not_fit_is_kept() {
    let text = "many words ".repeat(100_000);
    let almost = "word ".repeat((1 << 20) / 5 - 20);
    let many = vec!["one of very many words"; 50_000];
    for value in [json!(text), json!([text]), json!(many), json!({"a": text}), json!(almost)] {
        for (answer, chunks) in answers_with(&value) {
            let kind = &value.to_string()[..8];
            let capturing = capture();
            block_on(stream("", chunks).collect::<Vec<_>>());
            let span = capturing.only();
            assert_eq!(span.number("llm.token_count.total"), Some(3), "{answer} {kind}");
            assert_eq!(span.text("llm.finish_reason"), Some("stop"), "{answer} {kind}");
            if let Some(role) = span.text("llm.output_messages.0.message.role") {
                assert!(["assistant", "model"].contains(&role), "{answer} {kind}");
            }
            let output = span.text("output.value").expect("an output");
            assert!(
                output.len() > 100 && output.len() < (1 << 20) + (1 << 16),
                "{answer} {kind}: {}",
                output.len()
            );
        }
    }
}
