//! Random trees of agents, tools and models: figures are what is counted by hand, whatever is sampled.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use a2a_otel::metrics::MetricsSnapshot;
use a2a_otel::semconv::GenAiVersion;
use a2a_otel::testing::capture;
use a2a_otel::{agent_span, llm_call, tool_span};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::world::{EACH, Figures, figures, start, take_turns};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Ok,
    Err,
    Panic,
    Cancelled,
}

#[derive(Clone, Debug)]
enum Node {
    Agent(u8, Outcome, Vec<Node>),
    Tool(u8, Outcome, Vec<Node>),
    Model(u16, Outcome),
}

type Failed = Result<(), std::fmt::Error>;

/// Ends as asked.
async fn end(outcome: Outcome) -> Failed {
    match outcome {
        Outcome::Ok => Ok(()),
        Outcome::Err => Err(std::fmt::Error),
        Outcome::Panic => panic!("as asked"),
        Outcome::Cancelled => std::future::pending().await,
    }
}

fn visit(nodes: &[Node]) {
    for node in nodes {
        let running = AssertUnwindSafe(run(node)).catch_unwind();
        // A call that is cancelled is polled once and dropped.
        let _ = running.now_or_never();
    }
}

#[agent_span(agent = name, skip_all)]
async fn agent(name: String, outcome: Outcome, below: &[Node]) -> Failed {
    visit(below);
    end(outcome).await
}

#[tool_span(tool = name, skip_all)]
async fn tool(name: String, outcome: Outcome, below: &[Node]) -> Failed {
    visit(below);
    end(outcome).await
}

#[llm_call(model = "gpt-4o", skip(outcome))]
async fn model(tokens: u16, outcome: Outcome) -> Result<Value, std::fmt::Error> {
    end(outcome).await?;
    Ok(json!({
        "object": "chat.completion", "model": "gpt-4o", "choices": [],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1},
    }))
}

fn run(node: &Node) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        match node {
            Node::Agent(name, outcome, below) => drop(agent(format!("agent {name}"), *outcome, below).await),
            Node::Tool(name, outcome, below) => drop(tool(format!("tool {name}"), *outcome, below).await),
            Node::Model(tokens, outcome) => drop(model(*tokens, *outcome).await),
        }
    })
}

/// Counts by hand.
#[derive(Default)]
struct Count(Figures);

impl Count {
    fn add(&mut self, name: &str, labels: &[(&str, Option<&str>)], value: f64) {
        let labels: BTreeMap<_, _> = labels
            .iter()
            .filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.to_owned())))
            .collect();
        let (count, sum) = self.0.entry((name.to_owned(), labels)).or_default();
        *count += 1;
        *sum += value;
    }

    /// Returns the calls of models and tools of the agent above.
    fn visit(&mut self, nodes: &[Node], above: Option<&str>) -> (f64, f64) {
        let mut calls = (0.0, 0.0);
        for node in nodes {
            match node {
                Node::Agent(name, outcome, below) => {
                    let name = format!("agent {name}");
                    let (models, tools) = self.visit(below, Some(&name));
                    let own = ("gen_ai.agent.name", Some(&*name));
                    self.add("gen_ai.invoke_agent.inference_calls", &[own], models);
                    self.add("gen_ai.invoke_agent.tool_calls", &[own], tools);
                    self.add("gen_ai.invoke_agent.duration", &[own, error(*outcome)], 0.0);
                }
                Node::Tool(name, outcome, below) => {
                    let (models, tools) = self.visit(below, above);
                    calls = (calls.0 + models, calls.1 + tools + 1.0);
                    let tool = format!("tool {name}");
                    let own =
                        [("gen_ai.tool.name", Some(&*tool)), ("gen_ai.agent.name", above), error(*outcome)];
                    self.add("gen_ai.execute_tool.duration", &own, 0.0);
                }
                Node::Model(tokens, outcome) => {
                    calls.0 += 1.0;
                    self.model(*tokens, *outcome, above);
                }
            }
        }
        calls
    }

    fn model(&mut self, tokens: u16, outcome: Outcome, above: Option<&str>) {
        let is_answered = outcome == Outcome::Ok;
        let labels = [
            ("gen_ai.operation.name", Some("chat")),
            ("gen_ai.provider.name", Some("openai")),
            ("gen_ai.request.model", Some("gpt-4o")),
            ("gen_ai.response.model", is_answered.then_some("gpt-4o")),
            ("gen_ai.agent.name", above),
        ];
        let with = |more| [&labels[..], &[more]].concat();
        self.add("gen_ai.client.operation.duration", &with(error(outcome)), 0.0);
        if is_answered {
            let usage = "gen_ai.client.token.usage";
            self.add(usage, &with(("gen_ai.token.type", Some("input"))), f64::from(tokens));
            self.add(usage, &with(("gen_ai.token.type", Some("output"))), 1.0);
        }
    }
}

fn error(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    let error = match outcome {
        Outcome::Ok => None,
        Outcome::Err => Some("core::fmt::Error"),
        Outcome::Panic => Some("panic"),
        Outcome::Cancelled => Some("cancelled"),
    };
    ("error.type", error)
}

fn trees() -> impl Strategy<Value = Vec<Node>> {
    let outcome = || {
        prop_oneof![
            4 => Just(Outcome::Ok), 1 => Just(Outcome::Err), 1 => Just(Outcome::Panic), 1 => Just(Outcome::Cancelled)
        ]
    };
    let leaf = (0_u16..5_000, outcome()).prop_map(|(tokens, outcome)| Node::Model(tokens, outcome));
    let node = leaf.prop_recursive(4, 24, 4, move |inner| {
        let below = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (0_u8..3, outcome(), below())
                .prop_map(|(name, outcome, below)| Node::Agent(name, outcome, below)),
            (0_u8..3, outcome(), below()).prop_map(|(name, outcome, below)| Node::Tool(name, outcome, below)),
        ]
    });
    prop::collection::vec(node, 1..4)
}

fn captured(forest: &[Node]) -> MetricsSnapshot {
    let capturing = capture();
    visit(forest);
    capturing.metrics()
}

#[test]
fn figures_are_what_is_counted_by_hand_whatever_is_sampled() {
    let _turn = take_turns();
    let silent = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let result = runner.run(&trees(), |forest| {
        let mut expected = Count::default();
        expected.visit(&forest, None);
        for sampled in EACH {
            let telemetry = start(sampled, GenAiVersion::V1_41);
            let captured = captured(&forest);
            prop_assert_eq!(&figures(&captured), &expected.0, "captured, sampled: {:?}", sampled);
            prop_assert_eq!(&figures(&telemetry.metrics()), &expected.0, "of init, sampled: {:?}", sampled);
        }
        Ok(())
    });
    std::panic::set_hook(silent);
    result.expect("the same figures");
}
