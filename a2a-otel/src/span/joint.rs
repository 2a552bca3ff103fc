//! One span for a tool call that is observed twice: by a function's attribute macro, and by the protocol that carries
//! the call. The first of the two opens the span, and the second joins it.
//!
//! The attribute macro records input and output, because it may mask them. The protocol records the cause of a failure
//! and the names of the call. [`attempts`](super::attempts) decides when a call of a function becomes a part of its span.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard};

use opentelemetry::trace::{SpanId, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue};

use super::attempts::Attempts;
use super::outcome::{FunctionEnd, Verdict};
use super::site::{Site, TOOL};
use crate::lock::lock;
use crate::privacy;
use crate::semconv::openinference::TOOL_NAME;

/// A tool's span that a second observer may join.
pub(crate) struct Joint {
    /// The span's id; its children inherit the context.
    span: SpanId,
    /// Whether a function's attribute macro opened it.
    is_of_function: bool,
    tool: String,
    shared: Mutex<Shared>,
    /// The calls of a function.
    attempts: Attempts,
}

#[derive(Default)]
struct Shared {
    has_second: bool,
    /// The keys that are recorded already; each is recorded once.
    keys: Vec<Key>,
    /// What the first observer records at the end if no second one joins.
    deferred: Vec<KeyValue>,
    /// The message of the failure that the second observer has recorded.
    failure: Option<String>,
    /// What the value that the function returned says of it.
    verdict: Verdict,
}

impl Joint {
    /// A call of a tool begins directly below the function whose span this is.
    pub(super) fn call_begins(&self, context: &Context, is_of_own_tool: bool) -> bool {
        let (is_first, earlier) = self.attempts.begin(is_of_own_tool);
        if let Some(earlier) = earlier {
            earlier.record(context, &self.tool);
        }
        is_first
    }

    /// The function ended, and its span is about to: the only call becomes a part of it, unless it ended otherwise.
    pub(super) fn function_ended(&self, context: &Context, end: FunctionEnd) {
        match self.attempts.settle() {
            Some(call) if call.is_part_of(end) => self.add(context, call.started.attributes),
            Some(call) => call.record(context, &self.tool),
            None => {}
        }
    }

    /// The shared state of a span with these attributes, if it is a tool's span. A second observer replaces what is
    /// `deferred`.
    pub(super) fn of(site: &Site, attributes: &[KeyValue], deferred: Vec<KeyValue>) -> Option<Self> {
        let tool = tool_of(attributes)?.into_owned();
        let keys = attributes.iter().map(|attribute| attribute.key.clone()).collect();
        let shared = Mutex::new(Shared { keys, deferred, ..Shared::default() });
        let (is_of_function, attempts) = (site.is_of_function(), Attempts::default());
        Some(Self { span: SpanId::INVALID, is_of_function, tool, shared, attempts })
    }

    pub(super) fn of_span(mut self, span: SpanId) -> Arc<Self> {
        self.span = span;
        Arc::new(self)
    }

    /// The parent span, which a function's attribute macro may [`join`](Self::join) if both are about the same tool.
    pub(super) fn for_function(site: &Site) -> Option<Arc<Self>> {
        if !site.is_of_tool() || !site.is_of_function() {
            return None;
        }
        let joint = Self::above(|_| true)?;
        if joint.is_of_function {
            joint.call_begins(&Context::current(), false);
            return None;
        }
        Some(joint)
    }

    /// The span of the function that makes the current call.
    pub(super) fn of_function() -> Option<Arc<Self>> {
        Self::above(|joint| joint.is_of_function)
    }

    pub(super) fn tool(&self) -> &str {
        &self.tool
    }

    pub(super) const fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    fn above(fits: impl FnOnce(&Self) -> bool) -> Option<Arc<Self>> {
        Context::map_current(|context| {
            let joint = Self::at(context).filter(|joint| fits(joint))?;
            // A span that was cancelled has ended and records nothing more.
            (context.span().is_recording() && !context.is_telemetry_suppressed()).then(|| Arc::clone(joint))
        })
    }

    /// Joins the span, if these attributes are about the same tool and no second observer has joined before.
    pub(super) fn join(&self, attributes: &[KeyValue]) -> bool {
        tool_of(attributes).is_some_and(|tool| tool == self.tool) && self.take()
    }

    /// Lets nobody join the span. Returns whether nobody has before.
    pub(super) fn take(&self) -> bool {
        !std::mem::replace(&mut self.shared().has_second, true)
    }

    /// The shared state of the context's own span.
    pub(super) fn at(context: &Context) -> Option<&Arc<Self>> {
        if !cfg!(feature = "mcp") {
            return None;
        }
        let joint = context.get::<Arc<Self>>()?;
        (joint.span == context.span().span_context().span_id()).then_some(joint)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Adds the second observer's attributes to the span, except those that the first has recorded.
    pub(super) fn add(&self, context: &Context, mut attributes: Vec<KeyValue>) {
        privacy::screen(TOOL, &mut attributes);
        let mut shared = self.shared();
        attributes.retain(|attribute| !shared.keys.contains(&attribute.key));
        shared.keys.extend(attributes.iter().map(|attribute| attribute.key.clone()));
        drop(shared);
        context.span().set_attributes(attributes);
    }

    /// Whether a second observer has joined.
    pub(super) fn has_second(&self) -> bool {
        self.shared().has_second
    }

    /// What was deferred, unless a second observer has joined and recorded it.
    pub(super) fn take_deferred(&self) -> Vec<KeyValue> {
        let mut shared = self.shared();
        if shared.has_second { Vec::new() } else { std::mem::take(&mut shared.deferred) }
    }

    /// The second observer has recorded its failure.
    pub(super) fn record_failure(&self, message: String) {
        self.shared().failure = Some(message);
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.shared().failure.clone()
    }

    /// The value that the function returned says this of it.
    pub(super) fn judged(&self, verdict: Verdict) {
        self.shared().verdict = verdict;
    }

    pub(super) fn take_verdict(&self) -> Verdict {
        std::mem::take(&mut self.shared().verdict)
    }
}

fn tool_of(attributes: &[KeyValue]) -> Option<Cow<'_, str>> {
    let tool = attributes.iter().find(|attribute| attribute.key.as_str() == TOOL_NAME)?;
    Some(tool.value.as_str())
}
