//! Replays spans of adk-rust, with the names, targets and types of fields that its source has
//! (`a2a-otel/src/semconv/foreign.rs` names it). Its telemetry uses another version of OpenTelemetry, so its spans arrive
//! through `tracing` only.

use a2a_otel::testing::capture;
use a2a_otel::{agent_span, llm_call};
use tracing::field::Empty;
use tracing::{Span, info, info_span};

use crate::bridged;

fn generate_span() -> Span {
    info_span!(
        target: "adk_telemetry::spans",
        "gen_ai.generate",
        gen_ai.system = %"gemini",
        gen_ai.request.model = %"gemini-2.5-flash",
        gen_ai.request.stream = true,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.total_tokens = Empty,
        gen_ai.usage.cache_read_tokens = Empty,
        gen_ai.usage.cache_creation_tokens = Empty,
        gen_ai.usage.thinking_tokens = Empty,
        gen_ai.usage.audio_input_tokens = Empty,
        gen_ai.usage.audio_output_tokens = Empty,
        otel.kind = "client",
    )
}

fn record_usage() {
    let span = Span::current();
    let usage = [
        ("input_tokens", 12_i64),
        ("output_tokens", 3),
        ("total_tokens", 15),
        ("cache_read_tokens", 4),
        ("cache_creation_tokens", 2),
        ("thinking_tokens", 1),
        ("audio_input_tokens", 5),
        ("audio_output_tokens", 6),
    ];
    for (key, count) in usage {
        span.record(format!("gen_ai.usage.{key}").as_str(), count);
    }
}

fn emit_content() {
    info!(target: "adk_telemetry::events", event_name = "gen_ai.content.prompt", content = "How many lamps?");
    info!(target: "adk_telemetry::events", event_name = "gen_ai.content.completion", content = "Two lamps.");
}

#[agent_span(skip_all)]
fn run_agent() {
    let agent = info_span!(
        target: "adk_runner::runner",
        "agent.execute",
        "gcp.vertex.agent.invocation_id" = "i-1",
        "gcp.vertex.agent.session_id" = "s-1",
        "gen_ai.conversation.id" = "s-1",
        "adk.user_id" = "ada",
        "agent.name" = %"clerk",
    );
    agent.in_scope(|| {
        let call = info_span!(
            target: "adk_agent::llm_agent",
            "call_llm",
            "gcp.vertex.agent.session_id" = %"s-1",
            "gcp.vertex.agent.llm_request" = %"{\"contents\":[]}",
            "gcp.vertex.agent.llm_response" = Empty,
        );
        call.in_scope(|| {
            generate_span().in_scope(|| {
                emit_content();
                record_usage();
            });
        });
        call.record("gcp.vertex.agent.llm_response", "{\"parts\":[]}");
        info_span!(
            target: "adk_agent::llm_agent",
            "",
            otel.name = %"execute_tool count",
            tool.name = %"count",
            "gcp.vertex.agent.session_id" = %"s-1",
        )
        .in_scope(|| ());
    });
}

#[test]
fn an_agent_has_a_model_and_a_tool() {
    bridged();
    let capturing = capture();
    run_agent();
    let expected = "\
AGENT run_agent
  AGENT agent.execute
    CHAIN call_llm
      LLM gen_ai.generate
    TOOL execute_tool count
";
    assert_eq!(capturing.tree(), expected);
    let agent = capturing.named("agent.execute");
    assert_eq!(agent.text("agent.name"), Some("clerk"), "{agent:?}");
    assert_eq!(agent.text("session.id"), Some("s-1"), "{agent:?}");
    assert_eq!(agent.text("user.id"), Some("ada"), "{agent:?}");
    let call = capturing.named("call_llm");
    assert_eq!(call.text("input.value"), Some("{\"contents\":[]}"), "{call:?}");
    assert_eq!(call.text("output.value"), Some("{\"parts\":[]}"), "{call:?}");
    let model = capturing.named("gen_ai.generate");
    assert_eq!(model.text("llm.model_name"), Some("gemini-2.5-flash"), "{model:?}");
    assert_eq!(model.text("llm.provider"), Some("google"), "{model:?}");
    assert_eq!(model.text("llm.system"), Some("vertexai"), "{model:?}");
    assert_eq!(model.text("input.value"), Some("How many lamps?"), "{model:?}");
    assert_eq!(model.text("output.value"), Some("Two lamps."), "{model:?}");
    assert!(model.events.is_empty(), "{model:?}");
    let counts = [
        "prompt",
        "completion",
        "total",
        "prompt_details.cache_read",
        "prompt_details.cache_write",
        "completion_details.reasoning",
        "prompt_details.audio",
        "completion_details.audio",
    ];
    let counts = counts.map(|count| model.number(&format!("llm.token_count.{count}")));
    assert_eq!(counts, [12, 3, 15, 4, 2, 1, 5, 6].map(Some), "{model:?}");
    let tool = capturing.named("execute_tool count");
    assert_eq!(tool.text("tool.name"), Some("count"), "{tool:?}");
    assert_eq!(tool.text("session.id"), Some("s-1"), "{tool:?}");
}

