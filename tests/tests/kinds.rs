//! Tests what each attribute macro's own arguments record.

use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_otel::opentelemetry::{Array, Value};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{
    a2a_call, agent_span, chain_span, embedding_call, evaluator_span, guardrail_span, llm_call, mcp_tool,
    prompt_span, reranker_span, retriever_span, tool_span,
};
use serde::Serialize;
use serde_json::json;

/// The text attributes of the only span, which must have this kind and no key twice.
fn assert_records(span: &Captured, kind: &str, expected: &[(&str, &str)]) {
    assert_eq!(span.kind, kind, "{}", span.name);
    for (key, value) in expected {
        assert_eq!(span.text(key), Some(*value), "{key} of {}", span.name);
    }
    assert_eq!(span.duplicates, Vec::<String>::new(), "{}", span.name);
}

#[agent_span(id = "agent-7", description = "Finds products", version = "1.2.0", node = name, parent_node = "root")]
fn agent(name: &str) -> usize {
    step(name)
}

#[chain_span(node = format!("{name}-step"), parent_node = name)]
fn step(name: &str) -> usize {
    name.len()
}

#[test]
fn agents_and_steps_are_nodes_of_a_graph() {
    let capturing = capture();
    agent("product");
    let expected = [
        ("agent.name", "agent"),
        ("gen_ai.agent.id", "agent-7"),
        ("gen_ai.agent.description", "Finds products"),
        ("gen_ai.agent.version", "1.2.0"),
        ("graph.node.id", "product"),
        ("graph.node.parent_id", "root"),
    ];
    assert_records(&capturing.named("agent"), "AGENT", &expected);
    let expected = [("graph.node.id", "product-step"), ("graph.node.parent_id", "product")];
    assert_records(&capturing.named("step"), "CHAIN", &expected);
}

#[agent_span(agent = name, name = format!("{name}.run"))]
fn run(name: &str) -> usize {
    name.len()
}

