//! A value that may be recorded.

use opentelemetry::KeyValue;

use super::scalar::{NotScalar, Scalar};
use super::text::Text;

/// A value that may be recorded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name of a primitive type, but is a different type",
    label = "assumed to be the primitive type",
    note = "write the parameter's type with its path, as in `self::bool`, or leave the parameter out with `skip(...)`"
)]
pub trait Value {
    /// Writes the whole value, as JSON if it can.
    #[doc(hidden)]
    fn write(&self, into: &mut Text) -> Form;

    /// Whether the value is text, of which the items of a stream are pieces.
    #[doc(hidden)]
    fn is_text(&self) -> bool {
        false
    }

    /// Appends the value under the key, if it is a scalar.
    #[doc(hidden)]
    fn push_scalar(&self, _: &'static str, _: &mut Vec<KeyValue>) -> Scalar {
        Err(NotScalar)
    }
}

/// How a value was written.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Json,
    Plain,
    /// The type implements neither `Serialize` nor `Debug`, or its own code failed.
    Nothing,
}
