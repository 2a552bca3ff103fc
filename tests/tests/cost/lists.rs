//! Costs by the price list.

use a2a_otel::record::{Cost, Usage};
use a2a_otel::testing::capture;
use a2a_otel::{Telemetry, agent_span, embedding_call, llm_call};
use serde_json::{Value, json};

use super::{ask, asked, assert_close, chat, cost, in_own_process, messages, request};

/// A call and what its parts cost: the provider, the model, the usage, and names below `llm.cost` with US dollars.
type Row = (Option<&'static str>, &'static str, Value, &'static [(&'static str, f64)]);

fn rows() -> Vec<Row> {
    vec![
        (
            Some("openai"),
            "gpt-4o",
            json!({"prompt_tokens": 1_000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 200}}),
            &[
                ("total", 0.00725),
                ("prompt", 0.00225),
                ("completion", 0.005),
                ("prompt_details.input", 0.002),
                ("prompt_details.cache_read", 0.00025),
                ("completion_details.output", 0.005),
            ],
        ),
        // Reasoning costs what any output costs.
        (
            Some("openai"),
            "o3",
            json!({"prompt_tokens": 1_000, "completion_tokens": 500, "completion_tokens_details": {"reasoning_tokens": 200}}),
            &[
                ("total", 0.006),
                ("completion", 0.004),
                ("completion_details.output", 0.0024),
                ("completion_details.reasoning", 0.0016),
            ],
        ),
        // Audio has prices of its own.
        (
            Some("openai"),
            "gpt-realtime",
            json!({
                "prompt_tokens": 1_000, "completion_tokens": 300, "prompt_tokens_details": {"audio_tokens": 400},
                "completion_tokens_details": {"audio_tokens": 100},
            }),
            &[
                ("total", 0.0248),
                ("prompt_details.input", 0.0024),
                ("prompt_details.audio", 0.0128),
                ("completion_details.output", 0.0032),
                ("completion_details.audio", 0.0064),
            ],
        ),
        // More audio and cached tokens than the prompt has: a part of the audio was cached.
        (
            Some("openai"),
            "gpt-realtime",
            json!({
                "prompt_tokens": 1_000, "completion_tokens": 0,
                "prompt_tokens_details": {"audio_tokens": 800, "cached_tokens": 400},
            }),
            &[("total", 0.01936), ("prompt", 0.01936)],
        ),
        // A long prompt has higher prices, for the answer too.
        (
            Some("google"),
            "gemini-2.5-pro",
            json!({"prompt_tokens": 300_000, "completion_tokens": 1_000}),
            &[("total", 0.765), ("prompt", 0.75), ("completion", 0.015)],
        ),
        (
            Some("google"),
            "gemini-2.5-pro",
            json!({"prompt_tokens": 100_000, "completion_tokens": 1_000}),
            &[("total", 0.135)],
        ),
        // Its tokens have a price, but not those that were used.
        (
            Some("openai"),
            "text-embedding-3-small",
            json!({"prompt_tokens": 0, "completion_tokens": 5}),
            &[("total", 0.0)],
        ),
        // Other names of providers.
        (
            Some("azure"),
            "gpt-4o-2024-08-06",
            json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}),
            &[("total", 2.5)],
        ),
        (
            Some("azure.ai.openai"),
            "gpt-4o",
            json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}),
            &[("total", 2.5)],
        ),
        (
            Some("x_ai"),
            "grok-3",
            json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}),
            &[("total", 3.0)],
        ),
        (
            Some("OpenAI"),
            "gpt-4o",
            json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}),
            &[("total", 2.5)],
        ),
        // Without a provider, the name of the model decides.
        (None, "gpt-4o", json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}), &[("total", 2.5)]),
        (
            None,
            "openai/gpt-4o",
            json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}),
            &[("total", 2.5)],
        ),
    ]
}

#[test]
fn the_parts_of_a_call_cost_what_the_list_says() {
    for (provider, model, usage, expected) in rows() {
        let (span, metrics) = asked(provider, model, &usage);
        for (name, dollars) in expected {
            assert_close(cost(&span, name), *dollars);
        }
        assert_close(Some(metrics.sum("gen_ai.client.cost")), cost(&span, "total").unwrap());
        assert_eq!(metrics.get("gen_ai.client.unpriced_calls"), None, "{model}");
    }
}

