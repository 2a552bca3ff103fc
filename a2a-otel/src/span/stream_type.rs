//! Finds out, at compile time, whether a result is a stream or an iterator, and how its items are recorded.
//!
//! A macro sees that `-> BoxStream<'_, T>` is a stream, but not that `-> Answers` is one if `Answers` is an alias. For
//! each type that may be an alias, generated code asks [`Streamed`]. It has a method for boxed streams and iterators, and
//! for a `Result` with one, and dereferences to [`NotStreamed`], which has it for every other type and returns what it is
//! given; see [`super::return_type`] for the technique. Only a boxed stream can be replaced by one that is observed: any
//! other type would become a different one.

#![expect(
    clippy::unused_self,
    reason = "the compiler finds a method by the type of `self`; the value is empty"
)]

use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::time::Instant;

use futures_core::Stream;

use super::iterate::iterate;
use super::replay::{Answers, Replayed};
use super::replay_items::{FromItems, Items, StreamAnswers};
use super::return_type::{Classify, End, ReturnType};
use super::scope::{CallScope, Conclude, ItemOutput};
use super::stream::{start_time, stream};

/// The type of a result that may be a boxed stream.
pub struct Streamed<R>(NotStreamed<R>);

/// The type of a result that is no stream that can be replaced.
pub struct NotStreamed<R>(PhantomData<fn(R)>);

impl<R> Streamed<R> {
    /// The start of the chain.
    pub const NEW: Self = Self(NotStreamed(PhantomData));
}

