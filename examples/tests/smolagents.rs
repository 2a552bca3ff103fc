//! Checks the trace of an agent in the style of smolagents: it equals the Python trace, and shows failures.

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;
use std::sync::Mutex;

use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_otel_examples::smol::{Agent, AgentError, Failure, Model, Tool};
use a2a_otel_examples::{census, market};
use a2a_otel_tests::parity::{Said, assert_explained, differences, json_of};
use async_openai::error::OpenAIError;
use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../docs/agents.md");
const PARITY: &str = include_str!("../../docs/parity/agents.md");

/// A model that returns prepared messages, one after the other.
struct Script(Mutex<VecDeque<Value>>);

impl Script {
    fn of(messages: impl IntoIterator<Item = Value>) -> Self {
        Self(Mutex::new(messages.into_iter().collect()))
    }
}

impl Model for Script {
    fn name(&self) -> &'static str {
        "gpt-4o"
    }

    fn provider(&self) -> Option<&str> {
        Some("openai")
    }

    async fn generate(
        &self,
        request: &CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        let next = self.0.lock().unwrap().pop_front();
        let message = next.ok_or_else(|| OpenAIError::InvalidArgument("the script is over".into()))?;
        let response = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": request.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }],
            "usage": { "prompt_tokens": 31, "completion_tokens": 17, "total_tokens": 48 },
        });
        Ok(serde_json::from_value(response).unwrap())
    }
}

/// A message that calls a tool, and its arguments as the model writes them.
fn call(tool: &str, arguments: &Value) -> Value {
    let function = json!({ "name": tool, "arguments": arguments.to_string() });
    json!({
        "role": "assistant",
        "tool_calls": [{ "id": format!("call_{tool}"), "type": "function", "function": function }],
    })
}

fn answers(answer: &str) -> Value {
    call("final_answer", &json!({ "answer": answer }))
}

/// A place to find.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    /// Its name.
    name: String,
}

/// An agent whose model follows the script, with a tool that finds only names that begin with a capital letter.
fn scout(script: impl IntoIterator<Item = Value>) -> Agent<Script> {
    let find = async |Place { name }| -> Result<String, Failure> {
        if name.starts_with(char::is_uppercase) { Ok(name) } else { Err(format!("no {name}").into()) }
    };
    Agent::new("scout", "Finds places", Script::of(script)).tool(Tool::new("find", find)).max_steps(3)
}

fn find(name: &str) -> Value {
    call("find", &json!({ "name": name }))
}

fn status(span: &Captured) -> &str {
    match &span.status {
        Status::Error { description } => description,
        Status::Ok => "ok",
        Status::Unset => "unset",
    }
}

fn message(span: &Captured) -> Option<String> {
    Some(span.event("exception")?.get("exception.message")?.as_str().into_owned())
}

#[tokio::test]
async fn a_tool_that_fails_shows_and_so_does_its_retry() {
    let capturing = capture();
    let answer = scout([find("oslo"), find("Oslo"), answers("Oslo")]).run("Find Oslo.").await;
    assert_eq!(answer.unwrap(), "Oslo");
    let expected = "\
AGENT scout.run
  CHAIN Step 1 ! find failed
    LLM chat gpt-4o
    TOOL find ! no oslo
  CHAIN Step 2
    LLM chat gpt-4o
    TOOL find
  CHAIN Step 3
    LLM chat gpt-4o
    TOOL final_answer
";
    assert_eq!(capturing.tree(), expected);
    let spans = capturing.spans();
    let finds: Vec<_> = spans.iter().filter(|span| span.name == "find").collect();
    assert_eq!(message(finds[0]).as_deref(), Some("no oslo"));
    let retries: Vec<_> = finds.iter().map(|span| span.number("smolagents.retry_count")).collect();
    assert_eq!(retries, [None, Some(1)]);
    // The model gets the error, and the step records it.
    let step = capturing.named("Step 1");
    assert!(step.event("exception").unwrap()["exception.stacktrace"].as_str().contains("no oslo"));
    let told = spans.iter().filter(|span| span.kind == "LLM").nth(1).unwrap();
    assert_eq!(told.text("llm.input_messages.3.message.content"), Some("find failed: no oslo"));
    assert_eq!(told.text("llm.input_messages.3.message.tool_call_id"), Some("call_find"));
}

