//! Streams: the scope ends when the stream ends, panics or is dropped, and is entered whenever the stream is polled.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::run::guarded;
use super::scope::{CallScope, StreamEnd};

/// The time at which a stream is requested, if the delay of its first item is recorded.
pub fn start_time<S: CallScope>(scope: &S) -> Option<Instant> {
    scope.is_seen().then(Instant::now)
}

/// Runs a stream inside the scope; `item` records each item.
pub fn stream<S, T, O>(mut scope: S, started: Option<Instant>, stream: T, item: O) -> ScopedStream<S, T, O>
where
    S: CallScope,
    T: Stream,
    O: FnMut(&T::Item, &mut S::Items),
{
    let items = scope.items(started);
    scope.deferred();
    ScopedStream { stream: Some(stream), running: Some((scope, items)), item }
}

pin_project! {
    /// A stream inside a scope. If it is dropped before its end, its scope ends as cancelled.
    pub struct ScopedStream<S: CallScope, T, O> {
        #[pin]
        stream: Option<T>,
        running: Option<(S, S::Items)>,
        item: O,
    }

    impl<S: CallScope, T, O> PinnedDrop for ScopedStream<S, T, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let entered = this.running.as_mut().map(|(scope, _)| enter(scope));
            this.stream.set(None);
            drop(entered);
            ended(this.running, StreamEnd::Dropped);
        }
    }
}

/// Enters the scope to drop the stream in it.
fn enter<S: CallScope>(scope: &mut S) -> S::Entered {
    scope.resumed();
    scope.abandoned();
    scope.enter()
}

fn ended<S: CallScope>(running: &mut Option<(S, S::Items)>, end: StreamEnd<'_>) {
    if let Some((scope, items)) = running.take() {
        scope.streamed(items, end);
    }
}

impl<S, T, O> Stream for ScopedStream<S, T, O>
where
    S: CallScope,
    T: Stream,
    O: FnMut(&T::Item, &mut S::Items),
{
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T::Item>> {
        let mut this = self.project();
        let Some(mut stream) = this.stream.as_mut().as_pin_mut() else {
            unreachable!("only dropping removes the stream")
        };
        let Some((scope, items)) = this.running else {
            // The caller polls the stream after its end; the stream defines what happens.
            return stream.poll_next(context);
        };
        scope.resumed();
        let mut polled = Poll::Pending;
        if let Err(payload) = guarded(scope, &mut || polled = stream.as_mut().poll_next(context)) {
            ended(this.running, StreamEnd::Panicked(&*payload));
            resume_unwind(payload)
        }
        match &polled {
            Poll::Ready(Some(item)) if scope.is_seen() => {
                S::item(items);
                (this.item)(item, items);
            }
            Poll::Ready(None) => ended(this.running, StreamEnd::Complete),
            _ => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
