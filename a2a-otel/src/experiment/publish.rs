//! Sends results to Phoenix while the experiment runs. What Phoenix cannot take waits in the journal.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use serde_json::Map;
use tokio::task::spawn_blocking;

use super::ExperimentError;
use super::journal::{Content, EvaluationRecord, Header, Journal, Line, Place, Remote, spool_path};
use super::run::{RunRecord, time};
use crate::annotation::AnnotatorKind;
use crate::dataset::Dataset;
use crate::deadline;
pub(super) use crate::phoenix::Client;
use crate::phoenix::{NewExperiment, PhoenixError, RemoteEvaluation, RemoteRun};
use crate::pipeline::redirect::Redirection;
use crate::report::report;
use crate::settings::Spool;
use crate::telemetry::{Handle, Telemetry};

/// After a failure, Phoenix is left alone for this long.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the end waits for the traces.
const TRACES_PATIENCE: Duration = Duration::from_secs(30);

/// How long one result is tried for, before the next look at whether the experiment has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// A result to send.
#[derive(Debug)]
enum Item {
    Run(RunRecord),
    Evaluation(EvaluationRecord),
}

/// Sends results on a thread of its own.
#[derive(Debug)]
pub(super) struct Publisher {
    /// `None` once there will be no more.
    results: Option<Sender<Item>>,
    thread: Option<JoinHandle<()>>,
    deadline: Arc<OnceLock<Instant>>,
}

/// An experiment that Phoenix has.
pub(super) struct Registered {
    client: Client,
    /// The dataset as Phoenix has it.
    dataset: Dataset,
    remote: Remote,
    /// Where the traces of the runs go, unless telemetry is switched off.
    aside: Option<(Redirection, Telemetry)>,
    /// The folder of traces that could not be sent, unless another spool is configured.
    spool: PathBuf,
}

impl Registered {
    /// Makes the dataset and the experiment known to Phoenix, unless an interrupted experiment has. If Phoenix does not
    /// answer, the experiment runs without it.
    pub(super) async fn register(
        client: &Client,
        dataset: &Dataset,
        description: Option<&str>,
        before: &mut Content,
        journal: &Journal,
    ) -> Result<Option<Self>, ExperimentError> {
        let (client, dataset, known) = (client.clone(), dataset.clone(), before.clone());
        let (description, spool) = (description.map(str::to_owned), spool_path(journal.path()));
        let registering = spawn_blocking(move || {
            Self::register_now(client, &dataset, description.as_deref(), &known, &spool)
        });
        match registering.await.unwrap_or_else(|_| Err(ExperimentError::NoRuntime)) {
            Ok(registered) => {
                let line = Line::Phoenix(registered.remote.clone());
                journal.append(&line)?;
                before.add(line);
                Ok(Some(registered))
            }
            Err(error) => {
                let error = error.passing().inspect_err(|_| {
                    if before.runs.is_empty() {
                        journal.discard();
                    }
                })?;
                report(&format_args!(
                    "{error}; the experiment runs without Phoenix, and its results wait in {}: run it again with resume() \
                     to send them",
                    journal.path().display()
                ));
                Ok(None)
            }
        }
    }

    fn register_now(
        client: Client,
        dataset: &Dataset,
        description: Option<&str>,
        before: &Content,
        spool: &Path,
    ) -> Result<Self, ExperimentError> {
        let dataset = client.upload(dataset)?;
        let remote = match before.remote.clone() {
            Some(remote)
                if client
                    .experiment(&remote.experiment_id)?
                    // Phoenix gives the ids of deleted experiments to new ones, but each has a project of its own.
                    .is_some_and(|one| one.project_name.as_deref() == Some(&*remote.project)) =>
            {
                remote
            }
            _ => create(&client, &dataset, description, &before.header)?,
        };
        let mut settings = client.settings().clone().for_project(&remote.project);
        settings.spool.get_or_insert_with(|| Spool::new(spool));
        // What the application hides stays hidden here.
        if let Some(running) = Handle::installed() {
            settings.privacy = running.settings().privacy.clone();
            settings.semconv = running.settings().semconv;
        }
        let aside =
            Telemetry::aside(settings).map(|(pipeline, telemetry)| (Redirection::to(pipeline), telemetry));
        Ok(Self { client, dataset, remote, aside, spool: spool.to_owned() })
    }

    /// A context without a span, whose traces go to the experiment's project.
    pub(super) fn context(&self) -> Context {
        let context = Context::new();
        self.aside
            .as_ref()
            .map_or_else(|| context.clone(), |(redirection, _)| redirection.in_context(&context))
    }

