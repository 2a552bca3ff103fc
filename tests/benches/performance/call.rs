//! Measures a call with a span of ten attributes, four of them computed, in each state of telemetry.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel::opentelemetry::global::{self, BoxedTracer};
use a2a_otel::opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider as _,
};
use a2a_otel::opentelemetry::{Context, ContextGuard, KeyValue};
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::local::LocalParentGuard;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing::Dispatch;
use tracing::dispatcher::set_default;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::measure::Variant;
use crate::rows::{
    BY_HAND, BY_HAND_BARE, FASTRACE, FASTRACE_CALLER, FASTRACE_ROOTS, NO_STAND_IN, NO_SUBSCRIBER, OURS,
    PLAIN, TRACER_KEPT, TRACING,
};

const TEXT: &str = "a lamp for the desk";

/// A processor that only counts spans, as the cheapest possible backend.
#[derive(Debug)]
struct Count;

impl SpanProcessor for Count {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Reporter for Count {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        black_box(spans);
    }
}

#[a2a_otel::chain_span(skip_all, fields(
    "a" = 1, "b" = 2, "c" = "three", "d" = "four", "e" = true,
    "f" = number + 1, "g" = number * 2, "h" = text.len(), "i" = text
))]
fn by_attribute(number: i64, text: &str) -> i64 {
    work(number, text)
}

#[tracing::instrument(skip_all, fields(
    kind = "CHAIN", a = 1, b = 2, c = "three", d = "four", e = true,
    f = number + 1, g = number * 2, h = text.len(), i = text
))]
fn by_tracing(number: i64, text: &str) -> i64 {
    work(number, text)
}

/// Fastrace has only text and no expressions, so four values are formatted.
#[fastrace::trace(properties = {
    "kind": "CHAIN", "a": "1", "b": "2", "c": "three", "d": "four", "e": "true",
    "f": "{number}", "g": "{number}", "h": "{number}", "i": "{text}"
})]
fn by_fastrace(number: i64, text: &str) -> i64 {
    work(number, text)
}

/// A span with the same attributes.
fn started_by_hand<T: Tracer>(tracer: &T, number: i64, text: &str) -> SpanBuilder {
    let attributes = [
        KeyValue::new("openinference.span.kind", "CHAIN"),
        KeyValue::new("a", 1),
        KeyValue::new("b", 2),
        KeyValue::new("c", "three"),
        KeyValue::new("d", "four"),
        KeyValue::new("e", true),
        KeyValue::new("f", number + 1),
        KeyValue::new("g", number * 2),
        KeyValue::new("h", i64::try_from(text.len()).unwrap_or(i64::MAX)),
        KeyValue::new("i", text.to_owned()),
    ];
    tracer.span_builder("by_hand").with_kind(SpanKind::Internal).with_attributes(attributes)
}

/// The steps of OpenTelemetry's own `in_span`, with attributes and a status.
fn by_hand<T>(tracer: &T, number: i64, text: &str) -> i64
where
    T: Tracer,
    T::Span: Send + Sync + 'static,
{
    let context = Context::current_with_span(tracer.build(started_by_hand(tracer, number, text)));
    let _entered = context.clone().attach();
    let result = work(number, text);
    let span = context.span();
    span.set_status(Status::Ok);
    span.end();
    result
}

/// The same with a span that ends when it is dropped, and has no status.
fn by_hand_bare(tracer: &SdkTracer, number: i64, text: &str) -> i64 {
    let context = Context::current_with_span(tracer.build(started_by_hand(tracer, number, text)));
    let _entered = context.attach();
    work(number, text)
}

fn work(number: i64, text: &str) -> i64 {
    black_box(number + i64::try_from(text.len()).unwrap_or(0))
}

/// Sets a provider of the application's own. It reads the sampler from the same variable as ours.
fn start_global() {
    global::set_tracer_provider(SdkTracerProvider::builder().with_span_processor(Count).build());
}

/// Starts our telemetry as the environment configures it, until the process ends.
pub(crate) fn start_ours() {
    let telemetry = Telemetry::builder().span_processor(Count).tracing(false).metrics(false).init();
    Box::leak(Box::new(telemetry.expect("a plain environment")));
}

/// A tracer of the SDK. It reads the sampler from the same variable as ours.
pub(crate) fn sdk_tracer() -> SdkTracer {
    SdkTracerProvider::builder().with_span_processor(Count).build().tracer("benchmark")
}

/// Sets up `tracing` as an application does: globally, which is cheaper than for a scope, and with the layer's
/// defaults.
pub(crate) fn start_tracing() {
    let layer = tracing_opentelemetry::layer().with_tracer(sdk_tracer());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("the first");
}

