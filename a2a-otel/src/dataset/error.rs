//! What is wrong with a dataset.

/// What is wrong with a dataset, where, and what to do about it.
///
/// ```
/// use a2a_otel::evaluation::Dataset;
///
/// let error = Dataset::from_json_lines("lamps", "{\"input\": 1}\n{\"question\": 2}\n").unwrap_err();
/// assert_eq!(error.line(), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{file} cannot be written: {reason}")]
    Unwritable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The name of a file does not say what is in it.
    #[error("{file} has no known ending; name it .json, .jsonl, .ndjson or .csv")]
    UnknownEnding {
        /// The file.
        file: String,
    },
    /// A file has no examples.
    #[error("{file} has no examples; {advice}")]
    Empty {
        /// The file, or the dataset's name.
        file: String,
        /// What to do.
        advice: &'static str,
    },
    /// A line, or an example, cannot be read.
    #[error("{file}, line {line}: {reason}")]
    InvalidLine {
        /// The file, or the dataset's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A table has other columns than expected.
    #[error("{file}, line 1: {reason}")]
    Columns {
        /// The file, or the dataset's name.
        file: String,
        /// The columns that this is about.
        columns: Vec<String>,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Two examples have one id.
    #[error(
        "{file}: {first} and {second} have the id `{id}`; give each an id of its own, or leave the ids out"
    )]
    DuplicateId {
        /// The file, or the dataset's name.
        file: String,
        /// The id.
        id: String,
        /// Where the first is, as in `line 2` or `example 1`.
        first: String,
        /// Where the second is.
        second: String,
    },
    /// An input or expected output is not what a program expects.
    #[error("the {what} of the example `{id}` is no `{type_name}`: {reason}; change the type or the example")]
    Form {
        /// The example.
        id: String,
        /// Which part of it.
        what: &'static str,
        /// The expected type.
        type_name: &'static str,
        /// Why it does not fit.
        reason: String,
    },
}

impl DatasetError {
    /// Returns the line that the error is about, from 1, if it is about one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::InvalidLine { line, .. } => Some(*line),
            Self::Columns { .. } => Some(1),
            Self::DuplicateId { second, .. } => second.strip_prefix("line ")?.parse().ok(),
            _ => None,
        }
    }
}
