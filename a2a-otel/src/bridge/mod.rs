//! The bridge to the `tracing` crate: its spans become spans of the trace and the other way round, its events become
//! events of the innermost span, and its log lines say which span and agent they belong to.

mod fields;
mod integers;
#[cfg(feature = "logs")]
mod logs;
mod neighbours;
mod proxy;
mod targets;

use std::fmt;

use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{SpanBuilder, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
#[cfg(feature = "logs")]
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::filter::{FilterFn, Targets, dynamic_filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, Layer as Printer};
use tracing_subscriber::layer::{Context as LayerContext, Filter, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use self::fields::{Fields, ORIGIN};
use self::integers::Integers;
use self::neighbours::Neighbours;
use self::proxy::is_proxy;
use self::targets::is_ignored;
use crate::context::{self, AgentRun};
use crate::environment::{Environment, Variable};
use crate::report::report;
use crate::semconv::SpanKind;
use crate::semconv::foreign::LANGFUSE;
use crate::semconv::gen_ai::OPERATION_NAME;
use crate::semconv::markers::WITHIN_MODEL_CALL;
use crate::semconv::openinference::SPAN_KIND;

/// A layer for your own `tracing` subscriber: with it, `tracing` spans and agent spans nest in each other, and events
/// are added to the innermost span. It takes level INFO and above, regardless of `RUST_LOG`, and can be created before
/// `init`. Of level DEBUG it takes events with fields that begin with `langfuse.`, because these describe their span: the
/// fields become attributes of the span.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// tracing_subscriber::registry()
///     .with(a2a_otel::tracing_layer())
///     .with(tracing_subscriber::fmt::layer())
///     .init();
/// let telemetry = a2a_otel::Telemetry::builder().tracing(false).start();
/// ```
///
/// A layer of tracing-opentelemetry in the same subscriber makes the spans that its filter takes, by their target and
/// level, and adds their events. The bridge makes the others, and adds events to agents' spans. Put it first, so that
/// `OpenTelemetrySpanExt` finds the other layer. A second bridge in a subscriber does nothing.
///
/// For each call that an attribute macro observes, the subscriber gets a span of target `a2a_otel::call`, level DEBUG (INFO
/// if a filter of the whole subscriber leaves DEBUG out), so that `tracing::Span::current()` is the call's span. Other
/// layers leave it out by its target: see `docs/context.md`.
#[must_use]
pub fn tracing_layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    context::register_proxies(proxy::make);
    context::expect_proxies();
    let neighbours = Neighbours::default();
    let spans = layer_with(CurrentTracer, &neighbours);
    #[cfg(feature = "logs")]
    let spans = spans.and_then(logs_layer(events(neighbours)));
    spans
}

/// A layer that sends events as log records, if they pass the filter.
#[cfg(feature = "logs")]
fn logs_layer<S: Subscriber + for<'span> LookupSpan<'span>>(
    filter: impl Filter<S> + 'static,
) -> impl Layer<S> {
    let is_own = FilterFn::new(|metadata| !is_ignored(metadata.target()) && !is_description(metadata));
    logs::Logs.with_filter(filter.and(is_own))
}

fn layer_with<S, T>(tracer: T, neighbours: &Neighbours) -> impl Layer<S> + use<S, T>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    let integers = Integers::default();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(integers.with_tracer(tracer))
        .with_tracked_inactivity(false)
        .with_threads(false);
    let spans = integers.and_then(spans).with_filter(spans_of_ours(neighbours.clone()));
    let events = Events(neighbours.clone()).with_filter(events(neighbours.clone()));
    neighbours.clone().and_then(spans).and_then(events)
}

/// The spans that the bridge makes. Whether another layer takes one is only asked when it is created.
fn spans_of_ours<S>(neighbours: Neighbours) -> impl Filter<S> {
    let is_span = |metadata: &Metadata<'_>| {
        metadata.is_span() && *metadata.level() <= Level::INFO && !is_ignored(metadata.target())
    };
    let once_made = if neighbours.are_absent() { Interest::always } else { Interest::sometimes };
    dynamic_filter_fn(move |metadata, _| {
        (is_span(metadata) || is_proxy(metadata)) && neighbours.leave(metadata)
    })
    .with_callsite_filter(move |metadata| {
        if !is_span(metadata) {
            return Interest::never();
        }
        // A process that has spans of `tracing` may ask for the current one.
        if !takes_the_current_span(metadata) {
            context::expect_proxies();
        }
        once_made()
    })
    .with_max_level_hint(LevelFilter::DEBUG)
}