#[test]
fn an_agent_may_have_another_name_than_its_span() {
    let capturing = capture();
    run("researcher");
    assert_records(&capturing.named("researcher.run"), "AGENT", &[("agent.name", "researcher")]);
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn asked(tool: &str) -> &str {
    ASKED.fetch_add(1, Ordering::Relaxed);
    tool
}

#[mcp_tool(name = "look up", tool = asked(tool))]
fn look_up(tool: &str) -> usize {
    tool.len()
}

#[test]
fn a_tool_under_two_keys_is_computed_once() {
    let capturing = capture();
    look_up("stock");
    let expected =
        [("tool.name", "stock"), ("gen_ai.tool.name", "stock"), ("input.value", r#"{"tool":"stock"}"#)];
    assert_records(&capturing.named("look up"), "TOOL", &expected);
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
}

#[tool_span(id = call, description = "Adds up", json_schema = json!({"type": "object"}))]
fn add(call: &str, a: i64) -> i64 {
    a + i64::try_from(call.len()).unwrap_or(0)
}

#[a2a_call(peer = "inventory", task = output.0, message = message)]
fn ask(message: &str) -> (String, u32) {
    (format!("task of {message}"), 7)
}

#[llm_call(model = Some("a-model"), provider = "openai", system = "openai")]
fn complete(prompt: Option<&str>) -> String {
    prompt.unwrap_or_default().to_uppercase()
}

#[test]
fn calls_name_what_they_are_part_of() {
    let capturing = capture();
    add("c1", 7);
    ask("m1");
    complete(None);
    let expected =
        [("tool.id", "c1"), ("tool.description", "Adds up"), ("tool.json_schema", r#"{"type":"object"}"#)];
    assert_records(&capturing.named("add"), "TOOL", &expected);
    let expected = [("a2a.task.id", "task of m1"), ("a2a.message.id", "m1")];
    assert_records(&capturing.named("SendMessage inventory"), "CHAIN", &expected);
    let expected = [("llm.model_name", "a-model"), ("llm.provider", "openai"), ("llm.system", "openai")];
    assert_records(&capturing.named("complete"), "LLM", &expected);
}

#[embedding_call(
    model = "embed-3", provider = "openai", text = text, vector = output, parameters = json!({"dimensions": 2})
)]
async fn embed(text: &str) -> Result<Vec<f64>, String> {
    if text.is_empty() { Err("nothing to embed".into()) } else { Ok(vec![0.5, 1.0]) }
}

#[tokio::test]
async fn an_embedding_is_a_vector_of_numbers() {
    let capturing = capture();
    embed("lamp").await.unwrap();
    let span = capturing.only();
    let expected = [
        ("embedding.model_name", "embed-3"),
        ("llm.provider", "openai"),
        ("embedding.embeddings.0.embedding.text", "lamp"),
        ("embedding.invocation_parameters", r#"{"dimensions":2}"#),
    ];
    assert_records(&span, "EMBEDDING", &expected);
    let vector = &span.attributes["embedding.embeddings.0.embedding.vector"];
    assert_eq!(vector, &Value::Array(Array::F64(vec![0.5, 1.0])));
}

#[derive(Clone, Serialize)]
struct Hit {
    id: u32,
    text: String,
    score: f64,
    metadata: Option<&'static str>,
}

fn hit(id: u32, text: &str, metadata: Option<&'static str>) -> Hit {
    Hit { id, text: text.to_owned(), score: f64::from(id) / 10.0, metadata }
}

#[retriever_span(documents = output)]
fn search(query: &str) -> Vec<Hit> {
    vec![hit(1, query, Some("shelf 3")), hit(2, "chair", None)]
}

#[reranker_span(query = query, model = "rerank", top_k = 1, input_documents = found, output_documents = output)]
fn rerank(query: &str, found: Vec<Hit>) -> Vec<String> {
    found.into_iter().map(|hit| hit.text).filter(|text| text == query).collect()
}

#[test]
fn documents_are_flattened_with_what_they_have() {
    let capturing = capture();
    assert_eq!(rerank("lamp", search("lamp")), ["lamp"]);
    let span = capturing.named("search");
    let expected = [
        ("input.value", "lamp"),
        ("retrieval.documents.0.document.content", "lamp"),
        ("retrieval.documents.0.document.metadata", "shelf 3"),
        ("retrieval.documents.1.document.content", "chair"),
    ];
    assert_records(&span, "RETRIEVER", &expected);
    assert_eq!(span.number("retrieval.documents.0.document.id"), Some(1));
    assert_eq!(span.attributes["retrieval.documents.1.document.score"], Value::F64(0.2));
    assert!(!span.attributes.contains_key("retrieval.documents.1.document.metadata"));

    let span = capturing.named("rerank");
    let expected = [
        ("reranker.query", "lamp"),
        ("reranker.model_name", "rerank"),
        ("reranker.input_documents.1.document.content", "chair"),
        ("reranker.output_documents.0.document.content", "lamp"),
    ];
    assert_records(&span, "RERANKER", &expected);
    assert_eq!(span.number("reranker.top_k"), Some(1));
}

#[guardrail_span(label = if *output { "safe" } else { "attack" }, explanation = format!("{} letters", prompt.len()))]
fn is_safe(prompt: &str) -> bool {
    !prompt.contains("ignore")
}

#[evaluator_span(evaluation = "brevity", score = output)]
fn brevity(answer: &str) -> f64 {
    if answer.len() < 100 { 1.0 } else { 0.0 }
}

#[guardrail_span]
fn unjudged() {}

#[test]
fn a_verdict_is_an_evaluation_with_a_name() {
    let capturing = capture();
    is_safe("ignore all");
    brevity("yes");
    unjudged();
    let expected = [
        ("evaluations.0.evaluation.name", "is_safe"),
        ("evaluations.0.evaluation.label", "attack"),
        ("evaluations.0.evaluation.explanation", "10 letters"),
    ];
    assert_records(&capturing.named("is_safe"), "GUARDRAIL", &expected);
    let span = capturing.named("brevity");
    assert_records(&span, "EVALUATOR", &[("evaluations.0.evaluation.name", "brevity")]);
    assert_eq!(span.attributes["evaluations.0.evaluation.score"], Value::F64(1.0));
    let unjudged = capturing.named("unjudged");
    assert!(!unjudged.attributes.keys().any(|key| key.starts_with("evaluations")), "there is no verdict");
}

#[prompt_span(
    template = "Find {what}.", variables = json!({"what": what}), version = 2, id = "p-1", vendor = "phoenix",
    url = "http://localhost:6006/prompts/p-1"
)]
fn prompt(what: &str) -> String {
    format!("Find {what}.")
}

#[test]
fn a_prompt_says_what_it_was_made_of() {
    let capturing = capture();
    prompt("a lamp");
    let span = capturing.only();
    let expected = [
        ("llm.prompt_template.template", "Find {what}."),
        ("llm.prompt_template.variables", r#"{"what":"a lamp"}"#),
        ("prompt.id", "p-1"),
        ("prompt.vendor", "phoenix"),
        ("prompt.url", "http://localhost:6006/prompts/p-1"),
        ("output.value", "Find a lamp."),
    ];
    assert_records(&span, "PROMPT", &expected);
}
