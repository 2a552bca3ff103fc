//! Reports for CI: the XML of `JUnit`, and JSON.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::report::Report;
use super::run::RunRecord;

impl Report {
    /// Writes the report in the form of `JUnit`, which CI systems show: a case for each requirement, and one for each run, with
    /// its scores as properties. A run whose task failed is an error.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    ///
    /// Source: <https://github.com/testmoapp/junitxml>.
    pub fn write_junit(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut requirements = TestSuite::new(format!("{}: requirements", self.name()));
        for threshold in &self.thresholds {
            let status = match threshold.missed_by(self.results()) {
                None => TestCaseStatus::success(),
                Some(miss) => not_successful(NonSuccessKind::Failure, miss),
            };
            requirements.add_test_case(TestCase::new(threshold.to_string(), status));
        }
        let mut runs = TestSuite::new(format!("{}: runs", self.name()));
        for run in self.results().content.runs.values() {
            runs.add_test_case(self.case_of(run));
        }
        let mut report = JUnit::new(self.name());
        report.add_test_suite(requirements).add_test_suite(runs);
        create_folder_of(path.as_ref())?;
        report.serialize(File::create(path)?).map_err(io::Error::other)
    }

    fn case_of(&self, run: &RunRecord) -> TestCase {
        let status = match &run.error {
            None => TestCaseStatus::success(),
            Some(error) => not_successful(NonSuccessKind::Error, error.clone()),
        };
        let mut case = TestCase::new(format!("{} #{}", run.example, run.repetition), status);
        case.set_time(run.duration());
        for one in self.results().evaluations_of(run) {
            let said = match (&one.error, one.verdict.value(), one.verdict.label()) {
                (Some(error), ..) => format!("failed: {error}"),
                (None, Some(score), _) => score.to_string(),
                (None, None, label) => label.unwrap_or_default().to_owned(),
            };
            case.add_property((one.name.as_str(), said.as_str()));
        }
        case
    }

    /// The report as JSON: the summary, and all runs with their evaluations.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let evaluators = self.evaluators().into_iter().map(|name| {
            let spread = self.spread_of_examples(name);
            let summary = json!({
                "mean": spread.map(|spread| spread.mean),
                "noise": spread.map(|spread| spread.noise()),
                "errors": self.evaluator_errors(name),
            });
            (name.to_owned(), summary)
        });
        let (prompt_tokens, completion_tokens) = self.tokens();
        let misses = self.thresholds.iter().filter_map(|threshold| threshold.missed_by(self.results()));
        let runs = self.results().content.runs.values().map(
            |run| json!({"run": run, "evaluations": self.results().evaluations_of(run).collect::<Vec<_>>()}),
        );
        json!({
            "experiment": self.name(),
            "dataset": self.results().content.header.dataset,
            "runs": runs.collect::<Vec<_>>(),
            "failed_runs": self.failed_runs(),
            "evaluators": evaluators.collect::<serde_json::Map<_, _>>(),
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cost": self.cost(),
            "missed": misses.collect::<Vec<_>>(),
            "link": self.link(),
        })
    }

    /// Writes [`to_json`](Self::to_json) to a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_json(&self, path: impl AsRef<Path>) -> io::Result<()> {
        create_folder_of(path.as_ref())?;
        fs::write(path, format!("{:#}\n", self.to_json()))
    }
}

fn not_successful(kind: NonSuccessKind, text: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(text);
    status
}

fn create_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
