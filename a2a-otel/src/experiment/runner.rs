//! Configures and runs an experiment.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::future::Future;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use serde::Serialize;
use tokio::task::{JoinSet, spawn_blocking};

use super::ExperimentError;
use super::evaluator::{Evaluator, IntoEvaluator};
use super::gate::Gate;
use super::journal::{Claim, Content, Header, Journal, Line, header, trace_path};
use super::progress::Progress;
use super::publish::{Client, Publisher, Registered};
use super::report::Report;
use super::run::Run;
use super::task::{Conditions, Task, task};
use super::threshold::Threshold;
use crate::dataset::{Dataset, Example};
use crate::report::report;
use crate::testing::{Captured, Trace};

/// As in Phoenix's Python client.
const CONCURRENCY: usize = 3;
const TIMEOUT: Duration = Duration::from_secs(60);
const LIMIT_RETRIES: u32 = 10;
/// How long the end waits for Phoenix.
const PATIENCE: Duration = Duration::from_secs(30);
const FOLDER: &str = "experiments";

/// Runs a task over the examples of a dataset, and judges each answer.
///
/// Every run is a trace of its own. A task that fails, panics or takes too long is a result, not an end. Results are written
/// to a file below `experiments/` as they arrive, with or without a Phoenix, so that an interrupted experiment can continue.
///
/// ```
/// use a2a_otel::evaluation::{Dataset, Example, Experiment, evaluators};
///
/// # async fn answer(question: &str) -> Result<String, std::io::Error> { Ok(question.to_uppercase()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join("a2a-otel-doc-experiment");
/// let dataset = Dataset::new("questions")
///     .with_example(Example::new("which lamps?").with_expected("LAMPS"))
///     .with_example(Example::new("which tables?").with_expected("TABLES"));
/// let report = Experiment::new("shouting")
///     .dataset(dataset)
///     .task(|example: Example| async move { answer(example.input().as_str().unwrap_or_default()).await })
///     .evaluator(evaluators::contains_expected())
///     .repetitions(3)
///     .concurrency(8)
/// #   .folder(&folder)
///     .run()
///     .await?;
/// println!("{report}");
/// assert_eq!(report.mean("contains_expected"), Some(1.0));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an experiment does nothing until `run`"]
pub struct Experiment {
    name: String,
    description: Option<String>,
    dataset: Option<Dataset>,
    task: Option<Task>,
    evaluators: Vec<Evaluator>,
    thresholds: Vec<Threshold>,
    repetitions: u32,
    concurrency: usize,
    timeout: Duration,
    retries: u32,
    folder: PathBuf,
    phoenix: Option<Client>,
    resumes: bool,
    shows_progress: bool,
}

