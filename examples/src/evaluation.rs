//! An experiment with the marketplace: forty requests of customers, and four evaluators.

use std::sync::Arc;

use a2a_otel::evaluation::{
    Dataset, DatasetError, Evaluator, Example, Experiment, Judge, Run, Verdict, at_least, evaluators,
};
use serde_json::Value;

use crate::llm::Llm;
use crate::peer::Peer;

const REQUESTS: &str = include_str!("../data/requests.jsonl");

/// The most calls of models and tools that a request should need. A comparison takes the most.
const MOST_STEPS: u64 = 16;

const CRITERION: &str = "Does the marketplace's answer help the customer? An answer helps if it names products, their stock, \
                         an order or figures, also if it says that a product cannot be bought.";

/// The requests of customers, with the texts that an answer has to contain, and the agents that have to work on it.
///
/// # Errors
///
/// If the file of requests is malformed.
pub fn requests() -> Result<Dataset, DatasetError> {
    Dataset::from_json_lines("marketplace-requests", REQUESTS)
}

/// The experiment with the marketplace whose coordinator and model these are.
pub fn experiment(requests: Dataset, coordinator: Peer, llm: Llm) -> Experiment {
    let (coordinator, llm) = (Arc::new(coordinator), Arc::new(llm));
    let answer = move |example: Example| {
        let coordinator = coordinator.clone();
        async move {
            let request = example.input().as_str().unwrap_or_default();
            coordinator.ask(&format!("evaluation-{}", example.id()), request).await
        }
    };
    Experiment::new("marketplace")
        .description("The agents answer customers' requests.")
        .dataset(requests)
        .task(answer)
        .evaluator(evaluators::contains_expected())
        .evaluator(right_agents)
        .evaluator(evaluators::steps_at_most(MOST_STEPS))
        .evaluator(helpful(llm))
        .require(at_least("contains_expected", 0.95))
        .require(at_least("right_agents", 0.95))
        .require(at_least("helpful", 0.9).allowing_noise())
}

/// The coordinator has asked the agents that it should have, and no others.
fn right_agents(run: &Run) -> Verdict {
    let asked = run.agents().iter().filter_map(|agent| agent.strip_suffix("-agent"));
    let mut asked: Vec<_> = asked.collect();
    asked.dedup();
    let expected = run.example().metadata().get("agents").and_then(Value::as_array);
    let expected: Vec<_> = expected.into_iter().flatten().filter_map(Value::as_str).collect();
    let verdict = Verdict::pass(asked == expected);
    if asked == expected {
        verdict
    } else {
        verdict.with_explanation(format!("asked {asked:?} instead of {expected:?}"))
    }
}

fn helpful(llm: Arc<Llm>) -> Evaluator {
    let judge = Judge::new("helpful", CRITERION).label("helpful", 1.0).label("unhelpful", 0.0);
    judge.model(move |prompt| {
        let llm = llm.clone();
        async move { llm.say(&prompt).await }
    })
}
