//! Calls of models, as clients make them.

use std::fmt;

use a2a_otel::metrics::MetricsSnapshot;
use a2a_otel::record::{Response, Usage};
use a2a_otel::semconv::GenAiVersion;
use a2a_otel::{agent_span, current, embedding_call, llm_call, tool_span};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

use crate::world::{EACH, Sampled, count, figures, recorded, sum};

/// An error of a client.
#[derive(Debug)]
pub(crate) struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no route to the model")
    }
}

impl std::error::Error for Unreachable {}

fn request(model: &str) -> Value {
    json!({"model": model, "max_completion_tokens": 50, "messages": [{"role": "user", "content": "Which lamps?"}]})
}

/// An answer of OpenAI's: 1,000 tokens of the prompt, 200 of them cached and 30 audio, 500 of the completion.
fn answer(model: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{
            "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "The blue one."},
        }],
        "usage": {
            "prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 40, "audio_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 60, "audio_tokens": 0},
        },
    })
}

#[llm_call(request = request, provider = "openai")]
fn ask(request: &Value) -> Result<Value, Unreachable> {
    match request["model"].as_str() {
        Some("gpt-4o") => Ok(answer("gpt-4o-2024-08-06")),
        Some("gpt-error") => Ok(json!({"error": {"type": "insufficient_quota", "message": "pay first"}})),
        _ => Err(Unreachable),
    }
}

#[llm_call(request = request)]
async fn stream(request: Value) -> Result<impl Stream<Item = Result<Value, Unreachable>>, Unreachable> {
    let breaks = request["model"] == "gpt-broken";
    let chunk = |content: &str| {
        Ok(json!({
            "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "delta": {"content": content}}],
        }))
    };
    let mut chunks = vec![chunk("The "), chunk("blue "), chunk("one.")];
    chunks.push(if breaks {
        Err(Unreachable)
    } else {
        Ok(json!({
            "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18", "choices": [],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }))
    });
    Ok(stream::iter(chunks))
}

#[embedding_call(request = request)]
fn embed(request: &Value) -> Value {
    json!({
        "object": "list", "model": request["model"],
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    })
}

/// A client of whose answers nothing is known, so that the function says it.
#[llm_call(model = "in-house-7b", provider = "in-house", skip_all)]
fn by_hand() -> String {
    current().record(&Usage::new().prompt(11).completion(13));
    current().record(&Response::new().response_model("in-house-7b-q4"));
    "The blue one.".into()
}

/// A function around an instrumented client, which asks again if the model cannot be reached.
#[llm_call(model = "gpt-4o", skip_all)]
fn again() -> String {
    let _ = ask(&request("gpt-nowhere"));
    ask(&request("gpt-4o")).expect("an answer")["choices"][0]["message"]["content"].to_string()
}

#[llm_call(request = request, skip_all, fields("llm.token_count.prompt" = 17))]
async fn never(request: Value) -> Value {
    let _ = request;
    std::future::pending().await
}

#[tool_span]
fn look_up() -> Value {
    embed(&json!({"model": "text-embedding-3-small", "input": "lamps"}))
}

#[agent_span(name = "librarian")]
fn librarian() {
    ask(&request("gpt-4o")).expect("an answer");
    ask(&request("gpt-nowhere")).expect_err("no answer");
    ask(&request("gpt-error")).expect("an answer");
    again();
    by_hand();
    look_up();
    for model in ["gpt-4o-mini", "gpt-broken"] {
        let read = async { stream(request(model)).await.expect("a stream").collect::<Vec<_>>().await };
        assert_eq!(block_on(read).len(), 4);
    }
}

pub(crate) fn scene() {
    librarian();
    let dropped = block_on(async { stream(request("gpt-4o-mini")).await.expect("a stream").next().await });
    assert!(dropped.is_some());
    assert!(futures::FutureExt::now_or_never(never(request("gpt-4o"))).is_none());
}

fn assert_old(metrics: &MetricsSnapshot) {
    let chat = [("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai")];
    let of = |model| [chat[0], chat[1], ("gen_ai.request.model", model)];
    let tokens = "gen_ai.client.token.usage";
    let librarian = ("gen_ai.agent.name", "librarian");
    let input =
        |labels: &[(&str, &str)]| sum(metrics, tokens, &[labels, &[("gen_ai.token.type", "input")]].concat());
    let output = |labels: &[(&str, &str)]| {
        sum(metrics, tokens, &[labels, &[("gen_ai.token.type", "output")]].concat())
    };
    // One answer of `ask`, and the one that `again` got at last.
    assert_eq!(input(&[chat[0], chat[1], ("gen_ai.request.model", "gpt-4o"), librarian]), 2000.0);
    assert_eq!(output(&of("gpt-4o")), 1000.0);
    assert_eq!(input(&[("gen_ai.response.model", "gpt-4o-mini-2024-07-18")]), 7.0);
    let in_house = [("gen_ai.provider.name", "in-house"), ("gen_ai.request.model", "in-house-7b")];
    assert_eq!((input(&in_house), output(&in_house)), (11.0, 13.0));
    assert_eq!(input(&[("gen_ai.response.model", "in-house-7b-q4")]), 11.0);
    assert_eq!(input(&[("gen_ai.operation.name", "embeddings"), librarian]), 3.0);
    let duration = "gen_ai.client.operation.duration";
    let failed = |error| count(metrics, duration, &[("error.type", error)]);
    assert_eq!(failed("figures::models::Unreachable"), 2, "{metrics}");
    assert_eq!((failed("insufficient_quota"), failed("cancelled")), (1, 2), "{metrics}");
    // Nine of chats, and one of an embedding.
    assert_eq!(count(metrics, duration, &[]), 10, "{metrics}");
    let first = "gen_ai.client.operation.time_to_first_chunk";
    let each = "gen_ai.client.operation.time_per_output_chunk";
    // A chunk that comes after an error, or none, is no chunk.
    assert_eq!((count(metrics, first, &[]), count(metrics, each, &[])), (3, 5), "{metrics}");
    let run = [librarian];
    assert_eq!(sum(metrics, "gen_ai.invoke_agent.inference_calls", &run), 7.0, "{metrics}");
    assert_eq!(sum(metrics, "gen_ai.invoke_agent.tool_calls", &run), 1.0, "{metrics}");
}

