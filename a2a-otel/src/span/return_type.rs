//! What a call gave back, told apart by its type: aliases are seen through, and names do not matter.
//!
//! The way is that of [`crate::capture`], in two rounds. In the first, each step has the method for the results whose
//! error fits it, and dereferences to the next: the `Error` trait with its sources, or else display, or else debug;
//! the last is for everything that is no `Result`. In the second, the same is asked of the value. No value is needed
//! for that, only its type, and what comes of it is a type as well: it takes neither room nor time, and what is
//! written into the user's function stays one line. Nothing is put into words before somebody wants to read it.

#![expect(
    clippy::unused_self,
    reason = "a method is found by the type of `self`, and no more is asked of it"
)]

use std::any::{type_name, type_name_of_val};
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

/// What an error can do, and with that how a result is told apart.
pub trait Classify<T, E> {
    /// What the call gave back.
    type Result;

    /// The value or the error.
    fn split(result: &Self::Result) -> Result<&T, &E>;

    /// The error in words; `debug` prefers its debug form.
    fn describe(error: &E, debug: bool) -> ErrorDescription;
}

/// No error.
pub struct NoError;

/// Types without anything in them, each of which leads to what it holds. That they are copied, and not borrowed, when
/// a method is called spares the compiler some work.
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
    /// Results whose error is an error.
    ReturnType<R>(TrySharedError<R>);
    /// Results whose error lends one.
    TrySharedError<R>(TryBoxedError<R>);
    /// Results whose error lends one that may have to stay on its thread.
    TryBoxedError<R>(TryDisplayAndDebug<R>);
    /// Results whose error displays and debugs.
    TryDisplayAndDebug<R>(TryDisplay<R>);
    /// Results whose error displays.
    TryDisplay<R>(TryDebug<R>);
    /// Results whose error debugs.
    TryDebug<R>(TryAnyError<R>);
    /// Results whose error can do nothing.
    TryAnyError<R>(NotAResult<R>);
    /// What is no `Result`, and so a success; or the last step to one that is.
    NotAResult<R>(PhantomData<fn(R)>);

    /// Results whose value may serialise.
    Classified<T, E, A>(TryValueDebug<T, E, A>);
    /// Results whose value may debug.
    TryValueDebug<T, E, A>(TryAnyValue<T, E, A>);
    /// Results whose value can do nothing.
    TryAnyValue<T, E, A>(PhantomData<fn(T, E, A)>);
}

impl<R> ReturnType<R> {
    /// Begins to ask what the type is.
    pub const NEW: Self = Self(TrySharedError(TryBoxedError(TryDisplayAndDebug(TryDisplay(TryDebug(
        TryAnyError(NotAResult(PhantomData)),
    ))))));

    /// The same, of a value whose type cannot be said.
    #[must_use]
    pub const fn of(_: &R) -> Self {
        Self::NEW
    }
}

impl<T, E> ReturnType<Result<T, E>> {
    /// The value or the error, as they are.
    #[expect(clippy::missing_errors_doc, reason = "the `Result` is the value")]
    pub const fn a2a_otel_result(self, result: &Result<T, E>) -> Result<&T, &E> {
        result.as_ref()
    }
}

impl<R> NotAResult<R> {
    /// The value, which is no error.
    #[expect(clippy::unnecessary_wraps, reason = "as for a `Result`, whose step it follows")]
    pub const fn a2a_otel_result(self, result: &R) -> Result<&R, &Infallible> {
        Ok(result)
    }

    /// How the value is told, which is no error.
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
            /// How the value is told from the error, and what the error can do.
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

// `Box<dyn Error>`, `anyhow::Error` and their like are no errors, but lend one.
abilities! {
    ReturnType, IsError: (Error) => |error, debug| ErrorDescription::new(type_name::<E>(), error, debug);
    TrySharedError, LendsSharedError: (AsRef<dyn Error + Send + Sync>) => |error, debug| {
        ErrorDescription::new(type_name::<E>(), error.as_ref(), debug)
    };
    TryBoxedError, LendsError: (AsRef<dyn Error>) => |error, debug| ErrorDescription::new(type_name::<E>(), error.as_ref(), debug);
    TryDisplayAndDebug, DisplaysAndDebugs: (Display + Debug) => |error, debug| {
        ErrorDescription::plain(type_name::<E>(), if debug { format!("{error:?}") } else { error.to_string() })
    };
    TryDisplay, OnlyDisplays: (Display) => |error, _debug| ErrorDescription::plain(type_name::<E>(), error.to_string());
    TryDebug, OnlyDebugs: (Debug) => |error, _debug| ErrorDescription::plain(type_name::<E>(), format!("{error:?}"));
    TryAnyError, Undescribed: (Sized) => |error, _debug| {
        ErrorDescription::plain(type_name::<E>(), type_name_of_val(error).to_owned())
    };
}

/// An error, with what its type can do.
pub struct ClassifiedError<'a, T, E, A>(&'a E, PhantomData<fn(T, A)>);

impl<T, E, A: Classify<T, E>> Describe for ClassifiedError<'_, T, E, A> {
    fn describe(&self, debug: bool) -> ErrorDescription {
        A::describe(self.0, debug)
    }
}

impl<T, E, A> Classified<T, E, A> {
    const NEW: Self = Self(TryValueDebug(TryAnyValue(PhantomData)));

    /// The value, or the error with what its type can do.
    pub fn a2a_otel_outcome(self, result: &A::Result) -> Result<&T, ClassifiedError<'_, T, E, A>>
    where
        A: Classify<T, E>,
    {
        A::split(result).map_err(|error| ClassifiedError(error, PhantomData))
    }

    /// Ends the scope with no more than whether the call succeeded.
    #[must_use]
    pub const fn a2a_otel_end(self) -> End<T, E, A, NoOutput> {
        End(PhantomData)
    }
}

/// How a scope ends when the body has returned. It has no fields, for it is part of the user's future.
pub struct End<T, E, A, O>(PhantomData<fn(T, E, A, O)>);

impl<T, E, A, O> End<T, E, A, O> {
    /// The same, with the debug form of an error.
    #[must_use]
    pub const fn a2a_otel_debug(self) -> End<T, E, Debugged<A>, O> {
        End(PhantomData)
    }
}

/// An error whose debug form is wanted.
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
            // To look what there is to drop costs more than all the rest.
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

/// What is recorded of a value.
pub trait Output<S, T> {
    /// The call answered this value.
    fn succeeded(scope: S, value: &T);
}

/// Nothing.
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

        /// What its type can do.
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

/// A type whose values can be errors.
#[diagnostic::on_unimplemented(
    message = "this needs a function that returns a `Result`, and this one returns `{Self}`",
    label = "returns no `Result`"
)]
pub trait Fallible {}

impl<T, E> Fallible for Result<T, E> {}

/// Checks, when the program is compiled, that a function can fail.
pub const fn fallible<R: Fallible>(_: &R) {}
