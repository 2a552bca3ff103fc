//! Turns values into attributes, by what their type implements: `Serialize`, or else `Debug`, or else neither.

mod base64;
#[cfg(test)]
mod base64_tests;
mod body;
mod documents;
mod encode;
mod guard;
mod item;
mod limits;
mod scalar;
mod serializer;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

pub use self::base64::REDACTED;
pub(crate) use self::base64::{without_base64, without_images};
pub use self::body::Body;
pub(crate) use self::documents::documents;
pub(crate) use self::encode::{
    Encoded, Fields, Gathered, attributes, encode, encode_indexed, encode_object, encode_whole, list,
    push_field, push_fields, whole_bytes,
};
pub(crate) use self::guard::{PANICKED, guarded, panics};
pub use self::item::Item;
pub(crate) use self::limits::{
    DEFAULT_LIMIT, DEFAULT_LONGEST_BASE64, cut_mark, harmless_length, limit, longest_base64,
    set_longest_base64, set_value_limit,
};
pub(crate) use self::text::{bounded, cut, cut_to, mark_cut};
pub use self::types::{Capture, Fixed};
pub(crate) use self::value::{Form, Value};
