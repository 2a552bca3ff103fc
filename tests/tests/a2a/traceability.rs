//! Agents that send no spans, and tell of their work when they are asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{AgentCard, Message, Part, Role, StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
use a2a_client::A2AClientFactory;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;
use a2a_otel::a2a::{TracedTransportFactory, client_factory};
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel_tests::parrot::{Binding, Client, Event, drain, request, serve, unobserved};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::{Value, json};

const URI: &str = "https://github.com/a2aproject/a2a-samples/extensions/traceability/v1";
const KEY: &str = "github.com/a2aproject/a2a-samples/extensions/traceability/v1/traceability";

/// Tells this of its work, if it is asked.
struct Teller(Value);

impl AgentExecutor for Teller {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let asked = context
            .service_params
            .get("a2a-extensions")
            .is_some_and(|uris| uris.iter().any(|uri| uri == URI));
        let mut message = Message::new(Role::Agent, vec![Part::text("1 EUR is 1.08 USD")]);
        message.metadata = asked.then(|| HashMap::from([(KEY.to_owned(), self.0.clone())]));
        let completed = StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: context.task_id,
            context_id: context.context_id,
            status: TaskStatus { state: TaskState::Completed, message: Some(message), timestamp: None },
            metadata: None,
        });
        stream::iter([Ok(completed)]).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::empty().boxed()
    }
}

/// As the extension's implementation writes it: children before their parents, for they end first.
fn told() -> Value {
    let step = |id: &str, parent: Option<&str>, kind: &str, name: &str, error: Option<&str>| {
        json!({
            "step_id": id, "trace_id": "trace-1", "parent_step_id": parent, "call_type": kind, "name": name,
            "parameters": { "from": "EUR" }, "requests": null, "step_type": "call", "cost": null,
            "total_tokens": null, "additional_attributes": {}, "latency": 250,
            "start_time": "2026-11-25T18:30:00.500000+00:00", "end_time": "2026-11-25T18:30:00.750000+00:00",
            "error": error,
        })
    };
    json!({ "trace_id": "trace-1", "steps": [
        step("s-2", Some("s-1"), "TOOL", "get_rate", None),
        step("s-3", Some("s-1"), "TOOL", "get_weather", Some("no such city")),
        step("s-1", None, "AGENT", "currency agent", None),
    ] })
}

async fn connect(factory: A2AClientFactory, card: &AgentCard) -> Client {
    factory.create_from_card(card).await.expect("a client")
}

fn asking() -> A2AClientFactory {
    let json_rpc = TracedTransportFactory::new(JsonRpcTransportFactory::new(None)).traceability(true);
    let rest = TracedTransportFactory::new(RestTransportFactory::new(None)).traceability(true);
    client_factory().register(Arc::new(json_rpc)).register(Arc::new(rest)).build()
}

#[tokio::test]
async fn the_steps_that_an_agent_tells_of_are_spans_below_the_call() {
    for binding in [Binding::JsonRpc, Binding::Rest] {
        let client = connect(asking(), &serve(binding, unobserved(Teller(told()))).await).await;
        let capturing = capture();
        client.send_message(&request("1 EUR in USD")).await.expect("an answer");
        drain(client.send_streaming_message(&request("1 EUR in USD")).await.expect("a stream")).await;
        let steps = "\n  AGENT currency agent\n    TOOL get_rate\n    TOOL get_weather ! no such city\n";
        assert_eq!(
            capturing.tree(),
            format!("CHAIN SendMessage parrot{steps}CHAIN SendStreamingMessage parrot{steps}"),
            "{binding:?}"
        );
        for span in capturing.spans().iter().filter(|span| span.kind == "TOOL") {
            assert_eq!(span.text("tool.name"), Some(&*span.name));
            assert_eq!(span.text("input.value"), Some(r#"{"from":"EUR"}"#));
            assert_eq!(span.end, span.start + Duration::from_millis(250), "as the agent measured it");
        }
    }
}

#[tokio::test]
async fn an_agent_that_is_not_asked_tells_nothing() {
    let card = serve(Binding::JsonRpc, unobserved(Teller(told()))).await;
    let client = connect(client_factory().build(), &card).await;
    let capturing = capture();
    client.send_message(&request("1 EUR in USD")).await.expect("an answer");
    assert_eq!(capturing.tree(), "CHAIN SendMessage parrot\n");
}

#[tokio::test]
async fn an_agent_that_tells_nonsense_does_no_harm() {
    let circle = json!({ "trace_id": "t", "steps": [
        { "step_id": "a", "parent_step_id": "b", "name": "a" },
        { "step_id": "b", "parent_step_id": "a", "name": "b" },
    ] });
    let twice = json!({ "steps": vec![json!({ "step_id": "a", "name": "again", "latency": -1 }); 5000] });
    let own = json!({ "steps": [{ "step_id": 7 }, "what", { "step_id": "x", "parent_step_id": "x" }] });
    for (nonsense, spans) in [(circle, 0), (twice, 1000), (own, 0), (json!("steps"), 0), (json!(null), 0)] {
        let client = connect(asking(), &serve(Binding::JsonRpc, unobserved(Teller(nonsense))).await).await;
        let capturing = capture();
        client.send_message(&request("1 EUR in USD")).await.expect("an answer");
        assert_eq!(capturing.spans().len(), 1 + spans);
        assert_eq!(capturing.named("SendMessage parrot").status, Status::Ok);
    }
}
