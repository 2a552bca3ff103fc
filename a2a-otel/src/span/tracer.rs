//! Which tracer starts the spans: ours once `init` has run, or that of the provider which the application names; otherwise
//! the one that is global at the time of the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use arc_swap::ArcSwapOption;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _,
};
use opentelemetry::{Context, global};
#[cfg(feature = "sdk")]
use opentelemetry_sdk::trace::SdkTracer;

use super::kept::{self, Lent};
use crate::gen_ai::scope;
use crate::meter;
use crate::report::report;

/// Without the SDK, no tracer is ours.
#[cfg(not(feature = "sdk"))]
type SdkTracer = global::BoxedTracer;

/// What the sampler is known to decide, so that asking it can be skipped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Foresight {
    /// A span with a parent is sampled if and only if the parent is.
    pub(crate) follows_parent: bool,
    /// A span without a parent is sampled.
    pub(crate) samples_roots: bool,
}

/// How spans are started now, in one byte, which is all that a call in a disabled process reads.
#[derive(Clone, Copy)]
pub(super) struct Mode(u8);

/// What to do for one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decision {
    /// Start no span.
    Skip,
    /// Start no span, and measure nothing.
    Suppressed,
    /// Start a span, which the sampler is known or likely to sample.
    Sample,
    /// Ask the sampler.
    AskSampler,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::GLOBAL.0);
static OURS: ArcSwapOption<SdkTracer> = ArcSwapOption::const_empty();

/// Returns a tracer that samples everything while it stands in for the global one, and `None` otherwise.
#[cfg(feature = "testing")]
pub(crate) type StandIn = fn() -> Option<&'static SdkTracer>;

#[cfg(feature = "testing")]
static STAND_IN: std::sync::OnceLock<StandIn> = std::sync::OnceLock::new();

/// Registers a tracer that stands in for the global one. Only the first registration counts.
#[cfg(feature = "testing")]
pub(crate) fn register_stand_in(tracer: StandIn) {
    let _ = STAND_IN.set(tracer);
}

#[cfg(feature = "testing")]
fn stand_in() -> Option<&'static SdkTracer> {
    STAND_IN.get()?()
}

impl Mode {
    const GLOBAL: Self = Self(0);
    const DISABLED: Self = Self(1);
    const OURS: u8 = 2;
    const FOLLOWS_PARENT: u8 = 4;
    const SAMPLES_ROOTS: u8 = 8;

    const fn ours(foresight: Foresight) -> Self {
        let follows = if foresight.follows_parent { Self::FOLLOWS_PARENT } else { 0 };
        let roots = if foresight.samples_roots { Self::SAMPLES_ROOTS } else { 0 };
        Self(Self::OURS | follows | roots)
    }

    #[inline]
    pub(super) const fn is_disabled(self) -> bool {
        self.0 == Self::DISABLED.0
    }

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// What to do for a call in this context.
    pub(super) fn decide(self, context: &Context) -> Decision {
        if context.is_telemetry_suppressed() {
            return Decision::Suppressed;
        }
        let parent = context.span();
        let parent = parent.span_context();
        match parent.is_valid() {
            true if self.has(Self::FOLLOWS_PARENT) => Self::follow(parent),
            false if self.has(Self::SAMPLES_ROOTS) => Decision::Sample,
            _ if self.0 == Self::GLOBAL.0 && kept::is_likely_sampled(parent) => Decision::Sample,
            _ => Decision::AskSampler,
        }
    }

    fn follow(parent: &SpanContext) -> Decision {
        if parent.is_sampled() { Decision::Sample } else { Decision::Skip }
    }
}

/// How spans are started now.
#[inline]
pub(super) fn mode() -> Mode {
    match MODE.load(Ordering::Acquire) {
        #[cfg(feature = "testing")]
        0 if stand_in().is_some() => Mode::ours(Foresight { follows_parent: true, samples_roots: true }),
        mode => Mode(mode),
    }
}

/// Whether telemetry is switched off.
#[inline]
pub(crate) fn is_disabled() -> bool {
    mode().is_disabled()
}

/// Whether `init` has run, and its telemetry has not ended.
#[cfg(not(feature = "metrics"))]
pub(crate) fn is_started() -> bool {
    OURS.load().is_some()
}

/// Whether telemetry has ended before its first span.
static ENDED_UNUSED: AtomicBool = AtomicBool::new(false);

/// Notes that telemetry has ended before its first span.
pub(crate) fn ended_unused() {
    ENDED_UNUSED.store(true, Ordering::Relaxed);
}

/// Reports once why spans are not recorded, if it is known.
pub(super) fn report_lost() {
    report_too_late();
    report_unseen();
}

