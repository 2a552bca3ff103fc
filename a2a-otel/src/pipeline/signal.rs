//! What a signal is: items that wait, the payloads that they are sent in, and the words that messages use for them.

use super::weigh::Weigh;

/// Spans, annotations, or whatever else is sent.
pub(crate) trait Signal: Send + 'static {
    /// What waits in the queue, one by one.
    type Item: Weigh + Send;
    /// Items that are sent together.
    type Payload: Payload;

    /// Packs items into payloads, in their order.
    fn pack(&mut self, items: Vec<Self::Item>) -> Vec<Self::Payload>;
}

/// A signal whose items can be kept on disk.
pub(crate) trait Durable: Signal {
    /// Packs items that are still needed if their payloads cannot be written to disk.
    fn pack_copy(&mut self, items: &mut [Self::Item]) -> Vec<Self::Payload>;

    /// The request that a payload becomes, as it is sent and as it is kept on disk.
    fn body(payload: &Self::Payload) -> Vec<u8>;

    /// One payload of all these requests, with the number of items in each.
    fn restore(requests: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self::Payload;
}

/// Items that are sent together.
pub(crate) trait Payload: Send + Sized {
    /// How many there are.
    fn items(&self) -> usize;

    /// About how many bytes the request takes.
    fn bytes(&self) -> usize;

    /// Two halves; the payload itself where it cannot be divided.
    fn halve(self) -> Result<[Self; 2], Self>;

    /// Shortens the texts of each item that takes more than so many bytes. A payload that has none stays as it is.
    fn shorten(self, _bytes: usize) -> Self {
        self
    }

    /// The first item, as messages name it.
    fn name_of_first(&self) -> String;
}

/// What messages call a signal, and what they advise.
#[derive(Debug)]
pub(crate) struct Wording {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
    /// What helps where the queue is full.
    pub(crate) when_full: &'static str,
    /// What would have helped where the time to send was too short.
    pub(crate) when_late: &'static str,
    /// Who alone takes the signal, where most receivers do not. One that does not is not asked again.
    pub(crate) only_taken_by: Option<&'static str>,
}

pub(crate) static SPANS: Wording = Wording {
    one: "span",
    many: "spans",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES, or set A2A_OTEL_SPOOL_DIR to keep them on disk",
    when_late: "; with A2A_OTEL_SPOOL_DIR they would be kept for the next start",
    only_taken_by: None,
};

/// Spans for an exporter of the application's own, which no spool keeps.
pub(crate) static SPANS_HANDED_OVER: Wording = Wording {
    one: "span",
    many: "spans",
    when_full: "; raise A2A_OTEL_QUEUE_BYTES",
    when_late: "",
    only_taken_by: None,
};

pub(crate) static ANNOTATIONS: Wording = Wording {
    one: "annotation",
    many: "annotations",
    when_full: "",
    when_late: "",
    only_taken_by: Some("Phoenix"),
};
