//! A shape: how the requests and responses of one interface look.

use std::fmt;

use super::exchange::{Operation, Request, Response};
use super::fold::Grown;
use crate::json::Node;

/// How the requests and responses of one interface are recognised and read.
pub(super) struct Shape {
    pub(super) operation: Operation,
    /// `llm.system`: the vendor of the models that usually answer.
    pub(super) system: Option<&'static str>,
    /// `llm.provider`, if only one provider has this interface.
    pub(super) provider: Option<&'static str>,
    /// Whether the requested model and the model that answered are recorded separately.
    pub(super) names_both_models: bool,
    pub(super) is_request: fn(Node<'_>) -> bool,
    pub(super) is_response: fn(Node<'_>) -> bool,
    /// Whether this is a chunk of a streamed response.
    pub(super) is_chunk: fn(Node<'_>) -> bool,
    pub(super) request: for<'a> fn(Node<'a>) -> Request<'a>,
    pub(super) response: for<'a> fn(Node<'a>) -> Response<'a>,
    /// Adds a chunk to the growing response.
    pub(super) fold: fn(&mut Grown, Node<'_>),
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shape").field("operation", &self.operation).finish_non_exhaustive()
    }
}
