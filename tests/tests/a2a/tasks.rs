//! Tests tasks that outlive the call that asked for them: what sees their end says so, and links to that call.

use std::sync::Arc;

use a2a::{
    CancelTaskRequest, GetTaskRequest, Message, Part, Role, SendMessageRequest, SendMessageResponse,
    StreamResponse, SubscribeToTaskRequest, Task, TaskPushNotificationConfig, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_otel::a2a::{TracedExecutor, TracedHandler, record_push};
use a2a_otel::chain_span;
use a2a_otel::opentelemetry::trace::{SpanKind, Status};
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_server::push::{HttpPushSender, HttpPushSenderConfig, InMemoryPushConfigStore};
use a2a_server::{AgentExecutor, ExecutorContext};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use a2a_otel_tests::parrot::{
    BINDINGS, Binding, Client, Event, NAME, card, connect, drain, ended, immediate, observed, request, serve,
    spawn, unobserved,
};

/// Works until it is told to end, as the message says.
#[derive(Clone, Default)]
struct Sleeper {
    wakes: Arc<Notify>,
}

impl AgentExecutor for Sleeper {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let text = context.message.as_ref().and_then(Message::text).unwrap_or_default();
        let (state, reason) = match text {
            "fail" => (TaskState::Failed, Some("no seeds left")),
            "reject" => (TaskState::Rejected, Some("not for parrots")),
            _ => (TaskState::Completed, None),
        };
        let wakes = Arc::clone(&self.wakes);
        let last = Ok(status(&context, state, reason));
        let end = async move {
            wakes.notified().await;
            last
        };
        stream::iter([Ok(status(&context, TaskState::Working, None))]).chain(stream::once(end)).boxed()
    }

    fn cancel(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        stream::iter([Ok(status(&context, TaskState::Canceled, None))]).boxed()
    }
}

fn status(context: &ExecutorContext, state: TaskState, text: Option<&str>) -> StreamResponse {
    let message = text.map(|text| Message::new(Role::Agent, vec![Part::text(text)]));
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: context.task_id.clone(),
        context_id: context.context_id.clone(),
        status: TaskStatus { state, message, timestamp: None },
        metadata: None,
    })
}

/// An agent that sleeps, and a client for it.
struct World {
    client: Client,
    wakes: Arc<Notify>,
    capturing: Capturing,
}

impl World {
    async fn new(binding: Binding) -> Self {
        let sleeper = Sleeper::default();
        let wakes = Arc::clone(&sleeper.wakes);
        let client = connect(&serve(binding, observed(sleeper)).await).await;
        Self { client, wakes, capturing: capture() }
    }

    /// Waits until the agent's span has ended.
    async fn wake(&self) {
        let before = self.capturing.spans().len();
        self.wakes.notify_one();
        ended(&self.capturing, before + 1).await;
    }

    async fn poll(&self, task: &str) -> Task {
        poll(&self.client, task).await
    }

    #[track_caller]
    fn assert_linked(&self, from: &str, to: &str) {
        let [client, server] = [" parrot", ""].map(|side| {
            let named = |name: &str| self.capturing.named(&format!("{name}{side}"));
            (named(from), named(to))
        });
        for (seen, asked) in [client, server] {
            let links: Vec<_> = seen.links.iter().map(|link| (link.trace_id(), link.span_id())).collect();
            assert_eq!(links, [(asked.trace_id, asked.span_id)], "{seen:?}");
        }
    }
}

/// Answers before the task is over.
async fn begin(client: &Client, text: &str) -> Task {
    accepted(client, &immediate(request(text))).await
}

async fn accepted(client: &Client, request: &SendMessageRequest) -> Task {
    match client.send_message(request).await.expect("an answer") {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("{message:?}"),
    }
}

#[chain_span(skip_all)]
async fn poll(client: &Client, task: &str) -> Task {
    let request = GetTaskRequest { id: task.into(), history_length: None, tenant: None };
    client.get_task(&request).await.expect("the task")
}

fn subscription(task: &str) -> SubscribeToTaskRequest {
    SubscribeToTaskRequest { id: task.into(), tenant: None }
}

#[track_caller]
fn assert_failed(span: &Captured, kind: &str, reason: &str) {
    assert_eq!(span.status, Status::Error { description: reason.to_owned().into() }, "{span:?}");
    assert_eq!(span.text("error.type"), Some(kind), "{span:?}");
}

#[tokio::test]
async fn a_failure_that_polling_finds_is_an_error_there_and_linked_to_the_call_that_asked() {
    let outcomes = [
        ("fail", "TASK_STATE_FAILED", "no seeds left"),
        ("reject", "TASK_STATE_REJECTED", "not for parrots"),
    ];
    for binding in BINDINGS {
        for (word, kind, reason) in outcomes {
            let world = World::new(binding).await;
            let task = begin(&world.client, word).await;
            world.wake().await;
            world.poll(&task.id).await;
            ended(&world.capturing, 6).await;
            for name in ["GetTask parrot", "GetTask", "invoke_agent parrot"] {
                assert_failed(&world.capturing.named(name), kind, reason);
            }
            for name in ["SendMessage parrot", "SendMessage", "poll"] {
                assert_eq!(world.capturing.named(name).status, Status::Ok, "{binding:?} {name}");
            }
            world.assert_linked("GetTask", "SendMessage");
        }
    }
}

#[tokio::test]
async fn a_poll_before_the_end_is_no_failure_and_linked_too() {
    for binding in BINDINGS {
        let world = World::new(binding).await;
        let task = begin(&world.client, "hello").await;
        assert_eq!(world.poll(&task.id).await.status.state, TaskState::Working);
        ended(&world.capturing, 5).await;
        for span in world.capturing.spans() {
            assert_eq!(span.status, Status::Ok, "{binding:?} {span:?}");
        }
        world.assert_linked("GetTask", "SendMessage");
    }
}

