//! The shapes in which providers are asked, and answer. A new one is a file with a [`Shape`], and a line in [`SHAPES`].

mod anthropic;
mod gemini;
mod genai_crate;
mod ollama;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;

use std::fmt;

use super::exchange::{Operation, Request, Response};
use super::fold::Grown;
use crate::json::Node;
use crate::semconv::openinference::system;

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

/// All shapes that are read. The first that fits is taken, so what has marks of its own comes first.
pub(super) static SHAPES: &[&Shape] = &[
    &gemini::SHAPE,
    &genai_crate::CHAT,
    &genai_crate::EMBEDDINGS,
    &ollama::CHAT,
    &ollama::GENERATE,
    &anthropic::SHAPE,
    &openai_chat::SHAPE,
    &openai_completions::SHAPE,
    &openai_embeddings::SHAPE,
    &openai_responses::SHAPE,
];

/// The shape of embeddings that say nothing else of themselves.
pub(super) static EMBEDDINGS: &Shape = &openai_embeddings::SHAPE;

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shape").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// `llm.system` of a model, by the beginning of its name; OpenInference's values.
pub(crate) fn system(model: &str) -> Option<&'static str> {
    const SYSTEMS: &[(&str, &str)] = &[
        ("gpt", system::OPENAI),
        ("chatgpt", system::OPENAI),
        ("o1", system::OPENAI),
        ("o3", system::OPENAI),
        ("o4", system::OPENAI),
        ("text-embedding", system::OPENAI),
        ("claude", system::ANTHROPIC),
        ("mistral", system::MISTRALAI),
        ("command", system::COHERE),
        ("gemini", system::VERTEXAI),
    ];
    SYSTEMS.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, system)| *system)
}