#[tokio::test]
async fn a_run_that_is_out_of_steps_fails() {
    let capturing = capture();
    let answer = scout(["Oslo", "Bergen", "Narvik"].map(find)).run("Find all.").await;
    assert!(matches!(answer, Err(AgentError::OutOfSteps(3))), "{answer:?}");
    let run = capturing.named("scout.run");
    assert_eq!(status(&run), "no answer after 3 steps; ask for less, or allow more");
    assert_eq!(message(&run).as_deref(), Some(status(&run)));
    assert_eq!(run.number("smolagents.max_steps"), Some(3));
    assert_eq!(run.number("llm.token_count.total"), Some(3 * 48));
    let spans = capturing.spans();
    let steps: Vec<_> = spans.iter().filter(|span| span.kind == "CHAIN").map(status).collect();
    assert_eq!(steps, ["ok"; 3]);
}

#[tokio::test]
async fn a_step_without_a_call_fails_and_the_run_goes_on() {
    let says = json!({ "role": "assistant", "content": "Oslo, I think." });
    let nothing = json!({ "role": "assistant" });
    let capturing = capture();
    assert_eq!(scout([says, nothing, answers("Oslo")]).run("Find Oslo.").await.unwrap(), "Oslo");
    let expected = "\
AGENT scout.run
  CHAIN Step 1 ! no tool was called; call one, or final_answer with the answer
    LLM chat gpt-4o
  CHAIN Step 2 ! no tool was called; call one, or final_answer with the answer
    LLM chat gpt-4o
  CHAIN Step 3
    LLM chat gpt-4o
    TOOL final_answer
";
    assert_eq!(capturing.tree(), expected);
    let step = capturing.named("Step 1");
    assert_eq!(message(&step).as_deref(), Some(status(&step)));
    assert_eq!(step.text("output.value"), None);
    let spans = capturing.spans();
    let last = spans.iter().rfind(|span| span.kind == "LLM").unwrap();
    // The model's text, followed by the error; the empty message is followed by an error too.
    assert_eq!(last.text("llm.input_messages.2.message.content"), Some("Oslo, I think."));
    assert_eq!(last.text("llm.input_messages.3.message.content"), Some(status(&step)));
    assert_eq!(last.text("llm.input_messages.4.message.content"), Some(status(&step)));
}

#[tokio::test]
async fn a_model_that_fails_ends_the_run_on_every_level() {
    let capturing = capture();
    let answer = scout([find("Oslo")]).run("Find Oslo.").await;
    assert!(matches!(answer, Err(AgentError::Model(_))), "{answer:?}");
    let spans = capturing.spans();
    let failed: Vec<_> = spans.iter().filter(|span| status(span) != "ok").map(|span| &*span.name).collect();
    assert_eq!(failed, ["scout.run", "Step 2", "chat gpt-4o"]);
}

