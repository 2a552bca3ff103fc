//! What a span records of a stream's items.

use std::time::{Instant, SystemTime};

use opentelemetry::{KeyValue, StringValue, Value as AttributeValue};

use super::ending::Ending;
use super::failure::{Describe, ErrorDescription};
use super::recording::{RecordedItem, keeps_items};
use super::scope::StreamEnd;
use crate::capture::{Fields, Gathered, Value, attributes, documents, encode_whole};
use crate::semconv::gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK;
use crate::semconv::openinference as names;
use crate::semconv::ours;
use crate::{llm, privacy};

/// What a span records of a stream's items, collected until the stream ends.
pub struct SpanItems {
    started: Option<Instant>,
    /// Whether a span is recorded.
    is_recorded: bool,
    first: Option<First>,
    /// When the chunks of a model's answer came, if figures need it.
    chunks: Option<Box<Chunks>>,
    items: i64,
    output: Gathered,
    /// Whether texts stay apart.
    lists_texts: bool,
    /// The last value of each key.
    fields: Vec<KeyValue>,
    failed: Option<ErrorDescription>,
    /// The items one by one, if a replay may need them.
    kept: Option<Vec<StringValue>>,
    /// The response of a model, if the items are its chunks.
    answer: Option<Box<llm::StreamedAnswer>>,
}

/// When the first item arrived.
struct First {
    seconds: f64,
    time: SystemTime,
}

/// When the chunks of a model's answer came.
#[derive(Default)]
struct Chunks {
    last: Option<Instant>,
    items: u64,
    /// The seconds from each chunk to the next.
    gaps: Vec<f64>,
    /// Whether the first item was an error, so that there is no first chunk.
    is_without_first: bool,
}

/// As many gaps between chunks as are measured of one answer.
const MOST_GAPS: usize = 10_000;

impl Chunks {
    fn came(&mut self) {
        self.items += 1;
        let now = Instant::now();
        if let Some(last) = self.last.replace(now).filter(|_| self.gaps.len() < MOST_GAPS) {
            self.gaps.push((now - last).as_secs_f64());
        }
    }

    /// The last item was an error, not a chunk.
    fn was_none(&mut self) {
        self.is_without_first |= self.items == 1;
        self.gaps.pop();
    }
}

/// Called by generated code for each item.
impl SpanItems {
    pub(super) fn new(started: Option<Instant>, is_recorded: bool, measures_chunks: bool) -> Self {
        Self {
            started,
            is_recorded,
            first: None,
            chunks: measures_chunks.then(Box::default),
            items: 0,
            output: Gathered::default(),
            lists_texts: false,
            fields: Vec::new(),
            failed: None,
            kept: None,
            answer: None,
        }
    }

    /// Counts an item.
    pub(crate) fn item(&mut self) {
        self.items += 1;
        if let Some(chunks) = &mut self.chunks {
            chunks.came();
        }
        if let Some(started) = self.started.take() {
            self.first = Some(First { seconds: started.elapsed().as_secs_f64(), time: SystemTime::now() });
        }
    }

    /// Whether a span is recorded.
    #[inline]
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// The items are the chunks of a model's response.
    pub fn tokens(&mut self) {
        self.answer.get_or_insert_default();
    }

    /// Keeps the items one by one, if spans are captured.
    pub fn kept(&mut self) {
        if self.items == 1 && self.is_recorded && keeps_items() {
            self.kept.get_or_insert_default();
        }
    }

    fn keep(&mut self, item: impl FnOnce() -> RecordedItem) {
        if let Some(kept) = &mut self.kept {
            kept.push(item().write().into());
        }
    }

    /// Records an item, or the value that `output = ...` makes of it.
    pub fn output(&mut self, value: &dyn Value) {
        self.keep(|| RecordedItem::value(encode_whole(value)));
        if self.answer.as_mut().is_some_and(|answer| answer.take(value)) {
            // The response contains everything that the chunks before it contained.
            self.output = Gathered::default();
        } else if self.is_recorded {
            let joins = value.is_text() && !self.lists_texts;
            self.output.push(privacy::part("", names::OUTPUT_VALUE, value), joins);
        }
    }

    /// Records texts as a list instead of joining them.
    pub fn list(&mut self) {
        self.lists_texts = true;
    }

    /// Records each value under its key, in place of the value of an earlier item.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        self.replace(attributes(fields));
    }

    /// Records lists of documents, each under its prefix, in place of those of an earlier item.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        if self.is_recorded {
            self.replace(documents(fields));
        }
    }

    fn replace(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        for attribute in attributes {
            self.fields.retain(|field| field.key != attribute.key);
            self.fields.push(attribute);
        }
    }

    /// The item is an error. The first error is the one with which the stream failed.
    pub fn err(&mut self, error: &dyn Describe, debug: bool) {
        if let Some(chunks) = &mut self.chunks {
            chunks.was_none();
        }
        self.keep(|| RecordedItem::Failed(error.describe(debug).message));
        if self.failed.is_none() {
            let described = self.is_recorded.then(|| error.describe(debug));
            self.failed =
                Some(described.unwrap_or_else(|| ErrorDescription::plain(error.kind(), String::new())));
        }
    }

    pub(super) fn finish(self, mut ending: Ending, end: StreamEnd<'_>) {
        if !ending.is_seen() {
            return;
        }
        if let Some(First { seconds, time }) = &self.first {
            ending.set([KeyValue::new(ours::STREAM_TIME_TO_FIRST_ITEM, *seconds)]);
            if self.answer.is_some() {
                ending.set([KeyValue::new(RESPONSE_TIME_TO_FIRST_CHUNK, *seconds)]);
                ending.event_at(*time, names::FIRST_TOKEN);
            }
        }
        ending.set([KeyValue::new(ours::STREAM_ITEMS, self.items)]);
        if let Some(kept) = self.kept {
            ending.set([KeyValue::new(ours::STREAM_RECORDED_ITEMS, AttributeValue::Array(kept.into()))]);
        }
        if let Some(chunks) = self.chunks.filter(|chunks| !chunks.is_without_first) {
            ending.streamed(self.first.map(|first| first.seconds), chunks.gaps);
        }
        ending.note(&self.fields);
        ending.set(self.fields);
        let is_recorded = self.is_recorded;
        let read = |answer: Box<llm::StreamedAnswer>| if is_recorded { answer.read() } else { answer.skim() };
        let mut read = self.answer.filter(|_| is_recorded || ending.reads_answers()).and_then(read);
        let failure = read.as_mut().and_then(|read| read.failure.take());
        if let Some(read) = read.filter(|read| read.value.is_some() || !is_recorded) {
            ending.read(read);
        } else if let Some(output) = self.output.into_encoded() {
            ending.set(output.into_attributes(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE));
        }
        let failure = failure.map(|failure| ErrorDescription::plain(failure.kind, failure.message));
        match (self.failed.or(failure), end) {
            (_, StreamEnd::Panicked(payload)) => ending.panicked(payload),
            (Some(failed), _) => ending.failed(&failed),
            (None, StreamEnd::Complete) => ending.ok(),
            (None, StreamEnd::Dropped) => ending.cancelled(),
        }
    }
}
