//! Finds out, at compile time, how a result is recorded: whether it is a `Result`, and what its error and its value can
//! do.
//!
//! # A worked example
//!
//! For
//!
//! ```text
//! #[tool_span]
//! fn load(id: u32) -> Result<Order, io::Error> { ... }
//! ```
//!
//! the macro cannot know whether `io::Error` implements `Error`, or `Order` implements `Serialize`; it sees tokens, not
//! types. It writes
//!
//! ```text
//! let scope = Span::open_with(&Site { name: "load", .. }, &[&{ id }]);
//! sync::<Result<Order, io::Error>, _, _>(
//!     scope,
//!     ReturnType::<Result<Order, io::Error>>::NEW.a2a_otel_classify().a2a_otel_output(),
//!     move || { ... },
//! )
//! ```
//!
//! and leaves the choice to the compiler's method lookup:
//!
//! 1. `ReturnType<R>` has a method `a2a_otel_classify` for `R = Result<T, E>` with `E: Error`. `io::Error` fits, so
//!    this method is taken. If it did not fit, the compiler would dereference: `ReturnType<R>` dereferences to
//!    `TrySharedError<R>`, that to `TryBoxedError<R>`, and so on. Each type in the chain has the same method with
//!    another bound. The last one, `NotAResult<R>`, has it for every type, so a function that returns `u32` ends there,
//!    and always succeeds.
//! 2. The method returns `Classified<Order, io::Error, IsError>`: value, error, and what the error can do. The same
//!    lookup follows for the value: `Classified` has `a2a_otel_output` for `T: Serialize`; it dereferences to
//!    `TrySecond` for `T: Debug`, and that to `TryThird` for the rest.
//! 3. The method returns `End<Order, io::Error, IsError, AsOutput<Serialises>>`. [`sync`](super::run::sync) calls its
//!    [`conclude`](Conclude::conclude) with the scope and the result after the body has returned.
//!
//! Generic Rust code cannot make this choice: it would need `T: Serialize` as a bound on the user's function, or
//! specialisation. This technique is known as autoref or autoderef specialisation; [`crate::capture`] uses it for
//! values. All of these types are empty, so the chain takes no time at run time and no space in the user's future. An
//! error is only turned into text when the span is recorded.

#![expect(
    clippy::unused_self,
    reason = "the compiler finds a method by the type of `self`; the value is empty"
)]

use std::any::{type_name, type_name_of_val};
use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Serialize;

use super::ending::Ending;
use super::failure::{Describe, ErrorDescription};
use super::items::SpanItems;
use super::outcome::Verdict;
use super::running::Span;
use super::scope::{CallScope, Conclude, ItemOutput};
use crate::capture::{Body, Capture, Item, Value};

/// How a result is split into value and error, and how its error is described.
pub trait Classify<T, E> {
    /// What the call returns.
    type Result;

    /// The value or the error.
    fn split(result: &Self::Result) -> Result<&T, &E>;

    /// The error as text; `debug` prefers its `Debug` form.
    fn describe(error: &E, debug: bool) -> ErrorDescription;
}

/// For results that cannot be errors.
pub struct NoError;

