//! Iterators: as for streams, the scope ends when the iterator ends, panics or is dropped, and is entered whenever an
//! item is asked for.

use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::time::Instant;

use super::run::guarded;
use super::scope::{CallScope, StreamEnd};

/// Runs an iterator inside the scope; `item` records each item.
pub fn iterate<S, T, O>(
    mut scope: S,
    started: Option<Instant>,
    iterator: T,
    item: O,
) -> ScopedIterator<S, T, O>
where
    S: CallScope,
    T: Iterator,
    O: FnMut(&T::Item, &mut S::Items),
{
    let items = scope.items(started);
    scope.deferred();
    ScopedIterator { iterator: Some(iterator), running: Some((scope, items)), item }
}

/// An iterator inside a scope. If it is dropped before its end, its scope ends as cancelled.
pub struct ScopedIterator<S: CallScope, T: Iterator, O> {
    /// Only dropping removes it.
    iterator: Option<T>,
    running: Option<(S, S::Items)>,
    item: O,
}

impl<S, T, O> ScopedIterator<S, T, O>
where
    S: CallScope,
    T: Iterator,
    O: FnMut(&T::Item, &mut S::Items),
{
    /// Takes an item from either end.
    fn advance(&mut self, mut take: impl FnMut(&mut T) -> Option<T::Item>) -> Option<T::Item> {
        let iterator = self.iterator.as_mut()?;
        let Some((scope, items)) = &mut self.running else {
            // The caller goes on after the end; the iterator defines what happens.
            return take(iterator);
        };
        scope.resumed();
        let mut next = None;
        if let Err(payload) = guarded(scope, &mut || next = take(iterator)) {
            ended(&mut self.running, StreamEnd::Panicked(&*payload));
            resume_unwind(payload)
        }
        match &next {
            Some(item) if scope.is_seen() => {
                S::item(items);
                (self.item)(item, items);
            }
            Some(_) => {}
            None => ended(&mut self.running, StreamEnd::Complete),
        }
        next
    }
}

fn ended<S: CallScope>(running: &mut Option<(S, S::Items)>, end: StreamEnd<'_>) {
    if let Some((scope, items)) = running.take() {
        scope.streamed(items, end);
    }
}

impl<S: CallScope, T: Iterator, O> Drop for ScopedIterator<S, T, O> {
    fn drop(&mut self) {
        let Some((scope, _)) = &mut self.running else { return };
        scope.resumed();
        let mut left = None;
        // Whoever counts the items, as `take` does, does not ask for one more to see the end.
        let asked = guarded(scope, &mut || left = self.iterator.as_ref().and_then(|rest| rest.size_hint().1));
        let end = if asked.is_ok() && left == Some(0) { StreamEnd::Complete } else { StreamEnd::Dropped };
        let entered = scope.enter();
        self.iterator = None;
        drop(entered);
        ended(&mut self.running, end);
    }
}

impl<S, T, O> Iterator for ScopedIterator<S, T, O>
where
    S: CallScope,
    T: Iterator,
    O: FnMut(&T::Item, &mut S::Items),
{
    type Item = T::Item;

    fn next(&mut self) -> Option<T::Item> {
        self.advance(Iterator::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.as_ref().map_or((0, Some(0)), Iterator::size_hint)
    }
}

impl<S, T, O> DoubleEndedIterator for ScopedIterator<S, T, O>
where
    S: CallScope,
    T: DoubleEndedIterator,
    O: FnMut(&T::Item, &mut S::Items),
{
    fn next_back(&mut self) -> Option<T::Item> {
        self.advance(DoubleEndedIterator::next_back)
    }
}

impl<S, T, O> ExactSizeIterator for ScopedIterator<S, T, O>
where
    S: CallScope,
    T: ExactSizeIterator,
    O: FnMut(&T::Item, &mut S::Items),
{
}

impl<S, T, O> FusedIterator for ScopedIterator<S, T, O>
where
    S: CallScope,
    T: FusedIterator,
    O: FnMut(&T::Item, &mut S::Items),
{
}
