//! What a span records of a stream's items.

use std::time::{Instant, SystemTime};

use opentelemetry::KeyValue;

use super::ending::Ending;
use super::failure::{Describe, ErrorDescription};
use super::scope::StreamEnd;
use crate::capture::{Fields, List, Value, attributes, documents};
use crate::semconv::gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK;
use crate::semconv::openinference as names;
use crate::semconv::ours;
use crate::{llm, privacy};

/// What a span records of a stream's items, collected until the stream ends.
pub struct SpanItems {
    started: Option<Instant>,
    first: Option<First>,
    items: i64,
    output: List,
    /// The last value of each key.
    fields: Vec<KeyValue>,
    failed: Option<ErrorDescription>,
    /// The response of a model, if the items are its chunks.
    answer: Option<Box<llm::StreamedAnswer>>,
}

/// When the first item arrived.
struct First {
    seconds: f64,
    time: SystemTime,
}

/// Called by generated code for each item.
impl SpanItems {
    pub(super) fn new(started: Option<Instant>) -> Self {
        Self {
            started,
            first: None,
            items: 0,
            output: List::default(),
            fields: Vec::new(),
            failed: None,
            answer: None,
        }
    }

    /// Counts an item.
    pub(crate) fn item(&mut self) {
        self.items += 1;
        if let Some(started) = self.started.take() {
            self.first = Some(First { seconds: started.elapsed().as_secs_f64(), time: SystemTime::now() });
        }
    }

    /// The items are the chunks of a model's response.
    pub fn tokens(&mut self) {
        self.answer.get_or_insert_default();
    }

    /// Records an item, or the value that `output = ...` makes of it.
    pub fn output(&mut self, value: &dyn Value) {
        if self.answer.as_mut().is_some_and(|answer| answer.take(value)) {
            // The response contains everything that the chunks before it contained.
            self.output = List::default();
        } else {
            self.output.push(privacy::part("", names::OUTPUT_VALUE, value));
        }
    }

    /// Records each value under its key, in place of the value of an earlier item.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        self.replace(attributes(fields));
    }

    /// Records lists of documents, each under its prefix, in place of those of an earlier item.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        self.replace(documents(fields));
    }

    fn replace(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        for attribute in attributes {
            self.fields.retain(|field| field.key != attribute.key);
            self.fields.push(attribute);
        }
    }

    /// The item is an error. The first error is the one with which the stream failed.
    pub fn err(&mut self, error: &dyn Describe, debug: bool) {
        if self.failed.is_none() {
            self.failed = Some(error.describe(debug));
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
        ending.set(self.fields);
        let mut read = self.answer.and_then(|answer| answer.read());
        let failure = read.as_mut().and_then(|read| read.failure.take());
        if let Some(read) = read.filter(|read| read.value.is_some()) {
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
