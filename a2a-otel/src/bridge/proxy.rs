//! The `tracing` spans that stand for contexts: see [`crate::context`].
//!
//! A proxy passes through the application's subscriber as any `tracing` span does, so that its layers find their data in
//! it. In OpenTelemetry it is no span of its own: the bridge gives it the identity of the span that it stands for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::callsite::{Callsite, Identifier};
use tracing::dispatcher::get_default;
use tracing::field::{Field, FieldSet, Value};
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};

use super::neighbours::Neighbours;
use crate::context;

/// The target of proxies, by which layers can leave them out.
const TARGET: &str = "a2a_otel::call";

/// The levels of proxies, the best one first. What asks for INFO leaves out DEBUG; but a filter of the whole subscriber
/// must let one of them pass.
const LEVELS: [Level; 2] = [Level::DEBUG, Level::INFO];

/// The level of the callsite, which no proxy has.
static CALLSITE: Metadata<'static> = Metadata::new(
    "call",
    TARGET,
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Proxies)),
    Kind::SPAN,
);

/// The callsite of all proxies.
struct Proxies;

impl Callsite for Proxies {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &CALLSITE
    }
}

const fn fields() -> FieldSet {
    FieldSet::new(&[], Identifier(&Proxies))
}

pub(super) fn is_proxy(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TARGET
}

/// Makes a proxy of the context, if the bridge is in the subscriber of this thread and alone takes it.
pub(super) fn make(name: &'static str, context: &Context) -> Option<tracing::Span> {
    let dispatch = get_default(Clone::clone);
    let neighbours = dispatch.downcast_ref::<Neighbours>()?;
    let level = neighbours.level_of_proxies(&dispatch, || {
        let is_possible = |level: &Level| {
            let proxy = metadata("call", *level);
            dispatch.enabled(proxy) && neighbours.leave(proxy)
        };
        LEVELS.into_iter().find(is_possible)
    })?;
    let metadata = metadata(name, level);
    // The filters are asked, and each decides of this span alone.
    if !dispatch.enabled(metadata) {
        return None;
    }
    let none: [(&Field, Option<&dyn Value>); 0] = [];
    let entered = context::attach(context.clone());
    let proxy = tracing::Span::new(metadata, &fields().value_set(&none));
    drop(entered);
    // Entering it has this bridge start its span; whoever asks for its context first would have another layer do so.
    let blank = context::attach(Context::new());
    let is_whole = proxy.in_scope(|| context::map_current(|now| identity(now) == identity(context)));
    drop(blank);
    is_whole.then_some(proxy)
}

fn identity(context: &Context) -> SpanContext {
    context.span().span_context().clone()
}

/// What is kept of the proxies of each name and level.
type Known = HashMap<(&'static str, Level), &'static Metadata<'static>>;

fn metadata(name: &'static str, level: Level) -> &'static Metadata<'static> {
    static KNOWN: RwLock<Option<Known>> = RwLock::new(None);
    let find = |known: &Option<Known>| known.as_ref()?.get(&(name, level)).copied();
    let known = find(&KNOWN.read().unwrap_or_else(PoisonError::into_inner));
    known.unwrap_or_else(|| {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let made = Metadata::new(name, TARGET, level, None, None, None, fields(), Kind::SPAN);
            &*Box::leak(Box::new(made))
        };
        known.get_or_insert_default().entry((name, level)).or_insert_with(made)
    })
}

/// The span of a proxy, if this builds one.
pub(super) fn stand_in(builder: &SpanBuilder, of: &Context) -> Option<BoxedSpan> {
    let mut attributes = builder.attributes.iter().flatten();
    let is_proxy = attributes.any(|one| one.key.as_str() == "target" && one.value.as_str() == TARGET);
    is_proxy.then(|| BoxedTracer::new(Box::new(StandIns)).build_with_context(SpanBuilder::default(), of))
}

/// Makes the spans of proxies. OpenTelemetry boxes only spans that a tracer makes.
struct StandIns;

impl Tracer for StandIns {
    type Span = StandIn;

    fn build_with_context(&self, _: SpanBuilder, of: &Context) -> StandIn {
        StandIn { identity: of.span().span_context().clone(), of: of.clone() }
    }
}

/// Passes everything on to the span of a context, except its end.
struct StandIn {
    identity: SpanContext,
    of: Context,
}

impl Span for StandIn {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        self.of.span().add_event_with_timestamp(name, timestamp, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        &self.identity
    }

    fn is_recording(&self) -> bool {
        self.of.span().is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.of.span().set_attribute(attribute);
    }

    fn set_status(&mut self, status: Status) {
        self.of.span().set_status(status);
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.of.span().update_name(name);
    }

    fn add_link(&mut self, context: SpanContext, attributes: Vec<KeyValue>) {
        self.of.span().add_link(context, attributes);
    }

    fn end_with_timestamp(&mut self, _: SystemTime) {}
}
