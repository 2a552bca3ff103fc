//! Log records as the receiver of tests shows them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::Value;

use super::json::{attributes, hexadecimal};

/// A log record that the [`Receiver`](super::Receiver) has accepted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedLog {
    /// The text.
    pub body: String,
    /// The severity, as a number and a text.
    pub severity: (i32, String),
    /// The target of the event.
    pub scope: String,
    /// The attributes.
    pub attributes: BTreeMap<String, Value>,
    /// The attributes of the resource.
    pub resource: BTreeMap<String, Value>,
    /// 32 hexadecimal digits, or nothing outside of a trace.
    pub trace_id: String,
    /// 16 hexadecimal digits, or nothing outside of a span.
    pub span_id: String,
}

pub(super) fn logs(message: ExportLogsServiceRequest) -> Vec<ReceivedLog> {
    let mut logs = Vec::new();
    for part in message.resource_logs {
        let resource = attributes(part.resource.map(|resource| resource.attributes).unwrap_or_default());
        for scope in part.scope_logs {
            let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
            logs.extend(scope.log_records.into_iter().map(|log| received(log, &name, &resource)));
        }
    }
    logs
}

fn received(log: LogRecord, scope: &str, resource: &BTreeMap<String, Value>) -> ReceivedLog {
    let body = match log.body.and_then(|body| body.value) {
        Some(any_value::Value::StringValue(text)) => text,
        other => other.map(|value| format!("{value:?}")).unwrap_or_default(),
    };
    ReceivedLog {
        body,
        severity: (log.severity_number, log.severity_text),
        scope: scope.to_owned(),
        attributes: attributes(log.attributes),
        resource: resource.clone(),
        trace_id: hexadecimal(&log.trace_id),
        span_id: hexadecimal(&log.span_id),
    }
}
