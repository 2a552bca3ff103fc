//! What Phoenix shows of costs: it keeps ours as attributes, and computes its own from the model and the tokens.

use std::fs;
use std::path::Path;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel_tests::phoenix::{Phoenix, Project};
use a2a_otel_tests::services::{eventually, require};
use serde_json::{Value, json};

use super::{ask, chat, in_own_process, request};

const PATIENCE: Duration = Duration::from_secs(30);

/// Calls two models in a process of its own: one that everybody knows, and one with a price of our own.
fn ask_both(phoenix: &Phoenix, project: &Project<'_>) {
    let prices = json!([{"id": "openai", "models": [{"id": "shop-1", "prices": {"input_mtok": 1.5, "output_mtok": 6}}]}]);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shop-prices.json");
    fs::write(&file, prices.to_string()).unwrap();
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()),
        ("PHOENIX_PROJECT", project.name()),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("A2A_OTEL_PRICES", file.to_str().unwrap()),
    ];
    in_own_process("phoenix::an_agent_asks_two_models", &variables);
}

/// Runs within a test of Phoenix.
#[test]
fn an_agent_asks_two_models() {
    if std::env::var_os("A2A_OTEL_PRICES").is_none() {
        return;
    }
    let telemetry = Telemetry::builder().tracing(false).init().unwrap();
    let usage = json!({
        "prompt_tokens": 1_000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 200},
    });
    for model in ["gpt-4o", "shop-1"] {
        ask(Some("openai"), &request(model), chat(model, &usage));
    }
    let delivery = telemetry.shutdown(PATIENCE);
    assert_eq!(delivery.delivered, 2, "{delivery:?}");
}

fn assert_close(found: &Value, expected: f64) {
    assert!(found.as_f64().is_some_and(|found| (found - expected).abs() < 1e-9), "{found} is not {expected}");
}

#[test]
fn phoenix_has_our_costs_and_agrees_where_it_knows_the_model() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("cost");
    ask_both(phoenix, &project);
    let spans = project.wait_for_spans(|spans| spans.len() == 2);
    let [known, ours] = ["gpt-4o", "shop-1"].map(|model| {
        spans.iter().find(|span| span.attribute("llm.model_name") == model).expect("a span for each model")
    });

    // Ours are attributes, which filters find.
    assert_close(known.attribute("llm.cost.total"), 0.00725);
    assert_close(known.attribute("llm.cost.prompt_details.cache_read"), 0.00025);
    assert_close(ours.attribute("llm.cost.total"), 0.0045);
    assert_eq!(project.count("llm.cost.total > 0.007"), 1);
    assert_eq!(project.count("llm.cost.total > 0"), 2);

    // Phoenix computes its own for models that it knows, and shows none for others, whatever we send.
    let computed = eventually(PATIENCE, || phoenix.span_cost(&known.span_id)).expect("Phoenix knows gpt-4o");
    assert_close(&computed.total.dollars.into(), 0.00725);
    assert_close(&computed.prompt.dollars.into(), 0.00225);
    assert!(phoenix.span_cost(&ours.span_id).is_none_or(|cost| cost.total.dollars <= 0.0));
}

#[test]
fn phoenix_shows_the_cost_of_a_model_whose_price_it_was_told() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("cost-told");
    // The request that `docs/metrics.md` shows.
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).unwrap();
    let mutation =
        page.lines().find_map(|line| line.trim().strip_prefix("mutation ")).expect("the page has it");
    let told = phoenix.graphql(&format!("mutation {mutation}"), &json!({}));
    assert!(told["createModel"]["model"]["id"].is_string(), "{told}");
    let dollars = eventually(PATIENCE, || {
        // It holds after a moment, for later spans only.
        let sent = project.spans().len();
        ask_both(phoenix, &project);
        let spans = project.wait_for_spans(|spans| spans.len() == sent + 2);
        let last = spans.iter().rfind(|span| span.attribute("llm.model_name") == "shop-1")?;
        eventually(Duration::from_secs(2), || phoenix.span_cost(&last.span_id))
            .map(|cost| cost.total.dollars)
            .filter(|dollars| *dollars > 0.0)
    });
    assert_close(&dollars.into(), 0.0045);
}
