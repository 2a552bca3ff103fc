//! Reads the fields of an event.

use std::fmt;

use opentelemetry::{KeyValue, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

use super::targets::is_ignored;
use crate::semconv::foreign::{CONTENT, CONTENT_EVENTS, EVENT_NAME};

/// How many attributes say where an event comes from.
pub(super) const ORIGIN: usize = 2;

/// The target of events that were records of the `log` crate.
///
/// Source: <https://docs.rs/tracing-log/0.2.0/src/tracing_log/lib.rs.html>.
const LOG: &str = "log";
const LOG_TARGET: &str = "log.target";
const LOG_FIELDS: [&str; 4] = [LOG_TARGET, "log.module_path", "log.file", "log.line"];

/// The fields of an event.
pub(super) struct Fields {
    pub(super) message: Option<String>,
    /// Where the event comes from, and its fields.
    pub(super) attributes: Vec<KeyValue>,
}

impl Fields {
    /// Reads an event. `None` if it is a record of the `log` crate by a library that is ignored, which the event's own
    /// target does not show.
    pub(super) fn of(event: &Event<'_>) -> Option<Self> {
        let metadata = event.metadata();
        let level = KeyValue::new("level", metadata.level().as_str());
        let target = KeyValue::new("target", metadata.target().to_owned());
        let mut fields = Fields { message: None, attributes: vec![level, target] };
        event.record(&mut fields);
        if metadata.target() == LOG {
            fields.restore_record();
            if is_ignored(fields.target()) {
                return None;
            }
        }
        Some(fields)
    }

    /// The module that the event is from, or whatever else it names as its target.
    pub(super) fn target(&self) -> &str {
        match &self.attributes[ORIGIN - 1].value {
            Value::String(target) => target.as_str(),
            _ => "",
        }
    }

    /// Gives a record of the `log` crate its own target. `tracing-log` writes it, and its place in the source, as fields.
    fn restore_record(&mut self) {
        if let Some(target) = self.attributes.iter().find(|field| field.key.as_str() == LOG_TARGET) {
            self.attributes[ORIGIN - 1].value = target.value.clone();
        }
        self.attributes.retain(|field| !LOG_FIELDS.contains(&field.key.as_str()));
    }

    /// The content of its span, if the event holds nothing else.
    pub(super) fn content(&self) -> Option<KeyValue> {
        let [_, _, name, content] = &self.attributes[..] else { return None };
        let is_content = name.key.as_str() == EVENT_NAME && content.key.as_str() == CONTENT;
        let name = name.value.as_str();
        let key = CONTENT_EVENTS.iter().find(|event| is_content && **event == name)?;
        Some(KeyValue::new(*key, content.value.clone()))
    }

    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn push_integer(&mut self, field: &Field, value: impl TryInto<i64> + fmt::Display + Copy) {
        match value.try_into() {
            Ok(integer) => self.push(field, integer),
            Err(_) => self.push(field, value.to_string()),
        }
    }

    fn push_text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.push(field, text);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push_text(field, value.to_owned());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push_integer(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.push_integer(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.push_integer(field, value);
    }
}
