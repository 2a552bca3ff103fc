//! `tracing` events as log records, while `init` sends logs.

use std::time::SystemTime;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer};

use super::fields::{Fields, ORIGIN};
use crate::context::{self, AgentRun};
use crate::pipeline::logs::{self, LogEntry};
use crate::privacy;
use crate::semconv::gen_ai::AGENT_NAME;

/// The key by which a redactor knows the text of a record.
const MESSAGE: &str = "message";

/// Sends each event, except for those that only describe their span.
pub(super) struct Logs;

impl<S: Subscriber> Layer<S> for Logs {
    fn on_event(&self, event: &Event<'_>, _context: LayerContext<'_, S>) {
        let Some(logger) = logs::current() else { return };
        // A copy, because a field's `Debug` may itself run observed code, which enters another context.
        let context = context::current();
        if context.is_telemetry_suppressed() {
            return;
        }
        let (time, metadata) = (SystemTime::now(), event.metadata());
        let Some(fields) = Fields::of(event) else { return };
        if fields.content().is_some() {
            return;
        }
        let scope = InstrumentationScope::builder(fields.target().to_owned()).build();
        let Fields { message, mut attributes } = fields;
        attributes.drain(..ORIGIN);
        attributes.extend(AgentRun::at(&context).map(|run| KeyValue::new(AGENT_NAME, run.name().clone())));
        privacy::screen("", &mut attributes);
        let body = message.and_then(masked);
        let (severity, severity_text) = severity(*metadata.level());
        let span = context.span().span_context().clone();
        logger.send(LogEntry { time, severity, severity_text, scope, body, attributes, span });
    }
}

/// The text of a record. Only what is hidden wherever it stands is masked in it, as in the texts of events.
fn masked(text: String) -> Option<String> {
    let mut body = KeyValue::new(MESSAGE, text);
    privacy::admit("", &mut body).then(|| body.value.as_str().into_owned())
}

/// The severity of a level, as a number and a text.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber>.
const fn severity(level: Level) -> (u8, &'static str) {
    match level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    }
}
