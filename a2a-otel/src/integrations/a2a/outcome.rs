//! What a request has set, and how a call failed. Both the span of a call and the events of a stream use this.

use std::borrow::Cow;

use ::a2a::{A2AError, Part, TaskState, TaskStatus, error_reason};
use opentelemetry::Context;

use super::facts::{Facts, name_of};
use crate::context::inherited;
use crate::semconv::openinference::SESSION_ID;
use crate::semconv::ours::CANCELLED;
use crate::span::{Describe, ErrorDescription};

/// The side that records a call.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum View {
    /// If a stream ends before its task, the connection has broken.
    Caller,
    /// A stream normally ends when the agent's answer is complete.
    Agent,
}

/// Returns whether the user or the caller has set a session.
pub(super) fn has_session(context: &Context) -> bool {
    inherited(context).any(|attribute| attribute.key.as_str() == SESSION_ID)
}

/// What the request has set already, so that the answer does not set it again: OpenTelemetry's SDK would keep both
/// values.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) task: bool,
    pub(super) context: bool,
    pub(super) session: bool,
}

impl Said {
    pub(super) fn by(facts: &Facts<'_>) -> Self {
        let context = facts.context.is_some();
        Self { task: facts.task.is_some(), context, session: context || Context::map_current(has_session) }
    }
}

/// Why a call failed.
pub(super) struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    pub(super) fn of(error: &A2AError) -> Self {
        Self { kind: error_reason(error.code), message: error.message.clone() }
    }

    /// Returns the failure that a task has ended with, if it has.
    pub(super) fn of_task(status: &TaskStatus) -> Option<Self> {
        let otherwise = match status.state {
            TaskState::Failed => "the task failed",
            TaskState::Rejected => "the task was rejected",
            TaskState::Canceled => CANCELLED,
            _ => return None,
        };
        let said = status.message.iter().flat_map(|message| &message.parts).filter_map(Part::as_text);
        let said: String = said.collect();
        let message = if said.is_empty() { otherwise.to_owned() } else { said };
        Some(Self { kind: name_of(&status.state), message })
    }

    /// The name of the error.
    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn cut() -> Self {
        Self { kind: "stream_cut", message: "the stream ended before the task did".to_owned() }
    }
}

impl Describe for Failure {
    fn describe(&self, _debug: bool) -> ErrorDescription {
        ErrorDescription::plain(self.kind, self.message.clone())
    }

    fn kind(&self) -> Cow<'static, str> {
        self.kind.into()
    }
}
