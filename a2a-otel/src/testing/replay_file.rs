//! Answers calls from a file, or records it: the environment decides.

use std::fmt;
use std::path::{Path, PathBuf};

use super::capture::{Capturing, capture};
use super::replay::{Replay, Replaying};
use super::trace::{Trace, TraceError};
use crate::environment::values::text;
use crate::environment::{Environment, Variable, process_environment};
use crate::report::report;

/// What happens to calls, as `A2A_OTEL_REPLAY` says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Record,
    Replay,
    Off,
}

const MODE: Variable<Mode> = Variable {
    names: &["A2A_OTEL_REPLAY"],
    parse: |text| match text {
        "record" => Some(Mode::Record),
        "replay" => Some(Mode::Replay),
        "off" => Some(Mode::Off),
        _ => None,
    },
    accepted: "record, replay or off",
    example: "record",
    secret: false,
};

const FILE: Variable<String> = Variable {
    names: &["A2A_OTEL_REPLAY_FILE"],
    parse: text,
    accepted: "a file",
    example: "recorded.jsonl",
    secret: false,
};

/// Calls are answered from a file, or recorded there, until this is dropped.
#[must_use = "dropping it ends the replay"]
#[derive(Debug)]
pub struct ReplayFile(Running);

#[derive(Debug)]
enum Running {
    Recording(Capturing, PathBuf),
    Replaying(Replaying),
    Off,
}

/// Answers the calls of this context from a file that was recorded before, until the returned value is dropped. See
/// [`Replay::start_file`].
///
/// # Errors
///
/// If the calls are to be answered and the file cannot be read.
pub fn replay_file(path: impl AsRef<Path>) -> Result<ReplayFile, TraceError> {
    Replay::new(Trace::default()).start_file(path)
}

impl Replay {
    /// Answers the calls of this context from a file, until the returned value is dropped. `A2A_OTEL_REPLAY` changes what
    /// happens:
    ///
    /// | `A2A_OTEL_REPLAY` | |
    /// | --- | --- |
    /// | `replay` | calls are answered from the file; this is the default |
    /// | `record` | the functions run, and the spans of this context are written to the file at the end, unless the thread panics |
    /// | `off` | the functions run |
    ///
    /// `A2A_OTEL_REPLAY_FILE` names another file. A trace that was given to [`Replay::new`] is not used.
    ///
    /// ```no_run
    /// # fn ask(_: &str) -> u32 { 3 }
    /// // A2A_OTEL_REPLAY=record cargo test
    /// let _replaying = a2a_otel::testing::replay_file("tests/recordings/shop.jsonl")?;
    /// assert_eq!(ask("lamp"), 3);
    /// # Ok::<(), a2a_otel::testing::TraceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the calls are to be answered and the file cannot be read. `A2A_OTEL_REPLAY=record` records it.
    pub fn start_file(self, path: impl AsRef<Path>) -> Result<ReplayFile, TraceError> {
        let mut environment = Environment::new(&process_environment);
        let mode = environment.read(&MODE).unwrap_or(Mode::Replay);
        let path = environment.read(&FILE).map_or_else(|| path.as_ref().to_owned(), PathBuf::from);
        for warning in &environment.warnings {
            report(warning);
        }
        Ok(ReplayFile(match mode {
            Mode::Record => Running::Recording(capture(), path),
            Mode::Replay => Running::Replaying(self.with_trace(read(&path)?).start()),
            Mode::Off => Running::Off,
        }))
    }
}

/// Reads a recorded trace. If there is none, the message says how to record it.
fn read(path: &Path) -> Result<Trace, TraceError> {
    Trace::read(path).map_err(|error| {
        if path.exists() { error } else { error.with_advice("A2A_OTEL_REPLAY=record records it") }
    })
}

impl ReplayFile {
    /// The replay, if calls are answered.
    #[must_use]
    pub fn replaying(&self) -> Option<&Replaying> {
        match &self.0 {
            Running::Replaying(replaying) => Some(replaying),
            Running::Recording(..) | Running::Off => None,
        }
    }
}

impl Drop for ReplayFile {
    fn drop(&mut self) {
        if let Running::Recording(capturing, path) = &self.0
            && !std::thread::panicking()
            && let Err(error) = capturing.trace().write(path)
        {
            report(&error);
        }
    }
}

impl fmt::Debug for Replaying {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Replaying").field("missing", &self.missing()).finish_non_exhaustive()
    }
}
