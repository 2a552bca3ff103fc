//! What became of a request, as the loop that sends understands it.

use std::time::Duration;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver has taken all items, except for so many.
    Accepted { rejected: u64, message: String },
    /// The receiver is busy or unwell, and may take the request after this time.
    Later { cause: String, after: Option<Duration> },
    /// Nothing answers at the address.
    Absent { cause: String },
    /// The receiver takes fewer items at a time.
    TooLarge { cause: String },
    /// Something is wrong with the items, or with one of them.
    Unacceptable { cause: String },
    /// Something is wrong with every request, whatever its items are: the key, for example.
    Refused { cause: String },
    /// Nothing is received at this path.
    Unknown { cause: String },
    /// The receiver has failed. It does not say whether one of the items was the cause.
    Broken { cause: String },
    /// An exporter of the application's own has failed.
    Failed { cause: String },
}

impl Answer {
    /// All items are accepted.
    pub(crate) fn accepted() -> Self {
        Answer::Accepted { rejected: 0, message: String::new() }
    }

    /// The kind of error, as the attribute `error.type` of the metrics names it.
    pub(crate) fn error(&self) -> Option<&'static str> {
        Some(match self {
            Answer::Accepted { .. } => return None,
            Answer::Later { .. } => "unavailable",
            Answer::Absent { .. } => "no_connection",
            Answer::TooLarge { .. } => "too_large",
            Answer::Unacceptable { .. } | Answer::Refused { .. } | Answer::Unknown { .. } => "refused",
            Answer::Broken { .. } => "server_error",
            Answer::Failed { .. } => "export_failed",
        })
    }
}
