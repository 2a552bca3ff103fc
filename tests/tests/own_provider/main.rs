//! Tests telemetry in an application that has a tracer provider of its own, with another exporter beside ours: our pipeline
//! as a processor, the provider for the attribute macros, and what `init` replaces. Most tests run in a process of their
//! own, because they look at what is global.

mod beside_init;
mod endings;
mod named;
mod several;
mod whole;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use a2a_otel::opentelemetry::{KeyValue, Value};
use a2a_otel::testing::{ReceivedSpan, Receiver};
use a2a_otel::{Builder, SpanPipeline, Telemetry, agent_span, tool_span};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::InMemoryMetricExporter;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ScopeMetrics, SumDataPoint};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, TracerProviderBuilder};

const SOON: Duration = Duration::from_secs(5);

#[agent_span]
fn agent(question: &str) -> String {
    format!("{question}: {}", tool("lamp"))
}

#[tool_span]
fn tool(article: &str) -> u32 {
    u32::try_from(article.len()).expect("a short name")
}

/// The messages about telemetry in this process.
static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects messages from now on.
fn listen() {
    a2a_otel::telemetry::on_message(|message| MESSAGES.lock().unwrap().push(message.to_owned()));
}

fn messages() -> Vec<String> {
    std::mem::take(&mut *MESSAGES.lock().unwrap())
}

fn no_messages() {
    assert_eq!(messages(), Vec::<String>::new());
}

/// The application's own set-up: its resource, its exporter, and one of our processors.
struct Application {
    provider: SdkTracerProvider,
    beside: InMemorySpanExporter,
}

impl Application {
    fn new(processor: SpanPipeline) -> Self {
        Self::of([processor])
    }

    fn of(processors: impl IntoIterator<Item = SpanPipeline>) -> Self {
        let beside = InMemorySpanExporter::default();
        let builder = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("shop").build())
            .with_simple_exporter(beside.clone());
        let provider = processors.into_iter().fold(builder, TracerProviderBuilder::with_span_processor);
        Self { provider: provider.build(), beside }
    }

    /// A span of the application's own.
    fn work(&self, name: &'static str) {
        self.provider.tracer("theirs").start(name).end();
    }

    /// A span of another library, in the terms of the GenAI conventions.
    fn chat(&self) {
        let mut span = self.provider.tracer("a client").start("chat");
        span.set_attribute(KeyValue::new("gen_ai.operation.name", "chat"));
        span.set_attribute(KeyValue::new("gen_ai.request.model", "gpt-4o"));
        span.end();
    }

    fn beside(&self) -> BTreeMap<String, SpanData> {
        let spans = self.beside.get_finished_spans().expect("the exporter is not shut down");
        spans.into_iter().map(|span| (span.name.to_string(), span)).collect()
    }
}

fn sending_to(receiver: &Receiver) -> Builder {
    Telemetry::builder().endpoint(receiver.endpoint())
}

/// The spans that a receiver has, by their names.
fn received(receiver: &Receiver) -> BTreeMap<String, ReceivedSpan> {
    let spans = receiver.spans();
    let count = spans.len();
    let spans: BTreeMap<_, _> = spans.into_iter().map(|span| (span.name.clone(), span)).collect();
    assert_eq!(spans.len(), count, "each span is sent once");
    spans
}

fn names(receiver: &Receiver) -> Vec<String> {
    received(receiver).into_keys().collect()
}

/// The sums of counters, by name.
fn sums(exporter: &InMemoryMetricExporter) -> Vec<(String, i64)> {
    let last = exporter.get_finished_metrics().unwrap().pop().unwrap();
    let metrics = last.scope_metrics().flat_map(ScopeMetrics::metrics);
    let sum = |metric: &Metric| match metric.data() {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => {
            Some(sum.data_points().map(|point| point.value().cast_signed()).sum())
        }
        AggregatedMetrics::I64(MetricData::Sum(sum)) => {
            Some(sum.data_points().map(SumDataPoint::value).sum())
        }
        _ => None,
    };
    metrics.filter_map(|metric| Some((metric.name().to_owned(), sum(metric)?))).collect()
}

/// The value of an attribute that another exporter has got.
fn of<'span>(span: &'span SpanData, key: &str) -> Option<&'span Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}
