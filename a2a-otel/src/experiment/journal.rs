//! The file of an experiment: JSON lines, written as results arrive. It is what an interrupted experiment continues from, what
//! a later one is compared with, and where results wait that Phoenix could not take.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::ExperimentError;
use super::run::{RunRecord, microseconds};
use super::verdict::Verdict;
use crate::lock::lock;

const EXTENSION: &str = "jsonl";

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    Experiment(Header),
    Phoenix(Remote),
    Run(RunRecord),
    Evaluation(EvaluationRecord),
    /// Phoenix has a run, under this id.
    RunSent {
        example: String,
        repetition: u32,
        id: String,
    },
    /// Phoenix has an evaluation.
    EvaluationSent {
        example: String,
        repetition: u32,
        name: String,
    },
    /// All runs and evaluations are there.
    Finished,
}

/// What the experiment is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) dataset: String,
    /// The examples' ids. Another dataset, or another version of it, has others.
    pub(super) examples: Vec<String>,
    pub(super) repetitions: u32,
    pub(super) start: u64,
}

impl Header {
    /// Whether results of one are results of the other.
    fn is_of_same(&self, other: &Self) -> bool {
        (&self.name, &self.dataset, &self.examples, self.repetitions)
            == (&other.name, &other.dataset, &other.examples, other.repetitions)
    }
}

/// The experiment in Phoenix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Remote {
    pub(super) dataset_id: String,
    pub(super) experiment_id: String,
    pub(super) project: String,
}

/// What an evaluator said about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct EvaluationRecord {
    pub(super) example: String,
    pub(super) repetition: u32,
    pub(super) name: String,
    /// `HUMAN`, `LLM` or `CODE`.
    pub(super) kind: String,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) start: u64,
    pub(super) end: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub(super) header: Header,
    pub(super) remote: Option<Remote>,
    pub(super) runs: Vec<RunRecord>,
    pub(super) evaluations: Vec<EvaluationRecord>,
    /// Example, repetition, and the id in Phoenix.
    pub(super) runs_sent: Vec<(String, u32, String)>,
    /// Example, repetition and name.
    pub(super) evaluations_sent: Vec<(String, u32, String)>,
    pub(super) is_finished: bool,
}

impl Content {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            remote: None,
            runs: Vec::new(),
            evaluations: Vec::new(),
            runs_sent: Vec::new(),
            evaluations_sent: Vec::new(),
            is_finished: false,
        }
    }

    /// A later line replaces an earlier one of the same run.
    pub(super) fn add(&mut self, line: Line) {
        match line {
            Line::Experiment(_) => {}
            Line::Phoenix(remote) => {
                // Another experiment there has nothing yet.
                if self.remote.as_ref().is_some_and(|known| *known != remote) {
                    self.runs_sent.clear();
                    self.evaluations_sent.clear();
                }
                self.remote = Some(remote);
            }
            Line::Run(run) => {
                let is_same =
                    |other: &RunRecord| (&other.example, other.repetition) == (&run.example, run.repetition);
                self.runs.retain(|other| !is_same(other));
                self.runs_sent.retain(|(example, repetition, _)| {
                    (example, *repetition) != (&run.example, run.repetition)
                });
                self.runs.push(run);
            }
            Line::Evaluation(one) => {
                let key = |one: &EvaluationRecord| (one.example.clone(), one.repetition, one.name.clone());
                self.evaluations.retain(|other| key(other) != key(&one));
                self.evaluations_sent.retain(|sent| *sent != key(&one));
                self.evaluations.push(one);
            }
            Line::RunSent { example, repetition, id } => self.runs_sent.push((example, repetition, id)),
            Line::EvaluationSent { example, repetition, name } => {
                self.evaluations_sent.push((example, repetition, name));
            }
            Line::Finished => self.is_finished = true,
        }
    }

    /// Whether Phoenix lacks something.
    pub(super) fn is_all_sent(&self) -> bool {
        self.runs_sent.len() == self.runs.len() && self.evaluations_sent.len() == self.evaluations.len()
    }

    /// Reads a file. A last line without an end is that of a process which was killed while it wrote.
    pub(super) fn read(path: &Path) -> Result<Self, ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: path.to_owned(), error };
        let text = fs::read_to_string(path).map_err(failed)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let unreadable = |line, fault| ExperimentError::Unreadable { path: path.to_owned(), line, fault };
        let mut content = None;
        for (number, text) in whole.lines().enumerate() {
            let line =
                serde_json::from_str(text).map_err(|error| unreadable(number + 1, error.to_string()))?;
            match (line, &mut content) {
                (Line::Experiment(header), None) => content = Some(Self::new(header)),
                (line, Some(content)) => content.add(line),
                (_, None) => {
                    return Err(unreadable(
                        number + 1,
                        "the first line does not name an experiment".to_owned(),
                    ));
                }
            }
        }
        content.ok_or_else(|| unreadable(1, "the file is empty".to_owned()))
    }
}

