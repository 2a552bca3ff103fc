//! Tests that without `init`, the attribute macros use the provider that is global at the time of the call, as every
//! instrumented library does, and notice within a millisecond that it was replaced. There is only one test, because the
//! provider is global.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{
    Link, SpanKind, TraceContextExt as _, TraceId, Tracer as _, TracerProvider as _,
};
use a2a_otel::opentelemetry::{Context, KeyValue, global};
use a2a_otel::{chain_span, llm_call, tool_span};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SamplingResult, SdkTracerProvider, ShouldSample, SpanData, SpanExporter,
};
use serde_json::{Value, json};

struct Telltale(Arc<AtomicUsize>);

impl serde::Serialize for Telltale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("told")
    }
}

impl Clone for Telltale {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[chain_span(name = telltale(&value), fields("late" = (&value, output)))]
fn observed(value: Telltale) -> Telltale {
    inner();
    value
}

fn telltale(value: &Telltale) -> &'static str {
    value.0.fetch_add(1, Ordering::Relaxed);
    "observed"
}

#[tool_span]
fn inner() {}

#[llm_call(request = request)]
fn ask(request: &Value) -> Value {
    json!({
        "object": "chat.completion", "model": "gpt-4o", "service_tier": "flex",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    })
}

/// Samples every other root.
#[derive(Clone, Debug, Default)]
struct Alternating(Arc<AtomicUsize>);

impl ShouldSample for Alternating {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_odd = self.0.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let sampler = if is_odd { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Drops roots that show their input.
#[derive(Clone, Debug)]
struct DropsInputs;

impl ShouldSample for DropsInputs {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let shows = attributes.iter().any(|attribute| attribute.key.as_str() == "input.value");
        let sampler = if shows { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

static HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// An exporter that notes when its provider ends.
#[derive(Debug)]
struct Farewell;

impl SpanExporter for Farewell {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        HAS_ENDED.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Replaces the global provider. The tracer of the former one is kept for a millisecond.
fn replace(provider: SdkTracerProvider) {
    global::set_tracer_provider(provider);
    sleep(Duration::from_millis(2));
}

fn provider(sampler: impl ShouldSample + 'static) -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider =
        SdkTracerProvider::builder().with_sampler(sampler).with_simple_exporter(exporter.clone()).build();
    (provider, exporter)
}

fn names(exporter: &InMemorySpanExporter) -> Vec<String> {
    exporter.get_finished_spans().unwrap().into_iter().map(|span| span.name.into_owned()).collect()
}

#[test]
fn the_global_provider_of_the_moment_makes_the_spans_and_nothing_is_computed_in_vain() {
    let looked = Arc::new(AtomicUsize::new(0));
    let call = || drop(observed(Telltale(Arc::clone(&looked))));

    call();
    assert_eq!(looked.load(Ordering::Relaxed), 0, "there is no provider yet");

    let (first, first_spans) = provider(Sampler::AlwaysOn);
    replace(first);
    call();
    assert_eq!(names(&first_spans), ["inner", "observed"]);
    assert!(looked.swap(0, Ordering::Relaxed) >= 5, "name, input, output, the copy and the late field");

    let roots = Alternating::default();
    let (alternating, alternating_spans) = provider(Sampler::ParentBased(Box::new(roots.clone())));
    replace(alternating);
    for _ in 0..100 {
        call();
    }
    assert_eq!(roots.0.load(Ordering::Relaxed), 100, "the sampler is asked once for each root");
    let spans = alternating_spans.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 100, "what is below a root that is dropped is dropped with it");
    let has_parent =
        |span: &&SpanData| spans.iter().any(|other| other.span_context.span_id() == span.parent_span_id);
    assert_eq!(spans.iter().filter(has_parent).count(), 50);
    looked.store(0, Ordering::Relaxed);

    let (second, second_spans) = provider(Sampler::AlwaysOff);
    replace(second);
    call();
    assert_eq!(names(&second_spans), Vec::<String>::new());

    // Below a parent that is not sampled, the sampler decides, and the default one does not sample.
    let (third, third_spans) = provider(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let (unsampled, _) = provider(Sampler::AlwaysOff);
    replace(third.clone());
    let parent = Context::current_with_span(unsampled.tracer("test").start("parent"));
    let guard = parent.attach();
    call();
    drop(guard);
    assert_eq!(names(&third_spans), Vec::<String>::new());

    let guard = Context::enter_telemetry_suppressed_scope();
    call();
    drop(guard);
    assert_eq!(names(&third_spans), Vec::<String>::new());
    assert_eq!(looked.load(Ordering::Relaxed), 0, "nobody sees these spans");

    call();
    assert_eq!(names(&third_spans), ["inner", "observed"]);

    third.shutdown().unwrap();
    looked.store(0, Ordering::Relaxed);
    call();
    call();
    assert_eq!(looked.load(Ordering::Relaxed), 0, "the provider has ended");

    // Expected to be sampled, the second root shows its input, and the sampler drops it; then it is asked first each time.
    let (picky, picky_spans) = provider(Sampler::ParentBased(Box::new(DropsInputs)));
    replace(picky);
    let sampled = std::iter::repeat_with(|| {
        picky_spans.reset();
        call();
        !picky_spans.get_finished_spans().unwrap().is_empty()
    });
    assert_eq!(sampled.take(6).collect::<Vec<_>>(), [true, false, true, true, true, true]);

    // A provider that was replaced ends with the next span, on whatever thread.
    let last = SdkTracerProvider::builder().with_simple_exporter(Farewell).build();
    replace(last);
    std::thread::spawn(inner).join().unwrap();
    global::set_tracer_provider(SdkTracerProvider::builder().build());
    assert!(!HAS_ENDED.load(Ordering::Relaxed));
    sleep(Duration::from_millis(2));
    inner();
    assert!(HAS_ENDED.load(Ordering::Relaxed));

    let (last, last_spans) = provider(Sampler::AlwaysOn);
    replace(last);
    ask(&json!({"model": "gpt-4o", "messages": []}));
    let [call] = &last_spans.get_finished_spans().unwrap()[..] else { panic!("one call") };
    let names: Vec<_> = call.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert!(names.contains(&"llm.token_count.prompt"), "{names:?}");
    assert!(
        !names.iter().any(|name| name.starts_with("a2a_otel.")),
        "no step of ours takes it away: {names:?}"
    );
}
