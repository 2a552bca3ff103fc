//! What a call gave back, told apart by its type: aliases are seen through, and names do not matter.
//!
//! The way is that of [`crate::capture`], in two rounds. In the first, each step has the method for the results whose
//! error fits it, and dereferences to the next: the `Error` trait with its sources, or else display, or else debug;
//! the last is for everything that is no `Result`. In the second, the same is asked of the value. Nothing is put into
//! words before somebody wants to read it, and what is written into the user's function stays one line.

use std::any::{type_name, type_name_of_val};
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;

use serde::Serialize;

use super::failure::{Describe, Failed};
use super::{Scope, Span};
use crate::capture::{Capture, Value};

/// A value that is no `Result`, and so a success; or the last step to one that is.
pub struct Whole<'a, R: ?Sized>(&'a R);

macro_rules! steps {
    ($($step:ident => $next:ident;)*) => {$(
        /// What a call gave back, if it has the ability of this step.
        pub struct $step<'a, R: ?Sized>($next<'a, R>);

        impl<'a, R: ?Sized> Deref for $step<'a, R> {
            type Target = $next<'a, R>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

steps! {
    Returned => ByShared;
    ByShared => ByBox;
    ByBox => ByBoth;
    ByBoth => ByDisplay;
    ByDisplay => ByDebug;
    ByDebug => ByName;
    ByName => Whole;
}

impl<'a, R: ?Sized> Returned<'a, R> {
    /// Begins to ask what the value is.
    #[must_use]
    pub const fn new(result: &'a R) -> Self {
        Self(ByShared(ByBox(ByBoth(ByDisplay(ByDebug(ByName(Whole(result))))))))
    }
}

impl<'a, R: ?Sized> Whole<'a, R> {
    const fn value(&self) -> &'a R {
        self.0
    }

    /// The value, which is no error.
    #[must_use]
    pub const fn a2a_otel_told(&self) -> Told<'_, R> {
        Told(Shown(Outcome { value: Some(self.0), failure: &() }))
    }
}

impl<'a, T, E> Returned<'a, Result<T, E>> {
    /// The value or the error, as they are.
    #[expect(clippy::missing_errors_doc, reason = "the `Result` is the value")]
    pub const fn a2a_otel_result(&self) -> Result<&'a T, &'a E> {
        self.0.0.0.0.0.0.0.0.as_ref()
    }
}

impl<'a, R: ?Sized> Whole<'a, R> {
    /// The value, which is no error.
    #[expect(clippy::unnecessary_wraps, reason = "as for a `Result`, whose step it follows")]
    pub const fn a2a_otel_result(&self) -> Result<&'a R, &'a Infallible> {
        Ok(self.0)
    }
}

macro_rules! abilities {
    ($($step:ident: ($($bound:tt)*) => |$error:ident, $debug:ident| $failed:expr;)*) => {$(
        impl<T, E: $($bound)*> $step<'_, Result<T, E>> {
            /// The value, or the error with what its type can do.
            #[must_use]
            pub fn a2a_otel_told(&self) -> Told<'_, T> {
                Told(Shown(Outcome { value: self.value().as_ref().ok(), failure: self }))
            }
        }

        impl<T, E: $($bound)*> Describe for $step<'_, Result<T, E>> {
            fn describe(&self, $debug: bool) -> Option<Failed> {
                self.value().as_ref().err().map(|$error| $failed)
            }
        }
    )*};
}

// `Box<dyn Error>`, `anyhow::Error` and their like are no errors, but lend one.
abilities! {
    Returned: (Error) => |error, debug| Failed::new(type_name::<E>(), error, debug);
    ByShared: (AsRef<dyn Error + Send + Sync>) => |error, debug| Failed::new(type_name::<E>(), error.as_ref(), debug);
    ByBox: (AsRef<dyn Error>) => |error, debug| Failed::new(type_name::<E>(), error.as_ref(), debug);
    ByBoth: (Display + Debug) => |error, debug| {
        Failed::plain(type_name::<E>(), if debug { format!("{error:?}") } else { error.to_string() })
    };
    ByDisplay: (Display) => |error, _debug| Failed::plain(type_name::<E>(), error.to_string());
    ByDebug: (Debug) => |error, _debug| Failed::plain(type_name::<E>(), format!("{error:?}"));
    ByName: (Sized) => |error, _debug| Failed::plain(type_name::<E>(), type_name_of_val(error).to_owned());
}

/// What became of a call, whose value may serialise.
pub struct Told<'a, T: ?Sized>(Shown<'a, T>);

/// What became of a call, whose value may debug.
pub struct Shown<'a, T: ?Sized>(Outcome<'a, T>);

/// What became of a call, whose value can do nothing. Both parts are there, so that the user's function need not branch.
pub struct Outcome<'a, T: ?Sized> {
    value: Option<&'a T>,
    /// Has words where there is no value.
    failure: &'a dyn Describe,
}

/// What never fails has no words for it.
impl Describe for () {
    fn describe(&self, _: bool) -> Option<Failed> {
        None
    }
}

impl<'a, T: ?Sized> Deref for Told<'a, T> {
    type Target = Shown<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> Deref for Shown<'a, T> {
    type Target = Outcome<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> Outcome<'a, T> {
    /// The value, or the error with what its type can do.
    pub fn a2a_otel_outcome(&self) -> Result<&'a T, &'a dyn Describe> {
        self.value.ok_or(self.failure)
    }

    /// Ends the scope with no more than whether the call succeeded.
    #[inline]
    pub fn a2a_otel_end<S: Scope>(&self, scope: S, debug: bool) {
        if scope.holds() {
            end(scope, self.a2a_otel_outcome().err(), debug);
        } else {
            // To look what there is to drop costs more than all the rest.
            std::mem::forget(scope);
        }
    }
}

macro_rules! ends {
    ($($step:ident: ($($bound:tt)*);)*) => {$(
        impl<T: $($bound)*> $step<'_, T> {
            /// Ends the span with the value as its output.
            pub fn a2a_otel_output(&self, span: Span, debug: bool) {
                let value = self.value.map(Capture::new);
                end_with(span, value.as_ref().map(|value| value.a2a_otel_value()), self.failure, debug);
            }
        }
    )*};
}

ends! {
    Told: (Serialize + ?Sized);
    Shown: (Debug + ?Sized);
    Outcome: (?Sized);
}

fn end<S: Scope>(scope: S, failure: Option<&dyn Describe>, debug: bool) {
    match failure {
        None => scope.succeeded(),
        Some(failure) => scope.failed(failure, debug),
    }
}

fn end_with(span: Span, value: Option<&dyn Value>, failure: &dyn Describe, debug: bool) {
    let Some(value) = value else { return span.failed(failure, debug) };
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
