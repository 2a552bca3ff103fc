//! What an experiment has shown: a summary, comparisons, and the worst answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::ExperimentError;
use super::journal::Content;
use super::results::{Results, WORST};
use super::run::{RunRecord, text};
use super::statistics::{Spread, quantile};
use super::threshold::Threshold;
use crate::dataset::Dataset;
use crate::testing::Trace;

/// How much of a text is shown.
const SHOWN: usize = 160;
/// How much of a trace is shown.
const SHOWN_LINES: usize = 24;

/// What an experiment has shown. Printed, it is a table with the worst answers.
///
/// ```no_run
/// use a2a_otel::evaluation::Report;
///
/// let last_week = Report::read("baseline.jsonl")?;
/// println!("{last_week}");
/// println!("{:?} of the answers were exact", last_week.mean("exact"));
/// # Ok::<(), a2a_otel::evaluation::ExperimentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    results: Results,
    /// Inputs and expected outputs, by the example's id. Empty for a report that was read from a file.
    examples: BTreeMap<String, (Value, Value)>,
    pub(super) thresholds: Vec<Threshold>,
    link: Option<String>,
}

/// Requires that the mean score of an evaluator has not fallen by more than `margin` since another report. Each
/// example is compared with itself, so that hard and easy examples do not blur the difference; examples that only one of the
/// reports has are left out.
#[must_use]
pub fn no_worse_than(evaluator: impl Into<String>, baseline: &Report, margin: f64) -> Threshold {
    Threshold::against(evaluator.into(), baseline.results.clone(), margin)
}

