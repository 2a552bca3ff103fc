//! Tests that calls are answered from a recorded trace.

mod streams;

use std::cell::RefCell;
use std::env;
use std::fs;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use a2a_otel::testing::{Capturing, Replay, Trace, Unmatched, capture, diff, replay, replay_file};
use a2a_otel::{agent_span, embedding_call, in_current_span, llm_call, mcp_tool, retriever_span, tool_span};
use a2a_otel_tests::services::{unique, workshop};
use opentelemetry::trace::Status;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

thread_local! {
    /// The bodies that have run on this thread.
    static RUNS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn runs(body: &'static str) {
    RUNS.with_borrow_mut(|runs| runs.push(body));
}

/// The bodies that have run since the last call.
fn ran() -> Vec<&'static str> {
    RUNS.with_borrow_mut(std::mem::take)
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Offer {
    product: String,
    price: f64,
}

#[llm_call(replay, request = request, provider = "openai")]
async fn ask(request: &Value) -> Result<Value, String> {
    runs("ask");
    let question = request["messages"][0]["content"].as_str().unwrap_or_default();
    if question.is_empty() {
        return Err("there is no question".to_owned());
    }
    Ok(json!({
        "model": "gpt-4o-mini",
        "choices": [{ "message": { "role": "assistant", "content": format!("About {question}") }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 },
    }))
}

fn question(text: &str) -> Value {
    json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": text }] })
}

#[tool_span(replay)]
fn offer(product: &str) -> Offer {
    runs("offer");
    Offer { product: product.to_owned(), price: 12.5 }
}

#[agent_span]
async fn shop(product: &str) -> Result<String, String> {
    let offer = offer(product);
    let answer = ask(&question(product)).await?;
    Ok(format!(
        "{} for {}",
        answer["choices"][0]["message"]["content"].as_str().unwrap_or_default(),
        offer.price
    ))
}

/// Records a run, as the trace and what it returned.
fn recorded<T>(run: impl FnOnce() -> T) -> (Trace, T) {
    let capturing = capture();
    let result = run();
    let trace = capturing.trace();
    ran();
    (trace, result)
}

fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The message of the panic that a run ends with.
fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { panic!("it should have panicked") };
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a text")
}

/// Runs an agent again, with its calls answered, and compares the traces.
#[test]
fn a_replayed_agent_makes_the_same_trace_without_its_model_and_tools() {
    for product in ["lamp", ""] {
        let (trace, result) = recorded(|| block(shop(product)));
        assert_eq!(result.is_ok(), product == "lamp");
        let path = workshop().unwrap().join(unique("recorded.jsonl"));
        trace.write(&path).unwrap();

        let capturing = capture();
        let replaying = replay(Trace::read(&path).unwrap());
        assert_eq!(block(shop(product)), result);
        assert_eq!(ran(), Vec::<&str>::new());
        let diff = diff(&trace, &capturing.trace());
        assert!(diff.is_empty(), "{diff}");
        assert!(replaying.unused().is_empty() && replaying.missing().is_empty());
        let (call, before) =
            (capturing.named("ask"), trace.spans().iter().find(|span| span.name == "ask").unwrap());
        assert_eq!(call.attributes, before.attributes);
        assert_eq!(call.status, before.status);
    }
}

#[test]
fn without_a_replay_the_body_runs() {
    let (trace, _) = recorded(|| offer("lamp"));
    offer("lamp");
    assert_eq!(ran(), ["offer"]);
    drop(replay(trace));
    offer("lamp");
    assert_eq!(ran(), ["offer"]);
}

#[test]
fn replays_work_without_a_capture() {
    let (trace, expected) = recorded(|| offer("lamp"));
    let _replaying = replay(trace);
    assert_eq!(offer("lamp"), expected);
    assert_eq!(ran(), Vec::<&str>::new());
}

#[tool_span(replay)]
fn count(_: &str) {
    runs("count");
}

#[tool_span(replay, skip(counter))]
fn next(counter: &AtomicU32, product: &str) -> u32 {
    runs("next");
    counter.fetch_add(1, Ordering::Relaxed)
}

#[tool_span(replay)]
fn greeting(name: &str) -> String {
    runs("greeting");
    format!("3{name}")
}

#[mcp_tool(replay)]
fn price(product: &str) -> impl Future<Output = Result<f64, Box<dyn std::error::Error + Send + Sync>>> {
    runs("price");
    let is_known = product == "lamp";
    async move { if is_known { Ok(12.5) } else { Err("no price".into()) } }
}

#[embedding_call(replay)]
fn embed(text: &str) -> Pin<Box<dyn Future<Output = Vec<f32>> + Send + '_>> {
    runs("embed");
    Box::pin(async move { vec![if text.is_empty() { 0.0 } else { 4.0 }, 0.5] })
}

