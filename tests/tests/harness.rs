//! Tests the test support itself, with a real Phoenix whose spans were sent directly.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use a2a_otel_tests::phoenix::{Phoenix, Project, Session};
use a2a_otel_tests::screenshot::screenshot;
use a2a_otel_tests::services::{
    REQUIRE_SERVICES, Service, eventually, free_ports, require, unique, workshop,
};
use a2a_otel_tests::timestamp;
use a2a_otel_tests::tree::Tree;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// The ids of one trace. The id of a span is made from its number.
struct Ids {
    trace: String,
    prefix: String,
}

impl Ids {
    fn new() -> Self {
        let digits = format!("{}{}", hexadecimal(), hexadecimal());
        let prefix = digits[..12].to_owned();
        Self { trace: digits, prefix }
    }

    fn span(&self, number: usize) -> String {
        format!("{}{number:04x}", self.prefix)
    }
}

fn hexadecimal() -> String {
    unique("x")[2..].to_owned()
}

/// A span for Phoenix's JSON API: number, parent's number, kind and name.
fn span(ids: &Ids, number: usize, parent: Option<usize>, kind: &str, name: &str) -> Value {
    let start =
        SystemTime::now() + Duration::from_millis(100) * u32::try_from(number).expect("a small number");
    json!({
        "name": name,
        "context": { "trace_id": ids.trace, "span_id": ids.span(number) },
        "parent_id": parent.map(|number| ids.span(number)),
        "span_kind": kind,
        "start_time": timestamp::format(start),
        "end_time": timestamp::format(start + Duration::from_millis(50)),
        "status_code": "OK",
        "attributes": {},
    })
}

/// An agent that asks a model and calls a tool, which fails.
fn conversation(ids: &Ids, session: &str) -> [Value; 4] {
    let mut agent = span(ids, 1, None, "AGENT", "coordinator");
    agent["attributes"] = json!({
        "session.id": session,
        "user.id": "user-1",
        "input.value": "What is 2+2?",
        "output.value": "4",
        "metadata.tier": "gold",
    });
    let step = span(ids, 2, Some(1), "CHAIN", "step 1");
    let mut model = span(ids, 3, Some(2), "LLM", "chat gpt-4o");
    model["attributes"] = json!({
        "llm.model_name": "gpt-4o",
        "llm.provider": "openai",
        "llm.token_count.prompt": 1000,
        "llm.token_count.prompt_details.cache_read": 200,
        "llm.token_count.completion": 500,
        "llm.token_count.total": 1500,
    });
    [agent, step, model, failed_tool(ids)]
}

fn failed_tool(ids: &Ids) -> Value {
    let mut tool = span(ids, 4, Some(2), "TOOL", "calculator");
    tool["status_code"] = json!("ERROR");
    tool["status_message"] = json!("Overflow: too large");
    tool["events"] = json!([{
        "name": "exception",
        "timestamp": tool["end_time"],
        "attributes": { "exception.type": "Overflow", "exception.message": "too large" },
    }]);
    tool
}

#[track_caller]
fn post(project: &Project<'_>, spans: &[Value]) {
    let answer = project.post_spans(spans);
    assert_eq!(answer.status, 202, "{answer:?}");
}

fn phoenix() -> Option<&'static Phoenix> {
    require("Phoenix", Phoenix::shared())
}

#[test]
fn spans_come_back_as_they_were_sent() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("spans");
    let ids = Ids::new();
    let sent = conversation(&ids, &unique("session"));
    post(&project, &sent);

    let spans = project.wait_for_spans(|spans| spans.len() == 4);
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["coordinator", "step 1", "chat gpt-4o", "calculator"]);

    let agent = &spans[0];
    assert_eq!((agent.kind.as_str(), agent.parent_id.as_ref()), ("AGENT", None));
    assert_eq!((&agent.trace_id, &agent.span_id), (&ids.trace, &ids.span(1)));
    assert_eq!(agent.attribute("input.value"), "What is 2+2?");
    assert_eq!(agent.attribute("metadata.tier"), "gold");
    assert_eq!(timestamp::format(agent.start), sent[0]["start_time"]);
    assert_eq!(agent.duration(), Duration::from_millis(50));

    let tool = &spans[3];
    assert_eq!((tool.status_code.as_str(), tool.status_message.as_str()), ("ERROR", "Overflow: too large"));
    let exception = tool.event("exception").expect("the tool failed");
    assert_eq!(exception.attributes["exception.type"], "Overflow");
    assert_eq!(exception.time, tool.end);
}

