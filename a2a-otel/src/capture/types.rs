//! Finds out what a type implements: `Serialize`, or else `Debug`, or else neither.
//!
//! This happens at compile time, without a bound on the user's function: [`Capture`] has the method for types with
//! `Serialize`, and dereferences to [`ByDebug`], which has it for types with `Debug`, which dereferences to [`Opaque`].
//! Method resolution takes the first that fits. The result is a `&dyn Value`, so everything behind it is compiled once.

use std::any::type_name;
use std::fmt::{Debug, Display, Write as _};
use std::ops::Deref;

use opentelemetry::{KeyValue, Value as AttributeValue};
use serde::Serialize;

use super::encode::encode;
use super::guard::guarded;
use super::scalar::{Scalar, push_scalar};
use super::serializer;
use super::text::Text;
use super::value::{Form, Value};

/// A value that may implement `Serialize`.
pub struct Capture<'a, T: ?Sized>(pub(super) ByDebug<'a, T>);

/// A value that may implement `Debug`.
pub struct ByDebug<'a, T: ?Sized>(pub(super) Opaque<'a, T>);

/// A value that implements neither.
pub struct Opaque<'a, T: ?Sized>(pub(super) &'a T);

impl<'a, T: ?Sized> Capture<'a, T> {
    /// Wraps the value to find out what its type can do.
    #[must_use]
    pub const fn new(value: &'a T) -> Self {
        Self(ByDebug(Opaque(value)))
    }
}

impl<'a, T: ?Sized> Deref for Capture<'a, T> {
    type Target = ByDebug<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> Deref for ByDebug<'a, T> {
    type Target = Opaque<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Serialize + ?Sized> Capture<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

impl<T: Debug + ?Sized> ByDebug<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

/// A type that can be recorded. A value that the user names must be of such a type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded: it implements neither `serde::Serialize` nor `Debug`",
    label = "cannot be recorded",
    note = "derive one of the two, or record a part of it, as in `value.id`"
)]
pub trait Recordable {}

/// For values that the user names, which must not be left out silently.
impl<T: Serialize + ?Sized> Capture<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value {
        self
    }
}

impl<T: Debug + ?Sized> ByDebug<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value {
        self
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// A compile error: the type implements neither.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value
    where
        T: Recordable,
    {
        self
    }
}

/// For values that become a name: the output of `Display`, or else the serialised value, which may be nothing, as for
/// `None`.
impl<T: Display + ?Sized> Capture<'_, T> {
    /// The value as text.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String> {
        guarded(|| self.0.0.0.to_string())
    }
}

impl<T: Serialize + ?Sized> ByDebug<'_, T> {
    /// The value as text.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String> {
        encode(&Capture::new(self.0.0)).map(|encoded| encoded.text)
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// A compile error: the type has no text.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String>
    where
        T: Display,
    {
        guarded(|| self.0.to_string())
    }
}

/// A literal in the user's code, as one of OpenTelemetry's types.
#[derive(Clone, Copy, Debug)]
pub enum Fixed {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

impl From<Fixed> for AttributeValue {
    #[inline]
    fn from(literal: Fixed) -> Self {
        match literal {
            Fixed::Text(text) => text.into(),
            Fixed::Int(number) => number.into(),
            Fixed::Float(number) => number.into(),
            Fixed::Bool(bool) => bool.into(),
        }
    }
}

impl Value for Fixed {
    fn write(&self, into: &mut Text) -> Form {
        match self {
            Self::Text(text) => Capture::new(*text).write(into),
            Self::Int(number) => Capture::new(number).write(into),
            Self::Float(number) => Capture::new(number).write(into),
            Self::Bool(bool) => Capture::new(bool).write(into),
        }
    }

    fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
        attributes.push(KeyValue::new(key, *self));
        Ok(())
    }
}

/// Types that the attribute macros know by name, so that the compiler need not find out what they implement.
macro_rules! primitives {
    ($($primitive:ty),*) => {$(
        impl Value for $primitive {
            fn write(&self, into: &mut Text) -> Form {
                Capture::new(self).write(into)
            }

            fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
                push_scalar(self, key, attributes)
            }
        }
    )*};
}

primitives!(&str, bool, f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<T: Serialize + ?Sized> Value for Capture<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        match serializer::write(self.0.0.0, into) {
            Ok(()) => Form::Json,
            Err(_) if into.cut => Form::Plain,
            Err(_) => Form::Nothing,
        }
    }

    fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
        push_scalar(self.0.0.0, key, attributes)
    }
}

/// Parts of the names of types whose `Debug` form describes a machine and no value: it has addresses, or the steps of an
/// iterator.
const MACHINES: [&str; 3] = ["core::iter::", "Receiver<", "JoinHandle<"];

/// The crates of these receivers and handles.
const CRATES: [&str; 8] = [
    "std::",
    "tokio::",
    "futures_channel::",
    "async_channel::",
    "crossbeam_channel::",
    "flume::",
    "async_std::",
    "smol::",
];

/// Whether the type is something to wait for or to draw from, or has one in it. All of these have parameters, so most types
/// need one search for a character, at each value: the name of a type is not known when a constant is computed.
fn is_machine(name: &str) -> bool {
    name.contains('<')
        && MACHINES.iter().any(|machine| name.contains(machine))
        && (name.contains(MACHINES[0]) || CRATES.iter().any(|of| name.contains(of)))
}

impl<T: Debug + ?Sized> Value for ByDebug<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        if is_machine(type_name::<T>()) {
            return Form::Nothing;
        }
        match write!(into, "{:?}", self.0.0) {
            Err(_) if !into.cut => Form::Nothing,
            _ => Form::Plain,
        }
    }
}

impl<T: ?Sized> Value for Opaque<'_, T> {
    fn write(&self, _: &mut Text) -> Form {
        Form::Nothing
    }
}
