//! Runs the task of an experiment and its evaluators: spans, time-outs, panics and rate limits.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use a2a_otel_macros::{chain_span, evaluator_span};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use serde::Serialize;
use serde_json::Value;
use tokio::task::{JoinError, JoinSet};

use super::evaluator::Evaluator;
use super::gate::{Gate, RateLimited, is_limit, limit_of};
use super::journal::EvaluationRecord;
use super::run::{Facts, Run, RunRecord, microseconds};
use super::verdict::{Verdict, causes};
use crate::dataset::Example;
use crate::testing::Collecting;

/// How long a cancelled task may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// How long spans are waited for that end after the answer, such as those of a server in the same process.
const LAST_SPANS: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A task's answer that is on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;

/// What answers an example.
pub(super) type Task = Arc<dyn Fn(Example) -> Answering + Send + Sync>;

/// Why a task has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct TaskError {
    text: String,
    limit: Option<RateLimited>,
}

impl From<String> for TaskError {
    fn from(text: String) -> Self {
        Self { text, limit: None }
    }
}

/// Wraps the user's function.
pub(super) fn task<F, Fut, T, E>(answer: F) -> Task
where
    F: Fn(Example) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Serialize,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    Arc::new(move |example| {
        let answering = answer(example);
        Box::pin(async move {
            let answer = answering.await.map_err(|error| {
                let error = error.into();
                TaskError { text: causes(&*error), limit: limit_of(&*error) }
            })?;
            serde_json::to_value(answer)
                .map_err(|error| TaskError::from(format!("the answer cannot be written as JSON: {error}")))
        })
    })
}

/// How tasks and evaluators are run.
pub(super) struct Conditions {
    pub(super) name: String,
    pub(super) timeout: Duration,
    /// How often a task is tried again after a failure.
    pub(super) retries: u32,
    /// How often a task is tried again after a rate limit.
    pub(super) limit_retries: u32,
    pub(super) gate: Gate,
    /// What the traces begin in: without a span, and leading to the experiment's project, if Phoenix has it.
    pub(super) context: Context,
}

impl Conditions {
    /// Answers an example, with as many attempts as are allowed. The last one counts.
    pub(super) async fn answer(&self, task: &Task, example: Example, repetition: u32) -> Run {
        let (mut failures, mut limits) = (0, 0);
        loop {
            self.gate.pass().await;
            let (run, error) = self.attempt(task, example.clone(), repetition).await;
            match error {
                Some(TaskError { limit: Some(limit), .. }) if limits < self.limit_retries => {
                    self.gate.close(&limit, limits);
                    limits += 1;
                }
                Some(TaskError { limit: None, .. }) if failures < self.retries => failures += 1,
                _ => return run,
            }
        }
    }

    async fn attempt(&self, task: &Task, example: Example, repetition: u32) -> (Run, Option<TaskError>) {
        let collecting = Collecting::start();
        let context = collecting.in_context(&self.context);
        let start = microseconds(SystemTime::now());
        let answering = observed(format!("Task: {}", self.name), example.clone(), task.clone());
        let answered =
            self.guard(answering.with_context(context)).await.unwrap_or_else(|fault| Err(fault.into()));
        let end = microseconds(SystemTime::now());
        completed(&collecting).await;
        let spans = collecting.spans();
        let (output, error) = match answered {
            Ok(output) => (output, None),
            Err(error) => (Value::Null, Some(error)),
        };
        let record = RunRecord {
            example: example.id().to_owned(),
            repetition,
            output,
            error: error.as_ref().map(|error| error.text.clone()),
            start,
            end,
            trace_id: spans.first().map(|span| span.trace_id.to_string()),
            facts: Facts::of(&spans),
        };
        (Run::new(example, record, spans), error)
    }

    /// Evaluates a run. Judges wait for limits as tasks do.
    pub(super) async fn evaluate(&self, evaluator: &Evaluator, run: &Run) -> EvaluationRecord {
        for limits in 0..self.limit_retries {
            self.gate.pass().await;
            let record = self.evaluate_once(evaluator, run).await;
            if !record.error.as_deref().is_some_and(is_limit) {
                return record;
            }
            self.gate.close(&RateLimited::default(), limits);
        }
        self.evaluate_once(evaluator, run).await
    }

    async fn evaluate_once(&self, evaluator: &Evaluator, run: &Run) -> EvaluationRecord {
        let collecting = Collecting::start();
        let context = collecting.in_context(&self.context);
        let start = microseconds(SystemTime::now());
        let judging = judged(format!("Evaluation: {}", evaluator.name()), evaluator.clone(), run.clone());
        let judged = self.guard(judging.with_context(context)).await.unwrap_or_else(Err);
        let (verdict, error) = match judged {
            Ok(verdict) => (verdict, None),
            Err(error) => (Verdict::default(), Some(error)),
        };
        EvaluationRecord {
            example: run.example().id().to_owned(),
            repetition: run.repetition(),
            name: evaluator.name().to_owned(),
            kind: evaluator.kind().as_str().to_owned(),
            verdict,
            error,
            start,
            end: microseconds(SystemTime::now()),
            trace_id: collecting.spans().first().map(|span| span.trace_id.to_string()),
        }
    }

    /// Runs the user's code on a task of its own, so that a panic is a result. What takes too long is cancelled.
    async fn guard<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let mut tasks = JoinSet::new();
        tasks.spawn(work);
        match tokio::time::timeout(self.timeout, tasks.join_next()).await {
            Ok(Some(ended)) => ended.map_err(panicked),
            Ok(None) => Err("the task was lost".to_owned()),
            Err(_) => {
                // Code that blocks cannot be cancelled, and is left to itself.
                tasks.abort_all();
                let _ = tokio::time::timeout(GRACE, tasks.join_next()).await;
                tasks.detach_all();
                Err(format!("it took longer than {:?} and was cancelled", self.timeout))
            }
        }
    }
}

/// Waits for the spans that end a moment after the answer.
async fn completed(collecting: &Collecting) {
    let wait = async {
        while !collecting.is_complete() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let _ = tokio::time::timeout(LAST_SPANS, wait).await;
}

fn panicked(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    format!("it panicked: {}", text.unwrap_or("without a message"))
}

/// The root of a run's trace, as Python's `run_experiment` records it.
#[chain_span(crate = crate, name = span, input = example.input())]
async fn observed(span: String, example: Example, task: Task) -> Result<Value, TaskError> {
    let answering = task(example);
    answering.await
}

/// The root of an evaluation's trace, as Python's `run_experiment` records it.
#[evaluator_span(
    crate = crate,
    name = span,
    evaluation = evaluator.name(),
    input = serde_json::json!({"input": run.input(), "output": run.output(), "expected": run.expected()}),
    score = output.value(),
    label = output.label(),
    explanation = output.explanation(),
)]
async fn judged(span: String, evaluator: Evaluator, run: Run) -> Result<Verdict, String> {
    evaluator.evaluate(run).await?.checked()
}
