//! Phoenix with its data in a real `PostgreSQL`, which refuses what SQLite keeps.

use std::fs;
use std::ops::Range;
use std::time::Duration;

use a2a_otel::{Telemetry, agent_span, current, llm_call, tool_span};
use a2a_otel_tests::phoenix::{Phoenix, Span};
use a2a_otel_tests::postgres::Postgres;
use a2a_otel_tests::services::{require, unique};
use a2a_otel_tests::tree::Tree;
use serde_json::{Value, json};

/// Traces before Phoenix stops, while it is away, and after it has come back.
const STAGES: [Range<usize>; 3] = [0..4, 4..8, 8..12];

/// The spans of a trace.
const SPANS: usize = 3;

/// The length of the prompt of a trace in bytes: from a few kilobytes to almost half a mebibyte.
fn length(number: usize) -> usize {
    4_000 + number * 40_000
}

/// How long everything may take to be delivered, and to be stored, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[agent_span(name = "buyer\0agent")]
fn buy(number: usize, wish: &str) -> usize {
    current().attribute("shop\0key", "a\0value");
    current().attribute("shop.number", i64::try_from(number).expect("a few"));
    let prompt = format!("{number}\0{}", "a word ".repeat(length(number) / 7));
    let request =
        json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": prompt, "name": wish }] });
    ask(&request, answer()).to_string().len() + look_up("lamp\0", number)
}

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

fn answer() -> Value {
    json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{ "message": { "role": "assistant", "content": "yes\0no" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12 },
    })
}

#[tool_span]
fn look_up(name: &str, number: usize) -> usize {
    name.len() + number
}

#[test]
fn traces_with_nul_bytes_and_big_prompts_survive_a_restart() {
    let Some(postgres) = require("PostgreSQL", Postgres::start()) else { return };
    let Some(variables) = require("PostgreSQL's driver", postgres.for_phoenix()) else { return };
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&variables)) else { return };
    let (name, spool) = (unique("postgresql"), std::env::temp_dir().join(unique("a2a-otel-postgresql")));
    let telemetry = Telemetry::builder().endpoint(phoenix.url()).project_name(&name).spool(&spool).start();
    let serve = |stage: &Range<usize>| {
        for number in stage.clone() {
            buy(number, &format!("wish\0{number}"));
        }
    };

    serve(&STAGES[0]);
    let _ = phoenix.project_named(&name).wait_for_spans(|spans| !spans.is_empty());
    let stopped = phoenix.stop();
    serve(&STAGES[1]);
    let phoenix = stopped.start(&variables).expect("Phoenix comes back");
    serve(&STAGES[2]);
    let delivery = telemetry.shutdown(PATIENCE);

    let traces = STAGES[2].end;
    assert_eq!(delivery.delivered, u64::try_from(traces * SPANS).expect("a few"), "{delivery}");
    let project = phoenix.project_named(&name).with_patience(PATIENCE);
    let spans = project.wait_for_spans(|spans| spans.len() == traces * SPANS);
    assert_eq!(postgres.ask("select count(*) from spans"), (traces * SPANS).to_string());
    let trees = Tree::forest(&spans);
    assert_eq!(trees.len(), traces);
    for tree in &trees {
        tree.assert_whole();
        check(tree);
    }
    fs::remove_dir_all(&spool).expect("nobody uses it any longer");
}

/// A trace has all that was recorded, with a visible sign for each NUL.
fn check(tree: &Tree) {
    let agent = tree.root();
    assert_eq!(agent.name, "buyer␀agent");
    assert_eq!(text(agent, "shop␀key"), "a␀value");
    let number = agent.attribute("shop.number").as_u64().expect("a number");
    // Arguments are JSON, in which a NUL is written as an escape.
    let input: Value = serde_json::from_str(text(agent, "input.value")).expect("JSON");
    assert_eq!(input, json!({ "number": number, "wish": format!("wish\0{number}") }));

    let model = tree.find("LLM ask");
    let prompt = text(model, "llm.input_messages.0.message.content");
    let (start, words) = prompt.split_once('␀').expect("a NUL");
    assert_eq!(start, number.to_string());
    assert_eq!(words.len(), length(usize::try_from(number).expect("a few")) / 7 * 7, "{model}");
    assert_eq!(text(model, "llm.output_messages.0.message.content"), "yes␀no");
    assert_eq!(model.attribute("llm.token_count.total"), 12);

    let input: Value = serde_json::from_str(text(tree.find("TOOL look_up"), "input.value")).expect("JSON");
    assert_eq!(input["name"], "lamp\0");
}

#[track_caller]
fn text<'a>(span: &'a Span, key: &str) -> &'a str {
    span.attribute(key).as_str().unwrap_or_else(|| panic!("no {key}: {:?}", span.attributes.keys()))
}
