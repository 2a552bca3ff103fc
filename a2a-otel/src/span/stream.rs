//! Streams: the scope lives until the stream ends, fails or is dropped, and is entered whenever it is polled.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::run::guarded;
use super::scope::{Scope, StreamEnd};

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
