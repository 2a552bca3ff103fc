//! Defines a signal: its items, the payloads in which they are sent, and the words that messages use for them.

use super::weigh::Weigh;

/// A kind of data that is sent, such as spans or annotations.
pub(crate) trait Signal: Send + 'static {
    /// An entry of the queue.
    type Item: Weigh + Send;
    /// Items that are sent together.
    type Payload: Payload;

    /// Whether a later item may replace an earlier one, so that none may overtake another. A payload over which the
    /// receiver fails is then only retried, and an item that it refuses is not offered again.
    const KEEPS_ORDER: bool = false;

    /// Packs items into payloads, in their order.
    fn pack(&mut self, items: Vec<Self::Item>) -> Vec<Self::Payload>;

    /// Whether a payload need not be sent any more, because a later one contains what it says. By default it must.
    fn is_replaced(&self, _payload: &Self::Payload) -> bool {
        false
    }
}

/// A signal whose items can be kept on disk.
pub(crate) trait Durable: Signal {
    /// Packs items without consuming them: they are still needed if their payloads cannot be written to disk. Removes
    /// those that are too large to be sent, which it has counted as lost.
    fn pack_borrowed(&mut self, items: &mut Vec<Self::Item>) -> Vec<Self::Payload>;

    /// Encodes the request of a payload, as it is sent and as it is kept on disk.
    fn body(payload: &Self::Payload) -> Vec<u8>;

    /// Joins encoded requests, each with the number of its items, into one payload.
    fn restore(requests: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self::Payload;
}

/// Items that are sent together.
pub(crate) trait Payload: Send + Sized {
    /// The number of items.
    fn items(&self) -> usize;

    /// Roughly how many bytes the request takes.
    fn bytes(&self) -> usize;

    /// Returns two halves, or the payload itself if it cannot be divided.
    fn halve(self) -> Result<[Self; 2], Self>;

    /// Puts both parts of a payload that was divided together again, if that is possible.
    fn merge(self, back: Self) -> Result<Self, [Self; 2]> {
        Err([self, back])
    }

    /// Shortens the texts of each item that takes more than this many bytes. By default, nothing is shortened.
    fn shorten(self, _bytes: usize) -> Self {
        self
    }

    /// The name of the first item for messages.
    fn name_of_first(&self) -> String;
}

/// The words that messages use for a signal, and the advice that they give.
#[derive(Debug)]
pub(crate) struct Wording {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
    /// What is counted.
    pub(crate) counted: &'static str,
    /// The advice for a full queue.
    pub(crate) when_full: &'static str,
    /// The advice if the time to send was too short.
    pub(crate) when_late: &'static str,
    /// The only receiver that accepts the signal, if most do not. A receiver that does not accept it gets no more
    /// requests.
    pub(crate) only_taken_by: Option<&'static str>,
    /// Whether nobody asked for the signal. A receiver that does not accept it gets no more requests either, and telemetry
    /// counts as healthy.
    pub(crate) is_offered: bool,
}

pub(crate) static SPANS: Wording = Wording {
    one: "span",
    many: "spans",
    counted: "spans",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES, or set A2A_OTEL_SPOOL_DIR to keep them on disk",
    when_late: "; with A2A_OTEL_SPOOL_DIR they would be kept for the next start",
    only_taken_by: None,
    is_offered: false,
};

/// Spans for the application's own exporter, which the spool does not keep.
pub(crate) static SPANS_HANDED_OVER: Wording = Wording {
    one: "span",
    many: "spans",
    counted: "spans",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES",
    when_late: "",
    only_taken_by: None,
    is_offered: false,
};

pub(crate) static ANNOTATIONS: Wording = Wording {
    one: "annotation",
    many: "annotations",
    counted: "annotations",
    when_full: "",
    when_late: "",
    only_taken_by: Some("Phoenix"),
    is_offered: false,
};

#[cfg(feature = "logs")]
pub(crate) static LOGS: Wording = Wording {
    one: "log record",
    many: "log records",
    counted: "log records",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES",
    when_late: "",
    only_taken_by: None,
    is_offered: false,
};

/// Metrics that code or the environment asks for.
#[cfg(all(feature = "metrics", feature = "otlp"))]
pub(crate) static METRICS: Wording = OF_METRICS;

/// Metrics for a receiver that was named for everything.
#[cfg(all(feature = "metrics", feature = "otlp"))]
pub(crate) static METRICS_OFFERED: Wording = Wording { is_offered: true, ..OF_METRICS };

#[cfg(all(feature = "metrics", feature = "otlp"))]
const OF_METRICS: Wording = Wording {
    one: "metric",
    many: "metrics",
    counted: "data points of metrics",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES",
    when_late: "",
    only_taken_by: None,
    is_offered: false,
};
