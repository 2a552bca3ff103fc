//! Sends results to Phoenix while the experiment runs. What Phoenix cannot take waits in the journal.

use std::collections::{HashMap, VecDeque};
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
use super::journal::{Content, EvaluationRecord, Header, Journal, Line, Remote, spool_path};
use super::run::{RunRecord, time};
use crate::annotation::AnnotatorKind;
use crate::dataset::Dataset;
use crate::deadline;
pub(super) use crate::phoenix::Client;
use crate::phoenix::{NewExperiment, PhoenixError, RemoteEvaluation, RemoteRun};
use crate::pipeline::redirect::Redirection;
use crate::report::report;
use crate::settings::Spool;
use crate::telemetry::Telemetry;

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
    results: Sender<Item>,
    thread: JoinHandle<usize>,
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
                let error = error.passing()?;
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
        let _ = spawn_blocking(move || telemetry.shutdown(TRACES_PATIENCE)).await;
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
    /// Starts to send, with what an interrupted experiment has not sent.
    pub(super) fn start(
        client: &Client,
        dataset: &Dataset,
        remote: &Remote,
        before: &Content,
        journal: Arc<Journal>,
    ) -> Self {
        let (results, waiting) = channel();
        let nodes = dataset
            .examples()
            .iter()
            .filter_map(|example| Some((example.id().to_owned(), example.node_id()?.to_owned())));
        let ids = before
            .runs_sent
            .iter()
            .map(|(example, repetition, id)| ((example.clone(), *repetition), id.clone()));
        let deadline = Arc::<OnceLock<Instant>>::default();
        let mut worker = Worker {
            client: client.clone().with_patience(PATIENCE),
            experiment: remote.experiment_id.clone(),
            nodes: nodes.collect(),
            runs: ids.collect(),
            unsent: VecDeque::new(),
            deadline: deadline.clone(),
            journal,
            has_reported: false,
        };
        let runs = before
            .runs
            .iter()
            .filter(|run| !worker.runs.contains_key(&(run.example.clone(), run.repetition)));
        let mut unsent: VecDeque<_> = runs.cloned().map(Item::Run).collect();
        let is_sent = |one: &&EvaluationRecord| {
            before.evaluations_sent.contains(&(one.example.clone(), one.repetition, one.name.clone()))
        };
        unsent.extend(before.evaluations.iter().filter(|one| !is_sent(one)).cloned().map(Item::Evaluation));
        worker.unsent = unsent;
        let thread = thread::spawn(move || worker.run(&waiting));
        Self { results, thread, deadline }
    }

    pub(super) fn run(&self, run: RunRecord) {
        let _ = self.results.send(Item::Run(run));
    }

    pub(super) fn evaluation(&self, evaluation: EvaluationRecord) {
        let _ = self.results.send(Item::Evaluation(evaluation));
    }

    /// Sends what is waiting, for at most this long. Returns how many results could not be sent.
    pub(super) async fn finish(self, timeout: Duration) -> usize {
        let _ = self.deadline.set(deadline::after(timeout));
        drop(self.results);
        spawn_blocking(move || self.thread.join().unwrap_or(0)).await.unwrap_or(0)
    }
}

struct Worker {
    client: Client,
    experiment: String,
    /// Phoenix's own ids of the examples.
    nodes: HashMap<String, String>,
    /// Phoenix's ids of the runs that it has.
    runs: HashMap<(String, u32), String>,
    unsent: VecDeque<Item>,
    /// When to give up, once the experiment has ended.
    deadline: Arc<OnceLock<Instant>>,
    journal: Arc<Journal>,
    has_reported: bool,
}

impl Worker {
    fn run(mut self, results: &Receiver<Item>) -> usize {
        let mut has_ended = false;
        let mut refused = 0;
        loop {
            while let Some(item) = self.unsent.pop_front() {
                match self.send(&item) {
                    Ok(()) => {}
                    Err(error) if error.is_passing() => {
                        self.unsent.push_front(item);
                        self.report_once(&error);
                        break;
                    }
                    Err(error) => {
                        refused += 1;
                        report(&format_args!("Phoenix refuses a result of the experiment: {error}"));
                    }
                }
            }
            let is_late = self.deadline.get().is_some_and(|deadline| deadline::left(*deadline).is_zero());
            if has_ended && (self.unsent.is_empty() || is_late) {
                return self.unsent.len() + refused;
            }
            has_ended = self.wait(results) || has_ended;
        }
    }

    /// Waits for results, or for another attempt. Returns whether there will be no more results.
    fn wait(&mut self, results: &Receiver<Item>) -> bool {
        let pause = if self.unsent.is_empty() { Duration::MAX } else { PAUSE };
        match results.recv_timeout(pause.min(Duration::from_secs(3600))) {
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
                "{error}; the experiment goes on, and its results wait in {}",
                self.journal.path().display()
            ));
        }
    }

    fn send(&mut self, item: &Item) -> Result<(), PhoenixError> {
        let line = match item {
            Item::Run(run) => self.send_run(run)?,
            Item::Evaluation(evaluation) => self.send_evaluation(evaluation)?,
        };
        if let Some(line) = line
            && let Err(error) = self.journal.append(&line)
        {
            report(&error);
        }
        Ok(())
    }

    fn send_run(&mut self, run: &RunRecord) -> Result<Option<Line>, PhoenixError> {
        let Some(node) = self.nodes.get(&run.example) else { return Ok(None) };
        let id = self.client.post_run(
            &self.experiment,
            &RemoteRun {
                example_node_id: node,
                repetition: run.repetition,
                output: &run.output,
                error: run.error.as_deref(),
                start: time(run.start),
                end: time(run.end),
                trace_id: run.trace_id.clone(),
            },
        )?;
        let (example, repetition) = (run.example.clone(), run.repetition);
        self.runs.insert((example.clone(), repetition), id.clone());
        Ok(Some(Line::RunSent { example, repetition, id }))
    }

    fn send_evaluation(&mut self, one: &EvaluationRecord) -> Result<Option<Line>, PhoenixError> {
        let Some(run) = self.runs.get(&(one.example.clone(), one.repetition)) else { return Ok(None) };
        let kinds = [AnnotatorKind::Human, AnnotatorKind::Llm, AnnotatorKind::Code];
        self.client.post_evaluation(
            run,
            &RemoteEvaluation {
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
            },
        )?;
        let (example, repetition, name) = (one.example.clone(), one.repetition, one.name.clone());
        Ok(Some(Line::EvaluationSent { example, repetition, name }))
    }
}
