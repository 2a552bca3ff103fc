//! Which tracer makes the spans: ours once `init` has run, else whatever is global at the time of the call.

use std::sync::LazyLock;

use arc_swap::ArcSwap;
use opentelemetry::InstrumentationScope;
use opentelemetry::global::BoxedTracer;
use opentelemetry_sdk::trace::SdkTracer;

enum State {
    /// Nobody called `init`.
    Unset,
    Active {
        tracer: SdkTracer,
        follows_parent: bool,
    },
    Disabled,
}

/// The tracer for one span.
pub(super) enum Current<'a> {
    Ours { tracer: &'a SdkTracer, follows_parent: bool },
    Global(BoxedTracer),
    Disabled,
}

static STATE: LazyLock<ArcSwap<State>> = LazyLock::new(|| ArcSwap::from_pointee(State::Unset));

/// From now on, spans are made by this tracer; `follows_parent` says that its sampler drops what is below a parent
/// that was dropped, so that it need not be asked.
pub(crate) fn activate(tracer: SdkTracer, follows_parent: bool) {
    STATE.store(State::Active { tracer, follows_parent }.into());
}

/// From now on, no spans are made.
pub(crate) fn disable() {
    STATE.store(State::Disabled.into());
}

/// From now on, spans are made by the global tracer provider.
pub(crate) fn deactivate() {
    STATE.store(State::Unset.into());
}

pub(super) fn with_current<R>(use_tracer: impl FnOnce(Current<'_>) -> R) -> R {
    match &**STATE.load() {
        State::Active { tracer, follows_parent } => {
            use_tracer(Current::Ours { tracer, follows_parent: *follows_parent })
        }
        State::Disabled => use_tracer(Current::Disabled),
        #[cfg(feature = "testing")]
        State::Unset if crate::testing::is_capturing() => {
            use_tracer(Current::Ours { tracer: crate::testing::tracer(), follows_parent: true })
        }
        State::Unset => use_tracer(Current::Global(opentelemetry::global::tracer_with_scope(scope()))),
    }
}

/// The instrumentation scope of all our spans.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("a2a-otel").with_version(env!("CARGO_PKG_VERSION")).build()
}
