//! Tests texts: each status message is an event, parts and artifacts are told apart, and pieces are joined.

use a2a::{
    A2AError, Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_otel::opentelemetry::Value;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::json;

use a2a_otel_tests::parrot::{BINDINGS, Binding, Event, connect, drain, observed, request, serve, settled};

const AGENT: &str = "invoke_agent parrot";
const NAMES: [[&str; 2]; 2] =
    [["SendMessage parrot", "SendMessage"], ["SendStreamingMessage parrot", "SendStreamingMessage"]];

/// Says what the message asks for.
struct Speaker;

impl AgentExecutor for Speaker {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let text = context.message.as_ref().and_then(Message::text).unwrap_or_default();
        let say = |state, parts: Vec<Part>| Ok(status(&context, state, parts));
        let made = |id: &str, append, parts: Vec<Part>| Ok(artifact(&context, id, append, parts));
        let done = || Ok(status(&context, TaskState::Completed, vec![]));
        let events = match text {
            "artifacts" => {
                let first = made("a", false, vec![Part::text("Total: 12")]);
                vec![first, made("b", false, vec![Part::text("30 g of salt")]), done()]
            }
            "parts" => {
                let parts = vec![Part::text("Total: 12"), Part::text("30 g of salt")];
                vec![made("a", false, parts), done()]
            }
            "pieces" => {
                let first = made("a", false, vec![Part::text("Hel")]);
                let others = ["lo wor", "ld"].map(|piece| made("a", true, vec![Part::text(piece)]));
                let mut events = vec![first];
                events.extend(others);
                events.extend([made("b", false, vec![Part::text("Bye")]), done()]);
                events
            }
            "again" => {
                let [first, second] =
                    ["a draft", "the text"].map(|text| made("a", false, vec![Part::text(text)]));
                vec![first, second, done()]
            }
            "mixed" => {
                let first = made("a", false, vec![Part::text("salt")]);
                vec![first, made("b", false, vec![Part::data(json!({"grams": 30}))]), done()]
            }
            "steps" => {
                let steps = ["reading", "weighing", "weighing"];
                let mut events: Vec<_> =
                    steps.map(|step| say(TaskState::Working, vec![Part::text(step)])).into();
                events.push(made("a", false, vec![Part::text("30 g")]));
                events.push(say(TaskState::Completed, vec![Part::text("done"), Part::text("at last")]));
                events
            }
            "fail" => vec![say(TaskState::Failed, vec![Part::text("no seeds"), Part::text("no water")])],
            "code" => vec![say(TaskState::Failed, vec![Part::data(json!({"code": "RATE_LIMITED"}))])],
            text => vec![Err(A2AError::internal(text))],
        };
        stream::iter(events).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::empty().boxed()
    }
}

fn status(context: &ExecutorContext, state: TaskState, parts: Vec<Part>) -> StreamResponse {
    let message = (!parts.is_empty()).then(|| Message::new(Role::Agent, parts));
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: context.task_id.clone(),
        context_id: context.context_id.clone(),
        status: TaskStatus { state, message, timestamp: None },
        metadata: None,
    })
}

fn artifact(context: &ExecutorContext, id: &str, append: bool, parts: Vec<Part>) -> StreamResponse {
    let artifact_id = id.into();
    let artifact =
        Artifact { artifact_id, name: None, description: None, parts, metadata: None, extensions: None };
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: context.task_id.clone(),
        context_id: context.context_id.clone(),
        artifact,
        append: Some(append),
        last_chunk: None,
        metadata: None,
    })
}

async fn ask(binding: Binding, word: &str, is_streaming: bool) -> Capturing {
    let client = connect(&serve(binding, observed(Speaker)).await).await;
    let capturing = capture();
    if is_streaming {
        drain(client.send_streaming_message(&request(word)).await.expect("a stream")).await;
    } else {
        client.send_message(&request(word)).await.expect("an answer");
    }
    settled(&capturing, 3).await;
    capturing
}