#[test]
fn a_tree_is_read_as_paths() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("tree");
    post(&project, &conversation(&Ids::new(), &unique("session")));

    let tree = project.wait_for_tree(4);
    assert_eq!(tree.root().name, "coordinator");
    tree.assert_path(&["AGENT coordinator", "CHAIN step 1", "LLM"]);
    tree.assert_path(&["AGENT", "...", "TOOL calc"]);
    tree.assert_path(&["...", "* chat"]);
    tree.assert_path(&["...", "AGENT coordinator", "..."]);
    for wrong in
        [&["AGENT", "LLM"][..], &["CHAIN"], &["AGENT", "CHAIN step 2"], &["...", "LLM", "..", "TOOL"]]
    {
        assert!(!tree.has_path(wrong), "{wrong:?}");
    }
    assert_eq!(tree.find("LLM").name, "chat gpt-4o");
    assert_eq!(tree.all("TOOL").count(), 1);
    let under_the_step: Vec<&str> =
        tree.children(tree.find("CHAIN")).map(|span| span.kind.as_str()).collect();
    assert_eq!(under_the_step, ["LLM", "TOOL"]);
    assert_eq!(indents(&tree), [0, 2, 4, 6, 6]);
}

fn indents(tree: &Tree) -> Vec<usize> {
    tree.to_string().lines().map(|line| line.len() - line.trim_start().len()).collect()
}

#[test]
fn a_broken_trace_is_told_from_a_whole_one() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("broken");
    let ids = Ids::new();
    post(
        &project,
        &[
            span(&ids, 1, None, "AGENT", "coordinator"),
            span(&ids, 2, Some(99), "LLM", "orphan"),
            span(&ids, 3, Some(2), "TOOL", "child of the orphan"),
            span(&ids, 4, Some(4), "TOOL", "its own parent"),
        ],
    );

    let spans = project.wait_for_spans(|spans| spans.len() == 4);
    let [tree] = &Tree::forest(&spans)[..] else { panic!("one trace was sent") };
    let complaints = tree.to_string().matches("does not lead to a root").count();
    assert_eq!(complaints, 3, "{tree}");
    assert!(thread::scope(|scope| scope.spawn(|| tree.assert_whole()).join()).is_err());
}

#[test]
fn more_spans_than_a_page_holds_are_all_read() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("pages");
    let ids = Ids::new();
    let steps = (1..1050).map(|number| span(&ids, number, Some(0), "CHAIN", "step"));
    let spans: Vec<Value> = [span(&ids, 0, None, "AGENT", "marathon")].into_iter().chain(steps).collect();
    post(&project, &spans);

    let tree = project.wait_for_tree(1050);
    assert!(tree.spans().is_sorted_by_key(|span| span.start));
    assert_eq!(tree.root().name, "marathon");
}

#[test]
fn phoenix_counts_by_condition() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("count");
    assert_eq!(project.count("span_kind == 'TOOL'"), 0, "before its first span there is no project");
    post(&project, &conversation(&Ids::new(), &unique("session")));
    let _ = project.wait_for_tree(4);

    assert_eq!(project.count("span_kind == 'TOOL'"), 1);
    assert_eq!(project.count("span_kind in ['LLM', 'AGENT'] and metadata['tier'] == \"gold\""), 1);
    assert_eq!(project.count("status_code == 'ERROR'"), 1);
}

