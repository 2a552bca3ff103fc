//! One exporter, as telemetry sees it.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "metrics")]
use opentelemetry::{KeyValue, metrics::Histogram};
use opentelemetry_sdk::trace::SpanData;

use super::health::{Condition, ExporterHealth, QueueHealth};
use super::queue::{Amount, Queue};
use super::weigh::Weigh;
use super::{Delivery, Ledger};

/// The ledger and the queue of one exporter.
#[derive(Clone)]
pub(crate) struct Backend {
    ledger: Arc<Ledger>,
    /// `None` if spans are passed on immediately, or not at all.
    queue: Option<Arc<dyn Held>>,
    has_spool: bool,
    /// Its type, as the semantic conventions name it.
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics name it"))]
    exporter_type: &'static str,
}

/// A queue of any type of item and record.
trait Held: Send + Sync {
    fn held(&self) -> Amount;
    fn capacity(&self) -> usize;
    fn shut(&self, timeout: Duration);
}

impl<Item: Weigh + Send, Saved: Send> Held for Queue<Item, Saved> {
    fn held(&self) -> Amount {
        Queue::held(self)
    }

    fn capacity(&self) -> usize {
        Queue::capacity(self)
    }

    fn shut(&self, timeout: Duration) {
        Queue::shut(self, timeout);
    }
}

impl Backend {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Backend { ledger, queue: None, has_spool: false, exporter_type: "custom_span_exporter" }
    }

    pub(crate) fn with_queue<Saved: Send + 'static>(self, queue: &Arc<Queue<SpanData, Saved>>) -> Self {
        Backend { queue: Some(queue.clone()), ..self }
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn with_spool(self, has_spool: bool) -> Self {
        Backend { has_spool, ..self }
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn of_type(self, exporter_type: &'static str) -> Self {
        Backend { exporter_type, ..self }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn exporter_type(&self) -> &'static str {
        self.exporter_type
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn inflight(&self) -> u64 {
        self.ledger.inflight()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn time_requests(&self, durations: Histogram<f64>, component: Vec<KeyValue>) {
        self.ledger.time_requests(durations, component);
    }

    pub(crate) fn target(&self) -> &str {
        &self.ledger.target
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.ledger.delivery()
    }

    pub(crate) fn link(&self) -> Condition {
        self.ledger.condition()
    }

    pub(crate) fn queue(&self) -> QueueHealth {
        let Some(queue) = &self.queue else { return QueueHealth::default() };
        let Amount { items, bytes } = queue.held();
        QueueHealth { spans: items, bytes, capacity: queue.capacity() }
    }

    pub(crate) fn spool(&self) -> Condition {
        match self.ledger.spool_trouble() {
            _ if !self.has_spool => Condition::Disabled,
            Some(cause) => Condition::Failing(cause),
            None => Condition::Good,
        }
    }

    pub(crate) fn health(&self) -> ExporterHealth {
        ExporterHealth {
            target: self.target().to_owned(),
            condition: self.link(),
            queue: self.queue(),
            spool: self.spool(),
            delivery: self.delivery(),
            is_refused: self.ledger.is_refused(),
            losses: self.ledger.losses(),
            restarts: self.ledger.restarts(),
        }
    }

    /// Whether waiting for the receiver would not help.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.ledger.is_hopeless()
    }

    /// Stops accepting spans.
    pub(crate) fn shut(&self, timeout: Duration) {
        self.ledger.close();
        self.queue.iter().for_each(|queue| queue.shut(timeout));
    }

    /// Counts the spans that have started and not ended, of this many that have started.
    pub(crate) fn close_open(&self, started: u64) {
        self.ledger.close_open(started);
    }

    pub(crate) fn write_off(&self) {
        self.ledger.write_off();
    }
}

impl Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::signal;

    #[test]
    fn waiting_for_a_receiver_that_is_absent_is_hopeless() {
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let backend = Backend::new(ledger.clone());
        assert!(!backend.is_hopeless());
        ledger.absent();
        assert!(backend.is_hopeless());
    }
}
