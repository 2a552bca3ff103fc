//! Streams and iterators that are answered from a recording: their items, one by one.
//!
//! The items are recorded where a function has the argument `replay`, while the test kit captures spans.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::recording::{Answer, RecordedItem, ask, excerpt};
use super::replay::{Answers, Readable, Rebuild, failed, unmade};

/// A stream or an iterator of recorded items.
pub struct Items<T> {
    site: &'static str,
    recorded: vec::IntoIter<RecordedItem>,
    read: fn(&'static str, RecordedItem) -> T,
}

impl<T> Items<T> {
    fn new<B: Rebuild<T>>(site: &'static str, items: Vec<RecordedItem>) -> Self
    where
        B::Value: Readable,
    {
        Self { site, recorded: items.into_iter(), read: read::<T, B> }
    }
}

fn read<T, B: Rebuild<T>>(site: &'static str, item: RecordedItem) -> T
where
    B::Value: Readable,
{
    match item {
        RecordedItem::Failed(message) => failed::<T, B>(site, &message),
        RecordedItem::Value(recorded) => match recorded.read() {
            Ok(value) => B::succeeded(value),
            Err(error) => panic!(
                "an item that was recorded of `{site}` is no `{}`: {error}. Record the trace again, within \
                 `testing::capture`, which keeps items apart. The item is: {}",
                std::any::type_name::<B::Value>(),
                excerpt(recorded.text.as_deref())
            ),
        },
    }
}

impl<T> Iterator for Items<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.recorded.next().map(|item| (self.read)(self.site, item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.recorded.size_hint()
    }
}

impl<T> DoubleEndedIterator for Items<T> {
    /// The next item too: items were recorded in the order in which they were asked for, whatever end that was.
    fn next_back(&mut self) -> Option<T> {
        self.next()
    }
}

impl<T> ExactSizeIterator for Items<T> {}

impl<T> FusedIterator for Items<T> {}

impl<T> Stream for Items<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.recorded.size_hint()
    }
}

/// A stream that can be made of recorded items.
pub trait FromItems<T> {
    /// Makes it.
    fn from_items(items: Items<T>) -> Self;
}

impl<T> FromItems<T> for Items<T> {
    fn from_items(items: Self) -> Self {
        items
    }
}

/// Answers calls that return `R`, which `A` makes of a stream of `T`, each of which `B` makes.
pub struct StreamAnswers<R, A, T, B>(PhantomData<fn(A, T, B) -> R>);

impl<R, A, T, B> StreamAnswers<R, A, T, B> {
    pub(super) const fn new(_: &Answers<R, A>, _: &Answers<T, B>) -> Self {
        Self(PhantomData)
    }
}

impl<R, A, T, B> StreamAnswers<R, A, T, B>
where
    A: Rebuild<R>,
    A::Value: FromItems<T>,
    B: Rebuild<T>,
{
    /// The answer of the call that is running, if it is answered from a recording. It takes the site's name.
    ///
    /// # Panics
    ///
    /// If nothing that was recorded matches the call. The stream panics at an item that cannot be read.
    #[must_use]
    #[inline]
    #[expect(clippy::unused_self, reason = "a method, so that the compiler finds the step that has it")]
    pub fn a2a_otel_answer(&self, site: &'static str) -> Option<R>
    where
        B::Value: Readable,
    {
        Some(rebuild::<R, A, T, B>(site, ask(site)?))
    }
}

fn rebuild<R, A, T, B>(site: &'static str, answer: Answer) -> R
where
    A: Rebuild<R>,
    A::Value: FromItems<T>,
    B: Rebuild<T>,
    B::Value: Readable,
{
    let stream = |items| A::succeeded(A::Value::from_items(Items::new::<B>(site, items)));
    match answer {
        Answer::Output(recorded, items) => stream(items.unwrap_or_else(|| recorded.into_items())),
        Answer::Failed(message) => match A::failed(message.clone()) {
            Some(failed) => failed,
            // The only place for an error of a stream that is no `Result` is an item.
            None if B::failed(message.clone()).is_some() => stream(vec![RecordedItem::Failed(message)]),
            None => unmade::<R>(site, &message),
        },
        Answer::Missing(message) => panic!("{message}"),
    }
}

pin_project! {
    /// A stream or an iterator of recorded items, or the one that the body returned.
    #[project = EitherProjection]
    pub enum AnsweredItems<S, T> {
        /// The recorded items.
        Recorded { items: Items<T> },
        /// The body's stream or iterator.
        Running { #[pin] items: S },
    }
}

/// The recorded items, in place of the stream or iterator that the body would return.
#[must_use]
pub const fn recorded_items<S, T>(items: Items<T>) -> AnsweredItems<S, T> {
    AnsweredItems::Recorded { items }
}

/// The stream or iterator that the body returned.
pub const fn running_items<S, T>(items: S) -> AnsweredItems<S, T> {
    AnsweredItems::Running { items }
}

impl<S: Stream> Stream for AnsweredItems<S, S::Item> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        match self.project() {
            EitherProjection::Recorded { items } => Poll::Ready(items.next()),
            EitherProjection::Running { items } => items.poll_next(context),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Recorded { items } => Iterator::size_hint(items),
            Self::Running { items } => items.size_hint(),
        }
    }
}

impl<S: Iterator> Iterator for AnsweredItems<S, S::Item> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        match self {
            Self::Recorded { items } => items.next(),
            Self::Running { items } => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Recorded { items } => Iterator::size_hint(items),
            Self::Running { items } => items.size_hint(),
        }
    }
}

impl<S: DoubleEndedIterator> DoubleEndedIterator for AnsweredItems<S, S::Item> {
    fn next_back(&mut self) -> Option<S::Item> {
        match self {
            Self::Recorded { items } => items.next_back(),
            Self::Running { items } => items.next_back(),
        }
    }
}

impl<S: ExactSizeIterator> ExactSizeIterator for AnsweredItems<S, S::Item> {}

impl<S: FusedIterator> FusedIterator for AnsweredItems<S, S::Item> {}
