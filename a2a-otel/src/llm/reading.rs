//! What is read of a request or a response.

use opentelemetry::KeyValue;

use crate::capture::Encoded;

/// What was read of a request or a response.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) attributes: Vec<KeyValue>,
    /// Kept apart, because the response's model is preferred, and one attribute may be set only once.
    pub(crate) model: Option<Model>,
    pub(crate) system: Option<&'static str>,
    pub(crate) provider: Option<&'static str>,
    /// The whole, to be recorded as it is; nothing where the value can do nothing.
    pub(crate) value: Option<Encoded>,
}

/// A model, and the attribute that names it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) key: &'static str,
    pub(crate) name: Box<str>,
}
