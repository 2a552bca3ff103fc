//! What is kept of the global tracer provider, because asking for it at each span takes as long as the span.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwapOption, Guard};
use opentelemetry::Context;
use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _};

use crate::gen_ai::scope;

/// How long a tracer is kept. The global provider has no identity, so only time tells that it may have been replaced.
const TRUST: Duration = Duration::from_millis(1);

/// The tracer of the last spans, for all threads: so a replaced provider lives until the next span of the process, and not
/// until the next one of each thread.
static KEPT: ArcSwapOption<Kept> = ArcSwapOption::const_empty();

/// A tracer that has started a span.
struct Kept {
    tracer: BoxedTracer,
    made: SystemTime,
}

/// The tracer of one span.
pub(super) struct Lent {
    kept: Guard<Option<Arc<Kept>>>,
    /// The time, if it was read. The span starts then, so that no clock is read twice.
    now: Option<SystemTime>,
}

/// Takes the tracer that is kept. While there is none, no time is read: without a provider, there is nothing to keep.
pub(super) fn take() -> Lent {
    let kept = KEPT.load();
    let now = kept.is_some().then(SystemTime::now);
    Lent { kept, now }
}

/// Keeps no tracer, and forgets what its sampler has decided.
pub(super) fn clear() {
    for expected in [&ROOTS, &CHILDREN] {
        expected.store(UNKNOWN, Ordering::Relaxed);
    }
    KEPT.store(None);
}

impl Lent {
    /// Starts the span, with the tracer that is kept or else with the global one.
    pub(super) fn build(&self, mut builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        let parent = &*known(parent);
        builder.start_time = builder.start_time.or(self.now);
        let kept = self.kept.as_ref().filter(|kept| self.now.is_some_and(|now| is_trusted(kept.made, now)));
        if let Some(kept) = kept {
            let span = kept.tracer.build_with_context(builder, parent);
            if !note(&span, parent) {
                clear();
            }
            return span;
        }
        let tracer = global::tracer_with_scope(scope());
        let span = tracer.build_with_context(builder, parent);
        if note(&span, parent) {
            // Without a time, the tracer is replaced at the next span.
            let made = self.now.unwrap_or(SystemTime::UNIX_EPOCH);
            KEPT.store(Some(Arc::new(Kept { tracer, made })));
        } else if self.kept.is_some() {
            clear();
        }
        span
    }
}

/// The context, or an empty one if its span has no identity: a `tracing` span that is older than the provider. The SDK's
/// default sampler follows such a span and drops everything below it.
pub(super) fn known(parent: &Context) -> Cow<'_, Context> {
    let is_unknown = parent.has_active_span() && !parent.span().span_context().is_valid();
    if is_unknown { Cow::Owned(Context::new()) } else { Cow::Borrowed(parent) }
}

/// A clock that was set back is not trusted.
fn is_trusted(made: SystemTime, now: SystemTime) -> bool {
    now.duration_since(made).is_ok_and(|age| age < TRUST)
}

/// Notes what has become of a span. Returns whether its tracer can be kept: whether the span has an identity. The API's own
/// provider, which is global before another is set, passes on the parent.
fn note(span: &BoxedSpan, parent: &Context) -> bool {
    let (identity, parent) = (span.span_context(), parent.span());
    let parent = parent.span_context();
    let is_real = identity.is_valid() && identity.span_id() != parent.span_id();
    if is_real && identity.is_sampled() {
        let expected = expected(parent);
        if expected.load(Ordering::Relaxed) == UNKNOWN {
            expected.store(LIKELY, Ordering::Relaxed);
        }
    }
    is_real
}

/// What the sampler of the global provider is expected to decide about a root.
static ROOTS: AtomicU8 = AtomicU8::new(UNKNOWN);
/// What it is expected to decide below a sampled parent.
static CHILDREN: AtomicU8 = AtomicU8::new(UNKNOWN);

const UNKNOWN: u8 = 0;
const LIKELY: u8 = 1;
/// It has dropped a span that it was expected to sample. From then on it is asked first, with the same attributes each time:
/// it may decide by what a span says.
const MISTRUSTED: u8 = 2;

fn expected(parent: &SpanContext) -> &'static AtomicU8 {
    if parent.is_valid() { &CHILDREN } else { &ROOTS }
}

/// Whether the sampler of the global provider is likely to sample a span below this parent, or a root. Without a provider it
/// never does.
pub(super) fn is_likely_sampled(parent: &SpanContext) -> bool {
    let is_possible = parent.is_sampled() || !parent.is_valid();
    is_possible && expected(parent).load(Ordering::Relaxed) == LIKELY
}

/// Notes that the sampler has dropped a span that it was expected to sample.
pub(super) fn was_wrong(parent: &SpanContext) {
    expected(parent).store(MISTRUSTED, Ordering::Relaxed);
}
