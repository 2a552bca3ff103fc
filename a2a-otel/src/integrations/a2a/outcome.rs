//! What a request has set, and how a call failed. Both the span of a call and the events of a stream use this.

use std::borrow::Cow;

use ::a2a::{A2AError, Message, TaskState, TaskStatus, error_code, error_reason};
use opentelemetry::{Context, KeyValue};

use super::content::{Content, reason};
use super::facts::{Facts, Purpose, name_of};
use crate::capture::Capture;
use crate::context::inherited;
use crate::semconv::a2a as names;
use crate::semconv::openinference::SESSION_ID;
use crate::semconv::ours::CANCELLED;
use crate::span::{Describe, ErrorDescription};
use crate::{privacy, span};

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
    is_of_task: bool,
}

impl Failure {
    pub(super) fn of(error: &A2AError) -> Self {
        Self { kind: error_reason(error.code), message: error.message.clone(), is_of_task: false }
    }

    /// Returns the failure that a task has ended with, if it has.
    pub(super) fn of_task(status: &TaskStatus) -> Option<Self> {
        let otherwise = match status.state {
            TaskState::Failed => "the task failed",
            TaskState::Rejected => "the task was rejected",
            TaskState::Canceled => CANCELLED,
            _ => return None,
        };
        let message = status.message.as_ref().and_then(reason).unwrap_or_else(|| otherwise.to_owned());
        Some(Self { kind: name_of(&status.state), message, is_of_task: true })
    }

    /// Returns the failure that a call sees at its task, which it or another call has asked for.
    pub(super) fn seen(status: &TaskStatus, purpose: Purpose) -> Option<Self> {
        // Somebody wanted a cancelled task to end.
        let is_failed = purpose == Purpose::State && status.state != TaskState::Canceled;
        if purpose.wants_work() || is_failed { Self::of_task(status) } else { None }
    }

    /// The name of the error.
    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether the task has failed, and not the call.
    pub(super) const fn is_of_task(&self) -> bool {
        self.is_of_task
    }

    /// Returns the failure of an answer that the SDK refuses to send, for which the caller gets an error.
    pub(super) fn refused(why: String) -> Self {
        Self { kind: error_reason(error_code::INTERNAL_ERROR), message: why, is_of_task: false }
    }

    pub(super) fn cut() -> Self {
        let message = "the stream ended before the task did".to_owned();
        Self { kind: "stream_cut", message, is_of_task: false }
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

/// Records what the agent has said of a task, as an event of the current span.
pub(super) fn record_update(span: &span::Current, state: Option<&TaskState>, message: Option<&Message>) {
    let mut update = Vec::new();
    update.extend(state.map(|state| KeyValue::new(names::TASK_STATE, name_of(state))));
    if let Some(message) = message.filter(|message| !message.parts.is_empty()) {
        privacy::push_field("", &mut update, names::STATUS_MESSAGE, shown!(Content::message(message)));
    }
    span.event(names::STATUS_UPDATE, update);
}