#[test]
fn dashboards_of_today_find_their_names() {
    for sampled in EACH {
        let metrics = recorded(sampled, GenAiVersion::V1_41, scene);
        assert_old(&metrics);
        assert!(metrics.get("gen_ai.client.inference.duration").is_none());
    }
}

#[test]
fn the_latest_names_can_be_had() {
    let each = EACH.map(|sampled| recorded(sampled, GenAiVersion::LATEST, scene));
    for metrics in &each {
        let usage = |kind, labels| sum(metrics, &format!("gen_ai.client.inference.usage.{kind}"), labels);
        let audio = [("gen_ai.token.modality", "audio")];
        let gpt = [("gen_ai.response.model", "gpt-4o-2024-08-06")];
        assert_eq!(usage("input_tokens", &audio[..]), 60.0);
        assert_eq!(usage("input_tokens", &gpt), 2000.0, "{metrics}");
        assert_eq!(usage("output_tokens", &gpt), 1000.0);
        assert_eq!(count(metrics, "gen_ai.client.inference.usage.output_tokens", &audio), 0);
        assert_eq!(usage("cache_read.input_tokens", &gpt), 400.0);
        assert_eq!(usage("cache_write.input_tokens", &gpt), 80.0);
        assert_eq!(usage("reasoning.output_tokens", &gpt), 120.0);
        assert_eq!(count(metrics, "gen_ai.client.inference.operation.input_tokens", &gpt), 2);
        assert_eq!(count(metrics, "gen_ai.client.inference.duration", &[]), 9, "{metrics}");
        assert_eq!(count(metrics, "gen_ai.client.operation.duration", &[]), 1, "{metrics}");
        assert!(metrics.get("gen_ai.client.token.usage").is_none());
        assert_eq!(figures(metrics), figures(&each[0]));
    }
}

#[test]
fn a_copy_of_the_provider_s_answer_in_bytes_is_read_too() {
    #[llm_call(request = request)]
    fn raw(request: &[u8]) -> Vec<u8> {
        let _ = request;
        answer("gpt-4o").to_string().into_bytes()
    }
    for sampled in [Sampled::All, Sampled::None] {
        let metrics =
            recorded(sampled, GenAiVersion::V1_41, || drop(raw(request("gpt-4o").to_string().as_bytes())));
        assert_eq!(sum(&metrics, "gen_ai.client.token.usage", &[("gen_ai.request.model", "gpt-4o")]), 1500.0);
    }
}

/// What a user records of the models, and the model that was requested and the one that answered by that.
type Named = (&'static [(&'static str, &'static str)], Option<&'static str>, Option<&'static str>);

const NAMED: &[Named] = &[
    (&[("llm.model_name", "a")], Some("a"), None),
    (&[("llm.request.model_name", "a"), ("llm.model_name", "b")], Some("a"), Some("b")),
    (&[("llm.model_name", "a"), ("llm.response.model_name", "b")], Some("a"), Some("b")),
    (&[("gen_ai.request.model", "a"), ("gen_ai.response.model", "b")], Some("a"), Some("b")),
    (&[("llm.response.model_name", "b")], None, Some("b")),
    (&[("llm.model_name", "")], None, None),
];

#[test]
fn the_user_may_name_the_models() {
    #[llm_call]
    fn named(names: &[(&'static str, &'static str)]) {
        for (key, name) in names {
            current().attribute(*key, *name);
        }
    }
    for (names, requested, answered) in NAMED {
        for sampled in EACH {
            let metrics = recorded(sampled, GenAiVersion::V1_41, || named(names));
            let [point] = metrics.points("gen_ai.client.operation.duration") else { panic!("{metrics}") };
            let label = |key: &str| point.attributes.get(key).map(String::as_str);
            let found = [label("gen_ai.request.model"), label("gen_ai.response.model")];
            assert_eq!(found, [*requested, *answered], "{names:?}");
        }
    }
}

#[test]
fn the_interface_and_the_user_name_the_operation_and_the_provider() {
    #[llm_call]
    fn by_hand(system: &'static str) {
        current().attribute("llm.system", system);
    }
    #[llm_call(request = request)]
    fn gemini(request: &Value) -> Value {
        let content = json!({"role": "model", "parts": [{"text": "The blue one."}]});
        json!({"candidates": [{"content": content, "finishReason": "STOP"}], "modelVersion": request["model"]})
    }
    let label = |key: &str, run: fn()| {
        let metrics = recorded(Sampled::None, GenAiVersion::V1_41, run);
        let [point] = metrics.points("gen_ai.client.operation.duration") else { panic!("{metrics}") };
        point.attributes.get(key).cloned()
    };
    let provider = label("gen_ai.provider.name", || by_hand("anthropic"));
    assert_eq!(provider.as_deref(), Some("anthropic"));
    let operation = label("gen_ai.operation.name", || {
        gemini(
            &json!({"model": "gemini-2.5-flash", "contents": [{"role": "user", "parts": [{"text": "Which?"}]}]}),
        );
    });
    assert_eq!(operation.as_deref(), Some("generate_content"));
}