#[test]
fn phoenix_adds_up_what_a_trace_cost() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("cost");
    let (ids, session) = (Ids::new(), unique("session"));
    post(&project, &conversation(&ids, &session));

    let cost = eventually(PATIENCE, || phoenix.span_cost(&ids.span(3))).expect("gpt-4o is on the price list");
    assert!((cost.total.dollars - 0.007_25).abs() < 1e-9, "{cost:?}");
    let tokens = [cost.prompt.tokens, cost.completion.tokens, cost.total.tokens];
    assert_eq!(tokens.map(|tokens| tokens.to_string()), ["1000", "500", "1500"]);
    assert_eq!(phoenix.span_cost(&ids.span(4)), None);

    let trace = phoenix.trace(&ids.trace).expect("its spans are stored");
    assert_eq!((trace.spans, trace.errors, trace.root.as_deref()), (4, 1, Some("coordinator")));
    assert_eq!((trace.session, trace.user.as_deref()), (Some(session), Some("user-1")));
    assert_eq!(trace.cost, Some(cost));
    assert_eq!(project.cost(), Some(cost));
    assert_eq!(phoenix.trace(&Ids::new().trace), None);
}

#[test]
fn traces_of_a_session_belong_together() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("session");
    let session = unique("session");
    for ids in [Ids::new(), Ids::new()] {
        post(&project, &conversation(&ids, &session));
    }
    let _ = project.wait_for_spans(|spans| spans.len() == 8);

    let Session { traces, traces_with_error, first_input, user, .. } =
        project.session(&session).expect("stored");
    assert_eq!((traces, traces_with_error), (2, 2));
    assert_eq!((first_input.as_deref(), user.as_deref()), (Some("What is 2+2?"), Some("user-1")));
    assert_eq!(project.session("another"), None);
    let tokens: Vec<(u64, u64)> =
        project.traces().iter().map(|trace| (trace.prompt_tokens, trace.completion_tokens)).collect();
    assert_eq!(tokens, [(1000, 500), (1000, 500)]);
}

#[test]
fn a_project_without_spans_is_empty() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("empty").with_patience(Duration::from_millis(100));
    assert_eq!((project.id(), project.spans().len(), project.traces().len()), (None, 0, 0));
    let waiting =
        thread::scope(|scope| scope.spawn(|| project.wait_for_spans(|spans| !spans.is_empty())).join());
    let message = *waiting.expect_err("nothing was sent").downcast::<String>().expect("a formatted message");
    assert!(message.contains(project.name()) && message.contains("Phoenix said"), "{message}");
}

#[test]
fn a_phoenix_with_accounts_is_asked_in_the_name_of_its_administrator() {
    let secrets = [
        ("PHOENIX_ENABLE_AUTH", "true"),
        ("PHOENIX_SECRET", "0123456789abcdefghijklmnopqrstuv"),
        ("PHOENIX_ADMIN_SECRET", "vutsrqponmlkjihgfedcba9876543210"),
    ];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&secrets)) else { return };
    assert_eq!(phoenix.get("/v1/projects").status, 200);
    assert_eq!(phoenix.get("/arize_phoenix_version").status, 200);
    drop(phoenix);
}

#[test]
fn a_trace_can_be_photographed() {
    let Some(phoenix) = phoenix() else { return };
    let project = phoenix.project("picture");
    post(&project, &conversation(&Ids::new(), &unique("session")));
    let tree = project.wait_for_tree(4);
    let png = workshop().expect("a folder for services").join("trace.png");

    let Some(()) = require("Chromium", screenshot(&project.trace_url(&tree.trace_id), &png)) else { return };
    let picture = fs::read(&png).expect("the picture is there");
    // The screenshot of a page that is still loading has less than 20 kB.
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 50_000, "{} bytes", picture.len());
}

