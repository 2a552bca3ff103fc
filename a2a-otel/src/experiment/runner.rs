//! Configures and runs an experiment.

use std::collections::BTreeSet;
use std::error::Error;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

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
/// to a file below `experiments/` as they arrive, with or without a Phoenix, so that an interrupted experiment can go on.
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

    /// Goes on with the last experiment of this name, dataset and number of repetitions, if it was interrupted or if Phoenix
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
        let ids = dataset.examples().iter().map(|example| example.id().to_owned()).collect();
        let header = header(&self.name, dataset.name(), ids, self.repetitions);
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
        let unsent = running.end().await;
        journal.append(&Line::Finished)?;
        let content = Content::read(journal.path())?;
        let link = registered.as_ref().map(Registered::link);
        if let Some(registered) = registered {
            registered.end().await;
        }
        Ok(Report::new(content, &dataset, journal.path(), self.thresholds).sent(link, unsent))
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
        let places = Arc::new(Semaphore::new(concurrency));
        let mut jobs = JoinSet::new();
        for example in dataset.examples() {
            for repetition in 1..=repetitions {
                let (running, example, places) = (self.clone(), example.clone(), places.clone());
                jobs.spawn(async move {
                    let _place = places.acquire().await;
                    running.run_one(example, repetition).await
                });
            }
        }
        while let Some(ended) = jobs.join_next().await {
            ended.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// Answers one example once, and evaluates the answer, as far as that is not done.
    async fn run_one(&self, example: Example, repetition: u32) -> Result<(), ExperimentError> {
        let is_it = |of: &str, number: u32| (of, number) == (example.id(), repetition);
        let done =
            self.before.runs.iter().find(|run| is_it(&run.example, run.repetition) && run.error.is_none());
        let run = match done.cloned() {
            Some(record) => Run::new(example.clone(), record, self.kept_spans(&example, repetition)),
            None => {
                let run = self.conditions.answer(&self.task, example.clone(), repetition).await;
                self.keep_spans(&run);
                self.journal.append(&Line::Run(run.record().clone()))?;
                self.publisher.iter().for_each(|publisher| publisher.run(run.record().clone()));
                run
            }
        };
        let is_judged = |name: &str| {
            let mut evaluations = self.before.evaluations.iter();
            evaluations
                .any(|one| is_it(&one.example, one.repetition) && one.name == name && one.error.is_none())
        };
        for evaluator in &self.evaluators {
            if done.is_none() || !is_judged(evaluator.name()) {
                let evaluation = self.conditions.evaluate(evaluator, &run).await;
                self.journal.append(&Line::Evaluation(evaluation.clone()))?;
                self.publisher.iter().for_each(|publisher| publisher.evaluation(evaluation.clone()));
            }
        }
        self.progress.advance(run.error().is_some());
        Ok(())
    }

    /// Keeps the trace of a run, for comparisons. The results do not depend on it.
    fn keep_spans(&self, run: &Run) {
        let path = trace_path(self.journal.path(), run.example().id(), run.repetition());
        let write = || Trace::new(run.spans().to_vec()).write(&path);
        if !run.spans().is_empty()
            && let Err(error) = write()
        {
            report(&error);
        }
    }

    fn kept_spans(&self, example: &Example, repetition: u32) -> Vec<Captured> {
        let trace = Trace::read(trace_path(self.journal.path(), example.id(), repetition));
        trace.map(|trace| trace.spans().to_vec()).unwrap_or_default()
    }

    /// Waits until Phoenix has the results. Returns how many it could not take.
    async fn end(self: Arc<Self>) -> usize {
        // All jobs have ended, so nobody else has it.
        let Some(running) = Arc::into_inner(self) else { return 0 };
        running.progress.end();
        let Some(publisher) = running.publisher else { return 0 };
        publisher.finish(PATIENCE).await
    }
}