#[tokio::test]
async fn a_failure_that_a_subscription_finds_is_linked_to_the_call_that_asked() {
    for binding in BINDINGS {
        let world = World::new(binding).await;
        let task = begin(&world.client, "fail").await;
        let events = world.client.subscribe_to_task(&subscription(&task.id)).await.expect("a stream");
        world.wakes.notify_one();
        drain(events).await;
        ended(&world.capturing, 5).await;
        for name in ["SubscribeToTask parrot", "SubscribeToTask"] {
            assert_failed(&world.capturing.named(name), "TASK_STATE_FAILED", "no seeds left");
        }
        world.assert_linked("SubscribeToTask", "SendMessage");
    }
}

#[tokio::test]
async fn what_becomes_of_a_stream_that_was_left_is_linked_to_it() {
    for binding in BINDINGS {
        let world = World::new(binding).await;
        let mut events = world.client.send_streaming_message(&request("fail")).await.expect("a stream");
        let task = match events.next().await.expect("an event").expect("no error") {
            StreamResponse::StatusUpdate(update) => update.task_id,
            event => panic!("{event:?}"),
        };
        drop(events);
        ended(&world.capturing, 2).await;
        world.wake().await;
        world.poll(&task).await;
        ended(&world.capturing, 6).await;
        for name in ["GetTask parrot", "GetTask"] {
            assert_failed(&world.capturing.named(name), "TASK_STATE_FAILED", "no seeds left");
        }
        world.assert_linked("GetTask", "SendStreamingMessage");
    }
}

#[tokio::test]
async fn a_task_that_was_cancelled_has_not_failed_for_who_looks_at_it() {
    for binding in BINDINGS {
        let world = World::new(binding).await;
        let task = begin(&world.client, "hello").await;
        let cancel = CancelTaskRequest { id: task.id.clone(), metadata: None, tenant: None };
        world.client.cancel_task(&cancel).await.expect("the task");
        assert_eq!(world.poll(&task.id).await.status.state, TaskState::Canceled);
        ended(&world.capturing, 7).await;
        for name in ["CancelTask parrot", "CancelTask", "GetTask parrot", "GetTask"] {
            assert_eq!(world.capturing.named(name).status, Status::Ok, "{binding:?} {name}");
        }
        world.assert_linked("CancelTask", "SendMessage");
        world.assert_linked("GetTask", "SendMessage");
    }
}

/// Two agents may give their tasks the same names.
#[tokio::test]
async fn a_task_of_another_agent_is_not_taken_for_it() {
    let world = World::new(Binding::JsonRpc).await;
    let task = begin(&world.client, "hello").await;
    let other = connect(&serve(Binding::JsonRpc, observed(Sleeper::default())).await).await;
    let asked = GetTaskRequest { id: task.id, history_length: None, tenant: None };
    other.get_task(&asked).await.expect_err("another agent's task");
    assert!(world.capturing.named("GetTask parrot").links.is_empty());
}

/// The agent sends notifications, which the SDK does without a trace; the webhook records them.
#[tokio::test]
async fn a_failure_that_is_pushed_is_an_error_there_and_linked_to_the_call_that_asked() {
    for binding in BINDINGS {
        let sleeper = Sleeper::default();
        let wakes = Arc::clone(&sleeper.wakes);
        let sender = HttpPushSender::new(Some(HttpPushSenderConfig {
            validate_urls: false,
            ..HttpPushSenderConfig::default()
        }));
        let executor = TracedExecutor::new(sleeper, &card(NAME, binding, "http://nowhere"));
        let handler = unobserved(executor).with_push_notifications(InMemoryPushConfigStore::new(), sender);
        let client = connect(&serve(binding, TracedHandler::new(handler)).await).await;
        let world = World { client, wakes, capturing: capture() };
        let task = begin_with_pushes(&world.client, &webhook().await).await;
        world.wakes.notify_one();
        ended(&world.capturing, 5).await;
        let pushes: Vec<_> =
            world.capturing.spans().into_iter().filter(|span| span.name == "PushNotification").collect();
        let [working, failed] = pushes.as_slice() else { panic!("{}", world.capturing.tree()) };
        assert_eq!(working.status, Status::Ok, "{working:?}");
        assert_failed(failed, "TASK_STATE_FAILED", "no seeds left");
        let asked = world.capturing.named("SendMessage parrot");
        for push in [working, failed] {
            assert_eq!(push.opentelemetry_kind, SpanKind::Consumer);
            assert_eq!(push.text("a2a.task.id"), Some(&*task.id), "{binding:?} {push:?}");
        }
        // The first may come before the call is answered.
        let links: Vec<_> = failed.links.iter().map(|link| (link.trace_id(), link.span_id())).collect();
        assert_eq!(links, [(asked.trace_id, asked.span_id)], "{binding:?} {failed:?}");
    }
}

/// Serves a webhook that records what it receives, and returns its address.
async fn webhook() -> String {
    async fn receive(Json(event): Json<StreamResponse>) {
        record_push(&event);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    spawn(listener, Router::new().route("/", post(receive)));
    url
}

async fn begin_with_pushes(client: &Client, url: &str) -> Task {
    let mut request = immediate(request("fail"));
    let configuration = request.configuration.as_mut().expect("a configuration");
    configuration.task_push_notification_config = Some(TaskPushNotificationConfig {
        tenant: None,
        id: Some("p-1".into()),
        task_id: String::new(),
        url: url.into(),
        token: None,
        authentication: None,
    });
    accepted(client, &request).await
}
