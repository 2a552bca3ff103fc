//! The result of reading a request or a response.

use opentelemetry::KeyValue;

use super::exchange::Usage;
use super::failure::Failure;
use super::shape::Shape;
use crate::capture::Encoded;

/// What was read from a request or a response.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) attributes: Vec<KeyValue>,
    /// Separate, because the response's model takes precedence, and an attribute may be set only once.
    pub(crate) model: Option<Model>,
    /// The interface that it was made for. `None` if it is of none that is known.
    pub(super) shape: Option<&'static Shape>,
    /// How many tokens the call used, if a response says so.
    pub(super) usage: Usage,
    /// The failure that a response reports, though the call succeeded.
    pub(crate) failure: Option<Failure>,
    /// The whole value, to be recorded as it is. `None` if its type implements neither `Serialize` nor `Debug`.
    pub(crate) value: Option<Encoded>,
}

/// A model, and the attribute that names it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) key: &'static str,
    pub(crate) name: Box<str>,
}

impl Read {
    /// The attributes of an answer whose request is not known.
    pub(crate) fn into_attributes(self) -> Vec<KeyValue> {
        let model = self.model.map(Model::into_attribute);
        self.attributes.into_iter().chain(model).collect()
    }
}

impl Model {
    pub(super) fn into_attribute(self) -> KeyValue {
        KeyValue::new(self.key, String::from(self.name))
    }
}
