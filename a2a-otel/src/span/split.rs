//! Results, told apart from other values by their type: aliases are seen through, and names do not matter.
//!
//! The way is that of [`crate::capture`]: the first step has the method for results, the second for everything.

use std::convert::Infallible;
use std::ops::Deref;

/// What a call gave back, which may be a `Result`: its type says so, and not its name, so aliases are seen through.
pub struct Split<'a, R: ?Sized>(Whole<'a, R>);

/// What a call gave back that is no `Result`, and so a success.
pub struct Whole<'a, R: ?Sized>(&'a R);

impl<'a, R: ?Sized> Split<'a, R> {
    /// Begins to ask what the value is.
    #[must_use]
    pub const fn new(result: &'a R) -> Self {
        Self(Whole(result))
    }
}

impl<'a, R: ?Sized> Deref for Split<'a, R> {
    type Target = Whole<'a, R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T, E> Split<'a, Result<T, E>> {
    /// The value or the error.
    #[expect(clippy::missing_errors_doc, reason = "the `Result` is the value")]
    pub const fn a2a_otel_result(&self) -> Result<&'a T, &'a E> {
        self.0.0.as_ref()
    }
}

impl<'a, R: ?Sized> Whole<'a, R> {
    /// The value.
    #[expect(clippy::unnecessary_wraps, reason = "as for a `Result`, whose step it follows")]
    pub const fn a2a_otel_result(&self) -> Result<&'a R, &'a Infallible> {
        Ok(self.0)
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