impl Experiment {
    /// Creates an experiment with a name, under which its results are kept and compared.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            dataset: None,
            task: None,
            evaluators: Vec::new(),
            thresholds: Vec::new(),
            repetitions: 1,
            concurrency: CONCURRENCY,
            timeout: TIMEOUT,
            retries: 0,
            folder: PathBuf::from(FOLDER),
            phoenix: None,
            resumes: false,
            shows_progress: true,
        }
    }

    /// Sets a description, which Phoenix shows.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Sets the examples.
    pub fn dataset(self, dataset: Dataset) -> Self {
        Self { dataset: Some(dataset), ..self }
    }

    /// Sets what answers an example: an async function that returns a `Result`, with anything that serialises.
    pub fn task<F, Fut, T, E>(self, answer: F) -> Self
    where
        F: Fn(Example) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self { task: Some(task(answer)), ..self }
    }

    /// Adds an evaluator: see [`IntoEvaluator`] for what can be one.
    pub fn evaluator<Kind>(mut self, evaluator: impl IntoEvaluator<Kind>) -> Self {
        self.evaluators.push(evaluator.into_evaluator());
        self
    }

    /// Adds a requirement, which [`Report::check`] and [`Report::assert`] look at.
    pub fn require(mut self, threshold: Threshold) -> Self {
        self.thresholds.push(threshold);
        self
    }

    /// Sets how often each example is answered. The default is once.
    pub fn repetitions(self, repetitions: u32) -> Self {
        Self { repetitions, ..self }
    }

    /// Sets how many examples are answered at the same time. The default is 3.
    pub fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }

    /// Sets how long the task, and each evaluator, may take for a run. The default is 60 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets how often a task that fails is tried again. The default is not at all. Rate limits are waited for in any case: see
    /// [`RateLimited`](super::RateLimited).
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Sets the folder in which results are kept. The default is `experiments`.
    pub fn folder(self, folder: impl AsRef<Path>) -> Self {
        Self { folder: folder.as_ref().to_owned(), ..self }
    }

    /// Sends dataset, results and traces to this Phoenix too. If it cannot be reached at the end, the results wait in the
    /// file, and [`resume`](Self::resume) sends them.
    #[cfg(feature = "otlp")]
    pub fn phoenix(self, client: Client) -> Self {
        Self { phoenix: Some(client), ..self }
    }

    /// Continues the last experiment of this name, dataset and number of repetitions, if it was interrupted or if Phoenix
    /// lacks results of it: what failed or is missing is run, the rest is kept.
    pub fn resume(self) -> Self {
        Self { resumes: true, ..self }
    }

    /// Sets whether a terminal shows the progress. The default is yes.
    pub fn progress(self, shows_progress: bool) -> Self {
        Self { shows_progress, ..self }
    }

    /// Runs the experiment. It needs a tokio runtime; on one with several threads, tasks run in parallel.
    ///
    /// # Errors
    ///
    /// If the experiment lacks a dataset or a task, if its results cannot be kept, or if Phoenix refuses it.
    pub async fn run(self) -> Result<Report, ExperimentError> {
        let (dataset, task) = self.check()?;
        let header = header(&self.name, &dataset, self.repetitions);
        let (journal, _claim, mut before) = self.journal(header)?;
        let journal = Arc::new(journal);
        let registered = match &self.phoenix {
            Some(client) => {
                Registered::register(client, &dataset, self.description.as_deref(), &mut before, &journal)
                    .await?
            }
            None => None,
        };
        let running = Arc::new(Running {
            conditions: self.conditions(registered.as_ref().map_or_else(Context::new, Registered::context)),
            publisher: registered.as_ref().map(|one| one.publisher(&before, journal.clone())),
            evaluators: self.evaluators.clone(),
            task,
            journal: journal.clone(),
            before,
            progress: Progress::start(
                self.shows_progress,
                &self.name,
                dataset.len() * self.repetitions as usize,
            ),
        });
        running.clone().run_all(&dataset, self.repetitions, self.concurrency).await?;
        running.end().await;
        journal.append(&Line::Finished)?;
        let link = registered.as_ref().map(Registered::link);
        if let Some(registered) = registered {
            registered.end().await;
        }
        let content = read(journal.path().to_owned()).await?;
        let evaluators = self.evaluators.iter().map(Evaluator::name).collect();
        Ok(Report::new(content, &dataset, journal.path(), self.thresholds).only(&evaluators).linked(link))
    }

    /// Returns what the experiment cannot do without.
    fn check(&self) -> Result<(Dataset, Task), ExperimentError> {
        let incomplete = |fault: String| ExperimentError::Incomplete { name: self.name.clone(), fault };
        let named_twice = self.named_twice();
        let fault = [
            (self.name.is_empty(), "has no name; give it one, by which its results can be found"),
            (self.repetitions == 0, "is to be repeated 0 times; set repetitions to at least 1"),
            (self.concurrency == 0, "has concurrency 0; set it to at least 1"),
        ];
        if let Some((_, fault)) = fault.iter().find(|(is_so, _)| *is_so) {
            return Err(incomplete((*fault).to_owned()));
        }
        if let Some(name) = named_twice {
            return Err(incomplete(format!(
                "has two evaluators named {name:?}; name one with Evaluator::new(..)"
            )));
        }
        tokio::runtime::Handle::try_current().map_err(|_| ExperimentError::NoRuntime)?;
        let dataset = self.dataset.clone().filter(|dataset| !dataset.is_empty());
        let dataset =
            dataset.ok_or_else(|| incomplete("has no examples; give it some with dataset(..)".to_owned()))?;
        dataset.check().map_err(|error| incomplete(format!("has a dataset that cannot be used: {error}")))?;
        let task = self.task.clone();
        let task = task.ok_or_else(|| incomplete("has no task; give it one with task(..)".to_owned()))?;
        Ok((dataset, task))
    }

    fn named_twice(&self) -> Option<&str> {
        let mut names = BTreeSet::new();
        self.evaluators.iter().map(Evaluator::name).find(|name| !names.insert(*name))
    }

    fn journal(&self, header: Header) -> Result<(Journal, Claim, Content), ExperimentError> {
        if self.resumes
            && let Some(found) = Journal::resume(&self.folder, &header, self.phoenix.is_some())?
        {
            return Ok(found);
        }
        let (journal, claim) = Journal::create(&self.folder, &header)?;
        Ok((journal, claim, Content::new(header)))
    }

    fn conditions(&self, context: Context) -> Conditions {
        Conditions {
            name: self.name.clone(),
            timeout: self.timeout,
            retries: self.retries,
            limit_retries: LIMIT_RETRIES,
            gate: Gate::default(),
            context,
        }
    }
}

