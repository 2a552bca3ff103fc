//! Encodes spans and log records as OTLP.
//!
//! Source: <https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto>, in `trace/v1` and
//! `logs/v1`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

#[cfg(feature = "logs")]
use super::log_record::{LogEntry, LogRequest};
use super::request::{Encoded, RECORDS, Record, Request};
use super::span_record::SpanRequest;
use super::wire::Wire;

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`: it is known whether the parent is remote.
const KNOWS_REMOTE: u32 = 0x100;
/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const IS_REMOTE: u32 = 0x200;

/// How much longer than the previous one a record may be, in bytes, before its buffer grows.
const SPARE: usize = 128;

/// Encodes records. Shared parts, the resource and the scopes, are encoded once.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    resource: Arc<[u8]>,
    scopes: HashMap<InstrumentationScope, Arc<[u8]>>,
}

impl Encoder {
    pub(crate) fn new(resource: &Resource) -> Self {
        Encoder { resource: encode_resource(resource), scopes: HashMap::new() }
    }

    pub(crate) fn spans(&mut self, spans: &[SpanData]) -> SpanRequest {
        self.request(spans, |span| &span.instrumentation_scope, span_fields)
    }

    #[cfg(feature = "logs")]
    pub(crate) fn logs(&mut self, entries: &[LogEntry]) -> LogRequest {
        self.request(entries, LogEntry::scope, log_fields)
    }

    fn request<Item, R: Record>(
        &mut self,
        items: &[Item],
        scope: impl Fn(&Item) -> &InstrumentationScope,
        fields: impl Fn(&mut Wire, &Item),
    ) -> Request<R> {
        // Records of one agent are similar: the length of the previous one is a good estimate for the next.
        let mut room = 0;
        let encode = |item: &Item| {
            let mut wire = Wire::with_room(room);
            wire.message(RECORDS, |wire| fields(wire, item));
            let bytes = wire.into_bytes();
            room = bytes.len() + SPARE;
            Encoded { resource: self.resource.clone(), scope: self.scope(scope(item)), bytes }
        };
        Request::new(items.iter().map(encode).collect())
    }

    fn scope(&mut self, scope: &InstrumentationScope) -> Arc<[u8]> {
        if let Some(encoded) = self.scopes.get(scope) {
            return encoded.clone();
        }
        let encoded = encode_scope(scope);
        self.scopes.insert(scope.clone(), encoded.clone());
        encoded
    }
}

/// The fields of a resource's part except for its scopes.
fn encode_resource(resource: &Resource) -> Arc<[u8]> {
    let mut wire = Wire::default();
    wire.message(1, |wire| resource.iter().for_each(|(key, value)| attribute(wire, 1, key, value)));
    wire.text(3, resource.schema_url().unwrap_or_default());
    wire.into_bytes().into()
}

/// The fields of a scope's part except for its records.
fn encode_scope(scope: &InstrumentationScope) -> Arc<[u8]> {
    let mut wire = Wire::default();
    wire.message(1, |wire| {
        wire.text(1, scope.name());
        wire.text(2, scope.version().unwrap_or_default());
        scope.attributes().for_each(|KeyValue { key, value, .. }| attribute(wire, 3, key, value));
    });
    wire.text(3, scope.schema_url().unwrap_or_default());
    wire.into_bytes().into()
}

fn span_fields(wire: &mut Wire, span: &SpanData) {
    let context = &span.span_context;
    wire.bytes(1, &context.trace_id().to_bytes());
    wire.bytes(2, &context.span_id().to_bytes());
    wire.text(3, &context.trace_state().header());
    if span.parent_span_id != SpanId::INVALID {
        wire.bytes(4, &span.parent_span_id.to_bytes());
    }
    wire.text(5, &span.name);
    wire.number(6, kind(&span.span_kind));
    wire.fixed64(7, nanoseconds(span.start_time));
    wire.fixed64(8, nanoseconds(span.end_time));
    attributes(wire, 9, &span.attributes);
    wire.number(10, span.dropped_attributes_count.into());
    span.events.iter().for_each(|event| wire.message(11, |wire| event_fields(wire, event)));
    wire.number(12, span.events.dropped_count.into());
    span.links.iter().for_each(|link| wire.message(13, |wire| link_fields(wire, link)));
    wire.number(14, span.links.dropped_count.into());
    wire.message(15, |wire| status_fields(wire, &span.status));
    wire.fixed32(16, flags(context.trace_flags().to_u8(), span.parent_span_is_remote));
}

#[cfg(feature = "logs")]
fn log_fields(wire: &mut Wire, entry: &LogEntry) {
    wire.fixed64(1, nanoseconds(entry.time));
    wire.number(2, entry.severity.into());
    wire.text(3, entry.severity_text);
    if let Some(body) = &entry.body {
        wire.message(5, |wire| wire.present_bytes(1, body.as_bytes()));
    }
    attributes(wire, 6, &entry.attributes);
    if entry.span.is_valid() {
        wire.fixed32(8, entry.span.trace_flags().to_u8().into());
        wire.bytes(9, &entry.span.trace_id().to_bytes());
        wire.bytes(10, &entry.span.span_id().to_bytes());
    }
    wire.fixed64(11, nanoseconds(entry.time));
}

fn event_fields(wire: &mut Wire, event: &Event) {
    wire.fixed64(1, nanoseconds(event.timestamp));
    wire.text(2, &event.name);
    attributes(wire, 3, &event.attributes);
    wire.number(4, event.dropped_attributes_count.into());
}

fn link_fields(wire: &mut Wire, link: &Link) {
    let context = &link.span_context;
    wire.bytes(1, &context.trace_id().to_bytes());
    wire.bytes(2, &context.span_id().to_bytes());
    wire.text(3, &context.trace_state().header());
    attributes(wire, 4, &link.attributes);
    wire.number(5, link.dropped_attributes_count.into());
    wire.fixed32(6, flags(context.trace_flags().to_u8(), context.is_remote()));
}

fn status_fields(wire: &mut Wire, status: &Status) {
    match status {
        Status::Unset => {}
        Status::Ok => wire.number(3, 1),
        Status::Error { description } => {
            wire.text(2, description);
            wire.number(3, 2);
        }
    }
}

fn attributes(wire: &mut Wire, field: u32, attributes: &[KeyValue]) {
    for KeyValue { key, value, .. } in attributes {
        attribute(wire, field, key, value);
    }
}

fn attribute(wire: &mut Wire, field: u32, key: &Key, value: &Value) {
    wire.message(field, |wire| {
        wire.text(1, key.as_str());
        wire.message(2, |wire| any_value(wire, value));
    });
}

fn any_value(wire: &mut Wire, value: &Value) {
    match value {
        Value::String(text) => wire.present_bytes(1, text.as_str().as_bytes()),
        Value::Bool(flag) => wire.present_number(2, (*flag).into()),
        Value::I64(number) => wire.present_number(3, number.cast_unsigned()),
        Value::F64(number) => wire.present_fixed64(4, number.to_bits()),
        Value::Array(array) => wire.message(5, |wire| array_values(wire, array)),
        // OpenTelemetry may add kinds of values. They are sent as text, so that they are not lost.
        other => wire.present_bytes(1, other.as_str().as_bytes()),
    }
}

fn array_values(wire: &mut Wire, array: &Array) {
    fn each<T: Clone + Into<Value>>(wire: &mut Wire, list: &[T]) {
        for value in list {
            wire.message(1, |wire| any_value(wire, &value.clone().into()));
        }
    }
    match array {
        Array::String(list) => each(wire, list),
        Array::Bool(list) => each(wire, list),
        Array::I64(list) => each(wire, list),
        Array::F64(list) => each(wire, list),
        _ => {}
    }
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    u32::from(trace_flags) | KNOWS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
