//! Replays spans of langchain-rust, with the names, targets and types of fields that its source has
//! (`a2a-otel/src/semconv/foreign.rs` names it).

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use tracing::field::{Empty, display};
use tracing::{Span, info_span, warn};

use crate::bridged;

fn llm_span() -> Span {
    info_span!(
        target: "langchain_rust::observability",
        "llm.generate",
        provider = "openai",
        model = "gpt-4o-mini",
        stream = false,
        prompt_tokens = Empty,
        completion_tokens = Empty,
        total_tokens = Empty,
        tool_calls = Empty,
        error = Empty,
    )
}

#[test]
fn an_agent_has_plans_chains_models_and_tools() {
    bridged();
    let capturing = capture();
    let run = info_span!(
        target: "langchain_rust::agent::executor",
        "agent.run",
        max_iterations = Some(10_i32),
        steps = Empty,
        total_tokens = Empty,
        error = Empty,
    );
    run.in_scope(|| {
        info_span!(target: "langchain_rust::agent::executor", "agent.plan", step = 0_usize).in_scope(|| {
            info_span!(target: "langchain_rust::chain::llm_chain", "chain.call", chain = "llm_chain", error = Empty)
                .in_scope(|| {
                    let llm = llm_span();
                    llm.in_scope(|| ());
                    llm.record("prompt_tokens", 12_u32);
                    llm.record("completion_tokens", 3_u32);
                    llm.record("total_tokens", 15_u32);
                    llm.record("tool_calls", 1_usize);
                });
        });
        let tool = info_span!(target: "langchain_rust::agent::executor", "tool.call", tool = %"count", error = Empty);
        tool.in_scope(|| ());
        let documents = info_span!(
            target: "langchain_rust::observability",
            "embed.documents",
            provider = "mistralai",
            model = "mistral-embed",
            count = 2_usize,
            error = Empty,
        );
        documents.in_scope(|| ());
        let query = info_span!(
            target: "langchain_rust::observability",
            "embed.query",
            provider = "mistralai",
            model = "mistral-embed",
            count = 1,
            error = Empty,
        );
        query.in_scope(|| ());
    });
    run.record("total_tokens", 15_u32);
    drop(run);
    let expected = "\
AGENT agent.run
  CHAIN agent.plan
    CHAIN chain.call
      LLM llm.generate
  TOOL tool.call
  EMBEDDING embed.documents
  EMBEDDING embed.query
";
    assert_eq!(capturing.tree(), expected);
    let model = capturing.named("llm.generate");
    assert_eq!(model.text("llm.model_name"), Some("gpt-4o-mini"), "{model:?}");
    assert_eq!(model.text("llm.provider"), Some("openai"), "{model:?}");
    assert_eq!(model.text("llm.system"), Some("openai"), "{model:?}");
    let counts = ["prompt", "completion", "total"];
    let counts = counts.map(|count| model.number(&format!("llm.token_count.{count}")));
    assert_eq!(counts, [Some(12), Some(3), Some(15)], "{model:?}");
    assert_eq!(capturing.named("tool.call").text("tool.name"), Some("count"));
    let embedding = capturing.named("embed.query");
    assert_eq!(embedding.text("embedding.model_name"), Some("mistral-embed"), "{embedding:?}");
    assert_eq!(embedding.text("llm.provider"), Some("mistralai"), "{embedding:?}");
    // The tokens of the agent are those of its model.
    assert_eq!(capturing.named("agent.run").number("total_tokens"), Some(15));
    assert_eq!(capturing.named("agent.run").number("llm.token_count.total"), None);
}

#[test]
fn a_failure_is_an_error() {
    bridged();
    let capturing = capture();
    let llm = llm_span();
    llm.record("error", display("no lamps"));
    llm.in_scope(
        || warn!(target: "langchain_rust::observability", error = %"no lamps", "llm.generate failed"),
    );
    drop(llm);
    let span = capturing.only();
    assert_eq!(span.status, Status::error("no lamps"), "{span:?}");
    assert_eq!(span.events.len(), 1, "{span:?}");
}
