//! One tool call that two observe, the attribute of a function and the protocol that carries the call, is one span: who
//! comes second adds to the span of the first.
//!
//! What the call was given and gave back is for the function's attribute to say, which may mask it; why it failed, and by
//! which names the call is known, for the protocol.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard};

use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue, StringValue};

use super::failure::Failed;
use super::opening::Site;
use crate::lock::lock;
use crate::privacy;
use crate::semconv::openinference::TOOL_NAME;

/// The kind of span that two may share.
const TOOL: &str = crate::semconv::SpanKind::Tool.as_str();

/// A tool's span that a second may join.
pub(crate) struct Joint {
    /// The span, for the context is its children's as well.
    span: SpanId,
    /// Whether a function's attribute has opened it.
    is_of_function: bool,
    tool: String,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    has_second: bool,
    /// What is recorded already: one name is recorded once.
    keys: Vec<Key>,
    /// What the first records in the end if no second comes.
    deferred: Vec<KeyValue>,
    /// How the second ended badly.
    ending: Option<Bad>,
}

/// How the second ended badly.
#[derive(Clone, Debug)]
pub(super) enum Bad {
    /// The function has recorded why: this is the status message.
    Told(String),
    /// The protocol has not, for the function goes on.
    Untold(Arc<Refusal>),
}

/// How a protocol's call failed.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) failed: Failed,
    /// The protocol's name for it.
    pub(crate) error_type: StringValue,
    /// Whether the tool itself has failed, so that the call has, whatever the function makes of it.
    pub(crate) is_of_tool: bool,
}

impl Site {
    fn is_of_function(&self) -> bool {
        self.opentelemetry == SpanKind::Internal
    }

    /// Whether a second may join the span.
    #[inline]
    pub(super) fn is_of_tool(&self) -> bool {
        cfg!(feature = "mcp") && self.kind == TOOL
    }

    /// Whether the input waits for a function's attribute to say more of it.
    pub(super) fn defers_input(&self) -> bool {
        self.is_of_tool() && self.opentelemetry == SpanKind::Server
    }
}

impl Joint {
    /// Of a span that will have these attributes, if it is a tool's. What is deferred a second may replace.
    pub(super) fn of(site: &Site, attributes: &[KeyValue], deferred: Vec<KeyValue>) -> Option<Self> {
        let tool = tool_of(attributes)?.into_owned();
        let keys = attributes.iter().map(|attribute| attribute.key.clone()).collect();
        let shared = Mutex::new(Shared { keys, deferred, ..Shared::default() });
        Some(Self { span: SpanId::INVALID, is_of_function: site.is_of_function(), tool, shared })
    }

    pub(super) fn of_span(mut self, span: SpanId) -> Arc<Self> {
        self.span = span;
        Arc::new(self)
    }

    /// The span directly above, which a function's attribute may [`join`](Self::join) if it is of the same tool.
    pub(super) fn for_function(site: &Site) -> Option<Arc<Self>> {
        if !site.is_of_tool() || !site.is_of_function() {
            return None;
        }
        Self::above(|joint| !joint.is_of_function)
    }

    /// The span directly above, joined by the call of this tool.
    pub(crate) fn for_call(tool: &str) -> Option<Arc<Self>> {
        let joint = Self::above(|joint| joint.is_of_function && joint.tool == tool)?;
        joint.take().then_some(joint)
    }

    fn above(fits: impl FnOnce(&Self) -> bool) -> Option<Arc<Self>> {
        Context::map_current(|context| {
            let joint = Self::at(context).filter(|joint| fits(joint))?;
            // A span that was cancelled has ended, and takes no more.
            (context.span().is_recording() && !context.is_telemetry_suppressed()).then(|| Arc::clone(joint))
        })
    }

    /// Lets what has these attributes join, if it is the first of the same tool.
    pub(super) fn join(&self, attributes: &[KeyValue]) -> bool {
        tool_of(attributes).is_some_and(|tool| tool == self.tool) && self.take()
    }

    fn take(&self) -> bool {
        !std::mem::replace(&mut self.shared().has_second, true)
    }

    /// Of the context's own span.
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

    /// Adds the second's attributes to the span, but for those that the first has recorded.
    pub(crate) fn add(&self, context: &Context, mut attributes: Vec<KeyValue>) {
        privacy::screen(TOOL, &mut attributes);
        let mut shared = self.shared();
        attributes.retain(|attribute| !shared.keys.contains(&attribute.key));
        shared.keys.extend(attributes.iter().map(|attribute| attribute.key.clone()));
        drop(shared);
        context.span().set_attributes(attributes);
    }

    /// Whether somebody else records what goes in and comes out.
    pub(super) fn has_second(&self) -> bool {
        self.shared().has_second
    }

    /// What nobody else has recorded.
    pub(super) fn take_deferred(&self) -> Vec<KeyValue> {
        let mut shared = self.shared();
        if shared.has_second { Vec::new() } else { std::mem::take(&mut shared.deferred) }
    }

    pub(super) fn tell(&self, message: String) {
        self.shared().ending = Some(Bad::Told(message));
    }

    /// The protocol's call failed in this way.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.shared().ending = Some(Bad::Untold(Arc::new(refusal)));
    }

    pub(super) fn ending(&self) -> Option<Bad> {
        self.shared().ending.clone()
    }
}

fn tool_of(attributes: &[KeyValue]) -> Option<Cow<'_, str>> {
    let tool = attributes.iter().find(|attribute| attribute.key.as_str() == TOOL_NAME)?;
    Some(tool.value.as_str())
}
