//! How the requests and responses of one kind of provider look.

use std::fmt;

use super::exchange::{Operation, Request, Response};
use super::fold::Grown;
use crate::json::Node;

/// How requests and responses of one kind look, and what they say.
pub(super) struct Shape {
    pub(super) operation: Operation,
    /// Whose models they usually are.
    pub(super) system: Option<&'static str>,
    /// Who is asked, where nobody else speaks like that.
    pub(super) provider: Option<&'static str>,
    /// Whether the model that was asked for and the one that answered are recorded each by itself.
    pub(super) names_both_models: bool,
    pub(super) is_request: fn(Node<'_>) -> bool,
    pub(super) is_response: fn(Node<'_>) -> bool,
    /// Whether it is a piece of a streamed response.
    pub(super) is_chunk: fn(Node<'_>) -> bool,
    pub(super) request: for<'a> fn(Node<'a>) -> Request<'a>,
    pub(super) response: for<'a> fn(Node<'a>) -> Response<'a>,
    /// Adds a chunk to what becomes a response.
    pub(super) fold: fn(&mut Grown, Node<'_>),
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shape").field("operation", &self.operation).finish_non_exhaustive()
    }
}
