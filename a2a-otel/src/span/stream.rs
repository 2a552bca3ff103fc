//! Streams: the scope lives until the stream ends, fails or is dropped, and is entered whenever it is polled.

use std::any::Any;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use futures_core::Stream;
use opentelemetry::KeyValue;
use pin_project_lite::pin_project;

use super::Ending;
use super::failure::{Describe, Failed};
use super::run::{Scope, guarded};
use crate::capture::{Fields, List, Value, attributes, documents};
use crate::semconv::gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK;
use crate::semconv::openinference as names;
use crate::semconv::ours;
use crate::{llm, privacy};

/// How a stream came to its end.
#[derive(Clone, Copy)]
pub enum StreamEnd<'a> {
    /// There are no more items.
    Whole,
    /// It was dropped before that.
    Dropped,
    /// It panicked, and the panic goes on.
    Panicked(&'a (dyn Any + Send)),
}

/// When a stream was asked for, if somebody will see how long its first item takes.
pub fn stopwatch<S: Scope>(scope: &S) -> Option<Instant> {
    scope.is_seen().then(Instant::now)
}

/// Watches a stream; `item` says what is recorded of each item.
pub fn stream<S, T, O>(scope: S, asked: Option<Instant>, stream: T, item: O) -> Streamed<S, T, O>
where
    S: Scope,
    T: Stream,
    O: FnMut(&T::Item, &mut S::Fold),
{
    let fold = scope.fold(asked);
    Streamed { stream: Some(stream), running: Some((scope, fold)), item }
}

pin_project! {
    /// A stream inside a scope. Dropped before its end, it tells the scope that it was cancelled.
    pub struct Streamed<S: Scope, T, O> {
        #[pin]
        stream: Option<T>,
        running: Option<(S, S::Fold)>,
        item: O,
    }

    impl<S: Scope, T, O> PinnedDrop for Streamed<S, T, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let entered = this.running.as_ref().map(|(scope, _)| scope.enter());
            this.stream.set(None);
            drop(entered);
            ended(this.running, StreamEnd::Dropped);
        }
    }
}

fn ended<S: Scope>(running: &mut Option<(S, S::Fold)>, end: StreamEnd<'_>) {
    if let Some((scope, fold)) = running.take() {
        scope.streamed(fold, end);
    }
}

impl<S, T, O> Stream for Streamed<S, T, O>
where
    S: Scope,
    T: Stream,
    O: FnMut(&T::Item, &mut S::Fold),
{
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T::Item>> {
        let mut this = self.project();
        let Some(mut stream) = this.stream.as_mut().as_pin_mut() else {
            unreachable!("only dropping takes the stream")
        };
        let Some((scope, fold)) = this.running else {
            // Polled after its end: what then happens is the stream's to say.
            return stream.poll_next(context);
        };
        let mut polled = Poll::Pending;
        if let Err(payload) = guarded(scope, &mut || polled = stream.as_mut().poll_next(context)) {
            ended(this.running, StreamEnd::Panicked(&*payload));
            resume_unwind(payload)
        }
        match &polled {
            Poll::Ready(Some(item)) if scope.is_seen() => {
                S::item(fold);
                (this.item)(item, fold);
            }
            Poll::Ready(None) => ended(this.running, StreamEnd::Whole),
            _ => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// What a span gathers of a stream's items.
pub struct Fold {
    asked: Option<Instant>,
    first: Option<First>,
    items: i64,
    output: List,
    /// Of each key the last value.
    fields: Vec<KeyValue>,
    failed: Option<Failed>,
    /// The answer of a model, if the items are pieces of one.
    answer: Option<Box<llm::StreamedAnswer>>,
}

/// When the first item came.
struct First {
    seconds: f64,
    time: SystemTime,
}

/// Called by generated code for each item.
impl Fold {
    pub(super) fn new(asked: Option<Instant>) -> Self {
        Self {
            asked,
            first: None,
            items: 0,
            output: List::default(),
            fields: Vec::new(),
            failed: None,
            answer: None,
        }
    }

    /// An item came.
    pub(crate) fn item(&mut self) {
        self.items += 1;
        if let Some(asked) = self.asked.take() {
            self.first = Some(First { seconds: asked.elapsed().as_secs_f64(), time: SystemTime::now() });
        }
    }

    /// What comes is the answer of a model.
    pub fn tokens(&mut self) {
        self.answer.get_or_insert_default();
    }

    /// Records an item, or what was chosen of it.
    pub fn output(&mut self, value: &dyn Value) {
        if self.answer.as_mut().is_some_and(|answer| answer.take(value)) {
            // The answer says all that the chunks said.
            self.output = List::default();
        } else {
            self.output.push(privacy::part("", names::OUTPUT_VALUE, value));
        }
    }

    /// Records each value under its keys; the last one stays.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        self.replace(attributes(fields));
    }

    /// Records lists of documents, each under its prefix; the last one stays.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        self.replace(documents(fields));
    }

    fn replace(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        for attribute in attributes {
            self.fields.retain(|field| field.key != attribute.key);
            self.fields.push(attribute);
        }
    }

    /// The item is an error. The first one is what made the stream fail.
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
        if let Some(read) = self.answer.and_then(|answer| llm::read_stream(*answer)) {
            ending.read(read);
        } else if let Some(output) = self.output.into_encoded() {
            ending.set(output.into_attributes(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE));
        }
        match (self.failed, end) {
            (_, StreamEnd::Panicked(payload)) => ending.panicked(payload),
            (Some(failed), _) => ending.failed(&failed),
            (None, StreamEnd::Whole) => ending.ok(),
            (None, StreamEnd::Dropped) => ending.cancelled(),
        }
    }
}
