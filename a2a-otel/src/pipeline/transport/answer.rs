//! The receiver's answer to a request, as the sender understands it.

use std::time::Duration;

/// The advice in the causes of failures, which depends on who the receiver is.
#[derive(Debug)]
pub(crate) struct Hints {
    /// If nothing listens at the address.
    pub(crate) absent: &'static str,
    /// If the credentials are missing or wrong.
    pub(crate) unauthorised: &'static str,
    /// If the receiver does not know the path or the method.
    pub(crate) unknown: &'static str,
}

/// Advice for receivers that may be Phoenix.
pub(crate) static PHOENIX: Hints = Hints {
    absent: "is Phoenix running?",
    unauthorised: "check PHOENIX_API_KEY",
    unknown: "check the endpoint",
};

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver accepted all items except this many.
    Accepted { rejected: u64, message: String },
    /// The receiver is busy or unavailable, and may accept the request after this time.
    Later { cause: String, after: Option<Duration> },
    /// Nothing answers at the address.
    Absent { cause: String },
    /// The request is too large for the receiver.
    TooLarge { cause: String },
    /// Something is wrong with at least one of the items.
    Unacceptable { cause: String },
    /// Something is wrong with every request, whatever its items are, such as the API key.
    Refused { cause: String },
    /// The receiver does not know this path.
    Unknown { cause: String },
    /// The receiver has failed. One of the items may be the cause.
    Broken { cause: String },
    /// The application's own exporter has failed. It is not a transport, but uses the same loop.
    Failed { cause: String },
}

impl Answer {
    /// The answer that all items were accepted.
    pub(crate) fn accepted() -> Self {
        Answer::Accepted { rejected: 0, message: String::new() }
    }

    /// Changes the text that is shown.
    pub(crate) fn told(mut self, tell: impl FnOnce(&str) -> String) -> Self {
        let text = self.text();
        *text = tell(text);
        self
    }

    /// Returns the text that is shown: why the request was not accepted, if it was not.
    pub(super) fn into_text(mut self) -> String {
        std::mem::take(self.text())
    }

    fn text(&mut self) -> &mut String {
        match self {
            Answer::Accepted { message, .. } => message,
            Answer::Later { cause, .. }
            | Answer::Absent { cause }
            | Answer::TooLarge { cause }
            | Answer::Unacceptable { cause }
            | Answer::Refused { cause }
            | Answer::Unknown { cause }
            | Answer::Broken { cause }
            | Answer::Failed { cause } => cause,
        }
    }

    /// The kind of error, for the metrics' attribute `error.type`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_a_type() {
        let cause = String::new();
        for (answer, expected) in [
            (Answer::accepted(), None),
            (Answer::Later { cause: cause.clone(), after: None }, Some("unavailable")),
            (Answer::Absent { cause: cause.clone() }, Some("no_connection")),
            (Answer::TooLarge { cause: cause.clone() }, Some("too_large")),
            (Answer::Unacceptable { cause: cause.clone() }, Some("refused")),
            (Answer::Refused { cause: cause.clone() }, Some("refused")),
            (Answer::Unknown { cause: cause.clone() }, Some("refused")),
            (Answer::Broken { cause: cause.clone() }, Some("server_error")),
            (Answer::Failed { cause }, Some("export_failed")),
        ] {
            assert_eq!(answer.error(), expected, "{answer:?}");
        }
    }
}
