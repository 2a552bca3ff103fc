//! The shapes of the providers' interfaces. A new one is a file with a [`Shape`], and a line in [`SHAPES`].

mod anthropic;
mod gemini;
mod genai_crate;
mod ollama;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod parts;
mod usage;

use super::shape::Shape;
use crate::semconv::openinference::system;

/// All shapes that are read, the most distinctive first: of an answer, the first that matches is taken. Of a request, the
/// one with the most marks is taken, and the last of those that have as many, which is the most usual.
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

/// The shape of embeddings that no other shape recognises.
pub(super) static EMBEDDINGS: &Shape = &openai_embeddings::SHAPE;

/// The `llm.system` of a model, by the beginning of its name, in OpenInference's values.
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
