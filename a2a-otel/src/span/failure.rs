//! Errors in words.

use std::error::Error;

/// An error in words.
#[derive(Debug)]
pub struct ErrorDescription {
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// What caused it, the nearest cause first.
    pub(super) causes: Vec<String>,
}

/// An error that can be put into words.
pub trait Describe {
    /// The error in words; `debug` prefers its debug form.
    fn describe(&self, debug: bool) -> ErrorDescription;
}

impl ErrorDescription {
    pub(crate) const fn plain(kind: &'static str, message: String) -> Self {
        Self { kind, message, causes: Vec::new() }
    }

    /// An error and its sources. The chain is bounded, for a source may lead back to itself.
    pub(crate) fn new(kind: &'static str, error: &dyn Error, debug: bool) -> Self {
        const LONGEST_CHAIN: usize = 32;
        let message = if debug { format!("{error:?}") } else { error.to_string() };
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause.filter(|_| causes.len() < LONGEST_CHAIN) {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self { kind, message, causes }
    }
}
