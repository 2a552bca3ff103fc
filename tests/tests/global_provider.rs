//! Tests that without `init`, the attribute macros use the provider that is global at the time of the call, as every
//! instrumented library does. There is only one test, because the provider is global.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_otel::opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use a2a_otel::opentelemetry::{Context, global};
use a2a_otel::{chain_span, tool_span};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};

struct Telltale(Arc<AtomicUsize>);

impl serde::Serialize for Telltale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_unit()
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

fn provider(sampler: Sampler) -> (SdkTracerProvider, InMemorySpanExporter) {
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
    global::set_tracer_provider(first);
    call();
    assert_eq!(names(&first_spans), ["inner", "observed"]);
    assert!(looked.swap(0, Ordering::Relaxed) >= 5, "name, input, output, the copy and the late field");

    let (second, second_spans) = provider(Sampler::AlwaysOff);
    global::set_tracer_provider(second);
    call();
    assert_eq!(names(&second_spans), Vec::<String>::new());

    // Below a parent that is not sampled, the sampler decides, and the default one does not sample.
    let (third, third_spans) = provider(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let (unsampled, _) = provider(Sampler::AlwaysOff);
    global::set_tracer_provider(third);
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
}