/// An experiment that runs.
struct Running {
    conditions: Conditions,
    publisher: Option<Publisher>,
    evaluators: Vec<Evaluator>,
    task: Task,
    journal: Arc<Journal>,
    /// What an interrupted experiment has done.
    before: Content,
    progress: Progress,
}

impl Running {
    async fn run_all(
        self: Arc<Self>,
        dataset: &Dataset,
        repetitions: u32,
        concurrency: usize,
    ) -> Result<(), ExperimentError> {
        let examples = dataset.examples().iter();
        let mut waiting =
            examples.flat_map(|example| (1..=repetitions).map(move |repetition| (example, repetition)));
        let mut jobs = JoinSet::new();
        loop {
            while jobs.len() < concurrency
                && let Some((example, repetition)) = waiting.next()
            {
                let (running, example) = (self.clone(), example.clone());
                jobs.spawn(async move { running.run_one(example, repetition).await });
            }
            let Some(ended) = jobs.join_next().await else { return Ok(()) };
            ended.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(_) => Ok(()),
            })?;
        }
    }

    /// Answers one example once, and evaluates the answer, as far as that is not done.
    async fn run_one(&self, example: Example, repetition: u32) -> Result<(), ExperimentError> {
        let place = (example.id().to_owned(), repetition);
        let done = self.before.runs.get(&place).filter(|run| run.error.is_none());
        let judged = done.and_then(|_| self.before.evaluations.get(&place));
        let run = if let Some(record) = done {
            let spans = self.kept_spans(&example, repetition);
            Run::new(example, record.clone(), spans)
        } else {
            self.answer(example, repetition).await?
        };
        for evaluator in &self.evaluators {
            let known = judged.and_then(|judged| judged.get(evaluator.name()));
            if known.is_none_or(|one| one.error.is_some()) {
                let evaluation = self.conditions.evaluate(evaluator, &run).await;
                self.journal.append(&Line::Evaluation(evaluation.clone()))?;
                self.publisher.iter().for_each(|publisher| publisher.evaluation(evaluation.clone()));
            }
        }
        self.progress.advance(run.error().is_some());
        Ok(())
    }

    async fn answer(&self, example: Example, repetition: u32) -> Result<Run, ExperimentError> {
        let run = self.conditions.answer(&self.task, example, repetition).await;
        self.keep_spans(&run);
        self.journal.append(&Line::Run(run.record().clone()))?;
        self.publisher.iter().for_each(|publisher| publisher.run(run.record().clone()));
        Ok(run)
    }

    /// Keeps the trace of a run, for comparisons. The results do not depend on it.
    fn keep_spans(&self, run: &Run) {
        let path = trace_path(self.journal.path(), run.example().id(), run.repetition());
        // An earlier attempt may have left one.
        let _ = fs::remove_file(&path);
        if !run.spans().is_empty()
            && let Err(error) = Trace::new(run.spans().to_vec()).write(&path)
        {
            report(&error);
        }
    }

    fn kept_spans(&self, example: &Example, repetition: u32) -> Vec<Captured> {
        let trace = Trace::read(trace_path(self.journal.path(), example.id(), repetition));
        trace.map(|trace| trace.spans().to_vec()).unwrap_or_default()
    }

    /// Waits until Phoenix has the results.
    async fn end(self: Arc<Self>) {
        // All jobs have ended, so nobody else has it.
        let Some(running) = Arc::into_inner(self) else { return };
        running.progress.end();
        if let Some(publisher) = running.publisher {
            publisher.finish(PATIENCE).await;
        }
    }
}

/// Reads the results of a finished experiment, which may be long.
async fn read(path: PathBuf) -> Result<Content, ExperimentError> {
    let read = spawn_blocking(move || Content::read(&path)).await;
    read.unwrap_or(Err(ExperimentError::NoRuntime))
}