#[test]
fn its_helpers_for_gen_ai_are_read_as_well() {
    bridged();
    let capturing = capture();
    let call = info_span!(
        target: "adk_telemetry::semconv",
        "gen_ai.call",
        "otel.name" = %"gen_ai.chat gpt-4o-mini",
        "gen_ai.system" = %"openai",
        "gen_ai.provider.name" = %"openai",
        "gen_ai.operation.name" = %"chat",
        "gen_ai.request.model" = %"gpt-4o-mini",
        "gen_ai.request.max_tokens" = Empty,
        "gen_ai.request.top_k" = Empty,
        "gen_ai.response.finish_reasons" = Empty,
    );
    call.record("gen_ai.request.max_tokens", 20_u32);
    call.record("gen_ai.request.top_k", 5_i64);
    call.in_scope(|| {
        Span::current().record("gen_ai.response.finish_reasons", "stop,length");
    });
    drop(call);
    let tool = info_span!(
        target: "adk_telemetry::semconv",
        "execute_tool",
        "gen_ai.tool.name" = %"count",
        "gen_ai.tool.call_id" = Empty,
    );
    tool.record("gen_ai.tool.call_id", "call_1");
    drop(tool);
    let model = capturing.named("gen_ai.chat gpt-4o-mini");
    assert_eq!(model.kind, "LLM", "{model:?}");
    assert_eq!(model.text("llm.finish_reason"), Some("stop"), "{model:?}");
    let parameters: serde_json::Value =
        serde_json::from_str(model.text("llm.invocation_parameters").expect("parameters")).expect("JSON");
    assert_eq!(parameters, serde_json::json!({"max_tokens": 20, "top_k": 5}));
    let tool = capturing.named("execute_tool");
    assert_eq!((tool.kind.as_str(), tool.text("tool.name")), ("TOOL", Some("count")), "{tool:?}");
    assert_eq!(tool.text("tool.id"), Some("call_1"), "{tool:?}");
}

#[llm_call(model = "gemini-2.5-flash")]
fn ask(question: &str) -> usize {
    generate_span().in_scope(|| {
        record_usage();
        question.len()
    })
}

/// Its tokens would otherwise count twice.
#[test]
fn a_call_that_an_attribute_observes_is_one_call_of_a_model() {
    bridged();
    let capturing = capture();
    ask("How many lamps?");
    assert_eq!(capturing.tree(), "LLM ask\n  CHAIN gen_ai.generate\n");
    let inner = capturing.named("gen_ai.generate");
    assert!(!format!("{:?}", inner.attributes).contains("llm.token_count"), "{inner:?}");
}

/// Spans of that name which are not of the library stay as they are.
#[test]
fn a_name_alone_says_nothing() {
    bridged();
    let capturing = capture();
    info_span!("gen_ai.generate").in_scope(|| ());
    info_span!(target: "adk_telemetry_of_mine", "agent.run", model = "m").in_scope(|| ());
    assert_eq!(capturing.tree(), "CHAIN gen_ai.generate\nCHAIN agent.run\n");
}
