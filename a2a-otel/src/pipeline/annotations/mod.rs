//! Sends annotations to Phoenix. They have their own queue and, once there is one, their own thread.

#[cfg(feature = "otlp")]
mod request;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use opentelemetry::KeyValue;

#[cfg(feature = "otlp")]
pub(crate) use self::request::annotator;
use crate::pipeline::delivery::Annotations;
use crate::pipeline::ledger::{Ledger, Loss};
use crate::pipeline::outbox::Outbox;
use crate::pipeline::weigh::Weigh;
use crate::privacy::Masks;
use crate::settings::Endpoint;

/// Accepts annotations while telemetry is installed.
static CURRENT: ArcSwapOption<Annotator> = ArcSwapOption::const_empty();

/// Why nothing is sent over gRPC, or to an address that is only for spans: neither shows where Phoenix's REST interface
/// is.
const NO_PHOENIX: &str = "only Phoenix accepts them, over HTTP, at an endpoint whose path ends in /v1/traces";

/// What is annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Span,
    Trace,
    Session,
}

impl Subject {
    /// The path at which Phoenix accepts its annotations. Without `sync`, Phoenix keeps them for up to ten minutes
    /// until their subject arrives.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Subject::Span => "/v1/span_annotations",
            Subject::Trace => "/v1/trace_annotations",
            Subject::Session => "/v1/session_annotations",
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Span => "span",
            Subject::Trace => "trace",
            Subject::Session => "session",
        }
    }

    /// The name of the field that holds its id.
    pub(crate) fn id_field(self) -> &'static str {
        match self {
            Subject::Span => "span_id",
            Subject::Trace => "trace_id",
            Subject::Session => "session_id",
        }
    }
}

/// An annotation that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) subject: Subject,
    /// The subject's id, the annotation's name, and its identifier. A later annotation with the same key replaces it.
    pub(crate) key: [String; 3],
    pub(crate) json: String,
}

impl Weigh for Entry {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.iter().map(String::len).sum::<usize>() + self.json.len()
    }
}

/// Accepts annotations without waiting.
#[derive(Debug)]
pub(crate) struct Annotator {
    /// The address of Phoenix, credentials included. `None` if the endpoint of the spans does not show it.
    server: Option<Endpoint>,
    outbox: Outbox<Entry>,
    /// What is hidden besides what the process hides.
    masks: Option<Masks>,
}

impl Annotator {
    pub(crate) fn new(server: Option<Endpoint>, outbox: Outbox<Entry>) -> Self {
        Annotator { server, outbox, masks: None }
    }

    /// Hides what these masks hide too.
    pub(crate) fn masked(self, masks: Masks) -> Self {
        Annotator { masks: Some(masks), ..self }
    }

    /// Masks what an annotation says.
    pub(crate) fn mask(&self, attributes: &mut Vec<KeyValue>) {
        if let Some(masks) = &self.masks {
            masks.screen("", attributes);
            masks.redact(attributes);
        }
    }

    pub(crate) fn server(&self) -> Option<&Endpoint> {
        self.server.as_ref()
    }

    pub(crate) fn send(&self, entry: Entry) {
        if self.server.is_some() {
            return self.outbox.send(entry);
        }
        let ledger = self.outbox.ledger();
        ledger.refused(NO_PHOENIX);
        ledger.turn_away(Loss::Refused, 1);
    }

    pub(crate) fn flush(&self, timeout: Duration) {
        self.outbox.flush(timeout);
    }

    /// Stops accepting annotations.
    pub(crate) fn shut(&self, timeout: Duration) {
        self.outbox.ledger().close();
        self.outbox.shut(timeout);
    }

    fn has_ended(&self) -> bool {
        self.outbox.ledger().is_closing()
    }

    /// Sends what is waiting, and ends.
    pub(crate) fn close(&self, timeout: Duration) {
        self.outbox.close(timeout);
    }

    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        let ledger = self.outbox.ledger();
        (ledger.delivery().generated > 0).then_some(ledger)
    }

    pub(crate) fn delivery(&self) -> Annotations {
        let counted = self.outbox.ledger().delivery();
        Annotations { generated: counted.generated, delivered: counted.delivered, dropped: counted.dropped }
    }

    pub(crate) fn write_off(&self) {
        self.outbox.ledger().write_off();
    }
}

/// Without the feature `otlp`, annotations are not sent.
#[cfg(not(feature = "otlp"))]
pub(crate) fn annotator(_settings: &crate::settings::Settings) -> Option<Annotator> {
    None
}

/// Sends all annotations to this annotator from now on.
pub(crate) fn install(annotator: Option<Arc<Annotator>>) {
    CURRENT.store(annotator);
}

/// Sends annotations to this annotator, unless another takes them. One that has ended stays current until then, because
/// links to its server are still made.
pub(crate) fn offer(annotator: &Arc<Annotator>) {
    CURRENT.rcu(|current| current.as_ref().filter(|other| !other.has_ended()).unwrap_or(annotator).clone());
}

/// Sends no more annotations to this annotator.
pub(crate) fn remove(annotator: &Arc<Annotator>) {
    CURRENT.compare_and_swap(&Some(annotator.clone()), None);
}

/// The annotator, if telemetry is installed.
pub(crate) fn current() -> Option<Arc<Annotator>> {
    CURRENT.load_full()
}
