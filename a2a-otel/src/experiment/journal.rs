//! The file of an experiment: JSON lines, written as results arrive. It is what an interrupted experiment continues from, what
//! a later one is compared with, and where results wait that Phoenix could not take.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::ExperimentError;
use super::run::{RunRecord, microseconds};
use super::verdict::Verdict;
use crate::dataset::{Dataset, short_hash};
use crate::lock::lock;
use crate::report::report;

const EXTENSION: &str = "jsonl";

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    Experiment(Header),
    Phoenix(Remote),
    Run(RunRecord),
    Evaluation(EvaluationRecord),
    /// Phoenix has a run, under this id, or has refused it.
    RunSent {
        example: String,
        repetition: u32,
        id: Option<String>,
    },
    /// Phoenix has an evaluation, or has refused it.
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
    /// The examples' ids, and a hash of the content of each, in the order of their ids.
    pub(super) examples: BTreeMap<String, String>,
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

impl EvaluationRecord {
    /// The run that it is about.
    pub(super) fn place(&self) -> Place {
        (self.example.clone(), self.repetition)
    }
}

impl RunRecord {
    pub(super) fn place(&self) -> Place {
        (self.example.clone(), self.repetition)
    }
}

/// An example's id, and which repetition it is.
pub(super) type Place = (String, u32);

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub(super) header: Header,
    pub(super) remote: Option<Remote>,
    pub(super) runs: BTreeMap<Place, RunRecord>,
    /// By the run, and the evaluator's name.
    pub(super) evaluations: BTreeMap<Place, BTreeMap<String, EvaluationRecord>>,
    /// The ids in Phoenix of the runs that it has. A run without an id was refused.
    pub(super) runs_sent: BTreeMap<Place, Option<String>>,
    /// What Phoenix has or has refused.
    pub(super) evaluations_sent: BTreeSet<(Place, String)>,
    pub(super) is_finished: bool,
}

impl Content {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            remote: None,
            runs: BTreeMap::new(),
            evaluations: BTreeMap::new(),
            runs_sent: BTreeMap::new(),
            evaluations_sent: BTreeSet::new(),
            is_finished: false,
        }
    }

    /// A later line replaces an earlier one of the same run, and what was said about it.
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
                let place = run.place();
                self.evaluations.remove(&place);
                self.evaluations_sent.retain(|(of, _)| *of != place);
                self.runs_sent.remove(&place);
                self.runs.insert(place, run);
            }
            Line::Evaluation(one) => {
                self.evaluations_sent.remove(&(one.place(), one.name.clone()));
                self.evaluations.entry(one.place()).or_default().insert(one.name.clone(), one);
            }
            Line::RunSent { example, repetition, id } => {
                self.runs_sent.insert((example, repetition), id);
            }
            Line::EvaluationSent { example, repetition, name } => {
                self.evaluations_sent.insert(((example, repetition), name));
            }
            Line::Finished => self.is_finished = true,
        }
    }

    pub(super) fn all_evaluations(&self) -> impl Iterator<Item = &EvaluationRecord> {
        self.evaluations.values().flat_map(BTreeMap::values)
    }

    /// The runs that Phoenix has not got yet.
    pub(super) fn unsent_runs(&self) -> impl Iterator<Item = &RunRecord> {
        self.runs.values().filter(|run| !self.runs_sent.contains_key(&run.place()))
    }

    /// The evaluations that Phoenix has not got yet.
    pub(super) fn unsent_evaluations(&self) -> impl Iterator<Item = &EvaluationRecord> {
        let is_sent =
            |one: &EvaluationRecord| self.evaluations_sent.contains(&(one.place(), one.name.clone()));
        self.all_evaluations().filter(move |one| !is_sent(one))
    }

    /// Whether Phoenix lacks something.
    pub(super) fn is_all_sent(&self) -> bool {
        self.unsent_runs().next().is_none() && self.unsent_evaluations().next().is_none()
    }

    /// Reads a file. A last line without an end is that of a process which was killed while it wrote.
    pub(super) fn read(path: &Path) -> Result<Self, ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: path.to_owned(), error };
        let mut bytes = fs::read(path).map_err(failed)?;
        bytes.truncate(length_of_lines(&bytes));
        let whole = String::from_utf8(bytes).map_err(|error| failed(io::Error::other(error)))?;
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
    /// Locks a file beside the journal: some systems would lock the journal for its owner too.
    fn take(path: &Path) -> Result<Self, ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: path.to_owned(), error };
        let file = File::create(path.with_extension("lock")).map_err(failed)?;
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
            let content = match Content::read(&path) {
                Ok(content) => content,
                Err(error) => {
                    report(&format_args!("{error}; the experiment does not continue from it"));
                    continue;
                }
            };
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

    /// Writes a line at once. If the disk is full, what was written of it is removed.
    pub(super) fn append(&self, line: &Line) -> Result<(), ExperimentError> {
        let failed = |error| ExperimentError::Journal { path: self.path.clone(), error };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let mut file = lock(&self.file);
        let length = file.metadata().map_err(failed)?.len();
        file.write_all(&text).map_err(|error| {
            let _ = file.set_len(length);
            failed(error)
        })
    }

    /// Removes the file of an experiment that did not start.
    #[cfg(feature = "otlp")]
    pub(super) fn discard(&self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension("lock"));
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
pub(super) fn header(name: &str, dataset: &Dataset, repetitions: u32) -> Header {
    let examples = dataset.examples().iter().map(|example| (example.id().to_owned(), example.content_hash()));
    Header {
        name: name.to_owned(),
        dataset: dataset.name().to_owned(),
        examples: examples.collect(),
        repetitions,
        start: microseconds(SystemTime::now()),
    }
}

/// Removes what was written of a last line.
fn cut_last_line(path: &Path, file: &File) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = length_of_lines(&bytes);
    if whole < bytes.len() { file.set_len(whole as u64) } else { Ok(()) }
}

/// The length of the lines that have an end.
fn length_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// The files of an experiment, oldest first: their names are the time and the process. A baseline that is kept beside them has
/// another name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        path.extension().is_some_and(|extension| extension == EXTENSION)
            && stem.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(is_ours).collect();
    files.sort();
    files
}

/// The longest part of a name that is in the name of a file.
const LONGEST_NAME: usize = 60;

/// A name as the name of a file or folder. If it cannot be one on every system, or has capitals, which some systems do not
/// tell apart, the name is changed, and a hash of it is added.
fn file_name(name: &str) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain) {
        return name.to_owned();
    }
    let plain = |letter: char| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
    let shown: String = name.chars().take(LONGEST_NAME / 4).map(plain).collect();
    format!("{shown}-{}", short_hash(name))
}