/// Empty types, each of which dereferences to the next. They are `Copy` because calling a method by value is less work
/// for the compiler than by reference.
macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident<$($of:ident),*>($next:ty);)*) => {$(
        $(#[$doc])*
        pub struct $step<$($of),*>($next);

        impl<$($of),*> Clone for $step<$($of),*> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($of),*> Copy for $step<$($of),*> {}

        impl<$($of),*> Deref for $step<$($of),*> {
            type Target = $next;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

steps! {
    /// Results whose error implements `Error`.
    ReturnType<R>(TrySharedError<R>);
    /// Results whose error borrows as a `dyn Error + Send + Sync`.
    TrySharedError<R>(TryBoxedError<R>);
    /// Results whose error borrows as a `dyn Error`.
    TryBoxedError<R>(TryDisplayAndDebug<R>);
    /// Results whose error implements `Display` and `Debug`.
    TryDisplayAndDebug<R>(TryDisplay<R>);
    /// Results whose error implements `Display`.
    TryDisplay<R>(TryDebug<R>);
    /// Results whose error implements `Debug`.
    TryDebug<R>(TryAnyError<R>);
    /// Results whose error implements none of these.
    TryAnyError<R>(NotAResult<R>);
    /// All types that are not a `Result`. They count as success.
    NotAResult<R>(PhantomData<fn(R)>);

    /// Results whose error is classified. Each method for the value has the first kind of value here, as `views!` says.
    Classified<T, E, A>(TrySecond<T, E, A>);
    /// The second kind of value.
    TrySecond<T, E, A>(TryThird<T, E, A>);
    /// The third kind of value.
    TryThird<T, E, A>(TryLast<T, E, A>);
    /// The last kind of value.
    TryLast<T, E, A>(PhantomData<fn(T, E, A)>);

    /// How a scope ends when the body has returned. It is empty, because the user's future stores it.
    End<T, E, A, O>(TryNoAnswer<T, E, A, O>);
    /// The same for a value that is no tool's answer.
    TryNoAnswer<T, E, A, O>(PhantomData<fn(T, E, A, O)>);
}

impl<R> ReturnType<R> {
    /// The start of the chain.
    pub const NEW: Self = Self(TrySharedError(TryBoxedError(TryDisplayAndDebug(TryDisplay(TryDebug(
        TryAnyError(NotAResult(PhantomData)),
    ))))));

    /// The start of the chain for a value whose type cannot be written.
    #[must_use]
    pub const fn of(_: &R) -> Self {
        Self::NEW
    }
}

impl<T, E> ReturnType<Result<T, E>> {
    /// The value or the error.
    #[expect(clippy::missing_errors_doc, reason = "the caller asks whether it is an error")]
    pub const fn a2a_otel_result(self, result: &Result<T, E>) -> Result<&T, &E> {
        result.as_ref()
    }
}

impl<R> NotAResult<R> {
    /// The value; there is no error.
    #[expect(clippy::unnecessary_wraps, reason = "it has the signature of the method for a `Result`")]
    pub const fn a2a_otel_result(self, result: &R) -> Result<&R, &Infallible> {
        Ok(result)
    }

    /// The result is a value and cannot be an error.
    #[must_use]
    pub const fn a2a_otel_classify(self) -> Classified<R, Infallible, NoError> {
        Classified::NEW
    }
}

impl<R> Classify<R, Infallible> for NoError {
    type Result = R;

    fn split(result: &R) -> Result<&R, &Infallible> {
        Ok(result)
    }

    fn describe(error: &Infallible, _: bool) -> ErrorDescription {
        match *error {}
    }
}

macro_rules! abilities {
    ($($step:ident, $ability:ident: ($($bound:tt)*) => |$error:ident, $debug:ident| $failed:expr;)*) => {$(
        impl<T, E: $($bound)*> $step<Result<T, E>> {
            /// The result is a `Result`, with an error of this ability.
            #[must_use]
            pub const fn a2a_otel_classify(self) -> Classified<T, E, $ability> {
                Classified::NEW
            }
        }

        /// An error with this ability.
        pub struct $ability;

        impl IsFallible for $ability {}

        impl<T, E: $($bound)*> Classify<T, E> for $ability {
            type Result = Result<T, E>;

            fn split(result: &Result<T, E>) -> Result<&T, &E> {
                result.as_ref()
            }

            fn describe($error: &E, $debug: bool) -> ErrorDescription {
                $failed
            }
        }
    )*};
}

// `Box<dyn Error>`, `anyhow::Error` and similar types do not implement `Error`, but borrow as a `dyn Error`.
abilities! {
    ReturnType, IsError: (Error) => |error, debug| ErrorDescription::new(type_name::<E>(), error, debug);
    TrySharedError, LendsSharedError: (AsRef<dyn Error + Send + Sync>) => |error, debug| {
        ErrorDescription::new(type_name::<E>(), error.as_ref(), debug)
    };
    TryBoxedError, LendsError: (AsRef<dyn Error>) => |error, debug| {
        ErrorDescription::new(type_name::<E>(), error.as_ref(), debug)
    };
    TryDisplayAndDebug, DisplaysAndDebugs: (Display + Debug) => |error, debug| {
        ErrorDescription::plain(type_name::<E>(), if debug { format!("{error:?}") } else { error.to_string() })
    };
    TryDisplay, OnlyDisplays: (Display) => |error, _debug| ErrorDescription::plain(type_name::<E>(), error.to_string());
    TryDebug, OnlyDebugs: (Debug) => |error, _debug| ErrorDescription::plain(type_name::<E>(), format!("{error:?}"));
    TryAnyError, Undescribed: (Sized) => |error, _debug| {
        ErrorDescription::plain(type_name::<E>(), type_name_of_val(error).to_owned())
    };
}

/// An error, described by what its type can do.
pub struct ClassifiedError<'a, T, E, A>(&'a E, PhantomData<fn(T, A)>);

impl<T, E, A: Classify<T, E>> Describe for ClassifiedError<'_, T, E, A> {
    fn describe(&self, debug: bool) -> ErrorDescription {
        A::describe(self.0, debug)
    }

    fn kind(&self) -> Cow<'static, str> {
        type_name::<E>().into()
    }
}

impl<T, E, A> Classified<T, E, A> {
    const NEW: Self = Self(TrySecond(TryThird(TryLast(PhantomData))));

    /// The value, or the error with the ability to describe it.
    pub fn a2a_otel_outcome(self, result: &A::Result) -> Result<&T, ClassifiedError<'_, T, E, A>>
    where
        A: Classify<T, E>,
    {
        A::split(result).map_err(|error| ClassifiedError(error, PhantomData))
    }

    /// Ends the scope with success or failure, and no value.
    #[must_use]
    pub const fn a2a_otel_end(self) -> End<T, E, A, NoOutput> {
        End::NEW
    }

    /// The item is a chunk of a model's answer, which is not recorded.
    #[must_use]
    pub const fn a2a_otel_unread_chunk(self) -> End<T, E, A, UnreadChunk> {
        End::NEW
    }
}

/// An answer that may be a tool's refusal. A function that returns a refusal has failed, though it returns no error.
pub trait Refusable {
    /// Why the tool refused, if it did.
    fn reason(&self) -> Option<String>;
}

impl<T: Refusable> Refusable for Option<T> {
    fn reason(&self) -> Option<String> {
        self.as_ref()?.reason()
    }
}

/// What the values of a type say of a function.
pub trait Judge<T> {
    /// What this value says.
    fn judge(value: &T) -> Verdict;
}

/// Judges by an answer of a tool.
pub struct ByAnswer;

impl<T: Refusable> Judge<T> for ByAnswer {
    fn judge(value: &T) -> Verdict {
        value.reason().map_or(Verdict::Good, Verdict::Refused)
    }
}

/// Judges by whether the function could have returned an error, of the ability `A`.
pub struct ByType<A>(PhantomData<fn(A)>);

impl<T, A: IsFallible> Judge<T> for ByType<A> {
    fn judge(_: &T) -> Verdict {
        if A::IS_FALLIBLE { Verdict::Good } else { Verdict::Unknown }
    }
}

/// Whether a function of this type can return an error.
pub trait IsFallible {
    /// Whether it can.
    const IS_FALLIBLE: bool = true;
}

impl IsFallible for NoError {
    const IS_FALLIBLE: bool = false;
}

impl<A: IsFallible> IsFallible for Debugged<A> {
    const IS_FALLIBLE: bool = A::IS_FALLIBLE;
}

macro_rules! judges {
    ($($step:ident: ($($bound:tt)*), $ability:ident => $judge:ty;)*) => {$(
        impl<T: $($bound)*, E, $ability: IsFallible, O> $step<T, E, $ability, O> {
            /// Ends the scope as the value says.
            #[must_use]
            pub const fn a2a_otel_judged(self) -> End<T, E, $ability, Judged<$judge, O>> {
                End::NEW
            }

            /// What the value says.
            pub fn a2a_otel_verdict(self, value: &T) -> Verdict {
                <$judge>::judge(value)
            }
        }
    )*};
}

judges! {
    End: (Refusable), A => ByAnswer;
    TryNoAnswer: (Sized), A => ByType<A>;
}

/// Like `O`, for a value that `J` judges.
pub struct Judged<J, O>(PhantomData<fn(J, O)>);

impl<T, J: Judge<T>, O: Output<Span, T>> Output<Span, T> for Judged<J, O> {
    fn succeeded(mut span: Span, value: &T) {
        if span.is_seen() {
            span.judged(J::judge(value));
        }
        O::succeeded(span, value);
    }
}

impl<T, E, A, O> End<T, E, A, O> {
    const NEW: Self = Self(TryNoAnswer(PhantomData));

    /// Describes an error by its `Debug` form.
    #[must_use]
    pub const fn a2a_otel_debug(self) -> End<T, E, Debugged<A>, O> {
        End::NEW
    }

    /// Records texts as a list instead of joining them.
    #[must_use]
    pub const fn a2a_otel_list(self) -> End<T, E, A, Listed<O>> {
        End::NEW
    }

    /// Keeps the items one by one, for a replay.
    #[must_use]
    pub const fn a2a_otel_kept(self) -> End<T, E, A, Kept<O>> {
        End::NEW
    }

    /// An error with the ability to describe it.
    pub(super) const fn described(error: &E) -> ClassifiedError<'_, T, E, A> {
        ClassifiedError(error, PhantomData)
    }
}

