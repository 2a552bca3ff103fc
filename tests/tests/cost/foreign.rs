//! Calls of models that other libraries record have a cost as well.

use a2a_otel::testing::capture;
use a2a_otel::{Telemetry, agent_span, llm_call};
use tracing::info_span;

use super::{assert_close, cost, in_own_process};

#[llm_call(model = "gpt-4o", provider = "openai")]
fn ask_with_a_library() {
    inference().in_scope(|| ());
}

/// An agent may have the sums of its calls.
#[agent_span(name = "planner", fields(
    "llm.provider" = "openai", "llm.model_name" = "gpt-4o",
    "llm.token_count.prompt" = 1_000, "llm.token_count.completion" = 500,
))]
fn plan() {
    inference().in_scope(|| ());
}

/// A span as the GenAI conventions have it.
fn inference() -> tracing::Span {
    info_span!(
        "chat gpt-4o",
        "gen_ai.operation.name" = "chat",
        "gen_ai.provider.name" = "openai",
        "gen_ai.request.model" = "gpt-4o",
        "gen_ai.response.model" = "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens" = 1_000,
        "gen_ai.usage.output_tokens" = 500,
        "gen_ai.usage.cache_read.input_tokens" = 200,
    )
}

#[test]
fn the_spans_of_other_libraries_have_a_cost_and_those_of_agents_have_none() {
    let test = "foreign::the_spans_of_other_libraries_have_a_cost_and_those_of_agents_have_none";
    if in_own_process(test, &[]).is_some() {
        return;
    }
    let _telemetry = Telemetry::builder().init().unwrap();
    let capturing = capture();
    plan();
    assert_close(cost(&capturing.named("chat gpt-4o"), "total"), 0.00725);
    let agent = capturing.named("planner");
    assert!(agent.attributes.contains_key("llm.token_count.prompt"));
    assert_eq!(cost(&agent, "total"), None);
    // As with tokens, the figures have the calls that our attributes and integrations observe.
    assert_eq!(capturing.metrics().get("gen_ai.client.cost"), None);
}

#[test]
fn what_a_library_records_within_our_call_is_not_paid_twice() {
    let test = "foreign::what_a_library_records_within_our_call_is_not_paid_twice";
    if in_own_process(test, &[]).is_some() {
        return;
    }
    let _telemetry = Telemetry::builder().init().unwrap();
    let capturing = capture();
    ask_with_a_library();
    let costs: Vec<_> = capturing.spans().iter().filter_map(|span| cost(span, "total")).collect();
    assert!(costs.len() < 2, "{costs:?}");
}
