//! Replays spans that describe themselves to Langfuse: those of its own attributes, of swiftide and of autoagents, with
//! the names, targets, levels and types of fields that their sources have (`a2a-otel/src/semconv/foreign.rs` names them).

use a2a_otel::opentelemetry::trace::{Status, Tracer as _};
use a2a_otel::opentelemetry::{Array, KeyValue, StringValue, Value, global};
use a2a_otel::testing::{Captured, capture};
use serde_json::{Value as Json, json};
use tracing::{Level, debug, event, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::bridged;

/// A span of an SDK that records with OpenTelemetry itself.
fn observed(attributes: &[(&'static str, Value)]) -> Captured {
    bridged();
    let capturing = capture();
    let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone()));
    let tracer = global::tracer("langfuse-sdk");
    drop(tracer.build(tracer.span_builder("observation").with_attributes(attributes)));
    capturing.only()
}

fn json_of(span: &Captured, key: &str) -> Json {
    serde_json::from_str(span.text(key).unwrap_or_else(|| panic!("no {key} in {span:?}"))).expect("JSON")
}

#[test]
fn a_generation_is_a_call_of_a_model() {
    let text = |json: Json| Value::from(json.to_string());
    let span = observed(&[
        ("langfuse.observation.type", "generation".into()),
        (
            "langfuse.observation.input",
            text(json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How many lamps?"},
            ])),
        ),
        ("langfuse.observation.output", text(json!({"role": "assistant", "content": "Two lamps."}))),
        ("langfuse.observation.model.name", "gpt-4o-mini".into()),
        ("langfuse.observation.model.parameters", text(json!({"temperature": 0.5}))),
        (
            "langfuse.observation.usage_details",
            text(
                json!({"input": 8, "input_cached_tokens": 4, "output": 2, "output_reasoning_tokens": 1, "total": 15}),
            ),
        ),
        ("langfuse.observation.cost_details", text(json!({"input": 0.5, "output": 0.25, "total": 0.75}))),
        ("langfuse.observation.prompt.name", "brief".into()),
        ("langfuse.observation.prompt.version", 3.into()),
        ("langfuse.observation.metadata", text(json!({"shop": "blue"}))),
        ("langfuse.observation.metadata.shelf", 4.into()),
        ("langfuse.trace.metadata.flag", true.into()),
        ("langfuse.trace.name", "order".into()),
        ("langfuse.environment", "test".into()),
        ("langfuse.trace.tags", Value::Array(Array::String(vec!["a".into(), "b".into()]))),
        ("session.id", "s-1".into()),
        ("user.id", "ada".into()),
    ]);
    assert_eq!(span.kind, "LLM", "{span:?}");
    assert_conversation_of(&span);
    assert_eq!(span.text("llm.model_name"), Some("gpt-4o-mini"));
    assert_eq!(json_of(&span, "llm.invocation_parameters"), json!({"temperature": 0.5}));
    let counts =
        ["prompt", "completion", "total", "prompt_details.cache_read", "completion_details.reasoning"];
    let counts = counts.map(|count| span.number(&format!("llm.token_count.{count}")));
    assert_eq!(counts, [Some(12), Some(3), Some(15), Some(4), Some(1)], "{span:?}");
    let costs = ["prompt", "completion", "total"].map(|cost| &span.attributes[&format!("llm.cost.{cost}")]);
    assert_eq!(costs, [&Value::F64(0.5), &Value::F64(0.25), &Value::F64(0.75)]);
    assert_eq!(span.text("prompt.id"), Some("brief"));
    assert_eq!(span.text("llm.prompt_template.version"), Some("3"));
    let metadata = json!({"shop": "blue", "shelf": 4, "flag": true, "name": "order", "environment": "test"});
    assert_eq!(json_of(&span, "metadata"), metadata);
    let tags = vec![StringValue::from("a"), StringValue::from("b")];
    assert_eq!(span.attributes["tag.tags"], Value::Array(Array::String(tags)));
    assert_eq!((span.text("session.id"), span.text("user.id")), (Some("s-1"), Some("ada")));
    assert_eq!(span.status, Status::Unset);
}

fn assert_conversation_of(span: &Captured) {
    let said = |key: &str| span.text(key).unwrap_or_else(|| panic!("no {key} in {span:?}"));
    assert_eq!(said("llm.input_messages.0.message.role"), "system");
    assert_eq!(said("llm.input_messages.1.message.content"), "How many lamps?");
    assert_eq!(said("llm.output_messages.0.message.content"), "Two lamps.");
    assert_eq!(said("input.mime_type"), "application/json");
}

