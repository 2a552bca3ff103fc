//! What keeps an experiment from running.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "otlp")]
use crate::phoenix::PhoenixError;

/// Why an experiment did not run. What a task or an evaluator does wrong is a result, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The experiment lacks something, or has something twice.
    #[error("the experiment {name:?} {fault}")]
    Incomplete {
        /// The experiment.
        name: String,
        /// What it lacks, and what to do.
        fault: String,
    },
    /// There is no tokio runtime.
    #[error("an experiment needs a tokio runtime; call it in #[tokio::main] or #[tokio::test]")]
    NoRuntime,
    /// The results cannot be kept.
    #[error("the results cannot be kept in {}: {error}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Another process writes the results that this one was to continue.
    #[error(
        "{} is being written by another process; wait for its end, or run without resume() to start anew", .0.display()
    )]
    Running(PathBuf),
    /// A file does not hold the results of an experiment.
    #[error("{}: line {line}: {fault}; is it the file of an experiment?", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
    /// Phoenix refuses the dataset or the experiment.
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Phoenix(#[from] PhoenixError),
    /// A pattern is not a regular expression.
    #[error("the pattern is not a regular expression: {0}")]
    Pattern(String),
    /// A schema is not a JSON schema.
    #[cfg(feature = "json-schema")]
    #[error("the schema is not a JSON schema: {0}")]
    Schema(String),
}

#[cfg(feature = "otlp")]
impl ExperimentError {
    /// Returns why Phoenix cannot be reached now, if that is all.
    pub(super) fn passing(self) -> Result<PhoenixError, Self> {
        match self {
            Self::Phoenix(error) if error.is_passing() => Ok(error),
            other => Err(other),
        }
    }
}
