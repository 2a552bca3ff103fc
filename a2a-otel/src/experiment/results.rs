//! The results of an experiment: scores by example, and how they have changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::journal::{Content, EvaluationRecord, trace_path};
use super::run::RunRecord;
use super::statistics::Spread;
use crate::testing::{Trace, diff};

/// How many answers a summary and a failure show.
pub(super) const WORST: usize = 3;

/// What the file of an experiment holds, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) content: Content,
    pub(super) path: PathBuf,
}

impl Results {
    pub(super) fn name(&self) -> &str {
        &self.content.header.name
    }

    pub(super) fn trace(&self, example: &str, repetition: u32) -> Option<Trace> {
        Trace::read(trace_path(&self.path, example, repetition)).ok()
    }

    /// How the scores of an evaluator are spread over the examples.
    pub(super) fn spread(&self, evaluator: &str) -> Option<Spread> {
        Spread::of(&self.by_example(evaluator).into_values().collect::<Vec<_>>())
    }

    /// How the scores of an evaluator have changed against a baseline, over the examples that both have.
    pub(super) fn change(&self, baseline: &Self, evaluator: &str) -> Option<Spread> {
        Spread::of(&self.changes(baseline, evaluator).into_values().collect::<Vec<_>>())
    }

    pub(super) fn evaluations_of(&self, run: &RunRecord) -> impl Iterator<Item = &EvaluationRecord> {
        self.content.evaluations.get(&run.place()).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn evaluations<'a>(&'a self, evaluator: &str) -> impl Iterator<Item = &'a EvaluationRecord> {
        let evaluator = evaluator.to_owned();
        self.content.all_evaluations().filter(move |one| one.name == evaluator)
    }

    /// The examples without a score of an evaluator, and why the first one has none.
    pub(super) fn unscored(&self, evaluator: &str) -> (usize, Option<&str>) {
        let scores = self.by_example(evaluator);
        let unscored = self.content.header.examples.keys().filter(|id| !scores.contains_key(id.as_str()));
        (unscored.count(), self.first_error(evaluator))
    }

    /// Why an evaluator failed first.
    pub(super) fn first_error(&self, evaluator: &str) -> Option<&str> {
        self.evaluations(evaluator).find_map(|one| one.error.as_deref())
    }

    /// The mean score of each example.
    pub(super) fn by_example<'a>(&'a self, evaluator: &str) -> BTreeMap<&'a str, f64> {
        let mut scores = BTreeMap::<&str, Vec<f64>>::new();
        for evaluation in self.evaluations(evaluator) {
            if let Some(score) = evaluation.verdict.value() {
                scores.entry(&evaluation.example).or_default().push(score);
            }
        }
        scores
            .into_iter()
            .filter_map(|(example, scores)| Some((example, Spread::of(&scores)?.mean)))
            .collect()
    }

    /// By how much the score of each example has changed.
    fn changes<'a>(&'a self, baseline: &Self, evaluator: &str) -> BTreeMap<&'a str, f64> {
        let before = baseline.by_example(evaluator);
        let now = self.by_example(evaluator).into_iter();
        now.filter_map(|(example, score)| Some((example, score - before.get(example)?))).collect()
    }

    /// The examples with the lowest scores below a bound, or those that have lost most against a baseline.
    pub(super) fn worst<'a>(&'a self, evaluator: &str, bound: f64, baseline: Option<&Self>) -> Vec<&'a str> {
        let (scores, bound) = match baseline {
            Some(baseline) => (self.changes(baseline, evaluator), 0.0),
            None => (self.by_example(evaluator), bound),
        };
        let mut scores: Vec<_> = scores.into_iter().filter(|(_, score)| *score < bound).collect();
        scores.sort_by(|one, other| one.1.total_cmp(&other.1));
        scores.into_iter().take(WORST).map(|(example, _)| example).collect()
    }

    /// The run of an example that an evaluator likes least.
    pub(super) fn worst_run<'a>(
        &'a self,
        example: &str,
        evaluator: &str,
    ) -> Option<(&'a RunRecord, &'a EvaluationRecord)> {
        let of_example = self.evaluations(evaluator).filter(|one| one.example == example);
        let worst = of_example.min_by(|one, other| {
            let score = |one: &EvaluationRecord| one.verdict.value().unwrap_or(f64::INFINITY);
            score(one).total_cmp(&score(other))
        })?;
        Some((self.content.runs.get(&worst.place())?, worst))
    }

    /// How the trace of a run differs from that of the same run in a baseline.
    pub(super) fn change_of_trace(&self, run: &RunRecord, baseline: &Self) -> Option<String> {
        let trace = |results: &Self| results.trace(&run.example, run.repetition);
        let change = diff(&trace(baseline)?, &trace(self)?);
        (!change.is_empty()).then(|| change.to_string())
    }
}
