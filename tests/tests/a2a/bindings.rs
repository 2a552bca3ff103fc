//! Tests each binding, unary and streaming: one trace, the parents, and what the spans record.

use std::collections::HashSet;

use a2a::{CancelTaskRequest, GetTaskRequest, ListTasksRequest, SendMessageResponse, Task, TaskState};
use a2a_otel::a2a::{TracedExecutor, TracedHandler};
use a2a_otel::opentelemetry::trace::{
    FutureExt as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState,
};
use a2a_otel::opentelemetry::{Context, Value};
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_otel::{chain_span, with_session};

use a2a_otel_tests::parrot::{
    BINDINGS, Binding, Client, NAME, Parrot, card, connect, drain, immediate, observed, request, request_in,
    serve, settled, unobserved,
};

#[chain_span]
async fn errand(client: &Client, context: &str, is_streaming: bool) -> usize {
    let request = request_in(context, "hello there");
    if is_streaming {
        return drain(client.send_streaming_message(&request).await.expect("a stream")).await.len();
    }
    match client.send_message(&request).await.expect("an answer") {
        SendMessageResponse::Task(task) => task.artifacts.map_or(0, |artifacts| artifacts.len()),
        SendMessageResponse::Message(_) => 0,
    }
}

fn tree(method: &str) -> String {
    format!(
        "CHAIN errand\n  CHAIN {method} parrot\n    CHAIN {method}\n      AGENT invoke_agent parrot\n        TOOL shout\n        TOOL shout\n"
    )
}

async fn hop(binding: Binding, is_streaming: bool) -> Capturing {
    let client = connect(&serve(binding, observed(Parrot::default())).await).await;
    let capturing = capture();
    errand(&client, "c-1", is_streaming).await;
    let method = if is_streaming { "SendStreamingMessage" } else { "SendMessage" };
    assert_eq!(settled(&capturing, 6).await, tree(method), "{binding:?}");
    capturing
}

