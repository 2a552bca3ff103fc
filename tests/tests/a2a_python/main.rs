//! Tests A2A with the Python SDK as the peer, in a real Phoenix: each direction is one trace.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use a2a::AgentCard;
use a2a_client::agent_card::AgentCardResolver;
use a2a_otel::{Telemetry, chain_span, with_session};
use a2a_otel_tests::parrot::{Binding, Client, Parrot, connect, drain, observed, request_in, serve};
use a2a_otel_tests::phoenix::{Phoenix, Project};
use a2a_otel_tests::python::a2a_sdk;
use a2a_otel_tests::services::{Service, free_ports, require, unique};
use a2a_otel_tests::tree::Tree;

const PATIENCE: Duration = Duration::from_secs(60);

/// What both directions need: Phoenix, a project that this process and the scripts write to, and Python.
struct World {
    phoenix: &'static Phoenix,
    project: String,
    python: std::path::PathBuf,
    telemetry: Telemetry,
}

impl World {
    /// Shared by both tests, because telemetry is global.
    fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<World, String>> = OnceLock::new();
        SHARED.get_or_init(Self::new).as_ref().map_err(Clone::clone)
    }

    fn new() -> Result<Self, String> {
        let python = a2a_sdk()?;
        let phoenix = Phoenix::shared()?;
        let project = unique("a2a-python");
        let builder = Telemetry::builder().endpoint(phoenix.url()).project_name(&project);
        let telemetry = builder.init().map_err(|error| error.to_string())?;
        Ok(Self { phoenix, project, python, telemetry })
    }

    fn script(&self, name: &str) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/a2a_python");
        let mut command = Command::new(&self.python);
        command
            .arg(folder.join(name))
            .env("PHOENIX", self.phoenix.url())
            .env("PROJECT", &self.project)
            // The SDK's own spans, one for each of its functions, are not part of this test.
            .env("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn project(&self) -> Project<'_> {
        self.phoenix.project_named(&self.project)
    }

    /// Waits until the trace of this session is complete and has this many spans, and returns it.
    fn wait_for_tree(&self, session: &str, spans: usize) -> Tree {
        let trace = |stored: &[a2a_otel_tests::phoenix::Span]| {
            let own = stored.iter().find(|span| span.attribute("session.id") == session)?;
            Some(stored.iter().filter(|span| span.trace_id == own.trace_id).cloned().collect::<Vec<_>>())
        };
        // Either side may be stored first, and Python's servers make spans that are not counted.
        let is_whole = |trace: &Vec<a2a_otel_tests::phoenix::Span>| {
            let is_there = |id: &String| trace.iter().any(|span| span.span_id == *id);
            trace.len() >= spans && trace.iter().all(|span| span.parent_id.as_ref().is_none_or(is_there))
        };
        let stored =
            self.project().wait_for_spans(|stored| trace(stored).is_some_and(|trace| is_whole(&trace)));
        Tree::single(&trace(&stored).expect("the trace"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_and_a_rust_agent_are_one_trace() {
    let Some(world) = require("Phoenix and the Python SDK", World::shared()) else { return };
    let card = serve(Binding::JsonRpc, observed(Parrot::default())).await;
    let session = unique("session");
    let mut client = world.script("client.py");
    client.env("AGENT", &card.supported_interfaces[0].url).env("SESSION", &session);
    let asked = tokio::task::spawn_blocking(move || Service::start("a2a-client", &client)?.finish(PATIENCE));
    asked.await.expect("no panic").expect("the client is answered");

    let tree = tokio::task::spawn_blocking(move || {
        let _ = world.telemetry.flush(PATIENCE);
        let tree = world.wait_for_tree(&session, 11);
        for method in ["SendMessage", "SendStreamingMessage"] {
            let method = format!("CHAIN {method}");
            tree.assert_path(&[
                "CHAIN errand",
                "UNKNOWN POST",
                &method,
                "AGENT invoke_agent parrot",
                "TOOL shout",
            ]);
        }
        for span in tree.spans().iter().filter(|span| span.kind != "UNKNOWN" && span.name != "errand") {
            assert_eq!(span.attribute("session.id"), session.as_str(), "{span}");
            assert_eq!(span.attribute("user.id"), "ada", "{span}");
        }
        tree
    });
    let tree = tree.await.expect("no panic");
    for agent in tree.all("AGENT") {
        assert_eq!(agent.attribute("output.value"), "HELLO THERE", "{agent}");
        assert_eq!(agent.attribute("gen_ai.conversation.id"), "c-py", "{agent}");
    }
}

#[chain_span]
async fn errand(client: &Client) {
    client.send_message(&request_in("c-rs", "hello there")).await.expect("an answer");
    let events = client.send_streaming_message(&request_in("c-rs", "hello there")).await.expect("a stream");
    assert!(drain(events).await.len() > 2);
}

/// Waits until the Python agent listens, and returns its card.
async fn card_at(url: &str, service: &mut Service) -> AgentCard {
    let resolver = AgentCardResolver::new(None);
    let handle = tokio::runtime::Handle::current();
    let is_there = || handle.block_on(resolver.resolve(url)).is_ok();
    tokio::task::block_in_place(|| service.wait_until(PATIENCE, is_there)).expect("the agent listens");
    resolver.resolve(url).await.expect("a card")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_client_and_a_python_agent_are_one_trace() {
    let Some(world) = require("Phoenix and the Python SDK", World::shared()) else { return };
    let [port] = free_ports();
    let mut agent = world.script("agent.py");
    agent.env("PORT", port.to_string());
    let mut service = Service::start("a2a-agent", &agent).expect("the agent starts");
    let client = connect(&card_at(&format!("http://127.0.0.1:{port}"), &mut service).await).await;
    let session = unique("session");
    with_session(&session).user("ada").wrap(errand(&client)).await;

    tokio::task::spawn_blocking(move || {
        let _ = world.telemetry.flush(PATIENCE);
        let tree = world.wait_for_tree(&session, 7);
        for method in ["SendMessage", "SendStreamingMessage"] {
            let method = format!("CHAIN {method} python-parrot");
            tree.assert_path(&["CHAIN errand", &method, "UNKNOWN POST", "AGENT python parrot"]);
            let call = tree.find(&method);
            assert_eq!(call.attribute("output.value"), "HELLO THERE", "{call}");
            assert_eq!(call.attribute("a2a.task.state"), "TASK_STATE_COMPLETED", "{call}");
            assert_eq!(call.attribute("gen_ai.agent.version"), "4.5.6", "{call}");
            assert_eq!(call.status_code, "OK", "{call}");
        }
        for span in tree.spans().iter().filter(|span| span.kind != "UNKNOWN") {
            assert_eq!(span.attribute("session.id"), session.as_str(), "{span}");
            assert_eq!(span.attribute("user.id"), "ada", "{span}");
        }
    })
    .await
    .expect("no panic");
}