/// Crates that start no span for an agent if there is a current one. Their spans are no reason for there to be one.
const TAKERS: [&str; 3] = ["rig", "rig_agent", "rig_core"];

fn takes_the_current_span(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next().is_some_and(|name| TAKERS.contains(&name))
}

/// The events that the bridge adds to spans. This is independent of `RUST_LOG`, because logging and tracing are separate
/// decisions.
fn events<S>(neighbours: Neighbours) -> impl Filter<S> {
    FilterFn::new(move |metadata: &Metadata<'_>| {
        let is_heard = *metadata.level() <= Level::INFO
            || (*metadata.level() == Level::DEBUG && is_description(metadata));
        metadata.is_event() && is_heard && !is_ignored(metadata.target()) && neighbours.is_first(metadata)
    })
    .with_max_level_hint(LevelFilter::DEBUG)
}

/// Whether an event describes its span, as swiftide's events for Langfuse do.
fn is_description(metadata: &Metadata<'_>) -> bool {
    metadata.fields().iter().any(|field| field.name().starts_with(LANGFUSE))
}

/// Looks up the provider for each span, so that the layer can be created before `init` and outlives a provider.
#[derive(Clone, Debug)]
struct CurrentTracer;

impl Tracer for CurrentTracer {
    type Span = BoxedSpan;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        if let Some(stand_in) = proxy::stand_in(&builder, parent) {
            return stand_in;
        }
        let attributes = builder.attributes.get_or_insert_default();
        // A library that asks for a root because it sees no `tracing` span does not see our spans.
        let is_work = attributes.iter().any(|attribute| attribute.key.as_str() == OPERATION_NAME);
        let current = (is_work && !parent.has_active_span()).then(context::current);
        let parent = current.as_ref().unwrap_or(parent);
        if attributes.iter().all(|attribute| attribute.key.as_str() != SPAN_KIND) {
            // Phoenix shows a span without a kind as unknown. The pipeline finds a better kind for spans of model
            // clients.
            attributes.push(KeyValue::new(SPAN_KIND, SpanKind::Chain));
            if crate::span::is_within_model_call(parent) {
                attributes.push(KeyValue::new(WITHIN_MODEL_CALL, true));
            }
        }
        crate::span::build(builder, parent)
    }
}

/// Adds each event to the innermost span, of either kind, unless the layer that made the span does. What describes the
/// span becomes attributes of it.
struct Events(Neighbours);

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _context: LayerContext<'_, S>) {
        // A copy, because a field's `Debug` may itself run observed code, which enters another context.
        let context = context::current();
        let span = context.span();
        if span.is_recording() && !context.is_telemetry_suppressed() {
            let metadata = event.metadata();
            let Some(mut fields) = Fields::of(event) else { return };
            if is_description(metadata) {
                span.set_attributes(fields.attributes.drain(ORIGIN..));
            } else if let Some(content) = fields.content() {
                span.set_attribute(content);
            } else if !self.0.record(event, span.span_context()) {
                let Fields { message, attributes } = fields;
                span.add_event(message.unwrap_or_else(|| metadata.name().to_owned()), attributes);
            }
        }
    }
}

const RUST_LOG: Variable<Targets> = Variable {
    names: &["RUST_LOG"],
    parse: |text| text.parse().ok(),
    accepted: "levels by target, such as info,my_agent=debug",
    example: "info,my_agent=debug",
    secret: false,
};

/// Returns the filter of the printed log lines.
pub(crate) fn log_filter(environment: &mut Environment<'_>) -> Targets {
    environment.read(&RUST_LOG).unwrap_or_else(|| {
        // rmcp logs every message of its protocol at INFO.
        Targets::new().with_default(LevelFilter::INFO).with_target("rmcp", LevelFilter::WARN)
    })
}

/// Installs the bridge and prints log lines, unless a subscriber is set.
pub(crate) fn install(log_filter: Targets) {
    let printer = Printer::new().with_ansi(false).with_writer(std::io::stderr).event_format(Line);
    context::register_proxies(proxy::make);
    #[cfg(feature = "logs")]
    let logs = logs_layer(log_filter.clone());
    let subscriber = Registry::default()
        .with(layer_with(CurrentTracer, &Neighbours::absent()))
        .with(printer.with_filter(log_filter));
    #[cfg(feature = "logs")]
    let subscriber = subscriber.with(logs);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        context::name_agents_in_logs();
    } else {
        report(
            &"a tracing subscriber is set already: add a2a_otel::tracing_layer() to it, so that its spans and events join the traces, and start with Telemetry::builder().tracing(false), which leaves the subscriber to the application",
        );
    }
}

