//! Errors, by what their type can do: the `Error` trait with its sources, or else display, or else debug.
//!
//! The way is that of [`crate::capture`]: each step has the method for the types that fit it, and dereferences to
//! the next.

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

impl<E: Error> Failure<'_, E> {
    /// The error in words; `debug` prefers its debug form.
    #[must_use]
    pub fn a2a_otel_failure(&self, debug: bool) -> Failed {
        from_error(type_name::<E>(), self.0.0.0.0.0.0.0, debug)
    }
}

/// `Box<dyn Error + Send + Sync>`, `anyhow::Error` and their like are no errors, but lend one.
impl<E: AsRef<dyn Error + Send + Sync>> ByShared<'_, E> {
    /// The error in words; `debug` prefers its debug form.
    #[must_use]
    pub fn a2a_otel_failure(&self, debug: bool) -> Failed {
        from_error(type_name::<E>(), self.0.0.0.0.0.0.as_ref(), debug)
    }
}

/// `Box<dyn Error>` likewise.
impl<E: AsRef<dyn Error>> ByBox<'_, E> {
    /// The error in words; `debug` prefers its debug form.
    #[must_use]
    pub fn a2a_otel_failure(&self, debug: bool) -> Failed {
        from_error(type_name::<E>(), self.0.0.0.0.0.as_ref(), debug)
    }
}

impl<E: Display + Debug + ?Sized> ByBoth<'_, E> {
    /// The error in words; `debug` prefers its debug form.
    #[must_use]
    pub fn a2a_otel_failure(&self, debug: bool) -> Failed {
        let error = self.0.0.0.0;
        plain::<E>(if debug { format!("{error:?}") } else { error.to_string() })
    }
}

impl<E: Display + ?Sized> ByDisplay<'_, E> {
    /// The error in words.
    #[must_use]
    pub fn a2a_otel_failure(&self, _: bool) -> Failed {
        plain::<E>(self.0.0.0.to_string())
    }
}

impl<E: Debug + ?Sized> ByDebug<'_, E> {
    /// The error in words.
    #[must_use]
    pub fn a2a_otel_failure(&self, _: bool) -> Failed {
        plain::<E>(format!("{:?}", self.0.0))
    }
}

impl<E: ?Sized> ByName<'_, E> {
    /// The error in words.
    #[must_use]
    pub fn a2a_otel_failure(&self, _: bool) -> Failed {
        plain::<E>(type_name_of_val(self.0).to_owned())
    }
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
