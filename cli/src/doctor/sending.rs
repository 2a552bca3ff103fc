//! Sends one of everything, with the library, as a program would: a span, a metric, a log record, an annotation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_otel::evaluation::Annotation;
use a2a_otel::phoenix::PhoenixError;
use a2a_otel::pipeline::Data;
use a2a_otel::settings::MetricsExporter;
use a2a_otel::telemetry::{Condition, on_message};
use a2a_otel::{Delivery, Health, Telemetry, business_metric, chain_span, current};
use opentelemetry_sdk::trace::Sampler;
use tracing_subscriber::layer::SubscriberExt as _;

use super::check::{Check, Section};
use super::receiver::Reached;

/// The name of the annotation.
pub(super) const ANNOTATION: &str = "a2a-otel doctor";

/// What telemetry says, which would otherwise go to standard error.
pub(super) struct Messages(Arc<Mutex<Vec<String>>>);

impl Messages {
    /// Collects the messages from now on.
    pub(super) fn collect() -> Self {
        let messages = Messages(Arc::default());
        let collected = messages.0.clone();
        on_message(move |message| {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
        });
        messages
    }

    /// The messages so far.
    pub(super) fn so_far(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts telemetry as the environment configures it, except that it records the one span whatever the sampler says, and
/// leaves alone what a program has saved to disk.
pub(super) fn start(metrics: Option<&Reached>) -> Telemetry {
    let exporters = metrics.filter(|metrics| metrics.is_well()).map(|_| MetricsExporter::Otlp);
    Telemetry::builder()
        .sampler(Sampler::AlwaysOn)
        .without_spool()
        .tracing(false)
        .performance(false)
        .metrics_exporters(exporters)
        .start()
}

/// What was sent.
pub(super) struct Sent {
    /// The span, if it was recorded.
    pub(super) span: Option<Ids>,
    /// Phoenix's version, if spans go to a Phoenix that says so, or why it is not known.
    pub(super) phoenix: Result<String, Absent>,
    delivery: Delivery,
    health: Health,
}

/// Why nothing is known about a Phoenix.
#[derive(Debug)]
pub(super) enum Absent {
    /// Spans are not sent, or not accepted.
    NoSpans,
    /// The receiver is not a Phoenix, or does not say so, for this reason.
    NoPhoenix(PhoenixError),
}

/// The ids of the span, as text.
pub(super) struct Ids {
    pub(super) span: String,
    pub(super) trace: String,
}

/// Sends one of everything to the receivers that answer, and waits until it is accepted.
pub(super) fn send(telemetry: &Telemetry, receivers: [&Option<Reached>; 3], timeout: Duration) -> Sent {
    let is_well = receivers.map(|receiver| receiver.as_ref().is_some_and(Reached::is_well));
    let [has_spans, has_metrics, has_logs] = is_well;
    let phoenix =
        if has_spans { telemetry.phoenix_version().map_err(Absent::NoPhoenix) } else { Err(Absent::NoSpans) };
    let subscriber = tracing_subscriber::registry().with(a2a_otel::tracing_layer());
    let span = tracing::subscriber::with_default(subscriber, || {
        if has_spans {
            return record(has_logs, phoenix.is_ok());
        }
        if has_logs {
            log();
        }
        None
    });
    if has_metrics {
        measure();
    }
    let delivery = if is_well.contains(&true) { telemetry.flush(timeout) } else { Delivery::default() };
    Sent { span, phoenix, delivery, health: telemetry.health() }
}

/// The span. Its name and input tell people what it is.
#[chain_span(name = "a2a-otel doctor", input = "a test of the connection, which can be deleted", skip_all)]
fn record(is_logged: bool, is_annotated: bool) -> Option<Ids> {
    if is_logged {
        log();
    }
    let current = current();
    if is_annotated {
        let text = "a test of the connection, which can be deleted";
        current.annotate(Annotation::new(ANNOTATION).label("received").explanation(text));
    }
    Some(Ids { span: current.span_id()?.to_string(), trace: current.trace_id()?.to_string() })
}

/// The log record.
fn log() {
    tracing::info!("a2a-otel doctor: a test of the connection");
}

/// The metric.
#[business_metric(
    counter = "a2a_otel.doctor.runs",
    unit = "{run}",
    description = "Runs of `a2a-otel doctor`, which test the connection"
)]
fn measure() {}

impl Sent {
    /// Adds what became of what was sent to the checks of a receiver.
    pub(super) fn judged(&self, reached: Reached) -> Section {
        let check = self.check(&reached);
        let Section { id, title, mut checks } = reached.section;
        checks.push(check);
        Section { id, title, checks }
    }

    fn check(&self, reached: &Reached) -> Check {
        let (id, items) = (reached.ids.delivery, reached.ids.items);
        if !reached.is_well() {
            let todo = "correct what failed, and run this again";
            return Check::skipped(
                id,
                format!("no {items} were sent, because the receiver would not accept them"),
                todo,
            );
        }
        let (generated, delivered, condition) = match reached.data {
            Data::Metrics => {
                let metrics = &self.delivery.metrics;
                (metrics.generated, metrics.delivered, Some(&self.health.metrics))
            }
            Data::Logs => {
                (self.delivery.logs.generated, self.delivery.logs.delivered, Some(&self.health.logs))
            }
            _ => {
                let condition = self.health.exporters.first().map(|exporter| &exporter.condition);
                (self.delivery.generated, self.delivery.delivered, condition)
            }
        };
        if generated > 0 && generated == delivered {
            return Check::ok(id, accepted(reached.data, delivered));
        }
        let cause = match condition {
            Some(Condition::Failing(cause)) => reached.masked(cause),
            _ => format!("{delivered} of {generated} were accepted in time"),
        };
        Check::failed(id, cause, "look at the receiver's log; docs/troubleshooting.md explains the message")
    }

    /// What became of the annotation.
    pub(super) fn annotation(&self) -> Result<(), String> {
        let annotations = &self.delivery.annotations;
        match &self.health.annotations {
            _ if annotations.generated > 0 && annotations.generated == annotations.delivered => Ok(()),
            Some(Condition::Failing(cause)) => Err(cause.clone()),
            _ => Err("it was not accepted in time".to_owned()),
        }
    }
}

fn accepted(data: Data, number: u64) -> String {
    match data {
        Data::Metrics => format!("{number} data points were accepted, among them a2a_otel.doctor.runs"),
        Data::Logs => "a log record was accepted: \"a2a-otel doctor: a test of the connection\"".to_owned(),
        _ => "a span was accepted: \"a2a-otel doctor\"".to_owned(),
    }
}
