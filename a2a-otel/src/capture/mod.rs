//! Turns values into attributes, by what their type implements: `Serialize`, or else `Debug`, or else neither.

mod body;
mod documents;
mod encode;
mod guard;
mod scalar;
mod serializer;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

pub use self::body::Body;
pub(crate) use self::documents::documents;
pub(crate) use self::encode::{
    Encoded, Fields, List, attributes, encode, encode_indexed, encode_object, list, push_field, push_fields,
    whole_bytes,
};
pub(crate) use self::guard::{PANICKED, guarded, panics};
pub(crate) use self::text::{bounded, cut, cut_mark, cut_to, limit, set_value_limit};
pub use self::types::{Capture, Fixed};
pub(crate) use self::value::{Form, Value};