/// The calls of both sides and the agent, for both kinds of call with each binding.
async fn each(word: &str, check: impl Fn(&Captured, bool, Binding)) {
    for binding in BINDINGS {
        for is_streaming in [false, true] {
            let capturing = ask(binding, word, is_streaming).await;
            let [client, server] = NAMES[usize::from(is_streaming)];
            for name in [client, server, AGENT] {
                check(&capturing.named(name), is_streaming || name == AGENT, binding);
            }
        }
    }
}

#[track_caller]
fn assert_output(span: &Captured, expected: &str, binding: Binding) {
    assert_eq!(span.text("output.value"), Some(expected), "{binding:?} {span:?}");
    assert_eq!(span.text("output.mime_type"), Some("text/plain"), "{binding:?} {span:?}");
}

#[tokio::test]
async fn artifacts_are_told_apart() {
    each("artifacts", |span, _, binding| assert_output(span, "Total: 12\n\n30 g of salt", binding)).await;
}

#[tokio::test]
async fn parts_are_told_apart() {
    each("parts", |span, _, binding| assert_output(span, "Total: 12\n30 g of salt", binding)).await;
}

#[tokio::test]
async fn parts_of_the_caller_are_told_apart() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Speaker)).await).await;
        let mut request = request("artifacts");
        request.message.parts.push(Part::text("and quickly"));
        let capturing = capture();
        client.send_message(&request).await.expect("an answer");
        settled(&capturing, 3).await;
        for span in capturing.spans() {
            assert_eq!(span.text("input.value"), Some("artifacts\nand quickly"), "{binding:?} {span:?}");
        }
    }
}

#[tokio::test]
async fn pieces_are_joined_where_they_are_seen_as_pieces() {
    each("pieces", |span, sees_events, binding| {
        let whole = if sees_events { "Hello world\n\nBye" } else { "Hel\nlo wor\nld\n\nBye" };
        assert_output(span, whole, binding);
    })
    .await;
}

#[tokio::test]
async fn an_artifact_that_is_sent_again_takes_the_place_of_the_first() {
    each("again", |span, _, binding| assert_output(span, "the text", binding)).await;
}

#[tokio::test]
async fn artifacts_that_are_not_only_text_are_told_apart_in_json() {
    each("mixed", |span, _, binding| {
        let output: serde_json::Value =
            serde_json::from_str(span.text("output.value").expect("an output")).expect("JSON");
        assert_eq!(output[0]["artifactId"], "a", "{binding:?} {span:?}");
        assert_eq!(output[0]["parts"][0]["text"], "salt", "{binding:?} {span:?}");
        assert_eq!(output[1]["parts"][0]["data"]["grams"].as_f64(), Some(30.0), "{binding:?} {span:?}");
        assert_eq!(span.text("output.mime_type"), Some("application/json"), "{binding:?} {span:?}");
    })
    .await;
}

fn updates(span: &Captured) -> Vec<(Option<&str>, Option<&str>)> {
    fn text(value: Option<&Value>) -> Option<&str> {
        match value? {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }
    let updates = span.events.iter().filter(|(name, _)| name == "a2a.task.status_update");
    updates
        .map(|(_, event)| (text(event.get("a2a.task.state")), text(event.get("a2a.task.status.message"))))
        .collect()
}

#[tokio::test]
async fn each_status_message_is_an_event_with_its_text_in_order() {
    each("steps", |span, sees_events, binding| {
        let working = Some("TASK_STATE_WORKING");
        let last = (Some("TASK_STATE_COMPLETED"), Some("done\nat last"));
        let all =
            [(working, Some("reading")), (working, Some("weighing")), (working, Some("weighing")), last];
        let expected = if sees_events { &all[..] } else { &all[3..] };
        assert_eq!(updates(span), expected, "{binding:?} {span:?}");
        assert_output(span, "30 g", binding);
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_told_part_by_part() {
    for (word, reason) in [("fail", "no seeds\nno water"), ("code", r#"{"code":"RATE_LIMITED"}"#)] {
        each(word, |span, _, binding| {
            let expected = Status::Error { description: reason.into() };
            assert_eq!(span.status, expected, "{binding:?} {span:?}");
        })
        .await;
    }
}