#[test]
fn parts_that_a_call_does_not_have_are_not_written() {
    let (span, _) = asked(Some("openai"), "gpt-4o", &json!({"prompt_tokens": 10, "completion_tokens": 0}));
    for name in
        ["completion", "prompt_details.cache_read", "prompt_details.audio", "completion_details.reasoning"]
    {
        assert_eq!(cost(&span, name), None, "{name}");
    }
}

#[test]
fn a_cost_is_counted_by_provider_and_model() {
    let capturing = capture();
    for _ in 0..2 {
        let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
        ask(Some("openai"), &request("gpt-4o"), chat("gpt-4o-2024-08-06", &usage));
    }
    let metrics = capturing.metrics();
    let counter = metrics.get("gen_ai.client.cost").unwrap();
    assert_eq!((counter.unit.as_str(), counter.points.len()), ("USD", 1));
    let labels = &counter.points[0].attributes;
    assert_eq!(labels["gen_ai.provider.name"], "openai");
    assert_eq!(labels["gen_ai.response.model"], "gpt-4o-2024-08-06");
    assert_close(Some(metrics.sum("gen_ai.client.cost")), 0.015);
}

#[test]
fn a_model_without_a_price_has_no_cost_and_is_counted_and_reported_once() {
    let test = "lists::a_model_without_a_price_has_no_cost_and_is_counted_and_reported_once";
    let Some(stderr) = in_own_process(test, &[]) else {
        let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
        for (provider, model) in [
            (Some("openai"), "gpt-of-tomorrow"),
            (Some("openai"), "gpt-of-tomorrow"),
            (Some("a-provider-of-ours"), "gpt-4o"),
            // A server of one's own has no prices, which is no news.
            (Some("ollama"), "gpt-4o"),
            // Billed by the hour, not by tokens.
            (Some("openai"), "whisper-1"),
        ] {
            let (span, metrics) = asked(provider, model, &usage);
            assert_eq!(cost(&span, "total"), None, "{provider:?} {model}");
            assert_eq!(metrics.get("gen_ai.client.cost"), None);
            let counter = metrics.get("gen_ai.client.unpriced_calls").unwrap();
            assert_eq!(counter.points[0].attributes["gen_ai.response.model"], model);
            assert_eq!(counter.points[0].attributes["gen_ai.provider.name"], provider.unwrap());
            assert_eq!(metrics.sum("gen_ai.client.unpriced_calls").to_string(), "1");
        }
        return;
    };
    let messages = messages(&stderr);
    assert_eq!(messages.len(), 3, "{stderr}");
    assert!(messages[0].contains("the model \"gpt-of-tomorrow\" of \"openai\""), "{stderr}");
    assert!(messages.iter().all(|message| message.contains("A2A_OTEL_PRICES")), "{stderr}");
}

#[test]
fn a_call_whose_tokens_are_not_known_has_no_cost_and_is_no_unpriced_call() {
    for usage in [json!(null), json!({"prompt_tokens": 0, "completion_tokens": 0})] {
        let (span, metrics) = asked(Some("openai"), "gpt-4o", &usage);
        assert_eq!(cost(&span, "total"), None);
        assert_eq!(metrics.get("gen_ai.client.cost"), None);
        assert_eq!(metrics.get("gen_ai.client.unpriced_calls"), None);
    }
}

#[test]
fn the_cost_that_an_answer_reports_stands() {
    for (reported, dollars) in
        [(json!(0.95), 0.95), (json!({"total_cost": 0.012, "request_cost": 0.01}), 0.012)]
    {
        let usage = json!({"prompt_tokens": 194, "completion_tokens": 2, "cost": reported});
        let (span, metrics) = asked(Some("openai"), "gpt-4o", &usage);
        assert_close(cost(&span, "total"), dollars);
        assert_eq!(cost(&span, "prompt"), None);
        assert_close(Some(metrics.sum("gen_ai.client.cost")), dollars);
    }
}

#[llm_call(model = "gpt-4o", provider = "openai")]
fn ask_by_hand(cost: Option<Cost>) {
    let current = a2a_otel::current();
    current.record(&Usage::new().prompt(1_000).completion(500));
    if let Some(cost) = cost {
        current.record(&cost);
    }
}

