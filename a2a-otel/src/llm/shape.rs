//! A shape: how the requests and responses of one interface look.

use std::borrow::Cow;
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
    /// Fields of messages, and roles, that the interface does not have: a request with one of them is for another.
    pub(super) foreign: &'static [&'static str],
}

impl Marks {
    pub(super) const NONE: Self = Self {
        fields: &[],
        is_model: |_| false,
        tool_fields: &[],
        message_fields: &[],
        roles: &[],
        part_types: &[],
        foreign: &[],
    };

    /// How many of the marks a request has. `None` if it has what the interface does not have.
    pub(super) fn count(&self, request: &Seen<'_>) -> Option<usize> {
        let common = |marks: &[&str], seen: &[&str]| seen.iter().filter(|name| marks.contains(name)).count();
        if common(self.foreign, &request.message_fields) + common(self.foreign, &request.roles) > 0 {
            return None;
        }
        let is_model = request.model.as_deref().is_some_and(self.is_model);
        Some(
            usize::from(is_model)
                + common(self.fields, &request.fields)
                + common(self.tool_fields, &request.tool_fields)
                + common(self.message_fields, &request.message_fields)
                + common(self.roles, &request.roles)
                + common(self.part_types, &request.part_types),
        )
    }
}

/// The names in a request, each once: a long conversation does not outweigh the rest.
#[derive(Default)]
pub(super) struct Seen<'a> {
    model: Option<Cow<'a, str>>,
    fields: Vec<&'a str>,
    tool_fields: Vec<&'a str>,
    message_fields: Vec<&'a str>,
    roles: Vec<&'a str>,
    part_types: Vec<&'a str>,
}

/// More names than any interface has. What comes after them is not looked at.
const MOST_NAMES: usize = 64;

impl<'a> Seen<'a> {
    pub(super) fn in_request(request: Node<'a>) -> Self {
        let present = request.entries().filter(|(_, value)| !value.is_null());
        let mut seen = Self {
            model: request.filled("model"),
            fields: present.map(|(name, _)| name).take(MOST_NAMES).collect(),
            ..Self::default()
        };
        let tool = request.list("tools").next();
        seen.tool_fields
            .extend(tool.into_iter().flat_map(Node::entries).map(|(name, _)| name).take(MOST_NAMES));
        for (name, value) in request.list("messages").flat_map(Node::entries) {
            match name {
                "role" => see(&mut seen.roles, value.escaped()),
                "content" => value.items().for_each(|part| {
                    see(&mut seen.part_types, part.get("type").and_then(Node::escaped));
                }),
                _ => see(&mut seen.message_fields, Some(name).filter(|_| !value.is_null())),
            }
        }
        seen
    }
}

fn see<'a>(names: &mut Vec<&'a str>, name: Option<&'a str>) {
    if let Some(name) = name.filter(|name| names.len() < MOST_NAMES && !names.contains(name)) {
        names.push(name);
    }
}