/// The ability `A`, described by the `Debug` form.
pub struct Debugged<A>(PhantomData<fn(A)>);

impl<T, E, A: Classify<T, E>> Classify<T, E> for Debugged<A> {
    type Result = A::Result;

    fn split(result: &A::Result) -> Result<&T, &E> {
        A::split(result)
    }

    fn describe(error: &E, _: bool) -> ErrorDescription {
        A::describe(error, true)
    }
}

impl<S: CallScope, T, E, A: Classify<T, E>, O: Output<S, T>> Conclude<S, A::Result> for End<T, E, A, O> {
    #[inline]
    fn conclude(self, scope: S, result: A::Result) -> A::Result {
        if scope.holds() {
            end::<S, T, E, A, O>(scope, &result);
        } else {
            // Dropping would check for a running span again, which is most of the overhead of a call that is not
            // recorded.
            std::mem::forget(scope);
        }
        result
    }
}

fn end<S: CallScope, T, E, A: Classify<T, E>, O: Output<S, T>>(scope: S, result: &A::Result) {
    match A::split(result) {
        Ok(value) => O::succeeded(scope, value),
        Err(error) => scope.failed(&End::<T, E, A, O>::described(error), false),
    }
}

/// How a value is recorded.
pub trait Output<S, T> {
    /// The call returned this value.
    fn succeeded(scope: S, value: &T);
}