/// A log line with the ids of its span and the name of its agent.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:>5} {}: ", event.metadata().level(), event.metadata().target())?;
        context.format_fields(writer.by_ref(), event)?;
        context::map_current(|context| write_place(&mut writer, context))?;
        writeln!(writer)
    }
}

fn write_place(writer: &mut Writer<'_>, context: &Context) -> fmt::Result {
    let span = context.span();
    let place = span.span_context();
    if place.is_valid() {
        write!(writer, " trace_id={} span_id={}", place.trace_id(), place.span_id())?;
    }
    AgentRun::at(context).map_or(Ok(()), |run| write!(writer, " agent={}", run.name().as_str()))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use opentelemetry::Value;
    use opentelemetry::trace::{FutureExt, SpanId, TracerProvider};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
    use tracing::instrument::WithSubscriber;
    use tracing::subscriber::with_default;
    use tracing::{Instrument, info, info_span};

    use super::*;

    struct World {
        exporter: InMemorySpanExporter,
        tracer: SdkTracer,
    }

    impl World {
        fn new() -> Self {
            let exporter = InMemorySpanExporter::default();
            let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
            World { exporter, tracer: provider.tracer("test") }
        }

        fn subscriber(&self) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + 'static {
            Registry::default().with(layer_with(self.tracer.clone(), &Neighbours::default()))
        }

        fn span(&self, name: &str) -> SpanData {
            let spans = self.exporter.get_finished_spans().unwrap();
            spans
                .iter()
                .find(|span| span.name == name)
                .unwrap_or_else(|| panic!("{name} in {spans:?}"))
                .clone()
        }

        fn names(&self) -> Vec<String> {
            let spans = self.exporter.get_finished_spans().unwrap();
            spans.into_iter().map(|span| span.name.into_owned()).collect()
        }

        fn assert_child(&self, child: &str, parent: &str) {
            let (child, parent) = (self.span(child), self.span(parent));
            assert_eq!(child.parent_span_id, parent.span_context.span_id());
            assert_eq!(child.span_context.trace_id(), parent.span_context.trace_id());
        }

        fn agent_span(&self, name: &'static str) -> Context {
            Context::current_with_span(self.tracer.start(name))
        }
    }

    #[test]
    fn spans_of_both_kinds_nest() {
        let world = World::new();
        with_default(world.subscriber(), || {
            let agent = world.agent_span("agent").attach();
            info_span!("step").in_scope(|| {
                let tool = world.agent_span("tool").attach();
                info_span!("query").in_scope(|| ());
                drop(tool);
            });
            drop(agent);
        });
        world.assert_child("step", "agent");
        world.assert_child("tool", "step");
        world.assert_child("query", "tool");
        assert_eq!(world.span("agent").parent_span_id, SpanId::INVALID);
    }

    #[tokio::test]
    async fn spans_of_both_kinds_nest_across_awaits() {
        let world = World::new();
        let query = async {
            tokio::task::yield_now().await;
            info!("asked");
        };
        let tool = async {
            tokio::task::yield_now().await;
            query.instrument(info_span!("query")).await;
        };
        let step = async {
            tokio::task::yield_now().await;
            tool.with_context(world.agent_span("tool")).await;
        };
        let agent = async { step.instrument(info_span!("step")).await };
        let run = async { agent.with_context(world.agent_span("agent")).await };
        run.with_subscriber(world.subscriber()).await;
        world.assert_child("step", "agent");
        world.assert_child("tool", "step");
        world.assert_child("query", "tool");
        assert_eq!(world.span("query").events.len(), 1);
    }

    #[test]
    fn events_land_on_the_innermost_span() {
        let world = World::new();
        with_default(world.subscriber(), || {
            let agent = world.agent_span("agent").attach();
            info!(items = 3, exact = true, price = 1.5, name = "pen", big = u64::MAX, "found {}", "it");
            info!(small = 5_u64, wide = 6_u128, deep = -7_i128, bigger = u128::MAX);
            info_span!("step").in_scope(|| info!("inside"));
            tracing::debug!("too fine");
            info!(target: "hyper::client", "of the transport");
            info!(answer = 42);
            drop(agent);
        });
        let agent = world.span("agent").events;
        let names: Vec<_> = agent.iter().map(|event| event.name.as_ref()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(names[0], "found it");
        assert!(names[2].starts_with("event "), "{names:?}");
        let integers = agent[1].attributes[ORIGIN..].iter().map(|attribute| attribute.value.clone());
        let expected = [Value::I64(5), Value::I64(6), Value::I64(-7), u128::MAX.to_string().into()];
        assert_eq!(integers.collect::<Vec<_>>(), expected);
        let value = |name: &str| {
            agent[0]
                .attributes
                .iter()
                .find(|attribute| attribute.key.as_str() == name)
                .map(|found| found.value.clone())
        };
        assert_eq!(value("level"), Some(Value::from("INFO")));
        assert_eq!(value("target"), Some(Value::from("a2a_otel::bridge::tests")));
        assert_eq!(value("items"), Some(Value::I64(3)));
        assert_eq!(value("exact"), Some(Value::Bool(true)));
        assert_eq!(value("price"), Some(Value::F64(1.5)));
        assert_eq!(value("name"), Some(Value::from("pen")));
        assert_eq!(value("big"), Some(Value::from(u64::MAX.to_string())));
        assert_eq!(world.span("step").events[0].name, "inside");
    }

    /// A value whose debug form runs observed code.
    struct Lazy;

    impl fmt::Debug for Lazy {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            info_span!("render").in_scope(|| formatter.write_str("rendered"))
        }
    }

    #[test]
    fn a_field_may_open_spans_while_it_is_recorded() {
        let world = World::new();
        with_default(world.subscriber(), || {
            let agent = world.agent_span("agent").attach();
            info!(lazy = ?Lazy, "hello");
            drop(agent);
        });
        let attributes = &world.span("agent").events[0].attributes;
        assert!(attributes.contains(&KeyValue::new("lazy", "rendered")), "{attributes:?}");
    }

    #[test]
    fn the_carriers_are_not_heard() {
        let world = World::new();
        with_default(world.subscriber(), || {
            let agent = world.agent_span("agent").attach();
            info_span!(target: "rmcp::service", "serve_inner").in_scope(|| {
                info_span!(target: "rmcp::transport::session", "streamable_http_session").in_scope(|| ());
                info_span!(target: "opentelemetry_sdk", "export").in_scope(|| ());
                info_span!(target: "hyperspace", "kept").in_scope(|| ());
            });
            tracing::debug_span!("fine").in_scope(|| ());
            drop(agent);
        });
        assert_eq!(world.names(), ["kept", "agent"]);
        world.assert_child("kept", "agent");
    }

    #[test]
    fn nothing_is_added_while_telemetry_is_suppressed() {
        let world = World::new();
        with_default(world.subscriber(), || {
            let agent = world.agent_span("agent").attach();
            let suppressed = Context::enter_telemetry_suppressed_scope();
            info!("unheard");
            info_span!("unseen").in_scope(|| ());
            drop(suppressed);
            drop(agent);
        });
        assert_eq!(world.names(), ["agent"]);
        assert_eq!(world.span("agent").events.len(), 0);
    }

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log_filter_of(text: &'static str) -> Targets {
        log_filter(&mut Environment::new(&|_| Some(text.to_owned())))
    }

    /// Logs a few lines with this `RUST_LOG`, and returns what was printed and the recorded spans.
    fn logged(rust_log: &'static str) -> (String, World) {
        let (paper, world) = (Paper::default(), World::new());
        let writer = paper.clone();
        let printer = Printer::new().with_ansi(false).with_writer(move || writer.clone()).event_format(Line);
        let subscriber = world.subscriber().with(printer.with_filter(log_filter_of(rust_log)));
        with_default(subscriber, || {
            info!("outside");
            let agent = world.agent_span("agent").with_value(AgentRun::new("product".into())).attach();
            info_span!("step").in_scope(|| info!(items = 3, "found"));
            drop(agent);
        });
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        (text, world)
    }

    #[test]
    fn log_lines_say_where_they_belong() {
        let (text, world) = logged("info");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].ends_with("  INFO a2a_otel::bridge::tests: outside"), "{text}");
        let place = world.span("step").span_context;
        let expected = format!(
            "  INFO a2a_otel::bridge::tests: found items=3 trace_id={} span_id={} agent=product",
            place.trace_id(),
            place.span_id()
        );
        assert!(lines[1].ends_with(&expected), "{text}");
    }

    #[test]
    fn rust_log_hides_lines_but_no_spans() {
        let (text, world) = logged("off");
        assert_eq!(text, "");
        world.assert_child("step", "agent");
        assert_eq!(world.span("step").events.len(), 1);
    }

    #[test]
    fn a_malformed_rust_log_is_reported() {
        let lookup = |_: &str| Some("agent=loud".to_owned());
        let mut environment = Environment::new(&lookup);
        let filter = log_filter(&mut environment);
        assert_eq!(environment.warnings.len(), 1);
        assert!(
            environment.warnings[0]
                .to_string()
                .starts_with("RUST_LOG=\"agent=loud\" is ignored: expected levels")
        );
        assert!(filter.would_enable("anything", &Level::INFO));
    }
}
