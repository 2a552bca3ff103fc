//! Looks up attributes by key.

use opentelemetry::{KeyValue, Value};

/// The value of an attribute, if it is there.
#[inline]
pub(crate) fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}
