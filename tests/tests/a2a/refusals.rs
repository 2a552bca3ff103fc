//! Tests what the SDK refuses after our handler has answered: the called side has failed too.

use a2a::{
    A2AError, Artifact, Part, SendMessageResponse, StreamResponse, TaskArtifactUpdateEvent, TaskState,
    TaskStatus, TaskStatusUpdateEvent,
};
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::{Value, json};

use a2a_otel_tests::parrot::{BINDINGS, Event, connect, drain, observed, request, serve, settled};

/// Makes an artifact of nested objects: the message says how many.
struct Nester;

impl AgentExecutor for Nester {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let text = context.message.as_ref().and_then(a2a::Message::text).unwrap_or_default();
        let (append, depth) = match text.strip_prefix("append ") {
            Some(depth) => (true, depth),
            None => (false, text),
        };
        let nested =
            (0..depth.parse().expect("a number")).fold(json!("salt"), |inner, _| json!({"in": inner}));
        stream::iter([Ok(made(&context, nested, append)), Ok(completed(&context))]).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::iter([Err(A2AError::internal("nothing lasts that long"))]).boxed()
    }
}

fn made(context: &ExecutorContext, data: Value, append: bool) -> StreamResponse {
    let artifact = Artifact {
        artifact_id: "a".into(),
        name: None,
        description: None,
        parts: vec![Part::data(data)],
        metadata: None,
        extensions: None,
    };
    let (task_id, context_id) = context.task_info();
    let (append, last_chunk, metadata) = (Some(append), None, None);
    let update = TaskArtifactUpdateEvent { task_id, context_id, artifact, append, last_chunk, metadata };
    StreamResponse::ArtifactUpdate(update)
}

fn completed(context: &ExecutorContext) -> StreamResponse {
    let (task_id, context_id) = context.task_info();
    let status = TaskStatus { state: TaskState::Completed, message: None, timestamp: None };
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id, context_id, status, metadata: None })
}

#[track_caller]
fn assert_failed(span: &Captured, reason: &str) {
    match &span.status {
        Status::Error { description } => assert!(description.contains(reason), "{span:?}"),
        status => panic!("{status:?} on {span:?}"),
    }
}

const CALLS: [[&str; 2]; 2] =
    [["SendMessage parrot", "SendMessage"], ["SendStreamingMessage parrot", "SendStreamingMessage"]];

/// The calling side has an error exactly if the called side has one.
#[tokio::test]
async fn what_is_nested_too_deeply_to_be_sent_is_an_error_on_both_sides() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Nester)).await).await;
        let mut outcomes = Vec::new();
        for depth in [1, 17, 28, 29, 30, 31, 32, 33, 60] {
            for [caller, called] in CALLS {
                let capturing = capture();
                let request = request(&depth.to_string());
                let is_received = if caller.contains("Streaming") {
                    let events =
                        drain(client.send_streaming_message(&request).await.expect("a stream")).await;
                    events.iter().all(Result::is_ok)
                } else {
                    match client.send_message(&request).await {
                        Ok(SendMessageResponse::Task(_)) => true,
                        Ok(answer) => panic!("{answer:?}"),
                        Err(_) => false,
                    }
                };
                settled(&capturing, 3).await;
                let case = format!("{binding:?} {called} {depth}");
                for name in [caller, called] {
                    let span = capturing.named(name);
                    assert_eq!(span.status == Status::Ok, is_received, "{case}: {span:?}");
                }
                if !is_received {
                    assert_failed(&capturing.named(called), "the SDK refuses to send the answer: ");
                }
                assert_eq!(capturing.named("invoke_agent parrot").status, Status::Ok, "{case}");
                outcomes.push(is_received);
            }
        }
        assert!(outcomes[0] && outcomes[1] && !outcomes[16] && !outcomes[17], "{binding:?} {outcomes:?}");
    }
}

#[tokio::test]
async fn what_the_handler_refuses_of_the_agent_is_an_error_of_the_request() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Nester)).await).await;
        let capturing = capture();
        client.send_message(&request("append 1")).await.expect_err("there is nothing to append to");
        settled(&capturing, 3).await;
        for name in ["SendMessage parrot", "SendMessage", "invoke_agent parrot"] {
            let span = capturing.named(name);
            assert!(matches!(span.status, Status::Error { .. }), "{binding:?} {span:?}");
        }
        assert_eq!(capturing.named("SendMessage").text("error.type"), Some("INVALID_AGENT_RESPONSE"));
    }
}
