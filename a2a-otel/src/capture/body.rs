//! Values that may be the body of a request or a response, as sent over the wire.

use std::ops::Deref;

use super::text::Text;
use super::types::Capture;
use super::value::{Form, Value};

/// A value that may be text or bytes. Any other value is captured as usual.
pub struct Body<'a, T: ?Sized>(Capture<'a, T>);

impl<'a, T: ?Sized> Body<'a, T> {
    /// Wraps the value to find out what its type can do.
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

    fn is_text(&self) -> bool {
        true
    }
}