#[test]
fn tokens_that_the_user_records_have_a_cost_and_a_cost_that_the_user_records_stands() {
    let capturing = capture();
    ask_by_hand(None);
    ask_by_hand(Some(Cost::new().prompt(1.0).completion(2.0)));
    let [ours, theirs] = &capturing.spans()[..] else { panic!("two spans") };
    assert_close(cost(ours, "total"), 0.0075);
    assert_eq!(cost(theirs, "total"), None);
    assert_close(cost(theirs, "prompt"), 1.0);
    assert_close(Some(capturing.metrics().sum("gen_ai.client.cost")), 3.0075);
}

#[embedding_call(request = request)]
fn embed(request: &Value) -> Value {
    json!({
        "object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000},
    })
}

#[test]
fn embeddings_have_a_cost() {
    let capturing = capture();
    embed(&json!({"model": "text-embedding-3-small", "input": "a"}));
    assert_close(cost(&capturing.only(), "total"), 0.02);
}

#[llm_call(request = request)]
fn complete(request: &Value, answer: Value) -> Value {
    answer
}

fn claude(usage: &Value) -> Value {
    json!({
        "id": "msg", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "usage": usage,
    })
}

#[test]
fn anthropic_counts_the_cache_apart() {
    let capturing = capture();
    let usage = json!({
        "input_tokens": 20, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 100, "output_tokens": 10,
    });
    complete(&json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": []}), claude(&usage));
    let span = capturing.only();
    assert_close(cost(&span, "total"), 0.000_675);
    assert_close(cost(&span, "prompt_details.input"), 0.000_06);
    assert_close(cost(&span, "prompt_details.cache_read"), 0.000_09);
    assert_close(cost(&span, "prompt_details.cache_write"), 0.000_375);
}

/// What has no name in OpenInference reaches the price within a process that has called `init`, and no exporter.
#[test]
fn the_class_of_service_and_the_time_in_the_cache_and_images_have_their_prices() {
    let test = "lists::the_class_of_service_and_the_time_in_the_cache_and_images_have_their_prices";
    if in_own_process(test, &[]).is_some() {
        return;
    }
    let _telemetry = Telemetry::builder().tracing(false).init().unwrap();
    let flex = json!({"service_tier": "flex"});
    let kept = json!({
        "input_tokens": 0, "cache_creation_input_tokens": 100_000, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100_000},
    });
    let image = json!({"prompt_tokens": 1_000_000, "completion_tokens": 0, "prompt_tokens_details": {"image_tokens": 1_000_000}});
    let mut fast = chat("o3", &json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}));
    fast.as_object_mut().unwrap().extend(flex.as_object().unwrap().clone());
    for (answer, dollars) in [(fast, 1.0), (claude(&kept), 0.600_015), (chat("gpt-realtime", &image), 5.0)] {
        let capturing = capture();
        complete(&request("m"), answer);
        let span = capturing.only();
        assert_close(cost(&span, "total"), dollars);
        let unnamed: Vec<_> = span.attributes.keys().filter(|key| key.starts_with("a2a_otel.")).collect();
        assert!(unnamed.is_empty(), "{unnamed:?}");
    }
}

#[agent_span(name = "planner")]
fn plan() {
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
    ask(Some("openai"), &request("gpt-4o"), chat("gpt-4o-2024-08-06", &usage));
    ask(Some("openai"), &request("gpt-of-tomorrow"), chat("gpt-of-tomorrow", &usage));
}

#[test]
fn costs_are_counted_by_agent_whether_or_not_spans_are_sampled() {
    let test = "lists::costs_are_counted_by_agent_whether_or_not_spans_are_sampled";
    for sampler in ["always_on", "always_off"] {
        if in_own_process(test, &[("OTEL_TRACES_SAMPLER", sampler)]).is_some() {
            continue;
        }
        let telemetry = Telemetry::builder().tracing(false).init().unwrap();
        plan();
        let metrics = telemetry.metrics();
        assert_close(Some(metrics.sum("gen_ai.client.cost")), 0.0075);
        let labels: Vec<_> = metrics.points("gen_ai.client.cost")[0].attributes.iter().collect();
        let labels: Vec<_> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            labels,
            [
                ("gen_ai.agent.name", "planner"),
                ("gen_ai.provider.name", "openai"),
                ("gen_ai.request.model", "gpt-4o"),
                ("gen_ai.response.model", "gpt-4o-2024-08-06"),
            ]
        );
        assert_eq!(metrics.sum("gen_ai.client.unpriced_calls").to_string(), "1");
        return;
    }
}
