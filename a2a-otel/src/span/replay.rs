//! Calls that are answered from a recording instead of running their body: functions with the argument `replay`.
//!
//! The test kit registers what answers. Without it, the body always runs. An answer is read as the type that the function
//! returns, which has to implement `DeserializeOwned`; a recorded failure is an error made of its message.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;

use super::recording::{Answer, Recorded, ask, excerpt};
pub use std::future::ready;

/// The failure of a recorded call, for error types that are made of errors, such as `anyhow::Error`.
#[derive(Debug)]
pub struct RecordedFailure(String);

impl fmt::Display for RecordedFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for RecordedFailure {}

/// A type that can be read from a recording.
#[diagnostic::on_unimplemented(
    message = "`replay` cannot read `{Self}` from a recording, because it does not implement `DeserializeOwned`",
    label = "the result of this function cannot be read from a recording",
    note = "derive `serde::Deserialize` for it, or remove `replay`"
)]
pub trait Readable: DeserializeOwned {}

impl<T: DeserializeOwned> Readable for T {}

/// How a result of the type `R` is made of what was recorded.
pub trait Rebuild<R> {
    /// What is read.
    type Value;

    /// The result of a call that succeeded.
    fn succeeded(value: Self::Value) -> R;

    /// The result of a call that failed. `None` if there is no way to make it.
    fn failed(message: String) -> Option<R>;
}

macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident($next:ty);)*) => {$(
        $(#[$doc])*
        pub struct $step<R>($next);

        impl<R> Deref for $step<R> {
            type Target = $next;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

steps! {
    /// Results whose error is made of a `String`. The compiler takes the first of these steps that fits.
    Replayed(TryFromFailure<R>);
    /// Results whose error is made of other errors.
    TryFromFailure(TryFromIo<R>);
    /// Results whose error is made of an input or output error, or is one.
    TryFromIo(TryFromBox<R>);
    /// Results whose error is made of a boxed error.
    TryFromBox(TryParsed<R>);
    /// Results whose error is parsed.
    TryParsed(TryNoError<R>);
    /// Results whose error cannot be made.
    TryNoError(Plain<R>);
    /// All types that are not a `Result`.
    Plain(PhantomData<fn() -> R>);
}

impl<R> Replayed<R> {
    /// The start of the chain.
    pub const NEW: Self =
        Self(TryFromFailure(TryFromIo(TryFromBox(TryParsed(TryNoError(Plain(PhantomData)))))));
}

macro_rules! rebuilds {
    ($($step:ident, $way:ident: ($($bound:tt)*) => |$message:ident| $error:expr;)*) => {$(
        impl<T, E: $($bound)*> $step<Result<T, E>> {
            /// The result is a `Result` whose error is made this way.
            #[must_use]
            pub const fn a2a_otel_replay(&self) -> Answers<Result<T, E>, $way> {
                Answers(PhantomData)
            }
        }

        /// Errors that are made this way.
        pub struct $way;

        impl<T, E: $($bound)*> Rebuild<Result<T, E>> for $way {
            type Value = T;

            fn succeeded(value: T) -> Result<T, E> {
                Ok(value)
            }

            fn failed($message: String) -> Option<Result<T, E>> {
                $error.map(Err)
            }
        }
    )*};
}

rebuilds! {
    Replayed, FromText: (From<String>) => |message| Some(E::from(message));
    TryFromFailure, FromFailure: (From<RecordedFailure>) => |message| Some(E::from(RecordedFailure(message)));
    TryFromIo, FromIo: (From<std::io::Error>) => |message| Some(E::from(std::io::Error::other(message)));
    TryFromBox, FromBox: (From<Box<dyn Error + Send + Sync>>) => |message| Some(E::from(message.into()));
    TryParsed, Parsed: (FromStr) => |message| message.parse().ok();
    TryNoError, Unmade: (Sized) => |_message| None::<E>;
}

impl<R> Plain<R> {
    /// The result is a value.
    #[must_use]
    #[expect(clippy::unused_self, reason = "a method, so that the compiler finds the step that has it")]
    pub const fn a2a_otel_replay(&self) -> Answers<R, Itself> {
        Answers(PhantomData)
    }
}

/// The value itself.
pub struct Itself;

impl<R> Rebuild<R> for Itself {
    type Value = R;

    fn succeeded(value: R) -> R {
        value
    }

    fn failed(_: String) -> Option<R> {
        None
    }
}

/// Answers calls that return `R`, which `A` makes.
pub struct Answers<R, A>(PhantomData<fn(A) -> R>);

impl<R, A: Rebuild<R>> Answers<R, A> {
    /// The answer of the call that is running, if it is answered from a recording. It takes the site's name.
    ///
    /// # Panics
    ///
    /// If nothing that was recorded matches the call, or what was recorded cannot be read.
    #[must_use]
    #[inline]
    #[expect(clippy::unused_self, reason = "a method, so that the compiler finds the step that has it")]
    pub fn a2a_otel_answer(&self, site: &'static str) -> Option<R>
    where
        A::Value: Readable,
    {
        Some(rebuild::<R, A>(site, ask(site)?))
    }
}

fn rebuild<R, A: Rebuild<R>>(site: &'static str, answer: Answer) -> R
where
    A::Value: Readable,
{
    match answer {
        Answer::Output(recorded, _) => match recorded.read() {
            Ok(value) => A::succeeded(value),
            Err(error) => unreadable::<A::Value>(site, &error, &recorded),
        },
        Answer::Failed(message) => failed::<R, A>(site, &message),
        Answer::Missing(message) => panic!("{message}"),
    }
}

/// The result of a call that failed.
pub(super) fn failed<R, A: Rebuild<R>>(site: &str, message: &str) -> R {
    A::failed(message.to_owned()).unwrap_or_else(|| unmade::<R>(site, message))
}

fn unreadable<T>(site: &str, error: &dyn Error, recorded: &Recorded) -> ! {
    panic!(
        "the recording of `{site}` holds no `{}`: {error}. Record the trace again. It holds: {}",
        std::any::type_name::<T>(),
        excerpt(recorded.text.as_deref())
    )
}

pub(super) fn unmade<R>(site: &str, message: &str) -> ! {
    panic!(
        "the recorded call of `{site}` failed, and its error cannot be made of a text for `{}`: implement `From<String>` \
         for the error. It failed with: {message}",
        std::any::type_name::<R>()
    )
}

pin_project! {
    /// A future that is ready with a recorded answer, or the future that the body returned.
    #[project = AnsweredProjection]
    pub enum Answered<F, R> {
        /// The answer, until it is taken.
        Recorded { answer: Option<R> },
        /// The body's future.
        Running { #[pin] future: F },
    }
}

/// The answer, or else what the body does.
pub fn answered<F: Future>(answer: Option<F::Output>, body: impl FnOnce() -> F) -> Answered<F, F::Output> {
    match answer {
        None => Answered::Running { future: body() },
        answer => Answered::Recorded { answer },
    }
}

impl<F: Future> Future for Answered<F, F::Output> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            AnsweredProjection::Running { future } => future.poll(context),
            AnsweredProjection::Recorded { answer } => answer.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}
