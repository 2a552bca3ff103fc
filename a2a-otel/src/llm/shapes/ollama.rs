//! Ollama's own API, `POST /api/chat` and `POST /api/generate`.
//!
//! Source: Ollama's API documentation. What is recorded follows OpenInference's instrumentation of the `ollama`
//! package.

use super::openai_chat::function;
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, ToolCall, Usage, texts, tools};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Extend, Object};
use crate::llm::parameters;
use crate::llm::shape::Shape;
use crate::semconv::openinference::system;

pub(super) static CHAT: Shape = Shape {
    operation: Operation::Chat,
    system: None,
    provider: Some(system::OLLAMA),
    names_both_models: false,
    is_request: |request| request.get("messages").is_some() && is_own(request),
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
    is_request: |request| request.get("prompt").is_some() && is_own(request),
    is_response: |response| response.has("done") && response.has("response"),
    is_chunk: |chunk| chunk.has("done") && chunk.has("response"),
    request: generate_request,
    response: generate_response,
    fold: |grown, chunk| grown.root().merge(&GENERATE_CHUNK, Some(chunk)),
};

/// How chunks join into a response.
const CHAT_CHUNK: Rule = Object(&[("message", "message", MESSAGE)]);
const MESSAGE: Rule = Object(&[
    ("content", "content", Append),
    ("thinking", "thinking", Append),
    ("tool_calls", "tool_calls", Extend),
]);
const GENERATE_CHUNK: Rule = Object(&[("response", "response", Append), ("thinking", "thinking", Append)]);

/// Parameters that OpenAI does not have.
fn is_own(request: Node<'_>) -> bool {
    ["options", "keep_alive", "think", "template", "raw"].iter().any(|name| request.has(name))
}

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
    Request {
        model: request.filled("model"),
        prompts: texts(request.get("prompt")),
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
    Response { completions: text.into_iter().collect(), ..finished(response) }
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

fn message(index: usize, message: Node<'_>) -> Message<'_> {
    let thoughts = message.filled("thinking").map(|text| Part::reasoning(Some(text)));
    let images = message.list("images").filter_map(|image| image.text().or(image.filled("image")));
    // The request does not say which type an image has. Browsers detect it.
    let images = images.map(|image| Part::image(Some(format!("data:image/png;base64,{image}").into())));
    Message {
        index,
        role: message.filled("role").unwrap_or_default(),
        content: message.filled("content"),
        parts: thoughts.into_iter().chain(images).collect(),
        name: message.filled("tool_name"),
        tool_call_id: message.filled("tool_call_id"),
        tool_calls: message.list("tool_calls").filter_map(tool_call).collect(),
        ..Message::default()
    }
}

fn tool_call(call: Node<'_>) -> Option<ToolCall<'_>> {
    let called = call.get("function").map(function)?;
    Some(ToolCall { id: call.filled("id"), ..called })
}
