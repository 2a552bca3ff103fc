//! How many tokens a call used, as each provider's answer says it.

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::testing::capture;
use serde_json::{Value, json};

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

/// What an answer with this usage is recorded as: the names without `llm.token_count.`, and the counts.
fn counts(answer: Value) -> Value {
    let capturing = capture();
    ask(&json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}), answer);
    let span = capturing.only();
    let counts = span.attributes.iter().filter_map(|(key, value)| match value {
        Attribute::I64(count) => Some((key.strip_prefix("llm.token_count.")?.to_owned(), json!(count))),
        _ => None,
    });
    Value::Object(counts.collect())
}

fn chat(usage: &Value) -> Value {
    json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}], "usage": usage})
}

/// The provider, its usage, and the counts that are right.
fn rows() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "OpenAI",
            json!({
                "prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 9, "audio_tokens": 3},
            }),
            json!({
                "prompt": 20, "completion": 30, "total": 50, "prompt_details.cache_read": 8, "prompt_details.audio": 2,
                "completion_details.reasoning": 9, "completion_details.audio": 3,
            }),
        ),
        (
            "OpenRouter",
            json!({
                "prompt_tokens": 194, "completion_tokens": 2, "total_tokens": 196, "cost": 0.95,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            }),
            json!({
                "prompt": 194, "completion": 2, "total": 196, "prompt_details.cache_read": 0,
                "prompt_details.cache_write": 100, "prompt_details.audio": 0, "completion_details.reasoning": 0,
            }),
        ),
        (
            "DeepSeek",
            json!({
                "prompt_tokens": 16, "completion_tokens": 10, "total_tokens": 26,
                "prompt_cache_hit_tokens": 12, "prompt_cache_miss_tokens": 4,
                "completion_tokens_details": {"reasoning_tokens": 6},
            }),
            json!({
                "prompt": 16, "completion": 10, "total": 26, "prompt_details.cache_read": 12,
                "completion_details.reasoning": 6,
            }),
        ),
        (
            "xAI, which counts reasoning separately",
            json!({
                "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            }),
            json!({"prompt": 32, "completion": 103, "total": 135, "completion_details.reasoning": 94}),
        ),
        (
            "Moonshot and Together",
            json!({"prompt_tokens": 19, "completion_tokens": 21, "total_tokens": 40, "cached_tokens": 10}),
            json!({"prompt": 19, "completion": 21, "total": 40, "prompt_details.cache_read": 10}),
        ),
        (
            "vLLM without details",
            json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": null}),
            json!({"prompt": 1, "completion": 2, "total": 3}),
        ),
        (
            "Mistral, whose seconds of audio are no tokens",
            json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_audio_seconds": {}}),
            json!({"prompt": 1, "completion": 2, "total": 3}),
        ),
        (
            "Perplexity",
            json!({"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10, "reasoning_tokens": 4}),
            json!({"prompt": 1, "completion": 9, "total": 10, "completion_details.reasoning": 4}),
        ),
        (
            "LiteLLM in front of Anthropic",
            json!({
                "prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32,
                "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5,
            }),
            json!({
                "prompt": 30, "completion": 2, "total": 32, "prompt_details.cache_read": 20,
                "prompt_details.cache_write": 5,
            }),
        ),
        (
            "a total that something else explains",
            json!({
                "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 10,
                "completion_tokens_details": {"reasoning_tokens": 1},
            }),
            json!({"prompt": 1, "completion": 2, "total": 10, "completion_details.reasoning": 1}),
        ),
        (
            "a client that stores numbers as floats",
            json!({"prompt_tokens": 10.0, "completion_tokens": 20.0, "total_tokens": 30.0}),
            json!({"prompt": 10, "completion": 20, "total": 30}),
        ),
    ]
}

#[test]
fn each_provider_is_counted() {
    for (provider, usage, expected) in rows() {
        assert_eq!(counts(chat(&usage)), expected, "{provider}");
    }
}

#[test]
fn usage_may_be_outside_of_its_field() {
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let expected = json!({"prompt": 1, "completion": 2, "total": 3});
    let mut groq = chat(&Value::Null);
    groq["x_groq"] = json!({"id": "r", "usage": usage});
    assert_eq!(counts(groq), expected, "Groq's streams");
    let mut moonshot = chat(&Value::Null);
    moonshot["choices"][0]["usage"] = usage;
    assert_eq!(counts(moonshot), expected, "Moonshot's streams");
}

#[test]
fn responses_count_cached_and_reasoning_tokens() {
    let answer = json!({"object": "response", "output": [], "usage": {
        "input_tokens": 20, "output_tokens": 30, "total_tokens": 50,
        "input_tokens_details": {"cached_tokens": 8}, "output_tokens_details": {"reasoning_tokens": 9},
    }});
    let expected = json!({
        "prompt": 20, "completion": 30, "total": 50, "prompt_details.cache_read": 8, "completion_details.reasoning": 9,
    });
    assert_eq!(counts(answer), expected);
}