/// Fastrace collects only below a local parent, and reports from its own thread.
pub(crate) fn start_fastrace() {
    fastrace::set_reporter(Count, Config::default());
}

pub(crate) fn ours() -> Variant {
    Variant::of_call(OURS, |number| by_attribute(number, TEXT))
}

fn hand() -> Variant {
    let tracer = sdk_tracer();
    Variant::of_call(BY_HAND, move |number| by_hand(&tracer, number, TEXT))
}

fn hand_bare() -> Variant {
    let tracer = sdk_tracer();
    Variant::of_call(BY_HAND_BARE, move |number| by_hand_bare(&tracer, number, TEXT))
}

/// An application with a provider of its own, and the alternatives that keep its tracer.
pub(crate) fn global() -> Vec<Variant> {
    start_global();
    vec![ours(), hand(), hand_bare()]
}

fn tracing(name: &'static str) -> Variant {
    Variant::of_call(name, |number| by_tracing(number, TEXT))
}

fn fastrace() -> Variant {
    Variant { settle: fastrace::flush, ..Variant::of_call(FASTRACE, |number| by_fastrace(number, TEXT)) }
}

/// Waits until fastrace's reporter has the spans, because our processor has them when the call returns.
fn fastrace_reported() -> Variant {
    let mut caller = fastrace().inside(|| fastrace_parent(true));
    Variant::new(FASTRACE, move |calls| {
        (caller.run)(calls);
        fastrace::flush();
    })
}

fn fastrace_roots() -> Variant {
    let call = |number| {
        let _parent = fastrace_parent(true);
        by_fastrace(number, TEXT)
    };
    Variant { settle: fastrace::flush, ..Variant::of_call(FASTRACE_ROOTS, call) }
}

/// A root span, and the guard that makes it the parent of the spans in its scope.
pub(crate) fn fastrace_parent(sampled: bool) -> (fastrace::Span, LocalParentGuard) {
    let root = fastrace::Span::root("root", fastrace::collector::SpanContext::random().sampled(sampled));
    let guard = root.set_local_parent();
    (root, guard)
}

fn start_all() {
    start_ours();
    start_tracing();
    start_fastrace();
}

pub(crate) fn sampled() -> Vec<Variant> {
    start_all();
    let fastrace_caller = Variant { name: FASTRACE_CALLER, ..fastrace() };
    vec![
        ours(),
        hand(),
        hand_bare(),
        tracing(TRACING),
        fastrace_reported(),
        fastrace_caller.inside(|| fastrace_parent(true)),
        fastrace_roots(),
    ]
}

pub(crate) fn below_unsampled() -> Vec<Variant> {
    start_all();
    vec![
        ours().inside(unsampled),
        hand().inside(unsampled),
        tracing(TRACING).inside(unsampled),
        fastrace().inside(|| fastrace_parent(false)),
    ]
}

/// In a subscriber with the bridge, each call has a span of `tracing` that stands for it.
pub(crate) fn with_stand_in() -> Vec<Variant> {
    start_ours();
    let subscriber = tracing_subscriber::registry().with(a2a_otel::tracing_layer());
    tracing::subscriber::set_global_default(subscriber).expect("the first");
    let of_tracing = tracing_opentelemetry::layer().with_tracer(sdk_tracer());
    let of_tracing = Dispatch::new(tracing_subscriber::registry().with(of_tracing));
    vec![
        ours(),
        Variant { name: NO_STAND_IN, ..ours() }.inside(|| set_default(&Dispatch::none())),
        tracing(TRACING).inside(move || set_default(&of_tracing)),
    ]
}

/// The parent of a call from a caller that is not sampled.
pub(crate) fn unsampled() -> ContextGuard {
    let (trace, span) = (TraceId::from(1), SpanId::from(1));
    let parent = SpanContext::new(trace, span, TraceFlags::default(), true, TraceState::default());
    Context::new().with_remote_span_context(parent).attach()
}

pub(crate) fn dropped() -> Vec<Variant> {
    start_all();
    vec![ours(), hand(), tracing(TRACING)]
}

pub(crate) fn disabled() -> Vec<Variant> {
    start_ours();
    start_fastrace();
    let plain = Variant::of_call(PLAIN, |number| work(number, TEXT));
    vec![ours(), fastrace(), tracing(NO_SUBSCRIBER), plain]
}

pub(crate) fn without_provider() -> Vec<Variant> {
    static KEPT: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("benchmark"));
    vec![
        ours(),
        // A library has to ask each time, because the provider may be set later.
        Variant::of_call(BY_HAND, |number| by_hand(&global::tracer("benchmark"), number, TEXT)),
        Variant::of_call(TRACER_KEPT, |number| by_hand(&*KEPT, number, TEXT)),
    ]
}
