//! Log records as the records of requests.

use std::time::SystemTime;

use opentelemetry::trace::SpanContext;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;

use super::cut::{Cuttable, Room, size_of_all, sizes};
use super::request::{Parts, Record, Request, texts_of_attributes, texts_of_value};
use crate::pipeline::weigh::{Weigh, bytes_of_attributes};

/// How many characters of a record are shown in messages.
const SHOWN: usize = 60;

/// A log record.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) time: SystemTime,
    /// The number that OpenTelemetry has for the level: 1 to 24.
    pub(crate) severity: u8,
    pub(crate) severity_text: &'static str,
    /// The name of its scope is the target of the event.
    pub(crate) scope: InstrumentationScope,
    pub(crate) body: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
    /// The span in which it was logged, if there was one.
    pub(crate) span: SpanContext,
}

impl LogEntry {
    pub(super) const fn scope(&self) -> &InstrumentationScope {
        &self.scope
    }
}

impl Weigh for LogEntry {
    fn bytes(&self) -> usize {
        let texts = self.scope.name().len() + self.body.as_ref().map_or(0, String::len);
        size_of::<Self>() + texts + bytes_of_attributes(&self.attributes)
    }
}

/// Log records that are sent in one request.
pub(crate) type LogRequest = Request<LogRecord>;

impl Cuttable for LogRecord {
    const NOUN: &'static str = "log record";

    fn texts(&mut self) -> Vec<&mut String> {
        let body = self.body.as_mut().and_then(|body| body.value.as_mut());
        let body = body.into_iter().flat_map(texts_of_value);
        body.chain(texts_of_attributes(&mut self.attributes)).collect()
    }

    fn bytes_of_parts(&self) -> usize {
        size_of_all(&self.attributes)
    }

    fn cut_parts(&mut self, bytes: usize) {
        let mut room = Room::new::<Self>(bytes, sizes(&self.attributes).collect());
        room.fill(&mut self.attributes, &mut self.dropped_attributes_count);
    }
}

impl Record for LogRecord {
    fn name(self) -> String {
        let text = match self.body.and_then(|body| body.value) {
            Some(any_value::Value::StringValue(text)) => text,
            _ => String::new(),
        };
        format!("{:?}", text.chars().take(SHOWN).collect::<String>())
    }

    fn parts(body: &[u8]) -> Result<Parts<Self>, prost::DecodeError> {
        let resources = ExportLogsServiceRequest::decode(body)?.resource_logs.into_iter();
        let parts = resources.map(|mut resource| {
            let scopes = std::mem::take(&mut resource.scope_logs).into_iter();
            let scopes = scopes.map(|mut scope| {
                let records = std::mem::take(&mut scope.log_records);
                (scope.encode_to_vec(), records)
            });
            let scopes = scopes.collect();
            (resource.encode_to_vec(), scopes)
        });
        Ok(parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue as Attribute};
    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};

    use super::*;
    use crate::pipeline::otlp::cut::cut;

    fn text(text: String) -> AnyValue {
        AnyValue { value: Some(any_value::Value::StringValue(text)) }
    }

    #[test]
    fn a_record_that_is_too_large_is_cut_in_its_body_and_then_in_its_attributes() {
        let attribute = |number| Attribute {
            key: format!("key {number}"),
            value: Some(text("short".to_owned())),
            ..Attribute::default()
        };
        let mut record = LogRecord {
            body: Some(text("b".repeat(5_000))),
            attributes: (0..100).map(attribute).collect(),
            ..LogRecord::default()
        };
        assert!(cut(&mut record, 1_000), "{record:?}");
        let kept = record.attributes.len();
        assert!(kept > 0 && record.dropped_attributes_count > 0, "{record:?}");
        assert_eq!(kept + record.dropped_attributes_count as usize, 100);
        assert!(
            format!("{record:?}").contains("[5000 bytes, cut by a2a-otel: the log record was too large]")
        );
        assert_eq!(record.name(), format!("{:?}", "b".repeat(SHOWN)), "messages show its beginning");
        assert_eq!(LogRecord::default().name(), "\"\"");
    }

    #[test]
    fn a_request_has_parts_for_each_resource_and_scope() {
        let scope = ScopeLogs { log_records: vec![LogRecord::default(); 2], ..ScopeLogs::default() };
        let resource = ResourceLogs { scope_logs: vec![scope; 3], ..ResourceLogs::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![resource] };
        let parts = LogRecord::parts(&request.encode_to_vec()).unwrap();
        let records: Vec<_> = parts[0].1.iter().map(|(_, records)| records.len()).collect();
        assert_eq!((parts.len(), records), (1, vec![2, 2, 2]));
        assert!(LogRecord::parts(b"no request").is_err());
    }

    #[test]
    fn everything_that_a_record_holds_has_its_weight() {
        let empty = LogEntry {
            time: SystemTime::UNIX_EPOCH,
            severity: 9,
            severity_text: "INFO",
            scope: InstrumentationScope::default(),
            body: None,
            attributes: Vec::new(),
            span: SpanContext::NONE,
        };
        assert_eq!(empty.bytes(), size_of::<LogEntry>());
        let heavy = LogEntry {
            scope: InstrumentationScope::builder("x".repeat(70)).build(),
            body: Some("x".repeat(80)),
            attributes: vec![KeyValue::new("key", "x".repeat(100))],
            ..empty
        };
        assert_eq!(heavy.bytes(), size_of::<LogEntry>() + 70 + 80 + size_of::<KeyValue>() + 103);
    }
}