#[retriever_span(replay)]
async fn search(query: &str, limit: Option<u32>) -> Result<Vec<String>, Failure> {
    runs("search");
    if limit == Some(0) { Err(Failure(query.to_owned())) } else { Ok(vec![query.to_owned()]) }
}

/// An error that other errors can become, as `anyhow::Error` is.
#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// An error that nothing can become.
#[derive(Debug)]
struct Sealed;

#[tool_span(replay)]
fn locked(is_locked: bool) -> Result<(), Sealed> {
    runs("locked");
    if is_locked { Err(Sealed) } else { Ok(()) }
}

#[test]
fn every_shape_of_function_is_answered() {
    let all = || {
        count("lamp");
        let price =
            block(async { (price("lamp").await.unwrap(), price("sofa").await.unwrap_err().to_string()) });
        let found = block(async {
            (search("a", None).await.ok(), search("b", Some(0)).await.map_err(|error| error.0))
        });
        let found = (found.0, found.1.map_err(|message| message.contains('b')));
        (price, block(embed("four")), found, greeting("5"), greeting("\"x\""), locked(false).is_ok())
    };
    let (trace, results) = recorded(all);
    let _replaying = replay(trace);
    assert_eq!(all(), results);
    assert_eq!(ran(), Vec::<&str>::new());
}

#[test]
fn equal_calls_are_answered_in_the_order_of_the_recording() {
    let counter = AtomicU32::new(0);
    let three = || [(); 3].map(|()| next(&counter, "lamp"));
    let (trace, _) = recorded(three);
    let replaying = replay(trace);
    assert_eq!(three(), [0, 1, 2]);
    assert!(replaying.unused().is_empty());
    let message = panic_of(|| next(&counter, "lamp"));
    assert!(
        message.starts_with("`next` (TOOL) was recorded 3 times with this input, and is called once more."),
        "{message}"
    );
}

#[agent_span(skip(counter))]
fn counting(counter: &AtomicU32, first: u32) -> u32 {
    next(counter, "lamp") + first
}

/// Calls that are equal get the answers of the agent that makes them, whichever comes first.
#[test]
fn equal_calls_of_agents_in_parallel_get_their_own_answers() {
    let counter = AtomicU32::new(0);
    let (trace, _) = recorded(|| (0..8).map(|agent| counting(&counter, 10 * agent)).collect::<Vec<_>>());
    let _replaying = replay(trace);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let agents: Vec<_> = (0..8)
            .rev()
            .map(|agent| {
                let counter = &counter;
                scope.spawn(in_current_span(move || (agent, counting(counter, 10 * agent))))
            })
            .collect();
        agents.into_iter().map(|agent| agent.join().unwrap()).collect()
    });
    for (agent, answer) in answers {
        assert_eq!(answer, 11 * agent);
    }
}

#[test]
fn what_is_ignored_may_differ() {
    #[tool_span(replay)]
    fn order(product: &str, id: u32, lines: Vec<Value>) -> bool {
        runs("order");
        !product.is_empty() && id > 0 && !lines.is_empty()
    }
    let (trace, _) = recorded(|| order("lamp", 1, vec![json!({ "at": 1, "n": 1 })]));
    {
        let _replaying = Replay::new(&trace).ignore(["id", "lines.*.at"]).start();
        assert!(order("lamp", 2, vec![json!({ "n": 1, "at": 9 })]));
        assert_eq!(ran(), Vec::<&str>::new());
    }
    let _replaying = Replay::new(&trace).ignore(["id"]).start();
    let message = panic_of(|| order("lamp", 3, vec![json!({ "at": 9, "n": 1 })]));
    assert!(message.contains("lines[0].at: 1 → 9"), "{message}");
    assert!(!message.contains("id:"), "{message}");
}