#[tokio::test]
async fn calls_that_fit_nothing_fail_where_they_are_made() {
    let capturing = capture();
    let script = [call("fly", &json!({})), call("find", &json!({ "nome": "Oslo" })), answers("lost")];
    assert_eq!(scout(script).run("Find Oslo.").await.unwrap(), "lost");
    let expected = "\
AGENT scout.run
  CHAIN Step 1 ! there is no tool fly; call one of those offered
    LLM chat gpt-4o
  CHAIN Step 2 ! find failed
    LLM chat gpt-4o
    TOOL find ! the arguments do not match the tool's schema
  CHAIN Step 3
    LLM chat gpt-4o
    TOOL final_answer
";
    assert_eq!(capturing.tree(), expected);
    assert_eq!(capturing.named("find").text("input.value"), Some(r#"{"nome":"Oslo"}"#));
}

#[tokio::test]
async fn a_managed_agent_that_fails_is_told_to_its_manager() {
    let capturing = capture();
    let orders = [call("scout", &json!({ "task": "Find Oslo." })), answers("not found")];
    let manager =
        Agent::new("chief", "Decides", Script::of(orders)).manages(scout([find("Oslo")]).max_steps(1));
    assert_eq!(manager.run("Where is Oslo?").await.unwrap(), "not found");
    let expected = "\
AGENT chief.run
  CHAIN Step 1 ! scout failed
    LLM chat gpt-4o
    AGENT scout.run ! no answer after 1 steps; ask for less, or allow more
      CHAIN Step 1
        LLM chat gpt-4o
        TOOL find
  CHAIN Step 2
    LLM chat gpt-4o
    TOOL final_answer
";
    assert_eq!(capturing.tree(), expected);
    let scout = capturing.named("scout.run");
    assert_eq!(scout.text("agent.name"), Some("scout"));
    assert_eq!(scout.text("graph.node.id"), Some("scout"));
    assert_eq!(scout.text("graph.node.parent_id"), Some("chief"));
    assert_eq!(scout.text("smolagents.task"), Some("Find Oslo."));
    assert_eq!(capturing.named("chief.run").text("graph.node.parent_id"), None);
}

#[tokio::test]
async fn the_guide_shows_what_the_example_does() {
    let model = market::built_in_model().await.expect("a model");
    let capturing = capture();
    let answer =
        census::manager(model.clone(), model).run("How many people live in Testville, doubled?").await;
    assert_eq!(answer.unwrap(), "4242 people; doubled 8484");
    let fence = format!("```text\n{}```", capturing.tree());
    assert!(GUIDE.contains(&fence), "{fence}");
    for span in capturing.spans() {
        assert_eq!(span.duplicates, Vec::<String>::new(), "{}", span.name);
    }
}

#[test]
fn the_program_answers_and_prints_its_trace() {
    let run = Command::new(env!("CARGO_BIN_EXE_smolagents"))
        .env_remove("OPENAI_BASE_URL")
        .env_remove("OPENAI_API_KEY")
        .env("OTEL_TRACES_EXPORTER", "console")
        .arg("How many people live in Atlantis?")
        .output()
        .expect("a run");
    let (said, trace) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}{trace}");
    assert!(said.contains("population failed: nobody has counted Atlantis"), "{said}");
    assert!(said.contains("13 spans: 13 delivered"), "{said}");
    assert!(trace.contains("error: nobody has counted Atlantis"), "{trace}");
}

/// A span of either side: its place in the tree, and its attributes.
struct Spoken {
    /// The kinds and names from the root down to it.
    path: Vec<String>,
    said: Said,
}

/// Labels a span. Names of models are left out, and tools have the name of the tool, because the peer's spans are named
/// after Python's classes.
fn label(kind: &str, name: &str, tool: Option<&str>) -> String {
    match kind {
        "LLM" => "LLM".into(),
        "TOOL" => format!("TOOL {}", tool.unwrap_or_default()),
        _ => format!("{kind} {name}"),
    }
}

/// Sorts spans (id, parent, label and attributes), which are in the order of their start, into the order of the tree.
fn in_tree_order(spans: &[(String, String, String, Said)]) -> Vec<Spoken> {
    let places: BTreeMap<_, _> = spans.iter().enumerate().map(|(place, span)| (&span.0, place)).collect();
    let ancestry = |mut place: usize| {
        let mut ancestry = vec![place];
        while let Some(parent) = places.get(&spans[place].1) {
            place = *parent;
            ancestry.insert(0, place);
        }
        ancestry
    };
    let mut ancestries: Vec<_> = (0..spans.len()).map(ancestry).collect();
    ancestries.sort();
    let spoken = |ancestry: Vec<usize>| Spoken {
        said: spans[ancestry[ancestry.len() - 1]].3.clone(),
        path: ancestry.into_iter().map(|place| spans[place].2.clone()).collect(),
    };
    ancestries.into_iter().map(spoken).collect()
}

/// Parses texts that are JSON, and removes the number formats that Rust adds to schemas.
fn comparable(value: Value) -> Value {
    let parsed = value.as_str().filter(|text| text.starts_with(['{', '['])).map(serde_json::from_str);
    match parsed.and_then(Result::ok).unwrap_or(value) {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "format")
            .map(|(name, value)| (name, comparable(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        other => other,
    }
}

fn peer() -> Vec<Spoken> {
    let trace: Value =
        serde_json::from_str(include_str!("golden/smolagents_toolcalling_managed.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let spans = trace["spans"].as_array().unwrap().iter().map(|span| {
        let attributes = &span["attributes"];
        let label = label(&text(&span["span_kind"]), &text(&span["name"]), attributes["tool.name"].as_str());
        let attributes = attributes.as_object().unwrap().iter();
        let mut said: Said =
            attributes.map(|(key, value)| (key.clone(), comparable(value.clone()))).collect();
        said.insert("status".into(), span["status"]["code"].clone());
        (text(&span["span_id"]), text(&span["parent_id"]), label, said)
    });
    in_tree_order(&spans.collect::<Vec<_>>())
}

fn ours(capturing: &Capturing) -> Vec<Spoken> {
    let attribute = |value: &Attribute| comparable(json_of(value));
    let spans = capturing.spans().into_iter().map(|span| {
        let label = label(&span.kind, &span.name, span.text("tool.name"));
        let mut said: Said =
            span.attributes.iter().map(|(key, value)| (key.clone(), attribute(value))).collect();
        said.insert("status".into(), status(&span).to_uppercase().into());
        let parent = span.parent_id.map(|id| id.to_string()).unwrap_or_default();
        (span.span_id.to_string(), parent, label, said)
    });
    in_tree_order(&spans.collect::<Vec<_>>())
}

/// The model's messages below the run of an agent, as a script that repeats them.
fn script(spans: &[Spoken], agent: &str) -> Script {
    let run = format!("AGENT {agent}.run");
    let is_own = |path: &[String]| path.iter().rfind(|label| label.starts_with("AGENT ")) == Some(&run);
    let models = spans.iter().filter(|span| span.path.last().is_some_and(|label| label == "LLM"));
    Script::of(models.filter(|span| is_own(&span.path)).map(|span| {
        let field = |index: usize, field: &str| {
            span.said.get(&format!("llm.output_messages.0.message.tool_calls.{index}.tool_call.{field}"))
        };
        let call = |index| {
            let arguments = field(index, "function.arguments")?.to_string();
            let function = json!({ "name": field(index, "function.name")?, "arguments": arguments });
            Some(json!({ "id": field(index, "id")?, "type": "function", "function": function }))
        };
        let calls: Vec<_> = (0..).map_while(call).collect();
        json!({ "role": "assistant", "content": null, "tool_calls": calls })
    }))
}

#[tokio::test]
async fn the_same_conversation_gives_the_same_trace_as_smolagents() {
    let theirs = peer();
    let capturing = capture();
    let manager = census::manager(script(&theirs, "manager"), script(&theirs, "researcher"));
    let answer = manager.run("How many people live in Testville, doubled?").await.unwrap();
    assert_eq!(answer, "Testville has 4242 people, doubled 8484");
    let ours = ours(&capturing);
    let paths = |spans: &[Spoken]| spans.iter().map(|span| span.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&ours), paths(&theirs));

    let pairs = ours.iter().zip(&theirs);
    let found =
        pairs.flat_map(|(ours, theirs)| differences(&ours.path.join(" > "), &ours.said, &theirs.said));
    assert_explained(&found.collect::<Vec<_>>(), PARITY);
}
