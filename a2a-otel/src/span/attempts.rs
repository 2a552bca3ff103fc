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

use super::ending::exception;
use super::failure::ErrorDescription;
use super::joint::Joint;
use super::opening::builder;
use super::site::{Site, TOOL};
use super::tracer;
use crate::lock::lock;
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::{ERROR_TYPE, EXCEPTION};
use crate::semconv::ours::CANCELLED;
use crate::{context, privacy};

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
enum Outcome {
    Answered,
    Refused(Arc<Refusal>),
    /// Its future was dropped before its end. `with_function`: because the function was dropped, or panicked.
    GivenUp {
        with_function: bool,
    },
}

/// How a function ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum FunctionEnd {
    Succeeded,
    Failed,
    Panicked,
    Dropped,
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

struct Finished {
    started: Started,
    ended: SystemTime,
    outcome: Outcome,
    inherited: Vec<KeyValue>,
}

struct Started {
    site: &'static Site,
    attributes: Vec<KeyValue>,
    time: SystemTime,
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

    fn is_dropped(&self) -> bool {
        lock(&self.0).is_dropped
    }

    /// Another call of a tool begins. Returns whether it is the first of the function's own tool, and what has to be recorded
    /// of the first one because it is not the only one any more: a call of another tool counts if the first has not
    /// succeeded by now.
    fn begin(&self, is_of_own_tool: bool) -> (bool, Option<Box<Finished>>) {
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
    fn end(&self, failure: Option<Arc<Refusal>>, first: Option<Box<Finished>>) -> Option<Box<Finished>> {
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
    fn settle(&self) -> Option<Box<Finished>> {
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

impl Joint {
    /// A call of a tool begins directly below the function whose span this is.
    pub(super) fn call_begins(&self, context: &Context, is_of_own_tool: bool) -> bool {
        let (is_first, earlier) = self.attempts().begin(is_of_own_tool);
        if let Some(earlier) = earlier {
            earlier.record(context, self.tool());
        }
        is_first
    }

    /// The function ended, and its span is about to: the only call becomes a part of it, unless it ended otherwise.
    pub(super) fn function_ended(&self, context: &Context, end: FunctionEnd) {
        match self.attempts().settle() {
            Some(call) if call.is_part_of(end) => self.add(context, call.started.attributes),
            Some(call) => call.record(context, self.tool()),
            None => {}
        }
    }
}

impl Finished {
    /// Whether the call ended as its function did.
    const fn is_part_of(&self, end: FunctionEnd) -> bool {
        match self.outcome {
            Outcome::Answered => true,
            Outcome::Refused(_) => matches!(end, FunctionEnd::Failed | FunctionEnd::Panicked),
            Outcome::GivenUp { with_function } => {
                with_function && matches!(end, FunctionEnd::Dropped | FunctionEnd::Panicked)
            }
        }
    }

    /// Records the call as a span below the function's.
    fn record(self, parent: &Context, tool: &str) {
        let Started { site, attributes: said, time } = self.started;
        let mut attributes = vec![KeyValue::new(SPAN_KIND, site.kind)];
        attributes.extend(said);
        let is_new = |one: &KeyValue| attributes.iter().all(|own| own.key != one.key);
        let inherited: Vec<_> = self.inherited.into_iter().filter(is_new).collect();
        attributes.extend(inherited);
        privacy::screen(TOOL, &mut attributes);
        let mut builder = builder(format!("{} {tool}", site.name).into(), site, attributes);
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

/// A call of the tool that a function is about. Dropping it means that the call was given up.
pub(crate) struct Attempt {
    joint: Arc<Joint>,
    context: Context,
    /// The first call, which may become a part of the function's span. Any other has a span of its own.
    first: Option<Started>,
    is_over: bool,
}

impl Attempt {
    /// A call of a tool begins in the current context. `None` if it is no call of the tool of the function around it.
    pub(crate) fn begin(site: &'static Site, tool: &str) -> Option<Self> {
        let joint = Joint::of_function()?;
        let (context, is_of_own_tool) = (Context::current(), joint.tool() == tool);
        let is_first = joint.call_begins(&context, is_of_own_tool);
        let first = is_first.then(|| Started { site, attributes: Vec::new(), time: SystemTime::now() });
        is_of_own_tool.then_some(Self { joint, context, first, is_over: false })
    }

    /// Whether it is the first, which may become a part of the function's span.
    pub(crate) const fn is_first(&self) -> bool {
        self.first.is_some()
    }

    /// Adds what is known of the first call.
    pub(crate) fn add(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(first) = &mut self.first {
            first.attributes.extend(attributes);
        }
    }

    /// The call was answered, or failed.
    pub(crate) fn ended(mut self, refusal: Option<Refusal>) {
        self.end(refusal.map_or(Outcome::Answered, |refusal| Outcome::Refused(Arc::new(refusal))));
    }

    fn end(&mut self, outcome: Outcome) {
        self.is_over = true;
        let failure = if let Outcome::Refused(refusal) = &outcome { Some(Arc::clone(refusal)) } else { None };
        let finished = self.first.take().map(|started| {
            let mut inherited = Vec::new();
            context::inherit(&self.context, &mut inherited);
            Box::new(Finished { started, ended: SystemTime::now(), outcome, inherited })
        });
        if let Some(apart) = self.joint.attempts().end(failure, finished) {
            apart.record(&self.context, self.joint.tool());
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_over {
            let with_function = self.joint.attempts().is_dropped() || std::thread::panicking();
            self.end(Outcome::GivenUp { with_function });
        }
    }
}