#[tokio::test]
async fn a_hop_is_a_client_a_server_and_an_agent_in_one_trace() {
    for binding in BINDINGS {
        for is_streaming in [false, true] {
            let spans = hop(binding, is_streaming).await.spans();
            let traces: HashSet<_> = spans.iter().map(|span| span.trace_id).collect();
            assert_eq!(traces.len(), 1, "{binding:?}");
            let kinds: Vec<_> = spans.iter().map(|span| &span.opentelemetry_kind).collect();
            assert_eq!(kinds[1..4], [&SpanKind::Client, &SpanKind::Server, &SpanKind::Internal]);
            for span in &spans {
                assert_eq!(span.status, Status::Ok, "{span:?}");
                assert!(span.duplicates.is_empty(), "{span:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_context_id_is_the_session_of_everything_below() {
    for binding in BINDINGS {
        for span in &hop(binding, true).await.spans()[1..] {
            assert_eq!(span.text("session.id"), Some("c-1"), "{binding:?} {span:?}");
        }
    }
}

#[tokio::test]
async fn session_and_user_of_the_caller_go_before_the_context_id() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        with_session("s-1").user("ada").wrap(errand(&client, "c-1", false)).await;
        settled(&capturing, 6).await;
        for span in capturing.spans() {
            assert_eq!(
                (span.text("session.id"), span.text("user.id")),
                (Some("s-1"), Some("ada")),
                "{span:?}"
            );
        }
        for name in ["SendMessage parrot", "SendMessage", "invoke_agent parrot"] {
            assert_eq!(capturing.named(name).text("gen_ai.conversation.id"), Some("c-1"));
        }
    }
}

#[tokio::test]
async fn both_sides_say_what_was_said_and_done() {
    for binding in BINDINGS {
        for is_streaming in [false, true] {
            let method = if is_streaming { "SendStreamingMessage" } else { "SendMessage" };
            let capturing = hop(binding, is_streaming).await;
            let client = capturing.named(&format!("{method} parrot"));
            let server = capturing.named(method);
            let agent = capturing.named("invoke_agent parrot");
            for span in [&client, &server, &agent] {
                assert_eq!(span.text("input.value"), Some("hello there"), "{span:?}");
                assert_eq!(span.text("output.value"), Some("HELLO THERE"), "{binding:?} {span:?}");
                assert_eq!(span.text("output.mime_type"), Some("text/plain"));
                assert_eq!(span.text("a2a.task.state"), Some("TASK_STATE_COMPLETED"));
                assert_eq!(span.text("a2a.task.id"), agent.text("a2a.task.id"));
                assert_eq!(span.text("a2a.message.id"), client.text("a2a.message.id"));
                assert!(span.text("a2a.message.id").is_some() && span.text("a2a.task.id").is_some());
            }
            for span in [&client, &server] {
                assert_eq!(span.text("a2a.method.name"), Some(method));
                assert_eq!(span.text("a2a.protocol.version"), Some("1.0"));
            }
            for span in [&client, &agent] {
                assert_eq!(span.text("gen_ai.agent.name"), Some(NAME));
                assert_eq!(span.text("gen_ai.agent.version"), Some("1.2.3"));
                assert_eq!(span.text("gen_ai.agent.description"), Some("Repeats what it hears"));
            }
            assert_eq!(client.text("server.address"), Some("127.0.0.1"));
            assert!(client.number("server.port").is_some_and(|port| port > 0));
            assert_eq!(agent.text("agent.name"), Some(NAME));
            assert_eq!(agent.text("gen_ai.operation.name"), Some("invoke_agent"));
            if is_streaming {
                [client, server, agent].iter().for_each(assert_streamed);
            }
        }
    }
}

/// Working, two pieces of one artifact, completed.
fn assert_streamed(span: &Captured) {
    let events: Vec<_> = span.events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        events,
        ["a2a.task.status_update", "a2a.task.artifact_update", "a2a.task.status_update"],
        "{span:?}"
    );
    let states: Vec<_> = span.events.iter().filter_map(|(_, event)| event.get("a2a.task.state")).collect();
    assert_eq!(states, [&Value::from("TASK_STATE_WORKING"), &Value::from("TASK_STATE_COMPLETED")]);
    let artifact = span.event("a2a.task.artifact_update").expect("an artifact");
    assert_eq!(artifact.get("a2a.artifact.id"), Some(&Value::from("answer")));
    assert_eq!(artifact.get("a2a.artifact.name"), Some(&Value::from("echo")));
    assert_eq!(span.number("a2a_otel.stream.items"), Some(4));
    assert!(matches!(
        span.attributes.get("a2a_otel.stream.time_to_first_item"),
        Some(Value::F64(seconds)) if *seconds >= 0.0
    ));
}

#[tokio::test]
async fn a_conversation_that_the_agent_opens_is_a_session_too() {
    let client = connect(&serve(Binding::JsonRpc, observed(Parrot::default())).await).await;
    let capturing = capture();
    let SendMessageResponse::Task(task) = client.send_message(&request("hello")).await.expect("an answer")
    else {
        panic!("a task")
    };
    assert_eq!(
        settled(&capturing, 4).await,
        "CHAIN SendMessage parrot\n  CHAIN SendMessage\n    AGENT invoke_agent parrot\n      TOOL shout\n"
    );
    for span in capturing.spans() {
        assert_eq!(span.text("session.id"), Some(&*task.context_id), "{span:?}");
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
}

#[tokio::test]
async fn an_agent_that_answers_a_message_instead_of_a_task() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        client.send_message(&request("message")).await.expect("an answer");
        drain(client.send_streaming_message(&request("message")).await.expect("a stream")).await;
        settled(&capturing, 6).await;
        for span in capturing.spans() {
            assert_eq!((span.text("output.value"), &span.status), (Some("a word"), &Status::Ok), "{span:?}");
        }
    }
}

