//! OpenAI's legacy completions, `POST /v1/completions`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::{answered, choices, has_choice_with, is_object};
use crate::json::Node;
use crate::llm::exchange::{Operation, Request, Response, texts};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Extend, Numbered, Object};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Completion,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    // The prompt of a Responses request is an object, which names a stored prompt.
    fits_request: |request| {
        let is_prompted = request.get("prompt").is_some_and(|prompt| !prompt.is_object());
        Fit::possible_if(is_prompted && request.has("model"))
    },
    marks: Marks { fields: &["best_of", "echo", "logit_bias", "logprobs", "max_tokens", "n"], ..Marks::NONE },
    is_response: is_completion,
    is_chunk: is_completion,
    request,
    response,
    fold: |grown, chunk| grown.root().merge(&CHUNK, Some(chunk)),
};

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("choices", "choices", Numbered(&CHOICE))]);
const CHOICE: Rule = Object(&[("text", "text", Append), ("logprobs", "logprobs", LOGPROBS)]);
const LOGPROBS: Rule = Object(&[
    ("tokens", "tokens", Extend),
    ("token_logprobs", "token_logprobs", Extend),
    ("top_logprobs", "top_logprobs", Extend),
    ("text_offset", "text_offset", Extend),
]);

fn is_completion(response: Node<'_>) -> bool {
    is_object(response, "text_completion") || has_choice_with(response, "text")
}

fn request(request: Node<'_>) -> Request<'_> {
    Request {
        model: request.filled("model"),
        // What follows the text to be inserted is prompted too.
        prompts: texts(request.get("prompt")).into_iter().chain(request.filled("suffix")).collect(),
        parameters: parameters::OPENAI_COMPLETIONS.of(request),
        ..Request::default()
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let completions = choices(response).filter_map(|(index, choice)| Some((index, choice.filled("text")?)));
    Response { completions: completions.collect(), ..answered(response) }
}
