//! Experiments in Phoenix: their runs, and what evaluators say about them.

use std::num::NonZeroU32;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Client, data};
use super::timestamp::timestamp;
use super::{Answer, PhoenixError};
use crate::annotation::AnnotatorKind;
use crate::percent::encode;

/// The largest page of a list.
const PAGE: usize = 1000;

/// An experiment that is to be created.
#[derive(Clone, Debug)]
pub(crate) struct NewExperiment<'a> {
    pub(crate) dataset_id: &'a str,
    /// The newest if it is not named.
    pub(crate) version_id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    /// Phoenix stores zero, and then fails on the dataset's list of experiments.
    pub(crate) repetitions: NonZeroU32,
    /// Only examples of these splits are run, or all if there is none.
    pub(crate) splits: Vec<String>,
}

/// An experiment in Phoenix.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct RemoteExperiment {
    pub(crate) id: String,
    pub(crate) dataset_id: String,
    pub(crate) dataset_version_id: String,
    /// Phoenix makes a project for each experiment, to which the traces of its runs belong.
    pub(crate) project_name: Option<String>,
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) repetitions: u32,
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
    #[serde(default)]
    pub(crate) example_count: u32,
    #[serde(default)]
    pub(crate) successful_run_count: u32,
    #[serde(default)]
    pub(crate) failed_run_count: u32,
    #[serde(default)]
    pub(crate) missing_run_count: i64,
}

/// One run of a task, on one example.
#[derive(Clone, Debug)]
pub(crate) struct RemoteRun<'a> {
    /// Phoenix's own id of the example: [`Example::node_id`](crate::dataset::Example::node_id).
    pub(crate) example_node_id: &'a str,
    /// From 1.
    pub(crate) repetition: u32,
    pub(crate) output: &'a Value,
    /// Why the task failed. An empty text counts as no error, though Phoenix would take it as one.
    pub(crate) error: Option<&'a str>,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    /// 32 hexadecimal digits.
    pub(crate) trace_id: Option<String>,
}

/// What an evaluator says about a run. It replaces all that was said under its name.
#[derive(Clone, Debug)]
pub(crate) struct RemoteEvaluation<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: AnnotatorKind,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    pub(crate) score: Option<f64>,
    pub(crate) label: Option<&'a str>,
    pub(crate) explanation: Option<&'a str>,
    /// Why the evaluator failed.
    pub(crate) error: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    /// 32 hexadecimal digits.
    pub(crate) trace_id: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// A run, as the list of runs has it.
#[derive(Deserialize)]
struct PostedRun {
    id: String,
    dataset_example_id: String,
    repetition_number: u32,
}

impl Client {
    pub(crate) fn create_experiment(
        &self,
        experiment: &NewExperiment<'_>,
    ) -> Result<RemoteExperiment, PhoenixError> {
        let NewExperiment { dataset_id, version_id, name, description, metadata, repetitions, splits } =
            experiment;
        let mut body = json!({
            "name": name, "description": description, "metadata": metadata, "version_id": version_id,
            "repetitions": repetitions,
        });
        if !splits.is_empty() {
            body["splits"] = json!(splits);
        }
        let path = format!("/v1/datasets/{}/experiments", encode(dataset_id));
        self.post_once(&path, body).map(data)
    }

    pub(crate) fn experiment(&self, experiment_id: &str) -> Result<Option<RemoteExperiment>, PhoenixError> {
        let found = self.find(&format!("/v1/experiments/{}", encode(experiment_id)))?;
        Ok(found.map(data))
    }

    /// Posts a run and returns its id. A run that has succeeded before is kept as it is, and its id is returned.
    pub(crate) fn post_run(&self, experiment_id: &str, run: &RemoteRun<'_>) -> Result<String, PhoenixError> {
        let RemoteRun { example_node_id, repetition, output, error, start, end, trace_id } = run;
        let body = json!({
            "dataset_example_id": example_node_id, "repetition_number": repetition, "output": output,
            "error": error.filter(|error| !error.is_empty()), "trace_id": trace_id,
            "start_time": timestamp(*start), "end_time": timestamp(*end),
        });
        let path = format!("/v1/experiments/{}/runs", encode(experiment_id));
        match self.post::<Answer<Id>>(&path, body) {
            Ok(answer) => Ok(answer.data.id),
            Err(error @ PhoenixError::Rejected { status: 409, .. }) => {
                let existing = self.find_run(&path, example_node_id, *repetition)?;
                existing.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    fn find_run(
        &self,
        path: &str,
        example_node_id: &str,
        repetition: u32,
    ) -> Result<Option<String>, PhoenixError> {
        let runs: Vec<PostedRun> = self.all(&format!("{path}?limit={PAGE}"), usize::MAX)?;
        let is_sought = |run: &PostedRun| {
            run.dataset_example_id == example_node_id && run.repetition_number == repetition
        };
        Ok(runs.into_iter().find(is_sought).map(|run| run.id))
    }

    /// Posts what an evaluator says about a run.
    pub(crate) fn post_evaluation(
        &self,
        run_id: &str,
        evaluation: &RemoteEvaluation<'_>,
    ) -> Result<(), PhoenixError> {
        let RemoteEvaluation { name, kind, start, end, score, label, explanation, error, metadata, trace_id } =
            evaluation;
        let has_result = score.is_some() || label.is_some() || explanation.is_some();
        let result = has_result.then(|| json!({"score": score, "label": label, "explanation": explanation}));
        let body = json!({
            "experiment_run_id": run_id, "name": name, "annotator_kind": kind.as_str(),
            "start_time": timestamp(*start), "end_time": timestamp(*end), "result": result, "error": error,
            "metadata": metadata, "trace_id": trace_id,
        });
        self.post("/v1/experiment_evaluations", body).map(|Answer::<Id> { .. }| ())
    }

    /// Returns the page on which Phoenix compares experiments. The first is the one that others are compared with.
    pub(crate) fn compare_url(&self, dataset_id: &str, experiment_ids: &[&str]) -> String {
        let experiments = experiment_ids.iter().map(|id| format!("experimentId={}", encode(id)));
        let experiments = experiments.collect::<Vec<_>>().join("&");
        self.page(&format!("/datasets/{}/compare?{experiments}", encode(dataset_id)))
    }
}
