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
    /// Whether a request can be one for this interface. Several interfaces have requests of the same form.
    pub(super) fits_request: fn(Node<'_>) -> Fit,
    /// What tells a request for this interface from others of the same form.
    pub(super) marks: Marks,
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

/// Whether a request can be one for an interface.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fit {
    No,
    /// Other interfaces have requests of the same form.
    Possible,
    /// No other interface has this form.
    Certain,
}

impl Fit {
    pub(super) const fn possible_if(fits: bool) -> Self {
        if fits { Self::Possible } else { Self::No }
    }

    pub(super) const fn certain_if(fits: bool) -> Self {
        if fits { Self::Certain } else { Self::No }
    }
}

/// Names that an interface has, and that some of the others with the same form do not have.
pub(super) struct Marks {
    /// Fields of the request.
    pub(super) fields: &'static [&'static str],
    /// Whether a model of this name usually has this interface.
    pub(super) is_model: fn(&str) -> bool,
    /// Fields of the definition of a tool.
    pub(super) tool_fields: &'static [&'static str],
    /// Fields of a message.
    pub(super) message_fields: &'static [&'static str],
    pub(super) roles: &'static [&'static str],
    /// Types of the parts of a message.
    pub(super) part_types: &'static [&'static str],
}

impl Marks {
    pub(super) const NONE: Self = Self {
        fields: &[],
        is_model: |_| false,
        tool_fields: &[],
        message_fields: &[],
        roles: &[],
        part_types: &[],
    };

    /// How many of the marks a request has.
    pub(super) fn count(&self, request: Node<'_>) -> usize {
        let fields = request.entries().filter(|(name, value)| !value.is_null() && self.fields.contains(name));
        let model = request.filled("model").is_some_and(|model| (self.is_model)(&model));
        let tool = request.list("tools").next();
        let tool =
            tool.into_iter().flat_map(Node::entries).filter(|(name, _)| self.tool_fields.contains(name));
        fields.count() + usize::from(model) + tool.count() + self.count_in_messages(request)
    }

    /// A mark counts once, however many messages have it, so that a long conversation does not outweigh the rest.
    fn count_in_messages(&self, request: Node<'_>) -> usize {
        let mut seen = 0_u64;
        let mut see = |names: &[&str], offset: usize, name: &str| {
            if let Some(place) = names.iter().position(|known| *known == name) {
                seen |= 1 << (offset + place);
            }
        };
        let (roles, part_types) = (self.message_fields.len(), self.message_fields.len() + self.roles.len());
        for (name, value) in request.list("messages").flat_map(Node::entries) {
            match name {
                "role" => see(self.roles, roles, value.escaped().unwrap_or_default()),
                "content" => {
                    for part in value.items() {
                        let kind = part.get("type").and_then(Node::escaped);
                        see(self.part_types, part_types, kind.unwrap_or_default());
                    }
                }
                _ => see(self.message_fields, 0, name),
            }
        }
        seen.count_ones() as usize
    }
}