    pub(super) fn publisher(&self, before: &Content, journal: Arc<Journal>) -> Publisher {
        Publisher::start(&self.client, &self.dataset, &self.remote, before, journal)
    }

    pub(super) fn link(&self) -> String {
        self.client.compare_url(&self.remote.dataset_id, &[&self.remote.experiment_id])
    }

    /// Sends the traces that are waiting.
    pub(super) async fn end(self) {
        let Some((redirection, telemetry)) = self.aside else { return };
        drop(redirection);
        let delivery = spawn_blocking(move || telemetry.shutdown(TRACES_PATIENCE)).await;
        if let Some(waiting) = delivery.ok().map(|delivery| delivery.spooled).filter(|waiting| *waiting > 0) {
            report(&format_args!(
                "{waiting} spans of the experiment wait on disk; run it again with resume() to send them"
            ));
        }
        remove_empty(&self.spool);
    }
}

/// Removes a folder that holds nothing but empty folders.
fn remove_empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        remove_empty(&entry.path());
    }
    let _ = fs::remove_dir(folder);
}

fn create(
    client: &Client,
    dataset: &Dataset,
    description: Option<&str>,
    header: &Header,
) -> Result<Remote, ExperimentError> {
    let place = dataset.stored().ok_or_else(|| ExperimentError::Incomplete {
        name: header.name.clone(),
        fault: "has a dataset that Phoenix has not stored".to_owned(),
    })?;
    let created = client.create_experiment(&NewExperiment {
        dataset_id: &place.dataset_id,
        version_id: Some(&place.version_id),
        name: &header.name,
        description,
        metadata: Map::new(),
        repetitions: NonZeroU32::new(header.repetitions).unwrap_or(NonZeroU32::MIN),
        splits: Vec::new(),
    })?;
    Ok(Remote {
        dataset_id: created.dataset_id,
        experiment_id: created.id,
        project: created.project_name.unwrap_or_default(),
    })
}

impl Publisher {
    /// Starts to send, with what an interrupted experiment has not sent. What failed is left out, because it is done again.
    pub(super) fn start(
        client: &Client,
        dataset: &Dataset,
        remote: &Remote,
        before: &Content,
        journal: Arc<Journal>,
    ) -> Self {
        let (results, waiting) = channel();
        let nodes = dataset.examples().iter();
        let nodes = nodes.filter_map(|one| Some((one.id().to_owned(), one.node_id()?.to_owned())));
        let runs = before.unsent_runs().filter(|run| run.error.is_none()).cloned().map(Item::Run);
        let is_kept = |one: &&EvaluationRecord| {
            one.error.is_none() && before.runs.get(&one.place()).is_some_and(|run| run.error.is_none())
        };
        let evaluations = before.unsent_evaluations().filter(is_kept).cloned().map(Item::Evaluation);
        let deadline = Arc::<OnceLock<Instant>>::default();
        let worker = Worker {
            client: client.clone().within(PATIENCE),
            experiment: remote.experiment_id.clone(),
            nodes: nodes.collect(),
            runs: before.runs_sent.clone(),
            unsent: runs.chain(evaluations).collect(),
            deadline: deadline.clone(),
            journal,
            has_reported: false,
        };
        let thread = thread::spawn(move || worker.run(&waiting));
        Self { results: Some(results), thread: Some(thread), deadline }
    }

    pub(super) fn run(&self, run: RunRecord) {
        self.send(Item::Run(run));
    }

    pub(super) fn evaluation(&self, evaluation: EvaluationRecord) {
        self.send(Item::Evaluation(evaluation));
    }

    fn send(&self, item: Item) {
        if let Some(results) = &self.results {
            let _ = results.send(item);
        }
    }

