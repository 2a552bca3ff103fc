//! Tests failures on a hop: both sides record them, and end.

use std::time::Duration;

use a2a::{AgentCard, CancelTaskRequest, GetTaskRequest, StreamResponse};
use a2a_client::A2AClient;
use a2a_client::jsonrpc::JsonRpcTransport;
use a2a_otel::a2a::TracedTransport;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, Capturing, capture};
use axum::Router;
use axum::http::StatusCode;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bindings::begin;
use a2a_otel_tests::parrot::{
    BINDINGS, Binding, NAME, Parrot, card, connect, drain, observed, request, request_in, serve, settled,
    spawn,
};

const CALL: &str = "SendMessage parrot";
const STREAM: &str = "SendStreamingMessage parrot";
const AGENT: &str = "invoke_agent parrot";

#[track_caller]
fn error(span: &Captured) -> &str {
    match &span.status {
        Status::Error { description } => description,
        status => panic!("{status:?} on {span:?}"),
    }
}

#[track_caller]
fn assert_failed(capturing: &Capturing, name: &str, kind: &str, message: &str) {
    let span = capturing.named(name);
    assert!(error(&span).contains(message), "{span:?}");
    assert_eq!(span.text("error.type"), Some(kind), "{span:?}");
    let exception = span.event("exception").expect("an exception");
    assert_eq!(exception["exception.type"].as_str(), kind);
    assert!(span.text("input.value").is_some(), "what was captured stays: {span:?}");
}

#[track_caller]
fn assert_cancelled(capturing: &Capturing, name: &str) {
    let span = capturing.named(name);
    assert_eq!(error(&span), "cancelled", "{span:?}");
    assert!(span.event("cancelled").is_some(), "{span:?}");
}

