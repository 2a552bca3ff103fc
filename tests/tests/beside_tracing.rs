//! Tests the bridge beside what an application has in its `tracing` subscriber: its own layer of tracing-opentelemetry, in
//! every order and behind every filter, and a second bridge. There is one tracer provider, because it is global.

use std::collections::BTreeMap;

use a2a_otel::opentelemetry::global;
use a2a_otel::opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use a2a_otel::{agent_span, tool_span, tracing_layer};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::subscriber::with_default;
use tracing::{Dispatch, Subscriber, info, info_span};
use tracing_log::log;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

#[tool_span]
fn tool() {
    info!("in the tool");
}

#[agent_span]
fn agent() {
    info_span!("step", count = 3_u64).in_scope(|| {
        info!("in the step");
        tool();
    });
    info!("in the agent");
}

struct World {
    provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// What an application filters with: nothing, a level, or its own targets.
const FILTERS: [&str; 3] = ["trace", "info", "beside_tracing=info"];

impl World {
    fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        global::set_tracer_provider(provider.clone());
        Self { provider, exporter }
    }

    /// The application's own layer behind a filter.
    fn theirs<S>(&self, filter: &str) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        self.bare().with_filter(filter.parse::<Targets>().expect("a filter"))
    }

    /// The application's own layer.
    fn bare<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer("theirs"))
    }

    /// Subscribers with the application's layer, by their names.
    fn with_theirs(&self) -> Vec<(String, Dispatch)> {
        let mut all: Vec<(String, Dispatch)> = Vec::new();
        let registry = Registry::default;
        for filter in FILTERS {
            all.extend([
                (
                    format!("theirs({filter}), ours"),
                    registry().with(self.theirs(filter)).with(tracing_layer()).into(),
                ),
                (
                    format!("ours, theirs({filter})"),
                    registry().with(tracing_layer()).with(self.theirs(filter)).into(),
                ),
                (format!("ours and then theirs({filter})"), {
                    registry().with(tracing_layer().and_then(self.theirs(filter))).into()
                }),
                (
                    format!("ours, theirs({filter}), ours"),
                    registry().with(tracing_layer()).with(self.theirs(filter)).with(tracing_layer()).into(),
                ),
            ]);
        }
        all.extend([
            ("theirs, ours".to_owned(), registry().with(self.bare()).with(tracing_layer()).into()),
            ("ours, theirs".to_owned(), registry().with(tracing_layer()).with(self.bare()).into()),
            (
                "ours, theirs, a filter of all".to_owned(),
                registry().with(tracing_layer()).with(self.bare()).with(LevelFilter::INFO).into(),
            ),
            (
                "ours filtered, theirs".to_owned(),
                registry().with(tracing_layer().with_filter(LevelFilter::INFO)).with(self.bare()).into(),
            ),
        ]);
        all
    }

    /// Subscribers with bridges alone.
    fn without_theirs() -> Vec<(String, Dispatch)> {
        let registry = Registry::default;
        vec![
            ("ours".to_owned(), registry().with(tracing_layer()).into()),
            ("ours, ours".to_owned(), registry().with(tracing_layer()).with(tracing_layer()).into()),
        ]
    }

    /// The spans of a run of the agent, by name.
    fn run(&self, subscriber: &Dispatch) -> BTreeMap<String, SpanData> {
        self.exporter.reset();
        tracing::dispatcher::with_default(subscriber, agent);
        self.made()
    }

    fn made(&self) -> BTreeMap<String, SpanData> {
        let spans = self.exporter.get_finished_spans().expect("the exporter is not shut down");
        let count = spans.len();
        let spans: BTreeMap<_, _> = spans.into_iter().map(|span| (span.name.to_string(), span)).collect();
        assert_eq!(spans.len(), count, "each span is made once");
        spans
    }
}

fn events(span: &SpanData) -> Vec<&str> {
    span.events.iter().map(|event| event.name.as_ref()).collect()
}

fn is_theirs(span: &SpanData) -> bool {
    span.instrumentation_scope.name() == "theirs"
}

fn assert_whole(name: &str, spans: &BTreeMap<String, SpanData>) {
    let names: Vec<_> = spans.keys().map(String::as_str).collect();
    assert_eq!(names, ["agent", "step", "tool"], "{name}");
    let (agent, step, tool) = (&spans["agent"], &spans["step"], &spans["tool"]);
    assert_eq!(step.parent_span_id, agent.span_context.span_id(), "{name}");
    assert_eq!(tool.parent_span_id, step.span_context.span_id(), "{name}");
    assert_eq!(events(agent), ["in the agent"], "{name}");
    // The application's layer knows only spans of `tracing`, and adds to the innermost of them.
    let of_step: &[_] = if is_theirs(step) { &["in the step", "in the tool"] } else { &["in the step"] };
    assert_eq!(events(step), of_step, "{name}");
    assert_eq!(events(tool), ["in the tool"], "{name}");
}

/// Records of the `log` crate, as the global logger passes them on.
fn records(world: &World) {
    let logger = Box::leak(Box::new(tracing_log::LogTracer::new()));
    log::set_logger(logger).expect("the only logger");
    log::set_max_level(log::LevelFilter::Info);
    world.exporter.reset();
    with_default(Registry::default().with(tracing_layer()), logging);
    let span = &world.made()["logging"];
    assert_eq!(events(span), ["two lamps left"]);
    let attributes = span.events[0].attributes.iter();
    let attributes: Vec<_> =
        attributes.map(|one| (one.key.as_str(), one.value.as_str().into_owned())).collect();
    assert_eq!(attributes, [("level", "WARN".to_owned()), ("target", "shop::stock".to_owned())]);
}

#[tool_span]
fn logging() {
    log::warn!(target: "shop::stock", "two lamps left");
    log::warn!(target: "hyper::client", "a connection is closed");
}

/// A list of layers, which does not pass on what subscriber it is in, as the global one.
fn list(world: &World) {
    let theirs: Boxed = world.theirs("beside_tracing=info").boxed();
    let subscriber = Registry::default().with(vec![tracing_layer().boxed(), theirs, tracing_layer().boxed()]);
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    world.exporter.reset();
    agent();
    let spans = world.made();
    assert_whole("a list", &spans);
    assert!(is_theirs(&spans["step"]));
}

#[test]
fn the_applications_layer_makes_the_spans_and_a_second_bridge_is_silent() {
    let world = World::new();
    for (name, subscriber) in world.with_theirs() {
        for _ in 0..2 {
            let spans = world.run(&subscriber);
            assert_whole(&name, &spans);
            assert!(is_theirs(&spans["step"]), "{name}");
        }
    }
    for (name, subscriber) in World::without_theirs() {
        let spans = world.run(&subscriber);
        assert_whole(&name, &spans);
        assert!(!is_theirs(&spans["step"]), "{name}");
    }
    let subscriber = Registry::default().with(tracing_layer());
    with_default(subscriber, || {
        let parent = info_span!("parent");
        let child = info_span!("child");
        child.set_parent(parent.context()).expect("our layer is found");
        let context = child.context();
        let trace = context.span().span_context().trace_id();
        assert_eq!(trace, parent.context().span().span_context().trace_id());
    });
    records(&world);
    list(&world);
}
