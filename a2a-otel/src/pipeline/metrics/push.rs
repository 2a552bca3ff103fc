//! Sends metrics. They have their own queue and, once there is something to send, their own thread.
//!
//! Values since the start of the process contain the earlier ones, so of what is not sent yet only the newest is kept.
//! Values since the last request are all kept, up to the limit of the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use opentelemetry_sdk::metrics::data::ResourceMetrics;

use crate::environment::Warning;
use crate::lock::lock;
use crate::meter::exemplars;
use crate::pipeline::delivery::DataPoints;
use crate::pipeline::health::Condition;
use crate::pipeline::ledger::{Ledger, Loss};
use crate::pipeline::otlp::{MetricsRequest, MetricsSignal};
use crate::pipeline::outbox::Outbox;
use crate::pipeline::route::Route;
use crate::pipeline::signal::{self, Payload as _};
use crate::pipeline::transport::Hints;
use crate::settings::{Batch, Settings, TemporalityPreference};

/// Advice for a receiver that was named for metrics.
static ASKED: Hints = Hints {
    absent: "is the receiver running?",
    unauthorised: "check OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    unknown: "check OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
};

/// Advice for a receiver that was named for everything.
static OFFERED: Hints = Hints {
    unknown: "set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT to a receiver of metrics, or OTEL_METRICS_EXPORTER to none",
    absent: "is the receiver running?",
    unauthorised: "check OTEL_EXPORTER_OTLP_METRICS_HEADERS",
};

/// Sends what is collected, without waiting.
#[derive(Debug)]
pub(crate) struct Pusher {
    outbox: Outbox<MetricsRequest>,
    /// The number of the newest collection.
    newest: Arc<AtomicU64>,
    /// Whether a collection contains what the earlier ones have.
    replaces: bool,
    /// When the last request was encoded.
    encoded: Mutex<SystemTime>,
}

impl Pusher {
    /// Returns the pusher to the receiver in the settings, if they name one that can be used.
    pub(crate) fn new(settings: &Settings, warnings: &mut Vec<Warning>) -> Option<Self> {
        let endpoint = settings.metrics.receiver()?;
        let settings = settings.for_metrics();
        let (wording, hints) = if settings.metrics.is_asked_for {
            (&signal::METRICS, &ASKED)
        } else {
            (&signal::METRICS_OFFERED, &OFFERED)
        };
        let route = Route {
            items: "metrics",
            settings: &settings,
            endpoint,
            #[cfg(feature = "otlp-grpc")]
            method: crate::pipeline::otlp::EXPORT_METRICS,
            hints,
        };
        let outlet = route.open(MetricsRequest::body, warnings)?;
        // A collection is a batch of its own, which is sent at once.
        let limits = Batch { queue: None, size: 1, timeout: settings.timeout, ..settings.batch };
        let ledger = Ledger::new(wording, endpoint.to_string());
        let newest = Arc::default();
        let replaces = settings.metrics.temporality == TemporalityPreference::Cumulative;
        let signal = MetricsSignal { bytes: limits.bytes, newest: replaces.then(|| Arc::clone(&newest)) };
        let outbox = Outbox::new("a2a-otel-metrics", limits, ledger, outlet, |_| signal);
        exemplars::keep();
        Some(Pusher { outbox, newest, replaces, encoded: Mutex::new(SystemTime::now()) })
    }

    /// Encodes what was collected, with the exemplars that are newer than the last request.
    fn encode(&self, collected: &ResourceMetrics, number: u64) -> MetricsRequest {
        let since = std::mem::replace(&mut *lock(&self.encoded), SystemTime::now());
        let mut exemplars = exemplars::collect();
        MetricsRequest::new(collected, number, &mut |metric, attributes| {
            let found = exemplars.as_mut().map(|all| all.of(metric, attributes.iter())).unwrap_or_default();
            found.into_iter().filter(|exemplar| exemplar.time >= since).collect()
        })
    }

    /// Sends what was collected. Collections come one after the other.
    pub(crate) fn push(&self, collected: &ResourceMetrics) {
        if self.outbox.ledger().condition() == Condition::Disabled {
            return;
        }
        let number = self.newest.load(Ordering::Relaxed) + 1;
        let request = self.encode(collected, number);
        let points = request.items() as u64;
        if points == 0 {
            return;
        }
        if self.replaces {
            let replaced: usize = self.outbox.clear().iter().map(MetricsRequest::items).sum();
            self.outbox.ledger().dropped(Loss::Replaced, replaced as u64);
        }
        if self.outbox.send_counted(request, points) {
            self.newest.store(number, Ordering::Relaxed);
        }
    }

    pub(crate) fn flush(&self, timeout: Duration) {
        self.outbox.flush(timeout);
    }

    /// Stops waiting for a receiver that never answered.
    pub(crate) fn closing(&self) {
        self.outbox.ledger().close();
    }

    /// Sends what is waiting, and ends.
    pub(crate) fn close(&self, timeout: Duration) {
        self.outbox.close(timeout);
    }

    pub(crate) fn condition(&self) -> Condition {
        self.outbox.ledger().health()
    }

    pub(crate) fn delivery(&self) -> DataPoints {
        let mut counted = self.outbox.ledger().delivery();
        let replaced = counted.dropped.remove(Loss::Replaced.reason()).unwrap_or_default();
        let (generated, delivered) = (counted.generated, counted.delivered);
        DataPoints { generated, delivered, replaced, dropped: counted.dropped }
    }

    pub(crate) fn write_off(&self) {
        self.outbox.ledger().write_off();
    }
}
