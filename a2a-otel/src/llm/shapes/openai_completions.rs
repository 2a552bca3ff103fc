//! OpenAI's legacy completions, `POST /v1/completions`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::{answered, choices, has_choice_with, is_object};
use crate::json::Node;
use crate::llm::exchange::{Operation, Request, Response, texts};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Elements, Object};
use crate::llm::parameters;
use crate::llm::shape::Shape;
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Completion,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    // The prompt of a Responses request is an object, which names a stored prompt.
    is_request: |request| {
        request.get("prompt").is_some_and(|prompt| !prompt.is_object()) && request.has("model")
    },
    is_response: is_completion,
    is_chunk: is_completion,
    request,
    response,
    fold: |grown, chunk| grown.root().merge(&CHUNK, Some(chunk)),
};

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("choices", "choices", Elements(&Object(&[("text", "text", Append)])))]);

fn is_completion(response: Node<'_>) -> bool {
    is_object(response, "text_completion") || has_choice_with(response, "text")
}

fn request(request: Node<'_>) -> Request<'_> {
    Request {
        model: request.filled("model"),
        prompts: texts(request.get("prompt")),
        parameters: parameters::OPENAI_COMPLETIONS.of(request),
        ..Request::default()
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let completions = choices(response).filter_map(|(index, choice)| Some((index, choice.filled("text")?)));
    Response { completions: completions.collect(), ..answered(response) }
}
