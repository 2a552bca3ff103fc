//! Items of a stream, which may be pieces of a text.

use std::fmt::Write as _;
use std::ops::Deref;

use super::text::Text;
use super::types::Capture;
use super::value::{Form, Value};

/// A value that may be text by its type: `&str`, `String`, `Cow<str>`, `Arc<str>` and others that dereference to `str`. Any
/// other value is captured as usual, also if it serialises as text or lends one as `AsRef<str>`, as enums and identifiers
/// do: they are no pieces of one text, and may have more to say.
pub struct Item<'a, T: ?Sized>(Capture<'a, T>);

impl<'a, T: ?Sized> Item<'a, T> {
    /// Wraps the value to find out what its type can do.
    #[must_use]
    pub const fn new(value: &'a T) -> Self {
        Self(Capture::new(value))
    }
}

impl<'a, T: ?Sized> Deref for Item<'a, T> {
    type Target = Capture<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Deref<Target = str> + ?Sized> Item<'_, T> {
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

impl<T: Deref<Target = str> + ?Sized> Value for Item<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        // A text that does not fit is cut, which the text knows.
        let _ = into.write_str(self.0.0.0.0);
        Form::Plain
    }

    fn is_text(&self) -> bool {
        true
    }
}
