//! Ollama's own API, `POST /api/chat` and `POST /api/generate`.
//!
//! Source: Ollama's API documentation. What is recorded follows OpenInference's instrumentation of the `ollama`
//! package.

use super::openai_chat::message;
use super::parts::image;
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, Usage, texts, tools};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Elements, Keep, Object};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static CHAT: Shape = Shape {
    operation: Operation::Chat,
    system: None,
    provider: Some(system::OLLAMA),
    names_both_models: false,
    fits_request: |request| Fit::possible_if(request.get("messages").is_some_and(Node::is_list)),
    marks: Marks {
        fields: OWN_PARAMETERS,
        tool_fields: &["function"],
        message_fields: &["images", "thinking", "tool_call_id", "tool_calls", "tool_name"],
        roles: &["system", "tool"],
        ..Marks::NONE
    },
    is_response: |response| response.has("done") && response.has("message"),
    is_chunk: |chunk| chunk.has("done") && chunk.has("message"),
    request: chat_request,
    response: chat_response,
    fold: |grown, chunk| grown.root().merge(&CHAT_CHUNK, Some(chunk)),
};

pub(super) static GENERATE: Shape = Shape {
    operation: Operation::Completion,
    system: None,
    provider: Some(system::OLLAMA),
    names_both_models: false,
    fits_request: |request| {
        Fit::possible_if(request.get("prompt").is_some_and(Node::is_text) && request.has("model"))
    },
    marks: Marks { fields: OWN_PARAMETERS, ..Marks::NONE },
    is_response: |response| response.has("done") && response.has("response"),
    is_chunk: |chunk| chunk.has("done") && chunk.has("response"),
    request: generate_request,
    response: generate_response,
    fold: |grown, chunk| grown.root().merge(&GENERATE_CHUNK, Some(chunk)),
};

/// How chunks join into a response.
const CHAT_CHUNK: Rule = Object(&[("message", "message", MESSAGE)]);
const MESSAGE: Rule = Object(&[
    ("role", "role", Keep),
    ("content", "content", Append),
    ("thinking", "thinking", Append),
    // Each call comes as a whole.
    ("tool_calls", "tool_calls", Elements(&Object(&[("function", "function", FUNCTION)]))),
]);
const FUNCTION: Rule = Object(&[("name", "name", Keep), ("arguments", "arguments", Rule::Replace)]);
const GENERATE_CHUNK: Rule = Object(&[("response", "response", Append), ("thinking", "thinking", Append)]);

/// Parameters that OpenAI does not have.
const OWN_PARAMETERS: &[&str] =
    &["context", "format", "images", "keep_alive", "options", "raw", "system", "template", "think"];

fn chat_request(request: Node<'_>) -> Request<'_> {
    Request {
        model: request.filled("model"),
        messages: request.list("messages").enumerate().map(|(index, node)| message(index, node)).collect(),
        tools: tools(request),
        parameters: parameters::OLLAMA.of(request),
        ..Request::default()
    }
}

fn generate_request(request: Node<'_>) -> Request<'_> {
    let mut instructions = Message::of_text(0, "system", request.filled("system"));
    let template = request.filled("template").map(|text| Part::other("template", text));
    instructions.parts.extend(template);
    let images =
        Message { parts: request.list("images").map(image).collect(), ..Message::of_text(0, "user", None) };
    let messages = [instructions, images].into_iter();
    let messages = messages.filter(|message| message.content.is_some() || !message.parts.is_empty());
    let messages = messages.enumerate().map(|(index, message)| Message { index, ..message });
    Request {
        model: request.filled("model"),
        messages: messages.collect(),
        // What follows the text to be inserted is prompted too.
        prompts: texts(request.get("prompt")).into_iter().chain(request.filled("suffix")).collect(),
        parameters: parameters::OLLAMA.of(request),
        ..Request::default()
    }
}

fn chat_response(response: Node<'_>) -> Response<'_> {
    let message = response.get("message").map(|node| message(0, node));
    Response { messages: message.into_iter().collect(), ..finished(response) }
}

fn generate_response(response: Node<'_>) -> Response<'_> {
    let text = response.filled("response").map(|text| (0, text));
    Response {
        completions: text.into_iter().collect(),
        messages: response.filled("thinking").map(thoughts).into_iter().collect(),
        ..finished(response)
    }
}

/// Completions have no thoughts of their own, so they are a message.
fn thoughts(text: Text<'_>) -> Message<'_> {
    Message { parts: vec![Part::reasoning(Some(text))], ..Message::of_text(0, "assistant", None) }
}

/// The end of both kinds of response. `ollama-rs` has it in a separate object.
fn finished(response: Node<'_>) -> Response<'_> {
    let end = response.get("final_data").unwrap_or(response);
    let (prompt, completion) = (end.count("prompt_eval_count"), end.count("eval_count"));
    let total = prompt.zip(completion).map(|(prompt, completion)| prompt.saturating_add(completion));
    Response {
        model: response.filled("model"),
        finish_reason: response.filled("done_reason"),
        usage: Usage { prompt, completion, total, ..Usage::default() },
        ..Response::default()
    }
}
