//! Tests tasks that fail after the call was answered, with the Python SDK as the peer.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use a2a::{
    AgentCard, GetTaskRequest, Message, Part, Role, SendMessageRequest, SendMessageResponse, StreamResponse,
    Task, TaskState, TaskStatus, TaskStatusUpdateEvent,
};
use a2a_client::agent_card::AgentCardResolver;
use a2a_otel::opentelemetry::Value;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::time::sleep;

use a2a_otel_tests::parrot::{Binding, Client, Event, connect, ended, immediate, observed, request, serve};
use a2a_otel_tests::python::a2a_sdk;
use a2a_otel_tests::services::{Service, free_ports, require};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

fn script(name: &str) -> Option<Command> {
    let python = require("the Python SDK", a2a_sdk())?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/a2a_python_tasks");
    let mut command = Command::new(python);
    command
        .arg(folder.join(name))
        .env("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// Fails after a while.
struct Sleeper;

impl AgentExecutor for Sleeper {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let working = Ok(status(&context, TaskState::Working, None));
        let end = async move {
            sleep(6 * PAUSE).await;
            Ok(status(&context, TaskState::Failed, Some("no seeds left")))
        };
        stream::iter([working]).chain(stream::once(end)).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::empty().boxed()
    }
}

fn status(context: &ExecutorContext, state: TaskState, text: Option<&str>) -> StreamResponse {
    let message = text.map(|text| Message::new(Role::Agent, vec![Part::text(text)]));
    let (task_id, context_id) = context.task_info();
    let status = TaskStatus { state, message, timestamp: None };
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id, context_id, status, metadata: None })
}

/// The spans of this name that are about a task, of which the first has asked for it.
fn about(spans: &[Captured], task: &str, name: &str) -> Vec<Captured> {
    let is_about = |span: &&Captured| span.text("a2a.task.id") == Some(task) && span.name == name;
    spans.iter().filter(is_about).cloned().collect()
}

#[track_caller]
fn assert_linked(seen: &[Captured], asked: &Captured, reason: &str) {
    for span in seen {
        let links: Vec<_> = span.links.iter().map(|link| (link.trace_id(), link.span_id())).collect();
        assert_eq!(links, [(asked.trace_id, asked.span_id)], "{span:?}");
    }
    let last = seen.last().expect("a span that sees the end");
    assert_eq!(last.status, Status::Error { description: reason.to_owned().into() }, "{last:?}");
    assert_eq!(last.text("error.type"), Some("TASK_STATE_FAILED"), "{last:?}");
}

#[tokio::test]
async fn what_a_python_client_finds_later_is_linked_to_what_it_asked() {
    let Some(mut client) = script("client.py") else { return };
    let capturing = capture();
    let card = serve(Binding::JsonRpc, observed(Sleeper)).await;
    client.env("AGENT", &card.supported_interfaces[0].url);
    let asked =
        tokio::task::spawn_blocking(move || Service::start("a2a-late-client", &client)?.finish(PATIENCE));
    asked.await.expect("no panic").expect("the client is answered");

    ended(&capturing, 6).await;
    let spans = capturing.spans();
    let asked: Vec<_> = spans.iter().filter(|span| span.name == "SendMessage").collect();
    assert_eq!(asked.len(), 2, "{}", capturing.tree());
    for (asked, name) in asked.into_iter().zip(["GetTask", "SubscribeToTask"]) {
        assert_eq!(asked.status, Status::Ok, "{asked:?}");
        let task = asked.text("a2a.task.id").expect("a task");
        assert_linked(&about(&spans, task, name), asked, "no seeds left");
    }
}

/// Waits until the Python agent listens, and returns its card.
async fn card_at(url: &str, service: &mut Service) -> AgentCard {
    let resolver = AgentCardResolver::new(None);
    let handle = tokio::runtime::Handle::current();
    let is_there = || handle.block_on(resolver.resolve(url)).is_ok();
    tokio::task::block_in_place(|| service.wait_until(PATIENCE, is_there)).expect("the agent listens");
    resolver.resolve(url).await.expect("a card")
}

fn is_failed(task: &Task) -> bool {
    task.status.state == TaskState::Failed
}

async fn send(client: &Client, request: SendMessageRequest) -> Task {
    match client.send_message(&request).await.expect("an answer") {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("{message:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_later_of_a_python_agent_is_linked_to_what_was_asked() {
    let Some(mut agent) = script("agent.py") else { return };
    let [port] = free_ports();
    agent.env("PORT", port.to_string());
    let mut service = Service::start("a2a-late-agent", &agent).expect("the agent starts");
    let client = connect(&card_at(&format!("http://127.0.0.1:{port}"), &mut service).await).await;

    let capturing = capture();
    let task = send(&client, immediate(request("later"))).await;
    assert!(!is_failed(&task), "{task:?}");
    let poll = GetTaskRequest { id: task.id.clone(), history_length: None, tenant: None };
    let polling = async {
        while !is_failed(&client.get_task(&poll).await.expect("the task")) {
            sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.expect("the task fails");
    let spans = capturing.spans();
    let asked = capturing.named("SendMessage starving");
    assert_eq!(asked.status, Status::Ok, "{asked:?}");
    assert_linked(&about(&spans, &task.id, "GetTask starving"), &asked, "no seeds\nno water");
    drop(capturing);

    let capturing = capture();
    assert!(is_failed(&send(&client, request("now")).await));
    let span = capturing.only();
    let updates = span.events.iter().filter(|(name, _)| name == "a2a.task.status_update");
    let texts: Vec<_> = updates.filter_map(|(_, event)| event.get("a2a.task.status.message")).collect();
    assert_eq!(texts, ["looking", "looking again", "no seeds\nno water"].map(Value::from).each_ref());
}