    /// Sends what is waiting, for at most this long.
    pub(super) async fn finish(mut self, timeout: Duration) {
        let _ = self.deadline.set(deadline::after(timeout));
        self.results = None;
        if let Some(thread) = self.thread.take() {
            let _ = spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Publisher {
    /// An experiment that is dropped does not send any more.
    fn drop(&mut self) {
        let _ = self.deadline.set(Instant::now());
    }
}

struct Worker {
    client: Client,
    experiment: String,
    /// Phoenix's own ids of the examples.
    nodes: HashMap<String, String>,
    /// Phoenix's ids of the runs that it has; none for those that it has refused.
    runs: BTreeMap<Place, Option<String>>,
    unsent: VecDeque<Item>,
    /// When to give up, once the experiment has ended.
    deadline: Arc<OnceLock<Instant>>,
    journal: Arc<Journal>,
    has_reported: bool,
}

impl Worker {
    fn run(mut self, results: &Receiver<Item>) {
        let mut has_ended = false;
        loop {
            self.send_all();
            if self.is_late() || (has_ended && self.unsent.is_empty()) {
                return;
            }
            has_ended = self.wait(results) || has_ended;
        }
    }

    fn is_late(&self) -> bool {
        self.deadline.get().is_some_and(|deadline| deadline::left(*deadline).is_zero())
    }

    /// Sends what is waiting, as long as Phoenix answers.
    fn send_all(&mut self) {
        while !self.is_late()
            && let Some(item) = self.unsent.pop_front()
        {
            match self.send(&item) {
                Ok(()) => {}
                Err(error) if error.is_passing() => {
                    self.unsent.push_front(item);
                    return self.report_once(&error);
                }
                Err(error) => {
                    report(&format_args!("Phoenix refuses a result of the experiment: {error}"));
                    self.note(&item.sent(None));
                }
            }
        }
    }

    /// Waits for results, or for another attempt. Returns whether there will be no more results.
    fn wait(&mut self, results: &Receiver<Item>) -> bool {
        match results.recv_timeout(PAUSE) {
            Ok(item) => {
                self.unsent.push_back(item);
                self.unsent.extend(results.try_iter());
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                if !self.unsent.is_empty() {
                    thread::sleep(PAUSE.min(self.left()));
                }
                true
            }
        }
    }

    fn left(&self) -> Duration {
        self.deadline.get().map_or(PAUSE, |deadline| deadline::left(*deadline))
    }

    fn report_once(&mut self, error: &PhoenixError) {
        if !std::mem::replace(&mut self.has_reported, true) {
            report(&format_args!(
                "{error}; the experiment continues, and its results wait in {}",
                self.journal.path().display()
            ));
        }
    }

    /// Notes in the journal what Phoenix has or has refused.
    fn note(&mut self, line: &Line) {
        if let Line::RunSent { example, repetition, id } = line {
            self.runs.insert((example.clone(), *repetition), id.clone());
        }
        if let Err(error) = self.journal.append(line) {
            report(&error);
        }
    }

    fn send(&mut self, item: &Item) -> Result<(), PhoenixError> {
        let id = match item {
            Item::Run(run) => self.send_run(run)?,
            Item::Evaluation(evaluation) => self.send_evaluation(evaluation)?,
        };
        self.note(&item.sent(id));
        Ok(())
    }

    fn send_run(&self, run: &RunRecord) -> Result<Option<String>, PhoenixError> {
        let Some(node) = self.nodes.get(&run.example) else { return Ok(None) };
        let run = RemoteRun {
            example_node_id: node,
            repetition: run.repetition,
            output: &run.output,
            error: run.error.as_deref(),
            start: time(run.start),
            end: time(run.end),
            trace_id: run.trace_id.clone(),
        };
        self.client.post_run(&self.experiment, &run).map(Some)
    }

    /// Nothing can be said about a run that Phoenix has refused.
    fn send_evaluation(&self, one: &EvaluationRecord) -> Result<Option<String>, PhoenixError> {
        let Some(Some(run)) = self.runs.get(&one.place()) else { return Ok(None) };
        let kinds = [AnnotatorKind::Human, AnnotatorKind::Llm, AnnotatorKind::Code];
        let evaluation = RemoteEvaluation {
            name: &one.name,
            kind: kinds.into_iter().find(|kind| kind.as_str() == one.kind).unwrap_or_default(),
            start: time(one.start),
            end: time(one.end),
            score: one.verdict.value(),
            label: one.verdict.label(),
            explanation: one.verdict.explanation(),
            error: one.error.as_deref(),
            metadata: Map::new(),
            trace_id: one.trace_id.clone(),
        };
        self.client.post_evaluation(run, &evaluation).map(|()| None)
    }
}

impl Item {
    /// The line of the journal that says that Phoenix has it, under this id if it is a run, or has refused it.
    fn sent(&self, id: Option<String>) -> Line {
        match self {
            Self::Run(run) => Line::RunSent { example: run.example.clone(), repetition: run.repetition, id },
            Self::Evaluation(one) => Line::EvaluationSent {
                example: one.example.clone(),
                repetition: one.repetition,
                name: one.name.clone(),
            },
        }
    }
}
