//! A running span: the scope of a call that is recorded as one.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry::trace::{SpanRef, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::context_values::kind_at;
use super::ending::{Ending, judge};
use super::failure::Describe;
use super::figures::Call;
use super::items::SpanItems;
use super::joint::Joint;
use super::outcome::Verdict;
use super::scope::{CallScope, StreamEnd};
use crate::context::{self, Addition, Entered, Families, Proxy};
use crate::privacy;
use crate::semconv::markers::SUPPRESSED;

/// A running span, or an empty one if the call is not recorded. Dropping it records that the call was cancelled.
pub struct Span {
    state: State,
    /// The inherited attributes that the call sets itself.
    own: Families,
    /// Whether the call returned something that has not been polled yet.
    is_deferred: bool,
    /// The site's name, for `tracing`.
    name: &'static str,
    /// What stands for the context in `tracing`.
    proxy: Proxy,
}

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
    const fn new(state: State) -> Self {
        Self { state, own: Families::NONE, is_deferred: false, name: "", proxy: Proxy::none() }
    }

    pub(super) const fn unseen() -> Self {
        Self::new(State::Unseen)
    }

    pub(super) const fn dropped(context: Context) -> Self {
        Self::new(State::Dropped(context))
    }

    pub(super) const fn seen(context: Context, own: Families, call: Option<Box<Call>>) -> Self {
        let mut span = Self::new(State::Seen(context, call));
        span.own = own;
        span
    }

    pub(super) fn joined(context: Context, joint: Arc<Joint>, call: Option<Box<Call>>) -> Self {
        Self::new(State::Joined(context, Box::new(Joined { joint, call })))
    }

    /// Names it for `tracing`.
    #[inline]
    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub(super) const fn measured(call: Box<Call>) -> Self {
        Self::new(State::Measured(call))
    }

    /// The context in which the call runs, if it is not the caller's.
    pub(super) const fn context(&self) -> Option<&Context> {
        match &self.state {
            State::Unseen => None,
            State::Dropped(context) | State::Seen(context, _) | State::Joined(context, _) => Some(context),
            State::Measured(call) => call.context(),
        }
    }

    /// Adopts what the scopes around this poll add.
    #[cold]
    fn adopt(&mut self) {
        self.is_deferred = false;
        let Some(Addition { context: whole, attributes, is_suppressed }) =
            self.context().and_then(|context| context::addition(context, self.own))
        else {
            return;
        };
        self.proxy = Proxy::none();
        match &mut self.state {
            State::Unseen => {}
            State::Seen(..) if is_suppressed => {
                forget(&whole.span());
                self.state = State::Dropped(whole);
            }
            State::Measured(_) if is_suppressed => self.state = State::Dropped(whole),
            State::Seen(context, _) => {
                add(&whole, attributes);
                *context = whole;
            }
            State::Joined(context, joined) => {
                joined.joint.add(&whole, attributes);
                *context = whole;
            }
            State::Dropped(context) => *context = whole,
            State::Measured(call) => call.runs_in(Some(whole)),
        }
    }

    /// The value that the call returned says this of the call.
    pub(super) fn judged(&mut self, verdict: Verdict) {
        match &mut self.state {
            State::Seen(context, call) => judge(Some(context), call.as_deref_mut(), verdict),
            State::Measured(call) => judge(None, Some(call), verdict),
            // The protocol's call ends the span of a call that it serves.
            State::Unseen | State::Dropped(_) | State::Joined(..) => {}
        }
    }

    #[cold]
    fn cancel(&mut self) {
        self.end().cancelled();
    }

    /// Not inlined, so that the code for a call that is not recorded stays small.
    #[inline(never)]
    fn end(&mut self) -> Ending {
        match std::mem::replace(&mut self.state, State::Unseen) {
            State::Seen(context, call) => Ending::new(Some(context), call),
            State::Joined(context, joined) => Ending::joined(context, joined.joint, joined.call),
            State::Measured(call) => Ending::new(None, Some(call)),
            State::Unseen | State::Dropped(_) => Ending::new(None, None),
        }
    }
}

/// The function that this runs in may ask `tracing` for the current span.
#[inline]
pub fn may_ask_tracing() {
    #[cfg(feature = "tracing")]
    context::expect_proxies();
}

/// Adds attributes that the span of this context inherits.
fn add(context: &Context, mut attributes: Vec<KeyValue>) {
    privacy::screen(kind_at(context), &mut attributes);
    context.span().set_attributes(attributes);
}

/// Ends a span that the pipeline is to drop.
fn forget(span: &SpanRef<'_>) {
    span.set_attribute(KeyValue::new(SUPPRESSED, true));
    span.end();
}

impl CallScope for Span {
    type Entered = Option<Entered>;
    type Ending = Ending;
    type Items = SpanItems;

    #[inline]
    fn holds(&self) -> bool {
        !matches!(self.state, State::Unseen)
    }

    #[inline]
    fn is_seen(&self) -> bool {
        matches!(self.state, State::Seen(..) | State::Joined(..) | State::Measured(_))
    }

    #[inline]
    fn is_recorded(&self) -> bool {
        matches!(self.state, State::Seen(..) | State::Joined(..))
    }

    #[inline]
    fn deferred(&mut self) {
        self.is_deferred = true;
    }

    #[inline]
    fn resumed(&mut self) {
        if self.is_deferred {
            self.adopt();
        }
    }

    fn abandoned(&self) {
        if let State::Seen(context, _) = &self.state
            && let Some(joint) = Joint::at(context)
        {
            joint.attempts().dropped();
        }
    }

    #[inline]
    fn enter(&self) -> Self::Entered {
        self.context().map(|context| self.proxy.enter(self.name, context))
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
        let measures_chunks = match &self.state {
            State::Seen(_, Some(call)) | State::Measured(call) => call.is_of_model(),
            _ => false,
        };
        SpanItems::new(started, self.is_recorded(), measures_chunks)
    }

    fn item(items: &mut SpanItems) {
        items.item();
    }

    fn item_failed(items: &mut SpanItems, failure: &dyn Describe) {
        items.err(failure, false);
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