/// The value is not recorded.
pub struct NoOutput;

impl<S: CallScope, T> Output<S, T> for NoOutput {
    fn succeeded(scope: S, _: &T) {
        scope.succeeded();
    }
}

/// What a value can be recorded as.
pub trait View<T> {
    /// Passes the value on with what its type can do.
    fn view(value: &T, take: &mut dyn FnMut(&dyn Value));
}

macro_rules! kinds_of_value {
    ($($(#[$doc:meta])* $kind:ident: ($($bound:tt)*) => $wrapper:ident;)*) => {$(
        $(#[$doc])*
        pub struct $kind;

        impl<T: $($bound)*> View<T> for $kind {
            fn view(value: &T, take: &mut dyn FnMut(&dyn Value)) {
                take($wrapper::new(value).a2a_otel_value());
            }
        }
    )*};
}

kinds_of_value! {
    /// Text, of which the items of a stream are pieces.
    IsText: (Deref<Target = str>) => Item;
    /// Text or bytes as they are sent over the wire.
    IsBytes: (AsRef<[u8]>) => Body;
    /// A value that implements `Serialize`.
    Serialises: (Serialize) => Capture;
    /// A value that implements `Debug`.
    Debugs: (Debug) => Capture;
    /// Any other value.
    Opaque: (Sized) => Capture;
}

macro_rules! views {
    ($($(#[$doc:meta])* $method:ident -> $way:ident {
        $($step:ident => $kind:ident: ($($bound:tt)*);)*
    })*) => {$(
        $(#[$doc])*
        pub struct $way<V>(PhantomData<fn(V)>);

        $(impl<T: $($bound)*, E, A> $step<T, E, A> {
            /// How a value of this kind is recorded.
            #[must_use]
            pub const fn $method(self) -> End<T, E, A, $way<$kind>> {
                End::NEW
            }
        })*
    )*};
}

views! {
    /// Ends the span with the value as its output.
    a2a_otel_output -> AsOutput {
        Classified => Serialises: (Serialize);
        TrySecond => Debugs: (Debug);
        TryThird => Opaque: (Sized);
    }
    /// Ends the span with the value as the answer of a model.
    a2a_otel_response -> AsResponse {
        Classified => IsBytes: (AsRef<[u8]>);
        TrySecond => Serialises: (Serialize);
        TryThird => Debugs: (Debug);
        TryLast => Opaque: (Sized);
    }
    /// Records the item of a stream as a part of the span's output.
    a2a_otel_item -> AsItem {
        Classified => IsText: (Deref<Target = str>);
        TrySecond => Serialises: (Serialize);
        TryThird => Debugs: (Debug);
        TryLast => Opaque: (Sized);
    }
    /// Records the item of a stream as a chunk of a model's answer.
    a2a_otel_chunk -> AsChunk {
        Classified => IsBytes: (AsRef<[u8]>);
        TrySecond => Serialises: (Serialize);
        TryThird => Debugs: (Debug);
        TryLast => Opaque: (Sized);
    }
}

impl<T, V: View<T>> Output<Span, T> for AsOutput<V> {
    fn succeeded(span: Span, value: &T) {
        succeeded(span, |ending| V::view(value, &mut |value| ending.output(value)));
    }
}

impl<T, V: View<T>> Output<Span, T> for AsResponse<V> {
    fn succeeded(span: Span, value: &T) {
        succeeded(span, |ending| V::view(value, &mut |value| ending.response(value)));
    }
}

fn succeeded(span: Span, record: impl FnOnce(&mut Ending)) {
    let mut ending = span.returned();
    if ending.is_seen() {
        ending.ok();
        record(&mut ending);
    }
}

impl<S: CallScope, T> ItemOutput<S, T> for NoOutput {
    fn record(_: &T, _: &mut S::Items) {}
}

impl<T, V: View<T>> ItemOutput<Span, T> for AsItem<V> {
    fn record(value: &T, items: &mut SpanItems) {
        V::view(value, &mut |value| items.output(value));
    }
}

impl<T, V: View<T>> ItemOutput<Span, T> for AsChunk<V> {
    fn arrived(items: &mut SpanItems) {
        items.tokens();
    }

    fn record(value: &T, items: &mut SpanItems) {
        V::view(value, &mut |value| items.output(value));
    }
}

/// The item is a chunk of a model's answer, which is not recorded.
pub struct UnreadChunk;

impl<T> ItemOutput<Span, T> for UnreadChunk {
    fn arrived(items: &mut SpanItems) {
        items.tokens();
    }

    fn record(_: &T, _: &mut SpanItems) {}
}

macro_rules! settings_of_items {
    ($($(#[$doc:meta])* $name:ident: $method:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name<O>(PhantomData<fn(O)>);

        impl<T, O: ItemOutput<Span, T>> ItemOutput<Span, T> for $name<O> {
            fn arrived(items: &mut SpanItems) {
                items.$method();
                O::arrived(items);
            }

            fn record(value: &T, items: &mut SpanItems) {
                O::record(value, items);
            }
        }
    )*};
}

settings_of_items! {
    /// Like `O`, with texts as a list.
    Listed: list;
    /// Like `O`, with the items kept one by one.
    Kept: kept;
}

/// A return type that can be an error: `Result`.
#[diagnostic::on_unimplemented(
    message = "this argument needs a function that returns a `Result`, but this one returns `{Self}`",
    label = "the function does not return a `Result`"
)]
pub trait Fallible {}

impl<T, E> Fallible for Result<T, E> {}

/// Checks at compile time that a function returns a `Result`.
pub const fn fallible<R: Fallible>(_: &R) {}
