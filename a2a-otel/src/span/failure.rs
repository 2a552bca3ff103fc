//! Errors as text.

use std::borrow::Cow;
use std::error::Error;

/// An error as text.
#[derive(Debug)]
pub struct ErrorDescription {
    pub(super) kind: Cow<'static, str>,
    pub(super) message: String,
    /// The chain of causes, the nearest first.
    pub(super) causes: Vec<String>,
}

/// An error that can be described as text.
pub trait Describe {
    /// The error as text; `debug` prefers its `Debug` form.
    fn describe(&self, debug: bool) -> ErrorDescription;

    /// The kind that [`describe`](Self::describe) says.
    fn kind(&self) -> Cow<'static, str>;
}

impl ErrorDescription {
    pub(crate) fn plain(kind: impl Into<Cow<'static, str>>, message: String) -> Self {
        Self { kind: kind.into(), message, causes: Vec::new() }
    }

    /// An error and its sources. The chain is bounded because a source may lead back to itself.
    pub(crate) fn new(kind: &'static str, error: &dyn Error, debug: bool) -> Self {
        const LONGEST_CHAIN: usize = 32;
        let message = if debug { format!("{error:?}") } else { error.to_string() };
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause.filter(|_| causes.len() < LONGEST_CHAIN) {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self { kind: kind.into(), message, causes }
    }
}
