//! The calls that a function makes of the tool that it is about.
//!
//! A single call that ends as its function does is a part of the function's span. If there are several, or if the function
//! copes with a call that failed or was given up, each has a span below the function's. Only the end shows which it is, so
//! the first call is kept until then, and a span that is made of it has the times of the call. What the first call has sent
//! on names the function's span as its parent, because only that span is sure to exist; later calls send their own.

use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, StringValue};

use super::failure::{ErrorDescription, exception};
use super::outcome::FunctionEnd;
use super::site::{Site, TOOL};
use super::tracer;
use crate::lock::lock;
use crate::privacy;
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::{ERROR_TYPE, EXCEPTION};
use crate::semconv::ours::CANCELLED;

/// How a protocol's call failed.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) failed: ErrorDescription,
    /// The protocol's name for the error.
    pub(crate) error_type: StringValue,
    /// Whether the tool itself failed, which a function may not notice.
    pub(crate) is_of_tool: bool,
}

/// How a call ended.
pub(super) enum Outcome {
    Answered,
    Refused(Arc<Refusal>),
    /// Its future was dropped before its end. `with_function`: because the function was dropped, or panicked.
    GivenUp {
        with_function: bool,
    },
}

/// The calls of one function.
#[derive(Default)]
pub(super) struct Attempts(Mutex<State>);

#[derive(Default)]
struct State {
    first: First,
    /// Whether each call has a span of its own.
    are_apart: bool,
    /// Whether the function is being dropped.
    is_dropped: bool,
    /// The failure of the call that ended last, if it failed.
    failure: Option<Arc<Refusal>>,
}

/// The first call, until it is recorded.
#[derive(Default)]
enum First {
    #[default]
    None,
    Running,
    Over(Box<Finished>),
}

pub(super) struct Finished {
    pub(super) started: Started,
    pub(super) ended: SystemTime,
    pub(super) outcome: Outcome,
    pub(super) inherited: Vec<KeyValue>,
}

pub(super) struct Started {
    pub(super) site: &'static Site,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) time: SystemTime,
}

impl Attempts {
    /// The failure of the call that ended last, if it failed.
    pub(super) fn failure(&self) -> Option<Arc<Refusal>> {
        lock(&self.0).failure.clone()
    }

    /// The refusal of the tool, if that is what the only call ended with.
    pub(super) fn only_refusal(&self) -> Option<Arc<Refusal>> {
        let state = lock(&self.0);
        let First::Over(first) = &state.first else { return None };
        let Outcome::Refused(refusal) = &first.outcome else { return None };
        refusal.is_of_tool.then(|| Arc::clone(refusal))
    }

    /// The function is being dropped, and with it what it waits for.
    pub(super) fn dropped(&self) {
        lock(&self.0).is_dropped = true;
    }

    pub(super) fn is_dropped(&self) -> bool {
        lock(&self.0).is_dropped
    }

    /// Another call of a tool begins. Returns whether it is the first of the function's own tool, and what has to be recorded
    /// of the first one because it is not the only one any more: a call of another tool counts if the first has not
    /// succeeded by now.
    pub(super) fn begin(&self, is_of_own_tool: bool) -> (bool, Option<Box<Finished>>) {
        let mut state = lock(&self.0);
        let is_another = match &state.first {
            First::None if is_of_own_tool && !state.are_apart => {
                state.first = First::Running;
                return (true, None);
            }
            First::None => false,
            First::Running => true,
            First::Over(first) => is_of_own_tool || !matches!(first.outcome, Outcome::Answered),
        };
        state.are_apart |= is_another;
        let first = if is_another { state.take_first() } else { None };
        (false, first)
    }

    /// A call ended. Returns what has to be recorded of the first one.
    pub(super) fn end(
        &self,
        failure: Option<Arc<Refusal>>,
        first: Option<Box<Finished>>,
    ) -> Option<Box<Finished>> {
        let mut state = lock(&self.0);
        state.failure = failure;
        let first = first?;
        if state.are_apart {
            return Some(first);
        }
        state.first = First::Over(first);
        None
    }

    /// The function ended. Returns the first call if nothing is recorded of it yet. A call that is still running then has a span
    /// of its own.
    pub(super) fn settle(&self) -> Option<Box<Finished>> {
        let mut state = lock(&self.0);
        state.are_apart = true;
        state.take_first()
    }
}

impl State {
    fn take_first(&mut self) -> Option<Box<Finished>> {
        match take(&mut self.first) {
            First::Over(first) => Some(first),
            other => {
                self.first = other;
                None
            }
        }
    }
}

impl Finished {
    /// Whether the call ended as its function did.
    pub(super) const fn is_part_of(&self, end: FunctionEnd) -> bool {
        match self.outcome {
            Outcome::Answered => true,
            Outcome::Refused(_) => matches!(end, FunctionEnd::Failed | FunctionEnd::Panicked),
            Outcome::GivenUp { with_function } => {
                with_function && matches!(end, FunctionEnd::Dropped | FunctionEnd::Panicked)
            }
        }
    }

    /// Records the call as a span below the function's.
    pub(super) fn record(self, parent: &Context, tool: &str) {
        let Started { site, attributes: said, time } = self.started;
        let mut attributes = vec![KeyValue::new(SPAN_KIND, site.kind)];
        attributes.extend(said);
        let is_new = |one: &KeyValue| attributes.iter().all(|own| own.key != one.key);
        let inherited: Vec<_> = self.inherited.into_iter().filter(is_new).collect();
        attributes.extend(inherited);
        privacy::screen(TOOL, &mut attributes);
        let mut builder = site.builder(format!("{} {tool}", site.name).into(), attributes);
        builder.start_time = Some(time);
        let context = tracer::start(builder, parent);
        let span = context.span();
        let status = match self.outcome {
            Outcome::Answered => Status::Ok,
            Outcome::Refused(refusal) => {
                let mut event = exception(&refusal.failed);
                privacy::screen(TOOL, &mut event);
                span.add_event_with_timestamp(EXCEPTION, self.ended, event);
                span.set_attribute(KeyValue::new(ERROR_TYPE, refusal.error_type.clone()));
                Status::error(privacy::message(TOOL, refusal.failed.message.clone().into()))
            }
            Outcome::GivenUp { .. } => {
                span.add_event_with_timestamp(CANCELLED, self.ended, Vec::new());
                Status::error(CANCELLED)
            }
        };
        span.set_status(status);
        span.end_with_timestamp(self.ended);
    }
}