#[test]
fn each_type_is_a_kind() {
    let kinds = [
        ("span", "CHAIN"),
        ("event", "CHAIN"),
        ("generation", "LLM"),
        ("agent", "AGENT"),
        ("tool", "TOOL"),
        ("chain", "CHAIN"),
        ("retriever", "RETRIEVER"),
        ("embedding", "EMBEDDING"),
        ("evaluator", "EVALUATOR"),
        ("guardrail", "GUARDRAIL"),
    ];
    for (observation, kind) in kinds {
        let span = observed(&[
            ("langfuse.observation.type", observation.into()),
            ("langfuse.observation.input", "\"a text\"".into()),
            ("langfuse.observation.output", "{}".into()),
        ]);
        assert_eq!(span.kind, kind, "{observation}");
        assert_eq!(span.text("input.value"), Some("a text"));
        assert_eq!(span.text("input.mime_type"), Some("text/plain"));
        assert_eq!(span.text("output.mime_type"), Some("application/json"));
    }
    let with_model = observed(&[("langfuse.observation.model.name", "m".into())]);
    assert_eq!(with_model.kind, "LLM");
}

#[test]
fn a_level_says_whether_it_failed() {
    let level = |level: &'static str| {
        observed(&[
            ("langfuse.observation.level", level.into()),
            ("langfuse.observation.status_message", "no lamps".into()),
        ])
    };
    assert_eq!(level("ERROR").status, Status::error("no lamps"));
    assert_eq!(level("WARNING").status, Status::Unset);
}

#[test]
fn totals_say_whether_details_are_within() {
    let usage = |usage: Json| {
        let span = observed(&[
            ("langfuse.observation.type", "generation".into()),
            ("langfuse.observation.usage_details", usage.to_string().into()),
        ]);
        ["prompt", "completion", "total", "prompt_details.cache_read", "prompt_details.cache_write"]
            .map(|count| span.number(&format!("llm.token_count.{count}")))
    };
    // Apart from each other, as Langfuse has them.
    let anthropic = json!({
        "input": 20, "output": 12, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 4, "total": 41,
    });
    assert_eq!(usage(anthropic), [Some(29), Some(12), Some(41), Some(5), Some(4)]);
    let without_total = json!({"input": 20, "output": 12, "input_cache_read": 5});
    assert_eq!(usage(without_total), [Some(25), Some(12), Some(37), Some(5), None]);
    // Within the whole, as OpenAI has them.
    let within = json!({"input": 25, "output": 12, "input_cached_tokens": 5, "total": 37});
    assert_eq!(usage(within), [Some(25), Some(12), Some(37), Some(5), None]);
    let openai = json!({
        "prompt_tokens": 25, "completion_tokens": 12, "total_tokens": 37,
        "prompt_tokens_details": {"cached_tokens": 5},
    });
    assert_eq!(usage(openai), [Some(25), Some(12), Some(37), Some(5), None]);
    assert_eq!(usage(json!("no object")), [None; 5]);
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).expect("JSON")
}

/// What swiftide reports after a completion, on the current span.
fn swiftide_completion() {
    let request = json!({
        "model": "gpt-4o-mini-2024-07-18",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How many lamps?"},
        ],
    });
    let response = json!({"id": "r-1", "message": "Two lamps.", "tool_calls": null, "usage": null});
    let usage = json!({
        "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
        "details": {"prompt_tokens_details": {"cached_tokens": 4}},
    });
    event!(target: "swiftide_integrations::openai::chat_completion", Level::DEBUG, langfuse.model = "gpt-4o-mini-2024-07-18",
        langfuse.input = pretty(&request),
        langfuse.output = pretty(&response),
        langfuse.usage = pretty(&usage),
    );
}