/// The requirements that an experiment does not meet, with the worst answers. Printed with `{}` or `{:?}`, it is the same
/// readable text, so that a test may return it.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl Report {
    pub(super) fn new(content: Content, dataset: &Dataset, path: &Path, thresholds: Vec<Threshold>) -> Self {
        let examples = dataset.examples().iter();
        let examples = examples
            .map(|one| (one.id().to_owned(), (one.input().clone(), one.expected().clone())))
            .collect();
        Self { results: Results { content, path: path.to_owned() }, examples, thresholds, link: None }
    }

    /// Leaves out the evaluations of evaluators that an interrupted experiment had and this one has not.
    pub(super) fn only(mut self, names: &BTreeSet<&str>) -> Self {
        for evaluations in self.results.content.evaluations.values_mut() {
            evaluations.retain(|name, _| names.contains(name.as_str()));
        }
        self
    }

    /// Adds the page of the experiment in Phoenix.
    pub(super) fn linked(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    /// Reads the file of an earlier experiment, to compare with it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no file of an experiment.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ExperimentError> {
        let path = path.as_ref().to_owned();
        let content = Content::read(&path)?;
        Ok(Self {
            results: Results { content, path },
            examples: BTreeMap::new(),
            thresholds: Vec::new(),
            link: None,
        })
    }

    /// The name of the experiment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.results.name()
    }

    /// The file that the results are in. Keep it to compare later experiments with it: see [`Report::read`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.results.path
    }

    /// The page of the experiment in Phoenix, if it is there.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// How many results Phoenix could not take yet, if the experiment was sent there. They are in the file, and
    /// [`Experiment::resume`](super::Experiment::resume) sends them.
    #[must_use]
    pub fn unsent(&self) -> usize {
        let content = &self.results.content;
        match content.remote {
            Some(_) => content.unsent_runs().count() + content.unsent_evaluations().count(),
            None => 0,
        }
    }

    /// How many answers there are, failures included.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.results.content.runs.len()
    }

    /// How many tasks failed, panicked or took too long.
    #[must_use]
    pub fn failed_runs(&self) -> usize {
        self.results.content.runs.values().filter(|run| run.error.is_some()).count()
    }

    /// The names of the evaluators, sorted.
    #[must_use]
    pub fn evaluators(&self) -> Vec<&str> {
        let names = self.results.content.all_evaluations().map(|one| one.name.as_str());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The mean score of an evaluator over all examples, or nothing if there is no score. The repetitions of an example count
    /// as one value, their mean.
    #[must_use]
    pub fn mean(&self, evaluator: &str) -> Option<f64> {
        self.spread_of_examples(evaluator).map(|spread| spread.mean)
    }

    /// The scores of an evaluator: one for each run that has a score.
    #[must_use]
    pub fn scores(&self, evaluator: &str) -> Vec<f64> {
        self.results.evaluations(evaluator).filter_map(|one| one.verdict.value()).collect()
    }

    /// How often an evaluator failed.
    #[must_use]
    pub fn evaluator_errors(&self, evaluator: &str) -> usize {
        self.results.evaluations(evaluator).filter(|one| one.error.is_some()).count()
    }

    /// How the scores of an evaluator are spread over the examples.
    #[must_use]
    pub fn spread_of_examples(&self, evaluator: &str) -> Option<Spread> {
        self.results.spread(evaluator)
    }

    /// How the scores of an evaluator have changed against a baseline, over the examples that both have: a positive mean is
    /// better.
    #[must_use]
    pub fn change(&self, baseline: &Report, evaluator: &str) -> Option<Spread> {
        self.results.change(&baseline.results, evaluator)
    }

    /// How long the tasks took: the median, and the time within which 95 % of them ended.
    #[must_use]
    pub fn latency(&self) -> Option<(Duration, Duration)> {
        let mut seconds: Vec<f64> =
            self.results.content.runs.values().map(|run| run.duration().as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |share| quantile(&seconds, share).map(Duration::from_secs_f64);
        Some((at(0.5)?, at(0.95)?))
    }

    /// The tokens of all model calls that were recorded: of prompts, and of answers.
    #[must_use]
    pub fn tokens(&self) -> (i64, i64) {
        let sum = |of: fn(&RunRecord) -> i64| self.results.content.runs.values().map(of).sum();
        (sum(|run| run.facts.prompt_tokens), sum(|run| run.facts.completion_tokens))
    }

    /// The cost of all model calls in US dollars, as far as it is known.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        let costs: Vec<f64> = self.results.content.runs.values().filter_map(|run| run.facts.cost).collect();
        (!costs.is_empty()).then(|| costs.iter().sum())
    }

    /// The trace of a run, as it is kept beside the results, if it is there.
    #[must_use]
    pub fn trace(&self, example: &str, repetition: u32) -> Option<Trace> {
        self.results.trace(example, repetition)
    }

    /// Checks the requirements of the experiment.
    ///
    /// # Errors
    ///
    /// If one is not met. The text has the worst answers with their traces.
    pub fn check(&self) -> Result<&Self, Failure> {
        let misses: Vec<_> =
            self.thresholds.iter().filter_map(|one| Some((one, one.missed_by(&self.results)?))).collect();
        if misses.is_empty() { Ok(self) } else { Err(Failure(self.describe(&misses))) }
    }

    /// Checks the requirements, in a test.
    ///
    /// # Panics
    ///
    /// If one is not met. The message has the worst answers with their traces.
    #[track_caller]
    pub fn assert(&self) {
        if let Err(failure) = self.check() {
            panic!("{failure}");
        }
    }

    /// What a program returns from `main`: failure if a requirement is not met.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.check().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    pub(super) fn results(&self) -> &Results {
        &self.results
    }

    fn describe(&self, misses: &[(&Threshold, String)]) -> String {
        let mut text = format!("the experiment {:?} does not meet what is required of it", self.name());
        for (threshold, miss) in misses {
            let _ = write!(text, "\n\n{miss}");
            for example in self.results.worst(threshold.evaluator(), threshold.bound(), threshold.baseline())
            {
                let _ = write!(text, "\n\n{}", self.describe_run(example, threshold));
            }
        }
        let _ = write!(text, "\n\nall results are in {}", self.results.path.display());
        if let Some(link) = &self.link {
            let _ = write!(text, "\nand at {link}");
        }
        text
    }

    fn describe_run(&self, example: &str, threshold: &Threshold) -> String {
        let Some((run, evaluation)) = self.results.worst_run(example, threshold.evaluator()) else {
            return String::new();
        };
        let score = evaluation.verdict.value().unwrap_or_default();
        let mut text =
            format!("  example {example}, repetition {}: {} {score}", run.repetition, evaluation.name);
        if let Some((input, expected)) = self.examples.get(example) {
            let _ = write!(text, "\n    input     {}", shortened(input));
            if !expected.is_null() {
                let _ = write!(text, "\n    expected  {}", shortened(expected));
            }
        }
        let answer = run
            .error
            .as_ref()
            .map_or_else(|| shortened(&run.output), |error| format!("failed: {}", in_short(error)));
        let _ = write!(text, "\n    answer    {answer}");
        if let Some(explanation) = evaluation.verdict.explanation() {
            let _ = write!(text, "\n    because   {}", in_short(explanation));
        }
        if let Some(change) =
            threshold.baseline().and_then(|baseline| self.results.change_of_trace(run, baseline))
        {
            let _ = write!(text, "\n    what has changed in its trace\n{}", indented(&change));
        } else if let Some(trace) = run.trace_id.as_ref().filter(|_| !run.facts.tree.is_empty()) {
            let _ = write!(text, "\n    its trace, {trace}\n{}", indented(&run.facts.tree));
        }
        text
    }
}

