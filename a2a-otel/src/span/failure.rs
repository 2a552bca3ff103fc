//! Errors, by what their type can do: the `Error` trait with its sources, or else display, or else debug.
//!
//! The way is that of [`crate::capture`]: each step has the method for the types that fit it, and dereferences to
//! the next. The answer is a `&dyn Describe`, so that nothing is put into words before somebody wants to read it.

use std::any::{type_name, type_name_of_val};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;

/// An error in words.
#[derive(Debug)]
pub struct Failed {
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// What caused it, the nearest cause first.
    pub(super) causes: Vec<String>,
}

/// An error that can be put into words.
pub trait Describe {
    /// The error in words; `debug` prefers its debug form.
    fn describe(&self, debug: bool) -> Failed;
}

/// An error of which only the type's name can be said.
pub struct ByName<'a, E: ?Sized>(&'a E);

macro_rules! steps {
    ($($step:ident => $next:ident;)*) => {$(
        /// An error that may have the ability of this step.
        pub struct $step<'a, E: ?Sized>($next<'a, E>);

        impl<'a, E: ?Sized> Deref for $step<'a, E> {
            type Target = $next<'a, E>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

steps! {
    Failure => ByShared;
    ByShared => ByBox;
    ByBox => ByBoth;
    ByBoth => ByDisplay;
    ByDisplay => ByDebug;
    ByDebug => ByName;
}

impl<'a, E: ?Sized> Failure<'a, E> {
    /// Begins to ask what the error can do.
    #[must_use]
    pub const fn new(error: &'a E) -> Self {
        Self(ByShared(ByBox(ByBoth(ByDisplay(ByDebug(ByName(error)))))))
    }
}

macro_rules! abilities {
    ($($step:ident: ($($bound:tt)*) => |$self:ident, $debug:ident| $describe:expr;)*) => {$(
        impl<E: $($bound)*> $step<'_, E> {
            /// The error, with what its type can do.
            #[must_use]
            pub fn a2a_otel_failure(&self) -> &dyn Describe {
                self
            }
        }

        impl<E: $($bound)*> Describe for $step<'_, E> {
            fn describe(&$self, $debug: bool) -> Failed {
                $describe
            }
        }
    )*};
}

// `Box<dyn Error>`, `anyhow::Error` and their like are no errors, but lend one.
abilities! {
    Failure: (Error) => |self, debug| from_error(type_name::<E>(), self.0.0.0.0.0.0.0, debug);
    ByShared: (AsRef<dyn Error + Send + Sync>) => |self, debug| from_error(type_name::<E>(), self.0.0.0.0.0.0.as_ref(), debug);
    ByBox: (AsRef<dyn Error>) => |self, debug| from_error(type_name::<E>(), self.0.0.0.0.0.as_ref(), debug);
    ByBoth: (Display + Debug + ?Sized) => |self, debug| {
        let error = self.0.0.0.0;
        plain::<E>(if debug { format!("{error:?}") } else { error.to_string() })
    };
    ByDisplay: (Display + ?Sized) => |self, _debug| plain::<E>(self.0.0.0.to_string());
    ByDebug: (Debug + ?Sized) => |self, _debug| plain::<E>(format!("{:?}", self.0.0));
    ByName: (?Sized) => |self, _debug| plain::<E>(type_name_of_val(self.0).to_owned());
}

fn plain<E: ?Sized>(message: String) -> Failed {
    Failed { kind: type_name::<E>(), message, causes: Vec::new() }
}

/// An error and its sources. The chain is bounded, for a source may lead back to itself.
pub(super) fn from_error(kind: &'static str, error: &dyn Error, debug: bool) -> Failed {
    const LONGEST_CHAIN: usize = 32;
    let message = if debug { format!("{error:?}") } else { error.to_string() };
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| causes.len() < LONGEST_CHAIN) {
        causes.push(error.to_string());
        cause = error.source();
    }
    Failed { kind, message, causes }
}
