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
//!    `TryValueDebug` for `T: Debug`, and that to `TryAnyValue` for the rest.
//! 3. The method returns `End<Order, io::Error, IsError, Serialises>`. [`sync`](super::run::sync) calls its
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

use super::failure::{Describe, ErrorDescription};
use super::running::Span;
use super::scope::{CallScope, Conclude};
use crate::capture::{Capture, Value};

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

    /// Results whose value implements `Serialize`.
    Classified<T, E, A>(TryValueDebug<T, E, A>);
    /// Results whose value implements `Debug`.
    TryValueDebug<T, E, A>(TryAnyValue<T, E, A>);
    /// Results whose value implements neither.
    TryAnyValue<T, E, A>(PhantomData<fn(T, E, A)>);
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
    const NEW: Self = Self(TryValueDebug(TryAnyValue(PhantomData)));

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
        End(PhantomData)
    }
}

/// How a scope ends when the body has returned. It is empty, because the user's future stores it.
pub struct End<T, E, A, O>(PhantomData<fn(T, E, A, O)>);

impl<T, E, A, O> End<T, E, A, O> {
    /// Describes an error by its `Debug` form.
    #[must_use]
    pub const fn a2a_otel_debug(self) -> End<T, E, Debugged<A>, O> {
        End(PhantomData)
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
    fn conclude(self, scope: S, result: &A::Result) {
        if scope.holds() {
            end::<S, T, E, A, O>(scope, result);
        } else {
            // Dropping would check for a running span again, which is most of the overhead of a call that is not
            // recorded.
            std::mem::forget(scope);
        }
    }
}

fn end<S: CallScope, T, E, A: Classify<T, E>, O: Output<S, T>>(scope: S, result: &A::Result) {
    match A::split(result) {
        Ok(value) => O::succeeded(scope, value),
        Err(error) => scope.failed(&ClassifiedError::<T, E, A>(error, PhantomData), false),
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

macro_rules! outputs {
    ($($step:ident, $ability:ident: ($($bound:tt)*);)*) => {$(
        impl<T: $($bound)*, E, A> $step<T, E, A> {
            /// Ends the span with the value as its output.
            #[must_use]
            pub const fn a2a_otel_output(self) -> End<T, E, A, $ability> {
                End(PhantomData)
            }
        }

        /// The ability of the value's type.
        pub struct $ability;

        impl<T: $($bound)*> Output<Span, T> for $ability {
            fn succeeded(span: Span, value: &T) {
                succeeded(span, Capture::new(value).a2a_otel_value());
            }
        }
    )*};
}

outputs! {
    Classified, Serialises: (Serialize);
    TryValueDebug, Debugs: (Debug);
    TryAnyValue, Opaque: (Sized);
}

fn succeeded(span: Span, value: &dyn Value) {
    let mut ending = span.returned();
    if ending.is_seen() {
        ending.ok();
        ending.output(value);
    }
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
