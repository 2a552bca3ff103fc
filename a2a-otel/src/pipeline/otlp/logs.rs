//! Log records as a signal: OTLP log requests.

use std::sync::Arc;

use opentelemetry_sdk::Resource;

use super::encode::Encoder;
use super::log_record::{LogEntry, LogRequest};
use crate::pipeline::ledger::Ledger;
use crate::pipeline::signal::Signal;
use crate::settings::Batch;

/// The gRPC method that accepts them.
#[cfg(feature = "otlp-grpc")]
pub(crate) const EXPORT_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Packs log records into requests that do not exceed the limit on bytes.
pub(crate) struct OtlpLogs {
    encoder: Encoder,
    bytes: usize,
    ledger: Arc<Ledger>,
}

impl OtlpLogs {
    pub(crate) fn new(resource: &Resource, limits: &Batch, ledger: Arc<Ledger>) -> Self {
        OtlpLogs { encoder: Encoder::new(resource), bytes: limits.bytes, ledger }
    }
}

impl Signal for OtlpLogs {
    type Item = LogEntry;
    type Payload = LogRequest;

    fn pack(&mut self, entries: Vec<LogEntry>) -> Vec<LogRequest> {
        self.encoder.logs(&entries).fitted(self.bytes, &self.ledger).0
    }
}
