//! Which tracer makes the spans: ours once `init` has run, else whatever is global at the time of the call.

use std::sync::LazyLock;

use arc_swap::ArcSwap;
use opentelemetry::InstrumentationScope;
use opentelemetry::global::BoxedTracer;
use opentelemetry_sdk::trace::SdkTracer;

enum State {
    /// Nobody called `init`.
    Unset,
    Active(SdkTracer),
    Disabled,
}

/// The tracer for one span.
pub(super) enum Current<'a> {
    Ours(&'a SdkTracer),
    Global(BoxedTracer),
    Disabled,
}

static STATE: LazyLock<ArcSwap<State>> = LazyLock::new(|| ArcSwap::from_pointee(State::Unset));

/// From now on, spans are made by this tracer.
pub(crate) fn activate(tracer: SdkTracer) {
    STATE.store(State::Active(tracer).into());
}

/// From now on, no spans are made.
pub(crate) fn disable() {
    STATE.store(State::Disabled.into());
}

/// From now on, spans are made by the global tracer provider.
pub(crate) fn deactivate() {
    STATE.store(State::Unset.into());
}

/// Whether nobody has said yet who makes the spans.
#[cfg(feature = "testing")]
pub(crate) fn is_unset() -> bool {
    matches!(**STATE.load(), State::Unset)
}

pub(super) fn with_current<R>(use_tracer: impl FnOnce(Current<'_>) -> R) -> R {
    match &**STATE.load() {
        State::Active(tracer) => use_tracer(Current::Ours(tracer)),
        State::Disabled => use_tracer(Current::Disabled),
        State::Unset => use_tracer(Current::Global(opentelemetry::global::tracer_with_scope(scope()))),
    }
}

/// The instrumentation scope of all our spans.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("a2a-otel").with_version(env!("CARGO_PKG_VERSION")).build()
}
