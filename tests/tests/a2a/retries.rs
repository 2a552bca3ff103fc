//! Tests functions that call an agent more than once or give a call up, with each binding: the function's span says what
//! the function returned, and each attempt is visible below it.

use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, SendMessageResponse, TaskState};
use a2a_client::A2AClientFactory;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_otel::a2a::ContextInterceptor;
use a2a_otel::a2a_call;
use a2a_otel::opentelemetry::trace::{SpanKind, Status};
use a2a_otel::testing::{Captured, Capturing, capture};
use tokio::time::timeout;

use a2a_otel_tests::parrot::{BINDINGS, Binding, Client, Parrot, connect, observed, request, serve, settled};

async fn agent(binding: Binding) -> Client {
    connect(&serve(binding, observed(Parrot::default())).await).await
}

/// An answer, unless the task has failed.
async fn ask(client: &Client, word: &str) -> Result<SendMessageResponse, A2AError> {
    let answer = client.send_message(&request(word)).await?;
    match &answer {
        SendMessageResponse::Task(task) if task.status.state == TaskState::Failed => {
            Err(A2AError::internal("the task failed"))
        }
        _ => Ok(answer),
    }
}

/// Tries each word with its client, until one is answered.
#[a2a_call(name = "porter", skip_all)]
async fn tries(attempts: &[(&Client, &str)]) -> Result<SendMessageResponse, A2AError> {
    let mut last = Err(A2AError::internal("no attempt"));
    for (client, word) in attempts {
        last = ask(client, word).await;
        if last.is_ok() {
            break;
        }
    }
    last
}

#[a2a_call(name = "porter", skip_all)]
async fn gives_up(client: &Client) -> Result<String, A2AError> {
    let answer = timeout(Duration::from_millis(200), ask(client, "wait")).await;
    answer.map_or_else(|_| Ok("seeds, as ever".to_owned()), |answer| answer.map(|_| "fresh".to_owned()))
}

#[a2a_call(name = "porter", skip_all)]
async fn hedges(one: &Client, other: &Client) -> Result<SendMessageResponse, A2AError> {
    tokio::select! {
        answer = ask(one, "wait") => answer,
        answer = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            ask(other, "hello").await
        } => answer,
    }
}

/// The calls below the function, in the order in which they started, and whether each failed.
fn attempts(capturing: &Capturing) -> Vec<(Captured, bool)> {
    let function = capturing.named("porter").span_id;
    let mut calls = capturing.spans();
    calls.retain(|span| span.parent_id == Some(function));
    calls.sort_by_key(|span| span.start);
    for call in &calls {
        assert_eq!((&call.opentelemetry_kind, &*call.name), (&SpanKind::Client, "SendMessage parrot"));
        let served = capturing.spans().into_iter().filter(|span| span.parent_id == Some(call.span_id));
        assert!(served.count() <= 1, "{capturing:?}");
    }
    calls.into_iter().map(|call| (call.clone(), matches!(call.status, Status::Error { .. }))).collect()
}

#[track_caller]
fn assert_outcomes(capturing: &Capturing, function: &Status, failed: &[bool]) {
    assert_eq!(&capturing.named("porter").status, function, "{capturing:?}");
    let attempts = attempts(capturing);
    assert_eq!(attempts.iter().map(|(_, failed)| *failed).collect::<Vec<_>>(), failed, "{capturing:?}");
}

#[tokio::test]
async fn the_attempt_after_an_error_succeeds() {
    for binding in BINDINGS {
        let (one, other) = (agent(binding).await, agent(binding).await);
        let capturing = capture();
        tries(&[(&one, "err"), (&other, "fail"), (&one, "hello")]).await.expect("an answer");
        settled(&capturing, 11).await;
        assert_outcomes(&capturing, &Status::Ok, &[true, true, false]);
        for (attempt, _) in attempts(&capturing) {
            let served = capturing.spans().into_iter().find(|span| span.parent_id == Some(attempt.span_id));
            let served = served.expect("the agent's span below its attempt");
            assert_eq!(
                matches!(served.status, Status::Error { .. }),
                matches!(attempt.status, Status::Error { .. }),
                "{binding:?} {capturing:?}"
            );
        }
        assert!(capturing.named("porter").events.is_empty());
    }
}

#[tokio::test]
async fn all_attempts_fail() {
    for binding in BINDINGS {
        let client = agent(binding).await;
        let capturing = capture();
        tries(&[(&client, "err"), (&client, "fail")]).await.expect_err("no answer");
        settled(&capturing, 7).await;
        let function = capturing.named("porter").status;
        assert!(matches!(function, Status::Error { .. }), "{capturing:?}");
        assert_outcomes(&capturing, &function, &[true, true]);
    }
}

#[tokio::test]
async fn a_call_that_is_given_up() {
    for binding in BINDINGS {
        let client = agent(binding).await;
        let capturing = capture();
        assert_eq!(gives_up(&client).await.expect("an answer"), "seeds, as ever");
        settled(&capturing, 3).await;
        assert_outcomes(&capturing, &Status::Ok, &[true]);
        let (attempt, _) = &attempts(&capturing)[0];
        assert_eq!(attempt.status, Status::error("cancelled"), "{binding:?}");
        assert!(attempt.event("cancelled").is_some(), "{attempt:?}");
    }
}

#[tokio::test]
async fn two_attempts_at_once() {
    for binding in BINDINGS {
        let (one, other) = (agent(binding).await, agent(binding).await);
        let capturing = capture();
        hedges(&one, &other).await.expect("an answer");
        settled(&capturing, 7).await;
        assert_outcomes(&capturing, &Status::Ok, &[true, false]);
        assert_eq!(attempts(&capturing)[0].0.status, Status::error("cancelled"), "{binding:?}");
    }
}

/// An interceptor starts no spans, so the agent's are below the function.
#[tokio::test]
async fn attempts_under_an_interceptor() {
    let card = serve(Binding::JsonRpc, observed(Parrot::default())).await;
    let factory = A2AClientFactory::builder().register(Arc::new(JsonRpcTransportFactory::new(None)));
    let factory = factory.with_interceptor(Arc::new(ContextInterceptor)).build();
    let client = factory.create_from_card(&card).await.expect("a client");
    let capturing = capture();
    tries(&[(&client, "err"), (&client, "hello")]).await.expect("an answer");
    let tree = settled(&capturing, 6).await;
    let expected = "\
CHAIN porter
  CHAIN SendMessage ! a broken wing
    AGENT invoke_agent parrot ! a broken wing
  CHAIN SendMessage
    AGENT invoke_agent parrot
      TOOL shout
";
    assert_eq!(tree, expected);
}
