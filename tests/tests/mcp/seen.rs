//! The joined spans of several processes.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{SpanId, Status};
use a2a_otel::testing::{Captured, ReceivedSpan, ReceivedStatus, Receiver};
use a2a_otel_tests::services::eventually;

/// A span from any process.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The message of an error.
    pub(crate) error: Option<String>,
    trace: String,
    id: String,
    parent: String,
}

impl From<&Captured> for Seen {
    fn from(span: &Captured) -> Self {
        let attributes = span.attributes.iter().map(|(key, value)| (key.clone(), value.to_string()));
        Self {
            name: span.name.clone(),
            attributes: attributes.collect(),
            error: match &span.status {
                Status::Error { description } => Some(description.to_string()),
                Status::Ok | Status::Unset => None,
            },
            trace: span.trace_id.to_string(),
            id: span.span_id.to_string(),
            parent: span.parent_id.as_ref().map(SpanId::to_string).unwrap_or_default(),
        }
    }
}

impl From<&ReceivedSpan> for Seen {
    fn from(span: &ReceivedSpan) -> Self {
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let attributes = span.attributes.iter().map(|(key, value)| (key.clone(), text(value)));
        Self {
            name: span.name.clone(),
            attributes: attributes.collect(),
            error: match &span.status {
                ReceivedStatus::Error(message) => Some(message.clone()),
                _ => None,
            },
            trace: span.trace_id.clone(),
            id: span.span_id.clone(),
            parent: span.parent_span_id.clone(),
        }
    }
}

impl Seen {
    /// Whether its parent is this span.
    pub(crate) fn is_below(&self, parent: &Self) -> bool {
        self.parent == parent.id
    }

    /// Whether both are of one trace.
    pub(crate) fn is_of_trace(&self, other: &Self) -> bool {
        self.trace == other.trace
    }

    pub(crate) fn is_root(&self) -> bool {
        self.parent.is_empty()
    }
}

/// The spans of one trace, with one root above all others.
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) Vec<Seen>);

impl Trace {
    pub(crate) fn of(spans: Vec<Seen>) -> Self {
        let trace = Self(spans);
        let roots = trace.0.iter().filter(|span| span.parent.is_empty()).count();
        let is_known = |span: &&Seen| span.parent.is_empty() || trace.parent(span).is_some();
        assert_eq!(roots, 1, "{trace:#?}");
        assert!(trace.0.iter().all(|span| is_known(&span)), "{trace:#?}");
        assert!(trace.0.iter().all(|span| span.trace == trace.0[0].trace), "{trace:#?}");
        trace
    }

    fn parent(&self, span: &Seen) -> Option<&Seen> {
        self.0.iter().find(|other| other.id == span.parent)
    }

    /// The names from the root to a span.
    fn path(&self, span: &Seen) -> Vec<&str> {
        let own = self.0.iter().find(|other| other.id == span.id);
        let mut path: Vec<_> =
            std::iter::successors(own, |span| self.parent(span)).map(|span| span.name.as_str()).collect();
        path.reverse();
        path
    }

    /// The spans at this path from the root.
    pub(crate) fn at(&self, path: &[&str]) -> Vec<&Seen> {
        self.0.iter().filter(|span| self.path(span) == path).collect()
    }

    /// The only span at this path.
    #[track_caller]
    pub(crate) fn only(&self, path: &[&str]) -> &Seen {
        let found = self.at(path);
        let [span] = found[..] else {
            let paths: Vec<_> = self.0.iter().map(|span| self.path(span)).collect();
            panic!("{} spans at {path:?}, not one: {paths:#?}", found.len())
        };
        span
    }
}

/// Waits until a receiver has accepted enough spans, and returns them.
#[track_caller]
pub(crate) fn received(receiver: &Receiver, is_enough: impl Fn(&[ReceivedSpan]) -> bool) -> Vec<Seen> {
    let enough = || Some(receiver.spans()).filter(|spans| is_enough(spans));
    let spans = eventually(Duration::from_secs(20), enough);
    let spans = spans.unwrap_or_else(|| panic!("not all spans came: {:#?}", receiver.spans()));
    spans.iter().map(Seen::from).collect()
}
