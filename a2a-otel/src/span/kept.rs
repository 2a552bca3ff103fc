//! What a thread keeps of the global tracer provider, because asking for it at each span takes as long as the span.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _};

use crate::gen_ai::scope;

/// How long a tracer is kept. The global provider has no identity, so only time tells that it may have been replaced.
const TRUST: Duration = Duration::from_millis(1);

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
    /// Whether the last root of this thread was sampled.
    static SAMPLES_ROOTS: Cell<bool> = const { Cell::new(false) };
}

/// A tracer that has started a span.
struct Kept {
    tracer: BoxedTracer,
    made: SystemTime,
}

/// The tracer of one span.
pub(super) struct Lent {
    tracer: BoxedTracer,
    made: Option<SystemTime>,
    /// The time, if it was read. The span starts then, so that no clock is read twice.
    now: Option<SystemTime>,
    /// Whether the tracer can be kept: its span has an identity. The API's own tracer, which is global before a provider
    /// is set, gives none.
    is_real: bool,
}

/// Takes the tracer that this thread keeps, or else makes one. While none is kept, no time is read: without a provider,
/// there is nothing to keep.
pub(super) fn take() -> Lent {
    let kept = KEPT.try_with(|kept| kept.try_borrow_mut().ok()?.take()).ok().flatten();
    let now = kept.is_some().then(SystemTime::now);
    let trusted = kept.filter(|kept| now.is_some_and(|now| is_trusted(kept.made, now)));
    let made = trusted.as_ref().map(|kept| kept.made).or(now);
    let tracer = trusted.map_or_else(|| global::tracer_with_scope(scope()), |kept| kept.tracer);
    Lent { tracer, made, now, is_real: false }
}

/// A clock that was set back is not trusted.
fn is_trusted(made: SystemTime, now: SystemTime) -> bool {
    now.duration_since(made).is_ok_and(|age| age < TRUST)
}

impl Lent {
    /// Starts the span.
    pub(super) fn build(&mut self, mut builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        builder.start_time = builder.start_time.or(self.now);
        let span = self.tracer.build_with_context(builder, parent);
        let (identity, parent) = (span.span_context(), parent.span());
        let parent = parent.span_context();
        self.is_real = identity.is_valid() && identity.span_id() != parent.span_id();
        if !parent.is_valid() {
            SAMPLES_ROOTS.set(identity.is_sampled());
        }
        span
    }
}

/// Keeps the tracer, if it can be kept.
pub(super) fn give_back(lent: Lent) {
    if !lent.is_real {
        return;
    }
    let kept = Kept { made: lent.made.unwrap_or_else(SystemTime::now), tracer: lent.tracer };
    // Dropping a tracer may end a provider, whose code must not find the place borrowed.
    let former = KEPT.try_with(|place| place.try_borrow_mut().map(|mut place| place.replace(kept)));
    drop(former);
}

/// Whether the sampler of the global provider is likely to sample a span below this parent: it usually follows the parent,
/// and usually decides about a root as about the last one. Without a provider it never does.
pub(super) fn is_likely_sampled(parent: &SpanContext) -> bool {
    let is_kept =
        || KEPT.try_with(|kept| kept.try_borrow().is_ok_and(|kept| kept.is_some())).unwrap_or(false);
    if parent.is_valid() { parent.is_sampled() && is_kept() } else { SAMPLES_ROOTS.get() && is_kept() }
}
