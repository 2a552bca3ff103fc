//! Values that may be the body of a request or a response as it goes over the wire, and not only a value of its own.

use std::ops::Deref;

use super::{Capture, Form, Text, Value};

/// A value that may be text or bytes, and is otherwise captured like any other.
pub struct Body<'a, T: ?Sized>(Capture<'a, T>);

impl<'a, T: ?Sized> Body<'a, T> {
    /// Begins to ask what the value can do.
    #[must_use]
    pub const fn new(value: &'a T) -> Self {
        Self(Capture::new(value))
    }
}

impl<'a, T: ?Sized> Deref for Body<'a, T> {
    type Target = Capture<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: AsRef<[u8]> + ?Sized> Body<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }

    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value {
        self
    }
}

impl<T: AsRef<[u8]> + ?Sized> Value for Body<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        into.push(self.0.0.0.0.as_ref());
        Form::Plain
    }
}
