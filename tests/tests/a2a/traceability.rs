//! Tests agents whose spans the caller does not get, but that report their work on request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use a2a::{AgentCard, Message, Part, Role, StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
use a2a_client::A2AClientFactory;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;
use a2a_grpc::GrpcTransportFactory;
use a2a_otel::a2a::{TracedTransportFactory, client_factory, traceability_extension};
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::testing::capture;
use a2a_otel::{llm_call, tool_span};
use a2a_otel_tests::parrot::{Binding, Client, Event, drain, observed, request, serve, settled, unobserved};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::{Value, json};

const URI: &str = "https://github.com/a2aproject/a2a-samples/extensions/traceability/v1";
const KEY: &str = "github.com/a2aproject/a2a-samples/extensions/traceability/v1/traceability";

/// An agent that reports these steps, if it is asked.
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

/// As the extension's implementation writes it: children before their parents, because they end first.
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

/// An agent with work below its AGENT span.
struct Worker;

#[tool_span]
async fn get_rate(from: &str) -> f64 {
    tokio::time::sleep(Duration::from_millis(20)).await;
    f64::from(u8::try_from(from.len()).unwrap_or_default())
}

#[tool_span]
async fn get_weather() -> Result<(), String> {
    Err("no such city".to_owned())
}

#[llm_call(request = request)]
async fn complete(request: Value) -> Value {
    let _ = get_rate("EUR").await;
    json!({ "id": "1", "object": "chat.completion", "model": request["model"],
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "1.08" } }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12 } })
}

impl AgentExecutor for Worker {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let asks_for_message = context.message.as_ref().and_then(Message::text) == Some("message");
        let work = async move {
            let secret = [json!({ "role": "system", "content": "a secret prompt" })];
            complete(json!({ "model": "gpt-4o-mini", "messages": secret })).await;
            let _ = get_weather().await;
            let message = Message::new(Role::Agent, vec![Part::text("1 EUR is 1.08 USD")]);
            Ok(if asks_for_message {
                StreamResponse::Message(message)
            } else {
                StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                    task_id: context.task_id,
                    context_id: context.context_id,
                    status: TaskStatus { state: TaskState::Completed, message: None, timestamp: None },
                    metadata: None,
                })
            })
        };
        stream::once(work).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::empty().boxed()
    }
}

const TOTAL: &str = "llm.token_count.total";
const STEPS: &str = "\n    LLM complete\n      TOOL get_rate\n    TOOL get_weather ! no such city\n";

/// The card and the handler of such an agent, which does not continue other traces.
async fn serve_telling(binding: Binding, policy: InboundPolicy) -> AgentCard {
    let mut card = serve(binding, observed(Worker).policy(policy).traceability(true)).await;
    card.capabilities.extensions = Some(vec![traceability_extension()]);
    card
}

fn asking_over_grpc() -> A2AClientFactory {
    let grpc = TracedTransportFactory::new(GrpcTransportFactory::new()).traceability(true);
    client_factory().register(Arc::new(grpc)).build()
}

#[tokio::test]
async fn an_agent_tells_of_its_work_where_it_is_asked() {
    for (binding, factory) in
        [(Binding::JsonRpc, asking()), (Binding::Rest, asking()), (Binding::Grpc, asking_over_grpc())]
    {
        let client = connect(factory, &serve_telling(binding, InboundPolicy::Restart).await).await;
        let capturing = capture();
        client.send_message(&request("1 EUR in USD")).await.expect("an answer");
        client.send_message(&request("message")).await.expect("an answer");
        drain(client.send_streaming_message(&request("1 EUR in USD")).await.expect("a stream")).await;
        let tree = settled(&capturing, 30).await;
        for (call, times) in [("SendMessage", 2), ("SendStreamingMessage", 1)] {
            let here = format!("CHAIN {call} parrot\n  AGENT parrot{STEPS}");
            let there = format!("CHAIN {call}\n  AGENT invoke_agent parrot{STEPS}");
            assert_eq!(tree.matches(&here).count(), times, "{binding:?}: {tree}");
            assert_eq!(tree.matches(&there).count(), times, "{binding:?}: {tree}");
        }
        let spans = capturing.spans();
        let mut models = spans.iter().filter(|span| span.name == "complete");
        assert!(models.all(|model| model.number(TOTAL) == Some(12)), "{binding:?}");
        let tools: Vec<_> = spans.iter().filter(|span| span.name == "get_rate").collect();
        assert_eq!(tools.len(), 6);
        assert!(
            tools.iter().all(|tool| tool.end >= tool.start + Duration::from_millis(20)),
            "as measured there"
        );
    }
}

