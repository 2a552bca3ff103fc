//! Sends log records over OTLP. They have their own queue and, once there is one, their own thread.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use opentelemetry_sdk::Resource;

use super::delivery::LogRecords;
use super::health::Condition;
use super::ledger::Ledger;
pub(crate) use super::otlp::LogEntry;
use super::otlp::{LogRequest, OtlpLogs};
use super::outbox::Outbox;
use super::route::Route;
use super::signal;
use super::transport::Hints;
use crate::context::name_agents_in_logs;
use crate::environment::Warning;
use crate::settings::Settings;

/// Accepts log records while telemetry is installed.
static CURRENT: ArcSwapOption<Logger> = ArcSwapOption::const_empty();

static HINTS: Hints = Hints {
    absent: "is the receiver running?",
    unauthorised: "check OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    unknown: "check OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
};

/// Sends log records, without waiting.
#[derive(Debug)]
pub(crate) struct Logger(Outbox<LogEntry>);

impl Logger {
    /// Returns the logger to the receiver in the settings, if they name one that can be used.
    pub(crate) fn new(settings: &Settings, resource: &Resource, warnings: &mut Vec<Warning>) -> Option<Self> {
        let logs = settings.logs.as_ref()?;
        let settings = settings.for_logs(logs);
        let route = Route {
            items: "log records",
            settings: &settings,
            endpoint: &logs.endpoint,
            #[cfg(feature = "otlp-grpc")]
            method: super::otlp::EXPORT_LOGS,
            hints: &HINTS,
        };
        let outlet = route.open(LogRequest::body, warnings)?;
        let limits = logs.batch.answered_within(settings.timeout);
        let ledger = Ledger::new(&signal::LOGS, logs.endpoint.to_string());
        let signal = |ledger: &Arc<Ledger>| OtlpLogs::new(resource, &limits, ledger.clone());
        Some(Logger(Outbox::new("a2a-otel-logs", limits, ledger, outlet, signal)))
    }

    pub(crate) fn send(&self, entry: LogEntry) {
        self.0.send(entry);
    }

    pub(crate) fn flush(&self, timeout: Duration) {
        self.0.flush(timeout);
    }

    /// Stops accepting log records.
    pub(crate) fn shut(&self, timeout: Duration) {
        self.0.ledger().close();
        self.0.shut(timeout);
    }

    /// Sends what is waiting, and ends.
    pub(crate) fn close(&self, timeout: Duration) {
        self.0.close(timeout);
    }

    pub(crate) fn condition(&self) -> Condition {
        self.0.ledger().health()
    }

    pub(crate) fn delivery(&self) -> LogRecords {
        let counted = self.0.ledger().delivery();
        LogRecords { generated: counted.generated, delivered: counted.delivered, dropped: counted.dropped }
    }

    pub(crate) fn write_off(&self) {
        self.0.ledger().write_off();
    }
}

/// Sends all log records to this logger from now on.
pub(crate) fn install(logger: Option<Arc<Logger>>) {
    if logger.is_some() {
        name_agents_in_logs();
    }
    CURRENT.store(logger);
}

/// The logger, if log records are sent.
pub(crate) fn current() -> Option<Arc<Logger>> {
    CURRENT.load_full()
}
