//! Errors as text.

use std::borrow::Cow;
use std::error::Error;

use opentelemetry::KeyValue;

use crate::semconv::opentelemetry::{EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE};

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

/// The attributes of an `exception` event.
pub(super) fn exception(failed: &ErrorDescription) -> Vec<KeyValue> {
    let mut event = vec![
        KeyValue::new(EXCEPTION_TYPE, failed.kind.clone()),
        KeyValue::new(EXCEPTION_MESSAGE, failed.message.clone()),
    ];
    if !failed.causes.is_empty() {
        // Phoenix keeps only the type, message and stack trace of an exception, so the causes go to the stack trace.
        let causes = failed.causes.join("\ncaused by: ");
        event.push(KeyValue::new(EXCEPTION_STACKTRACE, format!("{}\ncaused by: {causes}", failed.message)));
    }
    event
}
