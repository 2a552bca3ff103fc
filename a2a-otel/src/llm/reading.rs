//! The result of reading a request or a response.

use opentelemetry::KeyValue;

use crate::capture::Encoded;

/// What was read from a request or a response.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) attributes: Vec<KeyValue>,
    /// Separate, because the response's model takes precedence, and an attribute may be set only once.
    pub(crate) model: Option<Model>,
    pub(crate) system: Option<&'static str>,
    pub(crate) provider: Option<&'static str>,
    /// The whole value, to be recorded as it is. `None` if its type implements neither `Serialize` nor `Debug`.
    pub(crate) value: Option<Encoded>,
}

/// A model, and the attribute that names it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) key: &'static str,
    pub(crate) name: Box<str>,
}