/// Reports once that spans are started too late, if telemetry has ended before its first span.
fn report_too_late() {
    if ENDED_UNUSED.load(Ordering::Relaxed) && ENDED_UNUSED.swap(false, Ordering::Relaxed) {
        report(
            &"telemetry ended before the first span, so spans are not recorded: `let _ = a2a_otel::init();` drops it at \
              once. Keep it until the end, as in `let _telemetry = a2a_otel::init();`",
        );
    }
}

/// Starts spans with this tracer from now on.
pub(crate) fn activate(tracer: SdkTracer, foresight: Foresight) {
    kept::clear();
    ENDED_UNUSED.store(false, Ordering::Relaxed);
    OURS.store(Some(Arc::new(tracer)));
    meter::switch_off(false);
    MODE.store(Mode::ours(foresight).0, Ordering::Release);
}

/// Starts no spans from now on.
pub(crate) fn disable() {
    kept::clear();
    MODE.store(Mode::DISABLED.0, Ordering::Release);
    meter::switch_off(true);
    OURS.store(None);
}

/// Starts spans with the global tracer provider from now on. Returns the tracer that started them, because dropping it may
/// end a provider, which takes time.
pub(crate) fn deactivate() -> Option<Arc<SdkTracer>> {
    kept::clear();
    MODE.store(Mode::GLOBAL.0, Ordering::Release);
    meter::switch_off(false);
    OURS.swap(None)
}

/// Whether a provider waits for the spans of the attribute macros, which do not know it.
static IS_AWAITED: AtomicBool = AtomicBool::new(false);

/// Notes whether a provider waits for spans, which has to be the global one or to be named.
pub(crate) fn await_provider(is_awaited: bool) {
    IS_AWAITED.store(is_awaited, Ordering::Relaxed);
}

/// Reports once that nobody sees spans, if a provider waits for them.
fn report_unseen() {
    if IS_AWAITED.load(Ordering::Relaxed)
        && OURS.load().is_none()
        && IS_AWAITED.swap(false, Ordering::Relaxed)
    {
        report(
            &"nobody sees the spans of the attribute macros: no global tracer provider is set, or it has ended. Set yours \
              with opentelemetry::global::set_tracer_provider(provider.clone()), or name it with \
              telemetry.use_tracer_provider(&provider)",
        );
    }
}

/// Whether a global tracer provider is set, even if it has ended. Nothing is recorded, and no sampler is asked: while
/// telemetry is suppressed, the API's own provider passes on the parent, and the SDK's does not.
pub(crate) fn is_global_provider_set() -> bool {
    let parent =
        SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::NOT_SAMPLED, true, TraceState::NONE);
    let context = Context::new().with_remote_span_context(parent.clone()).with_telemetry_suppressed();
    let span =
        global::tracer_with_scope(scope()).build_with_context(SpanBuilder::from_name("probe"), &context);
    *span.span_context() != parent
}

/// The tracer of one span.
pub(super) enum Tracer<'a> {
    Ours(&'a SdkTracer),
    Global(Lent),
}

#[inline]
pub(super) fn with_tracer<R>(use_tracer: impl FnOnce(Tracer<'_>) -> R) -> R {
    if let Some(tracer) = &*OURS.load() {
        return use_tracer(Tracer::Ours(tracer));
    }
    #[cfg(feature = "testing")]
    if let Some(tracer) = stand_in() {
        return use_tracer(Tracer::Ours(tracer));
    }
    use_tracer(Tracer::Global(kept::take()))
}

/// Builds a span that is no call. The caller has to end it.
#[cfg(feature = "tracing")]
pub(crate) fn build(builder: SpanBuilder, parent: &Context) -> global::BoxedSpan {
    let boxed = |tracer: &SdkTracer| global::BoxedTracer::new(Box::new(tracer.clone()));
    if let Some(tracer) = &*OURS.load() {
        return boxed(tracer).build_with_context(builder, parent);
    }
    #[cfg(feature = "testing")]
    if let Some(tracer) = stand_in() {
        return boxed(tracer).build_with_context(builder, parent);
    }
    global::tracer_with_scope(scope()).build_with_context(builder, &kept::known(parent))
}

/// Starts a span below `parent`, and returns the context with it. The caller has to end the span.
pub(crate) fn start(builder: SpanBuilder, parent: &Context) -> Context {
    with_tracer(|tracer| match tracer {
        Tracer::Ours(tracer) => parent.with_span(tracer.build_with_context(builder, parent)),
        Tracer::Global(tracer) => parent.with_span(tracer.build(builder, parent)),
    })
}