/// `1 example`, `2 examples`.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The first lines of a tree, below what they belong to.
fn indented(tree: &str) -> String {
    let mut lines: Vec<_> = tree.lines().take(SHOWN_LINES).map(|line| format!("      {line}")).collect();
    let more = tree.lines().count().saturating_sub(SHOWN_LINES);
    if more > 0 {
        lines.push(format!("      … and {more} more lines; Report::trace returns the whole trace"));
    }
    lines.join("\n")
}

/// A value in one line.
fn shortened(value: &Value) -> String {
    in_short(&text(value))
}

/// A text in one line.
fn in_short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.results.content.header;
        writeln!(
            f,
            "experiment {:?} on {:?}: {}, {}, {} failed",
            header.name,
            header.dataset,
            counted(header.examples.len(), "example"),
            counted(self.runs(), "run"),
            self.failed_runs()
        )?;
        self.write_scores(f)?;
        if let Some((median, most)) = self.latency() {
            writeln!(f, "  latency {median:.1?} in the median, {most:.1?} for 95 %")?;
        }
        let (prompts, answers) = self.tokens();
        if prompts + answers > 0 {
            writeln!(f, "  tokens  {prompts} of prompts, {answers} of answers")?;
        }
        if let Some(cost) = self.cost() {
            writeln!(f, "  cost    {cost:.4} US dollars")?;
        }
        self.write_worst(f)?;
        writeln!(f, "  results {}", self.results.path.display())?;
        let unsent = self.unsent();
        if unsent > 0 {
            writeln!(f, "  Phoenix lacks {unsent} of the results; run it again with resume() to send them")?;
        }
        self.link.as_ref().map_or(Ok(()), |link| writeln!(f, "  see {link}"))
    }
}

impl Report {
    fn write_scores(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.evaluators();
        let width =
            names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max("evaluator".len());
        if names.is_empty() {
            return Ok(());
        }
        writeln!(f, "  {:width$}   mean  ± noise  lowest  highest  errors", "evaluator")?;
        for name in names {
            let errors = self.evaluator_errors(name);
            match self.spread_of_examples(name) {
                Some(spread) => {
                    // Of a single example, nothing is known.
                    let noise =
                        if spread.count > 1 { format!("{:5.3}", spread.noise()) } else { "    -".to_owned() };
                    let Spread { mean, lowest, highest, .. } = spread;
                    writeln!(
                        f,
                        "  {name:width$}  {mean:5.3}  ± {noise}  {lowest:6.3}  {highest:7.3}  {errors:6}"
                    )?;
                }
                None => {
                    writeln!(f, "  {name:width$}  {:5}  {:7}  {:6}  {:7}  {errors:6}", "-", "-", "-", "-")?;
                }
            }
        }
        Ok(())
    }

    /// The answers with the lowest scores, of all evaluators together.
    fn write_worst(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.results.content.runs.values().filter_map(|run| Some((run, run.error.clone()?)));
        for (run, error) in failed.take(WORST) {
            writeln!(f, "  failed  {}: {}", run.example, in_short(&error))?;
        }
        for name in self.evaluators() {
            if let Some(error) = self.results.first_error(name) {
                writeln!(f, "  {name} failed: {}", in_short(error))?;
            }
            for example in self.results.worst(name, 1.0, None) {
                let Some((run, one)) = self.results.worst_run(example, name) else { continue };
                if let Some(score) = one.verdict.value() {
                    let because = one
                        .verdict
                        .explanation()
                        .map(|why| format!(" ({})", in_short(why)))
                        .unwrap_or_default();
                    writeln!(f, "  {name} {score:.3}  {example}: {}{because}", shortened(&run.output))?;
                }
            }
        }
        Ok(())
    }
}