impl<R> Deref for Streamed<R> {
    type Target = NotStreamed<R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<R> NotStreamed<R> {
    /// There are no items.
    #[must_use]
    pub const fn a2a_otel_items(&self) -> NoItems {
        NoItems
    }

    /// There is no type of items.
    #[must_use]
    pub const fn a2a_otel_item(&self) -> NoItems {
        NoItems
    }

    /// What answers calls from a recording.
    #[must_use]
    pub const fn a2a_otel_answers<A>(&self, answers: Answers<R, A>, _: NoItems) -> Answers<R, A> {
        answers
    }

    /// The scope ends with the call.
    pub fn a2a_otel_watch<S, C>(&self, _: &S, end: C, _: NoItems) -> C {
        end
    }
}

/// Stands for the type of the items of a result that is no stream. Its methods are those of an item's type.
#[derive(Clone, Copy)]
pub struct NoItems;

macro_rules! no_items {
    ($($method:ident)*) => {$(
        impl NoItems {
            /// There are no items.
            #[must_use]
            pub const fn $method(self) -> Self {
                self
            }
        }
    )*};
}

no_items! {
    a2a_otel_classify
    a2a_otel_end
    a2a_otel_item
    a2a_otel_chunk
    a2a_otel_unread_chunk
    a2a_otel_debug
    a2a_otel_list
    a2a_otel_kept
    a2a_otel_replay
}

/// How a scope ends whose call returns a stream: with the stream, or with the `Err` that is there instead.
pub struct Watched<C, I> {
    end: C,
    item: PhantomData<fn(I)>,
    started: Option<Instant>,
}

impl<C, I> Watched<C, I> {
    fn new<S: CallScope>(scope: &S, end: C, _: I) -> Self {
        Self { end, item: PhantomData, started: start_time(scope) }
    }
}

/// Records the items of a stream.
pub trait RecordItem<S: CallScope, T> {
    /// Records an item.
    fn record(item: &T, items: &mut S::Items);
}

impl<S: CallScope, T, E, A: Classify<T, E>, O: ItemOutput<S, T>> RecordItem<S, A::Result>
    for End<T, E, A, O>
{
    fn record(item: &A::Result, items: &mut S::Items) {
        O::arrived(items);
        match A::split(item) {
            Ok(value) => O::record(value, items),
            Err(error) => S::item_failed(items, &Self::described(error)),
        }
    }
}

/// How recorded items answer calls that return a stream, or a `Result` with one.
macro_rules! replayed {
    ($stream:ty) => {
        replayed!(@result $stream, $stream);
        replayed!(@result $stream, Result<$stream, E>, E);
    };
    (@result $stream:ty, $result:ty $(, $error:ident)?) => {
        impl<'a, T: 'a $(, $error)?> Streamed<$result> {
            /// The type of the items.
            #[must_use]
            pub const fn a2a_otel_item(&self) -> Replayed<T> {
                Replayed::NEW
            }

            /// What answers calls from a recording.
            #[must_use]
            pub const fn a2a_otel_answers<A, B>(
                &self,
                answers: Answers<$result, A>,
                items: Answers<T, B>,
            ) -> StreamAnswers<$result, A, T, B> {
                StreamAnswers::new(&answers, &items)
            }
        }
    };
}

macro_rules! boxed_streams {
    ($($boxed:ty, $observe:path, $pin:path;)*) => {$(
        replayed!($boxed);

        impl<'a, T: 'a> FromItems<T> for $boxed {
            fn from_items(items: Items<T>) -> Self {
                $pin(items)
            }
        }

        impl<'a, T: 'a> Streamed<$boxed> {
            /// The type of the items.
            #[must_use]
            pub const fn a2a_otel_items(&self) -> ReturnType<T> {
                ReturnType::NEW
            }

            /// The scope ends with the stream.
            pub fn a2a_otel_watch<S: CallScope, C, I>(&self, scope: &S, end: C, item: I) -> Watched<C, I> {
                Watched::new(scope, end, item)
            }
        }

        impl<'a, T: 'a, E> Streamed<Result<$boxed, E>> {
            /// The type of the items.
            #[must_use]
            pub const fn a2a_otel_items(&self) -> ReturnType<T> {
                ReturnType::NEW
            }

            /// The scope ends with the stream, or with the error.
            pub fn a2a_otel_watch<S: CallScope, C, I>(&self, scope: &S, end: C, item: I) -> Watched<C, I> {
                Watched::new(scope, end, item)
            }
        }

        impl<'a, S, T: 'a, C, I> Conclude<S, $boxed> for Watched<C, I>
        where
            S: CallScope + Send + Sync,
            S::Items: Send + Sync,
            I: RecordItem<S, T>,
        {
            fn conclude(self, scope: S, result: $boxed) -> $boxed {
                if !scope.holds() {
                    return result;
                }
                let record: fn(&T, &mut S::Items) = I::record;
                $pin($observe(scope, self.started, result, record))
            }
        }

        impl<'a, S, T: 'a, E, C, I> Conclude<S, Result<$boxed, E>> for Watched<C, I>
        where
            S: CallScope + Send + Sync,
            S::Items: Send + Sync,
            C: Conclude<S, Result<$boxed, E>>,
            I: RecordItem<S, T>,
        {
            fn conclude(self, scope: S, result: Result<$boxed, E>) -> Result<$boxed, E> {
                match result {
                    Ok(stream) => Ok(Conclude::<S, $boxed>::conclude(self, scope, stream)),
                    failed => self.end.conclude(scope, failed),
                }
            }
        }
    )*};
}

boxed_streams! {
    Pin<Box<dyn Stream<Item = T> + 'a>>, stream, Box::pin;
    Pin<Box<dyn Stream<Item = T> + Send + 'a>>, stream, Box::pin;
    Pin<Box<dyn Stream<Item = T> + Send + Sync + 'a>>, stream, Box::pin;
    Box<dyn Stream<Item = T> + Unpin + 'a>, stream, Box::new;
    Box<dyn Stream<Item = T> + Unpin + Send + 'a>, stream, Box::new;
    Box<dyn Stream<Item = T> + Unpin + Send + Sync + 'a>, stream, Box::new;
    Box<dyn Iterator<Item = T> + 'a>, iterate, Box::new;
    Box<dyn Iterator<Item = T> + Send + 'a>, iterate, Box::new;
    Box<dyn Iterator<Item = T> + Send + Sync + 'a>, iterate, Box::new;
    Box<dyn DoubleEndedIterator<Item = T> + 'a>, iterate, Box::new;
    Box<dyn DoubleEndedIterator<Item = T> + Send + 'a>, iterate, Box::new;
    Box<dyn DoubleEndedIterator<Item = T> + Send + Sync + 'a>, iterate, Box::new;
    Box<dyn ExactSizeIterator<Item = T> + 'a>, iterate, Box::new;
    Box<dyn ExactSizeIterator<Item = T> + Send + 'a>, iterate, Box::new;
    Box<dyn ExactSizeIterator<Item = T> + Send + Sync + 'a>, iterate, Box::new;
}

replayed!(Items<T>);
