//! Tests that ten thousand simultaneous conversations do not mix.

use std::collections::HashMap;
use std::sync::Arc;

use a2a::{A2AError, Message, Part, Role, SendMessageResponse, StreamResponse};
use a2a_otel::opentelemetry::trace::{Status, TraceId};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{InCurrentSpan as _, chain_span, with_session};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};

use a2a_otel_tests::parrot::{Binding, Client, Event, connect, ended, observed, request, serve};

const CONVERSATIONS: usize = 10_000;
const AT_A_TIME: usize = 64;

/// How many agents each conversation passes, one after the other.
const fn hops(number: usize) -> usize {
    match number % 10 {
        0 => 3,
        1..4 => 2,
        _ => 1,
    }
}

/// The spans of a conversation: its root, and call, request and agent of each hop.
const fn spans_of(number: usize) -> usize {
    1 + 3 * hops(number)
}

/// An agent that forwards the message to the next agent, if there is one, and returns the answer.
struct Relay(Option<Arc<Client>>);

impl AgentExecutor for Relay {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let text = context.message.as_ref().and_then(Message::text).unwrap_or_default().to_owned();
        let next = self.0.clone();
        let answer = async move {
            let answer = match next {
                Some(next) => heard(next.send_message(&request(&text)).await?),
                None => text,
            };
            Ok(StreamResponse::Message(Message::new(Role::Agent, vec![Part::text(answer)])))
        };
        stream::once(answer).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::iter([Err(A2AError::internal("nothing lasts that long"))]).boxed()
    }
}

fn heard(answer: SendMessageResponse) -> String {
    match answer {
        SendMessageResponse::Message(message) => message.text().unwrap_or_default().to_owned(),
        SendMessageResponse::Task(task) => panic!("{task:?}"),
    }
}

/// Three agents, each of which asks the next one, or answers itself.
async fn agents() -> [Arc<Client>; 3] {
    let mut agents = Vec::new();
    let mut next = None;
    for _ in 0..3 {
        let client = Arc::new(connect(&serve(Binding::JsonRpc, observed(Relay(next))).await).await);
        next = Some(Arc::clone(&client));
        agents.push(client);
    }
    agents.try_into().unwrap_or_else(|_| unreachable!("there are three"))
}

#[chain_span(skip(agent))]
async fn conversation(agent: Arc<Client>, text: String) -> String {
    heard(agent.send_message(&request(&text)).await.expect("an answer"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_conversations_do_not_hear_each_other() {
    let agents = agents().await;
    let capturing = capture();
    let talks = (0..CONVERSATIONS).map(|number| {
        let name = format!("s-{number}");
        let agent = Arc::clone(&agents[hops(number) - 1]);
        let talk = with_session(&name).wrap(conversation(agent, name.clone()));
        tokio::spawn(talk.in_current_span()).map(move |answer| (name, answer.expect("no panic")))
    });
    let mut talks = stream::iter(talks).buffer_unordered(AT_A_TIME);
    while let Some((name, answer)) = talks.next().await {
        assert_eq!(answer, name);
    }
    ended(&capturing, (0..CONVERSATIONS).map(spans_of).sum()).await;

    let mut traces: HashMap<TraceId, Vec<Captured>> = HashMap::new();
    for span in capturing.spans() {
        traces.entry(span.trace_id).or_default().push(span);
    }
    assert_eq!(traces.len(), CONVERSATIONS);
    for spans in traces.values() {
        let name = spans[0].text("session.id").expect("a session").to_owned();
        let number: usize = name.trim_start_matches("s-").parse().expect("a number");
        assert_eq!(spans.len(), spans_of(number), "{spans:?}");
        for span in spans {
            assert_eq!(span.text("session.id"), Some(&*name));
            assert_eq!(span.text("input.value").map(|text| text.contains(&name)), Some(true), "{span:?}");
            assert_eq!((span.text("output.value"), &span.status), (Some(&*name), &Status::Ok), "{span:?}");
            let is_child = |id| spans.iter().any(|other| other.span_id == id);
            assert!(span.parent_id.is_none_or(is_child), "an orphan: {span:?}");
        }
    }
}