#[tokio::test]
async fn the_other_methods_are_spans_on_both_sides() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let task = begin(&client).await;
        let capturing = capture();
        let asked = GetTaskRequest { id: task.id.clone(), history_length: None, tenant: None };
        client.get_task(&asked).await.expect("the task");
        client.list_tasks(&list()).await.expect("tasks");
        let cancel = CancelTaskRequest { id: task.id.clone(), metadata: None, tenant: None };
        client.cancel_task(&cancel).await.expect("the task");
        assert_eq!(
            settled(&capturing, 6).await,
            "CHAIN GetTask parrot\n  CHAIN GetTask\n\
             CHAIN ListTasks parrot\n  CHAIN ListTasks\n\
             CHAIN CancelTask parrot\n  CHAIN CancelTask\n",
            "{binding:?}"
        );
        for (method, state) in [("GetTask", "WORKING"), ("CancelTask", "CANCELED")] {
            for span in [capturing.named(method), capturing.named(&format!("{method} parrot"))] {
                assert_eq!(span.text("a2a.task.id"), Some(&*task.id));
                assert_eq!(span.text("a2a.task.state"), Some(&*format!("TASK_STATE_{state}")));
                assert_eq!(span.status, Status::Ok, "it did what was asked: {span:?}");
                assert!(span.duplicates.is_empty(), "{span:?}");
            }
        }
        assert_eq!(capturing.named("ListTasks parrot").text("output.value"), Some("1"));
    }
}

/// A task that is being worked on.
pub(crate) async fn begin(client: &Client) -> Task {
    match client.send_message(&immediate(request_in("c-1", "wait"))).await.expect("an answer") {
        SendMessageResponse::Task(task) if task.status.state == TaskState::Working => task,
        answer => panic!("{answer:?}"),
    }
}

fn list() -> ListTasksRequest {
    ListTasksRequest {
        context_id: Some("c-1".into()),
        status: None,
        page_size: None,
        page_token: None,
        history_length: None,
        status_timestamp_after: None,
        include_artifacts: None,
        tenant: None,
    }
}

#[tokio::test]
async fn an_executor_alone_makes_the_span_of_the_request_itself() {
    let card = card(NAME, Binding::JsonRpc, "http://nowhere");
    let executor = TracedExecutor::new(Parrot::default(), &card);
    let client = connect(&serve(Binding::JsonRpc, unobserved(executor)).await).await;
    let capturing = capture();
    errand(&client, "c-1", false).await;
    assert_eq!(settled(&capturing, 6).await, tree("SendMessage"));
    assert_eq!(capturing.named("SendMessage").opentelemetry_kind, SpanKind::Server);
}

#[tokio::test]
async fn an_executor_with_a_span_of_its_own_gets_no_second_one() {
    let card = card(NAME, Binding::JsonRpc, "http://nowhere");
    let executor = TracedExecutor::new(Parrot::default(), &card).without_agent_span();
    let client = connect(&serve(Binding::JsonRpc, unobserved(executor)).await).await;
    let capturing = capture();
    errand(&client, "c-1", false).await;
    assert_eq!(
        settled(&capturing, 5).await,
        "CHAIN errand\n  CHAIN SendMessage parrot\n    CHAIN SendMessage\n      TOOL shout\n      TOOL shout\n"
    );
}

#[tokio::test]
async fn what_an_agent_does_is_in_the_session_that_it_opens_whoever_makes_its_spans() {
    let card = card(NAME, Binding::JsonRpc, "http://nowhere");
    let executor = TracedExecutor::new(Parrot::default(), &card).without_agent_span();
    let client = connect(&serve(Binding::JsonRpc, TracedHandler::new(unobserved(executor))).await).await;
    let capturing = capture();
    let answer = client.send_message(&request("hello")).await.expect("an answer");
    let SendMessageResponse::Task(task) = answer else { panic!("a task") };
    assert_eq!(
        settled(&capturing, 3).await,
        "CHAIN SendMessage parrot\n  CHAIN SendMessage\n    TOOL shout\n"
    );
    for span in capturing.spans() {
        assert_eq!(span.text("session.id"), Some(&*task.context_id), "{span:?}");
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
}

#[tokio::test]
async fn an_unsampled_caller_has_no_spans_made_for_it_anywhere() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        for (flags, spans) in [(TraceFlags::default(), 0), (TraceFlags::SAMPLED, 6)] {
            let (trace, span) = (TraceId::from(7), SpanId::from(9));
            let caller = SpanContext::new(trace, span, flags, true, TraceState::default());
            let context = Context::current().with_remote_span_context(caller);
            errand(&client, "c-1", true).with_context(context).await;
            settled(&capturing, spans).await;
            assert_eq!(capturing.spans().len(), spans, "{binding:?}");
        }
    }
}