/// Runs one of the ignored tests below in a separate process, with or without services being required.
fn in_a_process_of_its_own(test: &str, services_are_required: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this test has a path"));
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(REQUIRE_SERVICES, services_are_required)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn output_of(test: &str, services_are_required: &str) -> (Output, String) {
    let output = in_a_process_of_its_own(test, services_are_required).output().expect("this test can be run");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, errors)
}

#[test]
#[ignore = "run by the two tests below"]
fn needs_a_service_that_is_nowhere() {
    assert!(require("Atlantis", Err::<(), _>("it sank")).is_none());
}

#[test]
fn a_missing_service_skips_the_test_with_its_reason() {
    let (output, errors) = output_of("needs_a_service_that_is_nowhere", "0");
    assert!(output.status.success() && errors.contains("skipped: Atlantis: it sank"), "{errors}");
}

#[test]
fn a_missing_service_fails_the_test_where_services_are_required() {
    let (output, errors) = output_of("needs_a_service_that_is_nowhere", "1");
    assert!(!output.status.success() && errors.contains("Atlantis is required: it sank"), "{errors}");
}

#[test]
fn a_service_that_is_there_is_handed_on() {
    assert_eq!(require("Atlantis", Ok::<_, String>("a city")), Some("a city"));
}

#[test]
#[ignore = "run by the test below, which kills it"]
fn keeps_a_service_until_it_is_killed() {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "echo $$ > \"$0\"; exec sleep 600"])
        .arg(env::var_os("PID_FILE").expect("set by the test"));
    let _service = Service::start("sleep", &shell).expect("sleep is everywhere");
    thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_service_ends_with_a_test_that_is_killed() {
    let pid_file = workshop().expect("a folder for services").join(unique("pid"));
    let mut test = in_a_process_of_its_own("keeps_a_service_until_it_is_killed", "0")
        .env("PID_FILE", &pid_file)
        .spawn()
        .expect("this test can be run");
    let started =
        eventually(PATIENCE, || fs::read_to_string(&pid_file).ok().filter(|pid| pid.ends_with('\n')));
    let pid = started.expect("the service has started").trim().to_owned();
    assert!(is_running(&pid));

    test.kill().expect("it is ours");
    test.wait().expect("it is ours");
    assert!(eventually(PATIENCE, || (!is_running(&pid)).then_some(())).is_some(), "{pid} is still there");
    fs::remove_file(&pid_file).expect("it was read a moment ago");
}

fn is_running(pid: &str) -> bool {
    Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_service_that_ignores_a_request_to_end_is_killed() {
    let mut stubborn = Command::new("sh");
    stubborn.args(["-c", "trap '' TERM; echo $$; while :; do sleep 0.2; done"]);
    let mut service = Service::start("stubborn", &stubborn).expect("a shell is everywhere");
    service.wait_until(PATIENCE, || true).expect("it goes on");
    let pid =
        eventually(PATIENCE, || service.last_words().lines().next().map(str::to_owned)).expect("it says so");
    drop(service);
    assert!(!is_running(&pid));
}

#[test]
fn a_service_that_ends_early_is_reported_with_its_last_words() {
    let mut broken = Command::new("sh");
    broken.args(["-c", "echo no luck today; exit 3"]);
    let mut service = Service::start("broken", &broken).expect("a shell is everywhere");
    let reason = service.wait_until(PATIENCE, || false).expect_err("it has ended");
    assert!(reason.contains("exit status: 3") && reason.contains("no luck today"), "{reason}");
}

#[test]
fn free_ports_are_different() {
    let mut ports: Vec<u16> = free_ports::<16>().to_vec();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 16);
}

#[test]
fn phoenix_says_where_it_is() {
    let Some(phoenix) = phoenix() else { return };
    assert!(phoenix.grpc_url() != phoenix.url());
    for url in [phoenix.url(), phoenix.grpc_url()] {
        let address = url.strip_prefix("http://").expect("there is no certificate");
        assert!(TcpStream::connect(address).is_ok(), "{url}");
    }
    assert!(phoenix.last_words().contains(phoenix.url()), "{}", phoenix.last_words());
}