#[test]
fn swiftide_is_an_agent_with_calls_of_models_and_tools() {
    bridged();
    let capturing = capture();
    info_span!(target: "swiftide_agents::agent", "agent.query").in_scope(|| {
        event!(target: "swiftide_agents::agent", Level::DEBUG, langfuse.input = "How many lamps?");
        info_span!(target: "swiftide_agents::agent", "run_completions", otel.name = "step-0").in_scope(|| {
            info_span!(
                target: "swiftide_integrations::openai::chat_completion",
                "complete",
                langfuse.type = "GENERATION",
            )
            .in_scope(swiftide_completion);
            let tool = info_span!(target: "swiftide_agents::agent", "tool", "otel.name" = format!("tool.{}", "count"));
            tool.in_scope(|| {
                event!(target: "swiftide_agents::agent", Level::DEBUG, langfuse.output = %"2",
                    langfuse.input = Some("{\"of\":\"lamps\"}"),
                    tool_name = "count",
                );
                debug!(target: "swiftide_agents::agent", "Too fine for a span.");
            });
        });
        event!(target: "swiftide_agents::agent", Level::DEBUG, langfuse.output = "\"Two lamps.\"");
    });
    assert_eq!(
        capturing.tree(),
        "AGENT agent.query\n  CHAIN step-0\n    LLM complete\n    TOOL tool.count\n"
    );
    let agent = capturing.named("agent.query");
    assert_eq!(agent.text("input.value"), Some("How many lamps?"), "{agent:?}");
    assert_eq!(agent.text("output.value"), Some("Two lamps."), "{agent:?}");
    let model = capturing.named("complete");
    assert_eq!(model.text("llm.model_name"), Some("gpt-4o-mini-2024-07-18"), "{model:?}");
    let counts = ["prompt", "completion", "total", "prompt_details.cache_read"];
    let counts = counts.map(|count| model.number(&format!("llm.token_count.{count}")));
    assert_eq!(counts, [Some(12), Some(3), Some(15), Some(4)], "{model:?}");
    assert_conversation_of(&model);
    let tool = capturing.named("tool.count");
    assert_eq!(tool.text("tool.name"), Some("count"), "{tool:?}");
    assert_eq!(tool.text("input.value"), Some("{\"of\":\"lamps\"}"), "{tool:?}");
    assert_eq!(tool.text("output.value"), Some("2"), "{tool:?}");
    assert!(tool.events.is_empty(), "{tool:?}");
}

#[test]
fn a_failure_of_swiftide_is_an_error() {
    bridged();
    let capturing = capture();
    info_span!(target: "swiftide_integrations::aws_bedrock_v2", "complete", langfuse.type = "GENERATION")
        .in_scope(|| {
            debug!(langfuse.model = "m", langfuse.status_message = "throttled", langfuse.output = "");
        });
    let span = capturing.only();
    assert_eq!(span.status, Status::error("throttled"), "{span:?}");
    assert_eq!(span.text("output.value"), None, "{span:?}");
}

/// Its attributes for Langfuse arrive if it uses the same version of OpenTelemetry as the bridge.
#[test]
fn autoagents_is_an_agent_with_tools() {
    for is_same_version in [true, false] {
        bridged();
        let capturing = capture();
        let task = info_span!(
            target: "autoagents_telemetry::runner::mapper",
            "autoagents.task",
            submission_id = %"1",
            actor_id = %"2",
            actor_name = %"clerk",
        );
        let tool = info_span!(
            target: "autoagents_telemetry::runner::mapper",
            parent: &task,
            "autoagents.tool_call",
            submission_id = %"1",
            actor_id = %"2",
            tool_call_id = %"call_1",
            tool_name = %"count",
        );
        if is_same_version {
            task.set_attribute("langfuse.trace.input", "\"How many lamps?\"");
            task.set_attribute("langfuse.observation.type", "span");
            task.set_attribute("langfuse.observation.input", "\"How many lamps?\"");
            tool.set_attribute("tool.arguments", "{\"of\":\"lamps\"}");
            tool.set_attribute("langfuse.observation.type", "tool");
            tool.set_attribute("langfuse.observation.name", "count");
            tool.set_attribute("langfuse.observation.input", "{\"of\":\"lamps\"}");
            tool.set_attribute("tool.result", "2");
            tool.set_attribute("langfuse.observation.type", "tool");
            task.set_attribute("task.result", "Two lamps.");
        }
        drop((tool, task));
        assert_eq!(capturing.tree(), "AGENT autoagents.task\n  TOOL autoagents.tool_call\n");
        let (agent, tool) = (capturing.named("autoagents.task"), capturing.named("autoagents.tool_call"));
        assert_eq!(agent.text("agent.name"), Some("clerk"), "{agent:?}");
        assert_eq!(tool.text("tool.name"), Some("count"), "{tool:?}");
        assert_eq!(tool.text("tool.id"), Some("call_1"), "{tool:?}");
        if is_same_version {
            assert_eq!(agent.text("input.value"), Some("How many lamps?"), "{agent:?}");
            assert_eq!(agent.text("output.value"), Some("Two lamps."), "{agent:?}");
            assert_eq!(tool.text("input.value"), Some("{\"of\":\"lamps\"}"), "{tool:?}");
            assert_eq!(tool.text("output.value"), Some("2"), "{tool:?}");
        }
    }
}
