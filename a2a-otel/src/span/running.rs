//! A running span: the scope of a call that is recorded as one.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry::{Context, ContextGuard};

use super::ending::Ending;
use super::failure::Describe;
use super::figures::Call;
use super::items::SpanItems;
use super::joint::Joint;
use super::scope::{CallScope, StreamEnd};
use crate::context;

/// A running span, or an empty one if the call is not recorded. Dropping it records that the call was cancelled.
pub struct Span(State);

enum State {
    Unseen,
    /// The sampler dropped the span. The call still runs in its context, so that its children are dropped too.
    Dropped(Context),
    /// A span of its own: the caller's context with the span.
    Seen(Context, Option<Box<Call>>),
    /// The context of a shared span, which its first observer ends.
    Joined(Context, Box<Joined>),
    /// No span is recorded, but figures are.
    Measured(Box<Call>),
}

struct Joined {
    joint: Arc<Joint>,
    call: Option<Box<Call>>,
}

impl Span {
    pub(super) const fn unseen() -> Self {
        Self(State::Unseen)
    }

    pub(super) const fn dropped(context: Context) -> Self {
        Self(State::Dropped(context))
    }

    pub(super) const fn seen(context: Context, call: Option<Box<Call>>) -> Self {
        Self(State::Seen(context, call))
    }

    pub(super) fn joined(context: Context, joint: Arc<Joint>, call: Option<Box<Call>>) -> Self {
        Self(State::Joined(context, Box::new(Joined { joint, call })))
    }

    pub(super) const fn measured(call: Box<Call>) -> Self {
        Self(State::Measured(call))
    }

    /// The context in which the call runs, if it is not the caller's.
    #[cfg(feature = "mcp")]
    pub(super) const fn context(&self) -> Option<&Context> {
        match &self.0 {
            State::Unseen => None,
            State::Dropped(context) | State::Seen(context, _) | State::Joined(context, _) => Some(context),
            State::Measured(call) => call.context(),
        }
    }

    #[cold]
    fn cancel(&mut self) {
        self.end().cancelled();
    }

    /// Not inlined, so that the code for a call that is not recorded stays small.
    #[inline(never)]
    fn end(&mut self) -> Ending {
        match std::mem::replace(&mut self.0, State::Unseen) {
            State::Seen(context, call) => Ending::new(Some(context), call),
            State::Joined(context, joined) => Ending::joined(context, joined.joint, joined.call),
            State::Measured(call) => Ending::new(None, Some(call)),
            State::Unseen | State::Dropped(_) => Ending::new(None, None),
        }
    }
}

impl CallScope for Span {
    type Entered = Option<ContextGuard>;
    type Ending = Ending;
    type Items = SpanItems;

    #[inline]
    fn holds(&self) -> bool {
        !matches!(self.0, State::Unseen)
    }

    #[inline]
    fn is_seen(&self) -> bool {
        matches!(self.0, State::Seen(..) | State::Joined(..) | State::Measured(_))
    }

    #[inline]
    fn is_recorded(&self) -> bool {
        matches!(self.0, State::Seen(..) | State::Joined(..))
    }

    #[inline]
    fn enter(&self) -> Self::Entered {
        match &self.0 {
            State::Unseen => None,
            State::Dropped(context) | State::Seen(context, _) | State::Joined(context, _) => {
                context::attach(context.clone())
            }
            State::Measured(call) => call.context().and_then(|context| context::attach(context.clone())),
        }
    }

    #[inline]
    fn returned(mut self) -> Ending {
        if self.is_seen() { self.end() } else { Ending::new(None, None) }
    }

    fn panicked(mut self, payload: &(dyn Any + Send)) {
        self.end().panicked(payload);
    }

    #[inline]
    fn succeeded(mut self) {
        if self.is_seen() {
            self.end().ok();
        }
    }

    fn failed(mut self, failure: &dyn Describe, debug: bool) {
        self.end().err(failure, debug);
    }

    fn items(&self, started: Option<Instant>) -> SpanItems {
        let measures_chunks = match &self.0 {
            State::Seen(_, Some(call)) | State::Measured(call) => call.is_of_model(),
            _ => false,
        };
        SpanItems::new(started, self.is_recorded(), measures_chunks)
    }

    fn item(items: &mut SpanItems) {
        items.item();
    }

    fn streamed(mut self, items: SpanItems, end: StreamEnd<'_>) {
        items.finish(self.end(), end);
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if self.is_seen() {
            self.cancel();
        }
    }
}