#[test]
fn a_call_that_was_not_recorded_shows_the_nearest_recording() {
    let (trace, _) = recorded(|| (offer("lamp"), block(ask(&question("What is a lamp?")))));
    let capturing = capture();
    let replaying = replay(&trace);
    let message = panic_of(|| block(ask(&question("What is a sofa?"))));
    let span = trace.spans().iter().find(|span| span.name == "ask").unwrap().span_id;
    let nearest = format!(
        "\n  nearest recording: span {span}\n  what differs from it:\n    messages[0].content: \"What is a lamp?\" → \"What is a sofa?\""
    );
    assert!(
        message.starts_with("no recorded call of `ask` (LLM) has this input. Record the trace again, or "),
        "{message}"
    );
    assert!(message.ends_with(&nearest), "{message}");
    let message = panic_of(|| greeting("x"));
    assert_eq!(
        message,
        "no call of `greeting` (TOOL) was recorded. Record the trace again.\n  input: {\"name\":\"x\"}\n  what was recorded: \
         `ask` (LLM), `offer` (TOOL)"
    );
    assert_eq!(replaying.missing().len(), 2);
    assert_eq!(
        replaying.unused().iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["offer", "ask"]
    );
    assert!(
        matches!(&capturing.named("greeting").status, Status::Error { description } if description.contains("was recorded"))
    );
    assert_eq!(ran(), Vec::<&str>::new());
}

#[test]
fn a_call_that_was_not_recorded_may_fail_or_run() {
    {
        let _replaying = Replay::new(Trace::default()).unmatched(Unmatched::Fail).start();
        let error = block(ask(&question("a"))).unwrap_err();
        assert!(error.starts_with("no call of `ask` (LLM) was recorded."), "{error}");
        assert_eq!(ran(), Vec::<&str>::new());
    }
    let replaying = Replay::new(Trace::default()).unmatched(Unmatched::Run).start();
    assert!(block(ask(&question("a"))).is_ok());
    assert_eq!((ran(), replaying.missing().len()), (vec!["ask"], 1));
}

#[test]
fn a_failure_that_no_error_can_be_made_of_panics() {
    let (trace, _) = recorded(|| locked(true));
    let _replaying = replay(trace);
    let message = panic_of(|| locked(true));
    assert!(message.contains("implement `From<String>` for the error. It failed with: Sealed"), "{message}");
}