#[tokio::test]
async fn a_task_that_fails_or_is_rejected_fails_on_every_level() {
    let outcomes = [
        ("fail", "TASK_STATE_FAILED", "no seeds left"),
        ("reject", "TASK_STATE_REJECTED", "not for parrots"),
    ];
    for binding in BINDINGS {
        for (word, state, reason) in outcomes {
            let client = connect(&serve(binding, observed(Parrot::default())).await).await;
            let capturing = capture();
            client.send_message(&request(word)).await.expect("the call itself went well");
            drain(client.send_streaming_message(&request(word)).await.expect("a stream")).await;
            settled(&capturing, 6).await;
            for name in [CALL, "SendMessage", STREAM, "SendStreamingMessage"] {
                assert_failed(&capturing, name, state, reason);
            }
            for span in capturing.spans() {
                assert_eq!((error(&span), span.text("a2a.task.state")), (reason, Some(state)), "{span:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_agent_that_asks_back_has_not_failed() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        client.send_message(&request("ask")).await.expect("an answer");
        drain(client.send_streaming_message(&request("ask")).await.expect("a stream")).await;
        settled(&capturing, 6).await;
        for span in capturing.spans() {
            assert_eq!(span.status, Status::Ok, "{span:?}");
            assert_eq!(span.text("a2a.task.state"), Some("TASK_STATE_INPUT_REQUIRED"), "{span:?}");
            assert_eq!(span.text("output.value"), Some("which seeds?"), "{span:?}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_protocol_is_said_on_both_sides() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        let unknown = GetTaskRequest { id: "t-404".into(), history_length: None, tenant: None };
        client.get_task(&unknown).await.expect_err("there is no such task");
        settled(&capturing, 2).await;
        for name in ["GetTask parrot", "GetTask"] {
            assert_failed(&capturing, name, "TASK_NOT_FOUND", "t-404");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_agent_is_said_on_every_level() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        client.send_message(&request("err")).await.expect_err("an error");
        settled(&capturing, 3).await;
        for name in ["SendMessage", AGENT] {
            assert_failed(&capturing, name, "INTERNAL_ERROR", "a broken wing");
        }
        assert!(!error(&capturing.named(CALL)).is_empty());
        drop(capturing);

        let capturing = capture();
        drain(client.send_streaming_message(&request("err")).await.expect("a stream")).await;
        settled(&capturing, 3).await;
        for name in ["SendStreamingMessage", AGENT] {
            assert_failed(&capturing, name, "INTERNAL_ERROR", "a broken wing");
        }
        assert!(!error(&capturing.named(STREAM)).is_empty());
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    for binding in [Binding::JsonRpc, Binding::Rest] {
        let client = connect(&card(NAME, binding, &url)).await;
        let capturing = capture();
        client.send_message(&request("hello")).await.expect_err("nobody is there");
        client.send_streaming_message(&request("hello")).await.err().expect("nobody is there");
        for name in [CALL, STREAM] {
            assert_failed(&capturing, name, "INTERNAL_ERROR", "");
        }
        assert_eq!(capturing.spans().len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_answers_500() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    spawn(listener, Router::new().fallback(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "out of seeds") }));
    for binding in [Binding::JsonRpc, Binding::Rest] {
        let client = connect(&card(NAME, binding, &url)).await;
        let capturing = capture();
        client.send_message(&request("hello")).await.expect_err("an error");
        assert_failed(&capturing, CALL, "INTERNAL_ERROR", "");
    }
}

/// A client with a timeout.
fn impatient(card: &AgentCard) -> A2AClient<TracedTransport<JsonRpcTransport>> {
    let url = &card.supported_interfaces[0].url;
    let patience = Duration::from_millis(300);
    let http = reqwest::Client::builder().no_proxy().timeout(patience).build().expect("a client");
    A2AClient::new(TracedTransport::new(JsonRpcTransport::new(http, url.clone())).agent(card).address(url))
}

#[tokio::test]
async fn a_caller_that_loses_patience_is_seen_on_both_sides_and_the_agent_works_on() {
    let card = serve(Binding::JsonRpc, observed(Parrot::default())).await;
    let capturing = capture();
    impatient(&card).send_message(&request_in("c-1", "wait")).await.expect_err("no patience");
    settled(&capturing, 2).await;
    assert_failed(&capturing, CALL, "INTERNAL_ERROR", "");
    assert_cancelled(&capturing, "SendMessage");
    assert_eq!(capturing.spans().len(), 2, "the agent has not ended: {capturing:?}");
}

#[tokio::test]
async fn an_agent_that_panics() {
    let card = serve(Binding::JsonRpc, observed(Parrot::default())).await;
    let capturing = capture();
    // The SDK does not notice, so the call lasts until the client's timeout.
    impatient(&card).send_message(&request("panic")).await.expect_err("no answer");
    settled(&capturing, 3).await;
    assert_failed(&capturing, AGENT, "panic", "the parrot panics");
    assert_cancelled(&capturing, "SendMessage");
    assert!(!error(&capturing.named(CALL)).is_empty());
}

#[tokio::test]
async fn a_caller_that_goes_away() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        let mut events = client.send_streaming_message(&request_in("c-1", "wait")).await.expect("a stream");
        let Some(Ok(StreamResponse::StatusUpdate(update))) = events.next().await else { panic!("a status") };
        drop(events);
        settled(&capturing, 2).await;
        assert_cancelled(&capturing, STREAM);
        assert_cancelled(&capturing, "SendStreamingMessage");
        assert_eq!(capturing.spans().len(), 2, "the agent has not ended: {capturing:?}");
        for span in capturing.spans() {
            assert_eq!(span.text("a2a.task.state"), Some("TASK_STATE_WORKING"), "{span:?}");
        }

        let cancel = CancelTaskRequest { id: update.task_id, metadata: None, tenant: None };
        client.cancel_task(&cancel).await.expect("the task");
        settled(&capturing, 5).await;
        assert_cancelled(&capturing, AGENT);
        assert_eq!(capturing.named("CancelTask parrot").status, Status::Ok);
    }
}

#[tokio::test]
async fn a_caller_that_has_heard_the_last_word_need_not_wait_for_the_end() {
    let client = connect(&serve(Binding::JsonRpc, observed(Parrot::default())).await).await;
    let capturing = capture();
    let mut events = client.send_streaming_message(&request("hello")).await.expect("a stream");
    for _ in 0..3 {
        events.next().await.expect("an event").expect("no error");
    }
    drop(events);
    settled(&capturing, 4).await;
    for span in capturing.spans() {
        assert_eq!(span.status, Status::Ok, "{span:?}");
    }
}

#[tokio::test]
async fn a_task_that_is_cancelled_is_seen_by_whoever_waits_for_it() {
    for binding in BINDINGS {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let capturing = capture();
        let task = begin(&client).await;
        let subscribe = a2a::SubscribeToTaskRequest { id: task.id.clone(), tenant: None };
        let events = client.subscribe_to_task(&subscribe).await.expect("a stream");
        let cancel = CancelTaskRequest { id: task.id, metadata: None, tenant: None };
        let (canceled, _) = tokio::join!(client.cancel_task(&cancel), drain(events));
        canceled.expect("the task");
        settled(&capturing, 7).await;
        assert_cancelled(&capturing, AGENT);
        for name in ["SubscribeToTask parrot", "SubscribeToTask"] {
            let span = capturing.named(name);
            assert_eq!(error(&span), "cancelled", "{span:?}");
            assert_eq!(span.text("error.type"), Some("TASK_STATE_CANCELED"), "{span:?}");
        }
    }
}

/// A proxy that closes both connections once the agent has begun to answer.
async fn cutting(card: &AgentCard) -> AgentCard {
    let agent = card.supported_interfaces[0].url.strip_prefix("http://").expect("an address").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut caller, _) = listener.accept().await.expect("a caller");
        let mut agent = TcpStream::connect(agent).await.expect("the agent");
        let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("TASK_STATE_WORKING") {
            tokio::select! {
                read = caller.read(&mut asked) => {
                    agent.write_all(&asked[..read.expect("a request")]).await.expect("the agent");
                }
                read = agent.read(&mut answered) => {
                    let answer = &answered[..read.expect("an answer")];
                    seen.extend_from_slice(answer);
                    caller.write_all(answer).await.expect("the caller");
                }
            }
        }
    });
    self::card(NAME, Binding::JsonRpc, &url)
}

#[tokio::test]
async fn a_stream_that_is_cut_on_the_way() {
    let agent = serve(Binding::JsonRpc, observed(Parrot::default())).await;
    let client = connect(&cutting(&agent).await).await;
    let capturing = capture();
    drain(client.send_streaming_message(&request_in("c-1", "wait")).await.expect("a stream")).await;
    settled(&capturing, 2).await;
    let span = capturing.named(STREAM);
    assert!(!error(&span).is_empty() && span.event("exception").is_some(), "{span:?}");
    assert_eq!(span.text("a2a.task.state"), Some("TASK_STATE_WORKING"), "{span:?}");
    assert_cancelled(&capturing, "SendStreamingMessage");
}

#[tokio::test]
async fn a_stream_that_ends_before_its_task() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let nothing = || async { ([("content-type", "text/event-stream")], "") };
    spawn(listener, Router::new().fallback(nothing));
    let client = connect(&card(NAME, Binding::JsonRpc, &url)).await;
    let capturing = capture();
    let events = client.send_streaming_message(&request("hello")).await.expect("a stream");
    assert!(drain(events).await.is_empty());
    assert_failed(&capturing, STREAM, "stream_cut", "before the task did");
}