/// The steps in the answer to a message, as sent over the wire.
async fn told_over(card: &AgentCard, uri: &str, text: &str) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": {
        "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }] } } });
    let answer = reqwest::Client::new()
        .post(&card.supported_interfaces[0].url)
        .header("A2A-Version", a2a::VERSION)
        .header("A2A-Extensions", uri)
        .json(&request)
        .send()
        .await
        .expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let result = &answer["result"];
    assert!(result["task"].is_object() || result["message"].is_object(), "{answer}");
    let places = [&result["task"]["metadata"], &result["message"]["metadata"]];
    places.into_iter().map(|metadata| metadata[KEY].clone()).find(Value::is_object).unwrap_or_default()
}

#[tokio::test]
async fn what_is_told_is_the_tree_without_its_contents() {
    let card = serve_telling(Binding::JsonRpc, InboundPolicy::Restart).await;
    let _capturing = capture();
    for text in ["task", "message"] {
        let told = told_over(&card, &format!("urn:other, {URI}"), text).await;
        let steps = told["steps"].as_array().expect("steps");
        let named = |name: &str| steps.iter().find(|step| step["name"] == name).expect(name);
        assert_eq!(steps.len(), 4, "{told:#}");
        let (agent, model, tool) = (named("parrot"), named("complete"), named("get_rate"));
        assert_eq!(agent["parent_step_id"], Value::Null, "the caller has the request's span");
        assert_eq!(model["parent_step_id"], agent["step_id"]);
        assert_eq!(tool["parent_step_id"], model["step_id"]);
        assert_eq!([&agent["call_type"], &model["call_type"], &tool["call_type"]], ["AGENT", "TOOL", "TOOL"]);
        assert_eq!(model["additional_attributes"]["openinference.span.kind"], "LLM");
        assert_eq!(model["total_tokens"].as_f64(), Some(12.0));
        assert_eq!(named("get_weather")["error"], "no such city");
        assert!(tool["latency"].as_f64().expect("milliseconds") >= 20.0);
        assert!(steps.iter().all(|step| step["trace_id"] == told["trace_id"]), "{told:#}");
        assert!(!told.to_string().contains("secret"), "{told:#}");
    }
}

#[tokio::test]
async fn nothing_is_told_to_those_who_do_not_ask_or_may_not_know() {
    let _capturing = capture();
    let telling = serve_telling(Binding::JsonRpc, InboundPolicy::Restart).await;
    assert_eq!(told_over(&telling, "urn:other", "task").await, Value::Null);
    let silent = serve(Binding::JsonRpc, observed(Worker)).await;
    assert_eq!(told_over(&silent, URI, "task").await, Value::Null);
}

#[tokio::test]
async fn a_trace_that_goes_on_is_not_told_twice() {
    let client = connect(asking(), &serve_telling(Binding::JsonRpc, InboundPolicy::Continue).await).await;
    let capturing = capture();
    client.send_message(&request("1 EUR in USD")).await.expect("an answer");
    let tree = settled(&capturing, 6).await;
    assert_eq!(tree.matches("get_rate").count(), 1, "{tree}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_anothers_work() {
    let card = serve_telling(Binding::JsonRpc, InboundPolicy::Restart).await;
    let _capturing = capture();
    let calls = (0..50).map(|_| told_over(&card, URI, "task"));
    let told = futures::future::join_all(calls).await;
    let traces: HashSet<_> = told.iter().map(|told| told["trace_id"].as_str().expect("an id")).collect();
    assert_eq!(traces.len(), 50);
    assert!(told.iter().all(|told| told["steps"].as_array().is_some_and(|steps| steps.len() == 4)));
}
