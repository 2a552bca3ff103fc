//! Sends metrics. They have their own queue and, once there is something to send, their own thread.
//!
//! Values since the start of the process contain the earlier ones, so of what is not sent yet only the newest is kept.
//! Values since the last request are all kept, up to the limit of the queue.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry_sdk::metrics::data::ResourceMetrics;

use crate::environment::Warning;
use crate::lock::lock;
use crate::meter::exemplars;
use crate::pipeline::delivery::DataPoints;
use crate::pipeline::health::Condition;
use crate::pipeline::ledger::{Ledger, Loss};
use crate::pipeline::otlp::{MetricsRequest, MetricsSignal};
use crate::pipeline::queue::{Queue, Refusal};
use crate::pipeline::sender::{Outlet, Sender};
use crate::pipeline::signal::{self, Payload as _};
use crate::pipeline::transport::{Credentials, Hints, Http};
use crate::settings::{Batch, Endpoint, Settings, TemporalityPreference};

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
pub(crate) struct Pusher {
    queue: Arc<Queue<MetricsRequest>>,
    ledger: Arc<Ledger>,
    /// The number of the newest collection.
    newest: Arc<AtomicU64>,
    /// Whether a collection contains what the earlier ones have.
    replaces: bool,
    /// The loop that empties the queue, until it is started.
    empty: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// When the last request was encoded.
    encoded: Mutex<SystemTime>,
}

impl fmt::Debug for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pusher").field("ledger", &self.ledger).finish_non_exhaustive()
    }
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
        let outlet = match outlet(&settings, endpoint, hints) {
            Ok(outlet) => outlet,
            Err(cause) => {
                warnings.push(Warning::Malformed(format!("no metrics are sent to {endpoint}: {cause}")));
                return None;
            }
        };
        if let Err(cause) = Credentials::read(endpoint, &settings.tls) {
            warnings.push(Warning::Malformed(format!("no metrics reach {endpoint} for now: {cause}")));
        }
        // A collection is a batch of its own, which is sent at once.
        let limits = Batch { queue: None, size: 1, timeout: settings.timeout, ..settings.batch };
        let queue = Arc::new(Queue::new(limits));
        let ledger = Arc::new(Ledger::new(wording, endpoint.to_string()));
        let newest = Arc::default();
        let replaces = settings.metrics.temporality == TemporalityPreference::Cumulative;
        let signal = MetricsSignal { bytes: limits.bytes, newest: replaces.then(|| Arc::clone(&newest)) };
        let sender: Sender<MetricsSignal> =
            Sender::new(queue.clone(), ledger.clone(), limits, signal, outlet, None);
        let empty: Box<dyn FnOnce() + Send> = Box::new(move || sender.run());
        exemplars::keep();
        let (empty, encoded) = (Mutex::new(Some(empty)), Mutex::new(SystemTime::now()));
        Some(Pusher { queue, ledger, newest, replaces, empty, encoded })
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
        if self.ledger.condition() == Condition::Disabled {
            return;
        }
        let number = self.newest.load(Ordering::Relaxed) + 1;
        let request = self.encode(collected, number);
        let points = request.items() as u64;
        if points == 0 {
            return;
        }
        self.ledger.generate(points);
        if self.replaces {
            let replaced = self.queue.clear();
            let points: usize = replaced.iter().map(MetricsRequest::items).sum();
            self.ledger.dropped(Loss::Replaced, points as u64);
        }
        self.start();
        match self.queue.push(request) {
            Ok(()) => self.newest.store(number, Ordering::Relaxed),
            Err(Refusal::Full) => self.ledger.queue_full(points),
            Err(Refusal::Closed) => self.ledger.dropped(Loss::TooLate, points),
        }
    }

    fn start(&self) {
        let Some(empty) = lock(&self.empty).take() else { return };
        if thread::Builder::new().name("a2a-otel-metrics".to_owned()).spawn(empty).is_err() {
            // What waits is counted as lost later; callers must not wait for it.
            self.queue.finish();
        }
    }

    fn is_started(&self) -> bool {
        lock(&self.empty).is_none()
    }

    pub(crate) fn flush(&self, timeout: Duration) {
        self.queue.flush(timeout);
    }

    /// Stops waiting for a receiver that never answered.
    pub(crate) fn closing(&self) {
        self.ledger.close();
    }

    /// Sends what is waiting, and ends.
    pub(crate) fn close(&self, timeout: Duration) {
        self.queue.close(if self.is_started() { timeout } else { Duration::ZERO });
    }

    pub(crate) fn condition(&self) -> Condition {
        self.ledger.condition()
    }

    pub(crate) fn delivery(&self) -> DataPoints {
        let mut counted = self.ledger.delivery();
        let replaced = counted.dropped.remove(Loss::Replaced.reason()).unwrap_or_default();
        let (generated, delivered) = (counted.generated, counted.delivered);
        DataPoints { generated, delivered, replaced, dropped: counted.dropped }
    }

    pub(crate) fn write_off(&self) {
        self.ledger.write_off();
    }
}

/// The outlet that sends requests to the endpoint.
#[cfg_attr(not(feature = "otlp-grpc"), expect(clippy::unnecessary_wraps, reason = "gRPC may be refused"))]
fn outlet(
    settings: &Settings,
    endpoint: &Endpoint,
    hints: &'static Hints,
) -> Result<Outlet<MetricsRequest>, String> {
    #[cfg(feature = "otlp-grpc")]
    if settings.protocol == crate::settings::Protocol::Grpc {
        let mut grpc = crate::pipeline::transport::Grpc::new(
            settings,
            endpoint,
            crate::pipeline::otlp::EXPORT_METRICS,
            hints,
        )?;
        return Ok(Box::new(move |request, patience| grpc.send(request.body(), patience)));
    }
    let mut http = Http::otlp(settings, endpoint, hints);
    Ok(Box::new(move |request, patience| http.send(request.body(), patience)))
}