#[test]
fn a_recording_of_another_type_is_named() {
    let (trace, _) = recorded(|| offer("lamp"));
    let mut spans = trace.spans().to_vec();
    spans[0].attributes.insert("output.value".to_owned(), r#"{"product":"lamp"}"#.into());
    let _replaying = replay(Trace::new(spans));
    let message = panic_of(|| offer("lamp"));
    assert!(
        message.starts_with("the recording of `offer` holds no `replay::Offer`: missing field `price`"),
        "{message}"
    );
    assert!(message.ends_with(r#"It holds: {"product":"lamp"}"#), "{message}");
}

/// A trace that Phoenix returned is replayed like one of a capture.
#[test]
fn a_trace_of_phoenix_is_replayed() {
    let trace = Trace::from_phoenix_json(&json!({ "data": [{
        "name": "offer",
        "context": { "trace_id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", "span_id": "a000000000000001" },
        "span_kind": "TOOL",
        "parent_id": null,
        "start_time": "2026-11-23T00:34:16.410474+00:00",
        "end_time": "2026-11-23T00:34:18.410474+00:00",
        "status_code": "OK",
        "status_message": "",
        "attributes": {
            "input.value": "{ \"product\": \"lamp\" }",
            "output.value": "{\"price\": 1, \"product\": \"desk lamp\"}",
            "output.mime_type": "application/json",
        },
        "events": [],
    }] }));
    let _replaying = replay(trace.unwrap());
    assert_eq!(offer("lamp"), Offer { product: "desk lamp".to_owned(), price: 1.0 });
}

#[test]
fn calls_of_other_tasks_are_answered() {
    let (trace, _) = recorded(|| offer("lamp"));
    let capturing: Capturing = capture();
    let replaying = replay(trace);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let answer = runtime.block_on(async { a2a_otel::spawn(async { (offer("lamp"), ran()) }).await.unwrap() });
    assert_eq!(answer.0.product, "lamp");
    assert!(answer.1.is_empty() && replaying.unused().is_empty());
    assert_eq!(capturing.tree(), "TOOL offer\n");
}

/// Run by the next test, in processes of its own with other environments.
#[test]
fn the_environment_decides() {
    let Some(path) = env::var_os("A2A_OTEL_REPLAY_FILE") else { return };
    let file = replay_file("elsewhere.jsonl").unwrap();
    let is_answered = file.replaying().is_some();
    assert_eq!(offer("lamp").product, "lamp");
    println!("answered: {is_answered}, ran: {:?}", ran());
    drop(file);
    assert!(!is_answered || fs::metadata(path).is_ok());
}

#[test]
fn a_file_is_recorded_and_replayed_as_the_environment_says() {
    let path = workshop().unwrap().join(unique("shop.jsonl"));
    let run = |mode: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["the_environment_decides", "--exact", "--nocapture", "--test-threads=1"]);
        let output =
            command.env("A2A_OTEL_REPLAY", mode).env("A2A_OTEL_REPLAY_FILE", &path).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let said = run("replay");
    assert!(said.contains("cannot read the trace") && said.contains("A2A_OTEL_REPLAY=record"), "{said}");
    assert!(run("off").contains("answered: false, ran: [\"offer\"]"));
    assert!(!path.exists());
    assert!(run("record").contains("answered: false, ran: [\"offer\"]"));
    assert_eq!(Trace::read(&path).unwrap().tree(), "TOOL offer\n");
    for mode in ["replay", ""] {
        assert!(run(mode).contains("answered: true, ran: []"));
    }
    let said = run("repeat");
    assert!(said.contains("A2A_OTEL_REPLAY=\"repeat\" is ignored: expected record, replay or off"), "{said}");
    assert!(said.contains("answered: true, ran: []"), "{said}");
}

#[tool_span(replay)]
fn stock() -> Value {
    runs("stock");
    json!(3)
}

#[tool_span(replay)]
fn open(name: &str) -> Result<String, std::io::Error> {
    Err(std::io::Error::other(format!("{name} is locked")))
}

#[test]
fn numbers_and_errors_of_the_system_come_back() {
    let (trace, _) = recorded(|| (stock(), open("shop").map_err(|error| error.to_string())));
    let _replaying = replay(trace);
    assert_eq!(stock(), json!(3));
    assert_eq!(open("shop").map_err(|error| error.to_string()), Err("shop is locked".to_owned()));
    assert!(ran().is_empty(), "they ran only when they were recorded");
}

#[tool_span(replay)]
fn plan(product: &str) -> Offer {
    runs("plan");
    offer(product)
}

#[test]
fn what_was_called_within_an_answered_call_answers_no_other() {
    let (trace, _) = recorded(|| plan("lamp"));
    let replaying = replay(trace);
    plan("lamp");
    assert!(replaying.unused().is_empty(), "{:?}", replaying.unused());
    assert!(panic_of(|| offer("lamp")).contains("was recorded once with this input"));
}

#[test]
fn a_replay_that_has_ended_answers_nobody() {
    let (trace, _) = recorded(|| offer("lamp"));
    let replaying = replay(&trace);
    let later = in_current_span(|| offer("chair"));
    drop(replaying);
    let _other = replay(&trace);
    ran();
    assert_eq!(later().product, "chair", "its body runs");
    assert_eq!(ran(), ["offer"]);
}

#[test]
fn a_call_without_a_span_may_run_too() {
    let _replaying = Replay::new(Trace::default()).unmatched(Unmatched::Run).start();
    ran();
    assert_eq!(a2a_otel::suppress().run(|| offer("lamp")).product, "lamp");
    assert_eq!(ran(), ["offer"]);
}

/// The client and the server of a tool in one process: both spans have the tool's name and input.
#[test]
fn the_servers_span_answers_for_its_function() {
    #[mcp_tool(replay)]
    fn greet(name: &str) -> Value {
        json!({ "greeting": name })
    }
    let (trace, _) = recorded(|| greet("ada"));
    let mut server = trace.spans()[0].clone();
    let mut client = server.clone();
    client.name = "tools/call greet".to_owned();
    client.span_id = 7.into();
    client.attributes.insert("tool.name".to_owned(), "greet".into());
    client.attributes.insert("output.value".to_owned(), "hello ada".into());
    server.attributes.insert("tool.name".to_owned(), "greet".into());
    server.parent_id = Some(client.span_id);
    let replaying = replay(Trace::new(vec![client, server]));
    assert_eq!(greet("ada"), json!({ "greeting": "ada" }));
    assert!(replaying.unused().is_empty());
}