/// The file of a running experiment.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

/// Keeps others from continuing an experiment while it runs. It is not part of the journal, which tasks share that outlive a
/// dropped experiment by a moment.
#[derive(Debug)]
pub(super) struct Claim {
    _locked: File,
}

impl Claim {
    fn take(path: &Path) -> Result<Self, ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: path.to_owned(), error };
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _locked: file }),
            Err(TryLockError::WouldBlock) => Err(ExperimentError::Running(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Journal {
    /// Starts a new file in the folder of the experiment.
    pub(super) fn create(folder: &Path, header: &Header) -> Result<(Self, Claim), ExperimentError> {
        let folder = folder.join(file_name(&header.name));
        let name = format!("{}-{}.{EXTENSION}", header.start, std::process::id());
        let path = folder.join(name);
        let open = || -> io::Result<File> {
            fs::create_dir_all(&folder)?;
            OpenOptions::new().append(true).create_new(true).open(&path)
        };
        let file = open().map_err(|error| ExperimentError::Journal { path: path.clone(), error })?;
        let claim = Claim::take(&path)?;
        let journal = Self { path, file: Mutex::new(file) };
        journal.append(&Line::Experiment(header.clone()))?;
        Ok((journal, claim))
    }

    /// Continues the newest file of an experiment that was interrupted, or whose results Phoenix lacks. Returns nothing if
    /// there is none.
    pub(super) fn resume(
        folder: &Path,
        header: &Header,
        needs_sending: bool,
    ) -> Result<Option<(Self, Claim, Content)>, ExperimentError> {
        let is_unsent = |path: &Path, content: &Content| !content.is_all_sent() || spool_path(path).exists();
        let is_open = |path: &Path, content: &Content| {
            !content.is_finished || (needs_sending && is_unsent(path, content))
        };
        for path in files(&folder.join(file_name(&header.name))).into_iter().rev() {
            let Ok(content) = Content::read(&path) else { continue };
            if content.header.is_of_same(header) {
                if !is_open(&path, &content) {
                    return Ok(None);
                }
                let claim = Claim::take(&path)?;
                // Its owner may have written more until it left.
                let content = Content::read(&path)?;
                return Ok(Some((Self::reopen(path)?, claim, content)));
            }
        }
        Ok(None)
    }

    fn reopen(path: PathBuf) -> Result<Self, ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: path.clone(), error };
        let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        cut_last_line(&path, &file).map_err(failed)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Writes a line at once.
    pub(super) fn append(&self, line: &Line) -> Result<(), ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: self.path.clone(), error };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        lock(&self.file).write_all(&text).map_err(failed)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Where the trace of a run is kept: beside the file of the experiment.
pub(super) fn trace_path(journal: &Path, example: &str, repetition: u32) -> PathBuf {
    journal.with_extension("traces").join(format!("{}-{repetition}.{EXTENSION}", file_name(example)))
}

/// Where traces wait that Phoenix could not take, unless a spool is configured.
pub(super) fn spool_path(journal: &Path) -> PathBuf {
    journal.with_extension("unsent")
}

/// The header of an experiment that starts now.
pub(super) fn header(name: &str, dataset: &str, examples: Vec<String>, repetitions: u32) -> Header {
    let (name, dataset) = (name.to_owned(), dataset.to_owned());
    Header { name, dataset, examples, repetitions, start: microseconds(SystemTime::now()) }
}

/// Removes what was written of a last line.
fn cut_last_line(path: &Path, file: &File) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() { file.set_len(whole as u64) } else { Ok(()) }
}

/// The files of an experiment, oldest first: their names begin with the time.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION)).collect();
    files.sort();
    files
}

/// A name as a folder: what could leave the folder, or is no name on some system, is replaced.
fn file_name(name: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || "-_. ".contains(letter) { letter } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    if plain.trim_matches(['.', ' ']).is_empty() { "_".repeat(plain.len().max(1)) } else { plain }
}
