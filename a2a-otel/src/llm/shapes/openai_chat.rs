//! OpenAI's chat completions, `POST /v1/chat/completions`, which most other providers offer as well.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, ToolCall, Usage, tools};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Content, Elements, Keep, Object};
use crate::llm::parameters;
use crate::llm::shape::Shape;
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    is_request: |request| request.get("messages").is_some_and(Node::is_list),
    is_response: |response| is_object(response, "chat.completion") || has_choice_with(response, "message"),
    is_chunk: |chunk| is_object(chunk, "chat.completion.chunk") || has_choice_with(chunk, "delta"),
    request,
    response,
    fold: |grown, chunk| grown.root().merge(&CHUNK, Some(chunk)),
};

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("choices", "choices", Elements(&CHOICE))]);
const CHOICE: Rule = Object(&[("delta", "message", DELTA)]);
const DELTA: Rule = Object(&[
    ("role", "role", Keep),
    ("content", "content", Content),
    ("refusal", "refusal", Append),
    ("reasoning_content", "reasoning_content", Append),
    ("reasoning", "reasoning", Append),
    ("function_call", "function_call", FUNCTION),
    ("tool_calls", "tool_calls", Elements(&TOOL_CALL)),
]);
const TOOL_CALL: Rule = Object(&[
    ("id", "id", Keep),
    ("type", "type", Keep),
    ("function", "function", FUNCTION),
    ("custom", "custom", CUSTOM),
]);
const FUNCTION: Rule = Object(&[("name", "name", Keep), ("arguments", "arguments", Append)]);
const CUSTOM: Rule = Object(&[("name", "name", Keep), ("input", "input", Append)]);

pub(super) fn is_object(response: Node<'_>, kind: &str) -> bool {
    response.filled("object").is_some_and(|object| object == kind)
}

pub(super) fn has_choice_with(response: Node<'_>, field: &str) -> bool {
    response.list("choices").next().is_some_and(|choice| choice.has(field))
}

fn request(request: Node<'_>) -> Request<'_> {
    Request {
        model: request.filled("model"),
        messages: request.list("messages").enumerate().map(|(index, node)| message(index, node)).collect(),
        tools: tools(request),
        parameters: parameters::OPENAI_CHAT.of(request),
        ..Request::default()
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let messages = choices(response).filter_map(|(index, node)| Some(message(index, node.get("message")?)));
    Response { messages: messages.collect(), ..answered(response) }
}

/// The choices of a response, by their numbers.
pub(super) fn choices(response: Node<'_>) -> impl Iterator<Item = (usize, Node<'_>)> {
    response.list("choices").enumerate().map(|(position, choice)| (number(choice, position), choice))
}

/// The fields of a response besides its choices, and the finish reason of the first choice.
pub(super) fn answered(response: Node<'_>) -> Response<'_> {
    let first = choices(response).find(|(index, _)| *index == 0);
    Response {
        model: response.filled("model"),
        finish_reason: first.and_then(|(_, choice)| choice.filled("finish_reason")),
        usage: used(response).map(usage).unwrap_or_default(),
        ..Response::default()
    }
}

/// The usage, where the providers have it: Groq's streams below a name of their own, Moonshot's in the choice.
///
/// Sources: the API references of Groq and Moonshot.
fn used(response: Node<'_>) -> Option<Node<'_>> {
    let groq = response.get("x_groq").into_iter();
    let mut holders = std::iter::once(response).chain(groq).chain(response.list("choices"));
    holders.find_map(|holder| holder.get("usage").filter(|usage| usage.is_object()))
}

/// The number of an item, or else its position.
pub(super) fn number(item: Node<'_>, position: usize) -> usize {
    item.count("index").and_then(|index| usize::try_from(index).ok()).unwrap_or(position)
}

pub(super) fn usage(usage: Node<'_>) -> Usage {
    let (prompt, completion) = (usage.get("prompt_tokens_details"), usage.get("completion_tokens_details"));
    let detail = |details: Option<Node<'_>>, name| details.and_then(|details| details.count(name));
    Usage {
        prompt: usage.count("prompt_tokens"),
        completion: usage.count("completion_tokens"),
        total: usage.count("total_tokens"),
        cache_read: detail(prompt, "cached_tokens").or_else(|| cache_hits(usage)),
        // The crate `genai` has another name for them.
        cache_write: detail(prompt, "cache_write_tokens").or_else(|| detail(prompt, "cache_creation_tokens")),
        prompt_audio: detail(prompt, "audio_tokens"),
        completion_audio: detail(completion, "audio_tokens"),
        reasoning: detail(completion, "reasoning_tokens"),
    }
}

/// What was read from the cache, under the names of providers that do not use OpenAI's: DeepSeek's, and Moonshot's and
/// Together's.
///
/// Sources: their API references.
fn cache_hits(usage: Node<'_>) -> Option<i64> {
    ["prompt_cache_hit_tokens", "cached_tokens"].iter().find_map(|name| usage.count(name))
}

/// Reads a message in one pass, because a conversation has many.
fn message(index: usize, node: Node<'_>) -> Message<'_> {
    let mut message = Message { index, ..Message::default() };
    for (name, value) in node.entries() {
        match name {
            "role" => message.role = value.text().unwrap_or_default(),
            "content" => {
                message.content = value.text();
                message.parts.splice(0..0, value.items().map(part));
            }
            // OpenAI does not have these; DeepSeek, Qwen and vLLM add them.
            "reasoning_content" | "reasoning" => push_filled(&mut message, Part::reasoning, value),
            "refusal" => push_filled(&mut message, Part::text, value),
            "name" => message.name = value.text(),
            "tool_call_id" => message.tool_call_id = value.text(),
            "tool_calls" => message.tool_calls = value.items().map(tool_call).collect(),
            "function_call" if value.is_object() => message.function_call = Some(Box::new(function(value))),
            _ => {}
        }
    }
    message
}

/// Adds a text as a separate part, after the parts of the content.
fn push_filled<'a>(message: &mut Message<'a>, part: fn(Option<Text<'a>>) -> Part<'a>, value: Node<'a>) {
    if let Some(text) = value.text().filter(|text| !text.is_empty()) {
        message.parts.push(part(Some(text)));
    }
}

fn part(part: Node<'_>) -> Part<'_> {
    match part.filled("type").as_deref() {
        Some("text") => Part::text(part.filled("text")),
        // Mistral's thoughts are a list of texts.
        Some("thinking") => Part::reasoning(part.get("thinking").and_then(joined_text)),
        Some("refusal") => Part::text(part.filled("refusal")),
        Some("image_url") => Part::image(part.get("image_url").and_then(url)),
        Some("input_audio") => part.get("input_audio").map(audio).unwrap_or_default(),
        _ => Part::default(),
    }
}

/// The text of a value that is a text, or a list of parts with texts.
fn joined_text(value: Node<'_>) -> Option<Text<'_>> {
    let texts = || value.items().filter_map(|part| part.filled("text"));
    value.text().or_else(|| texts().next().is_some().then(|| texts().collect::<Vec<_>>().concat().into()))
}

fn url(image: Node<'_>) -> Option<Text<'_>> {
    if image.is_text() { image.text() } else { image.filled("url") }
}

fn audio(audio: Node<'_>) -> Part<'_> {
    let mime_type = format!("audio/{}", audio.filled("format").unwrap_or("wav".into()));
    let data = audio.filled("data").unwrap_or_default();
    Part::audio(format!("data:{mime_type};base64,{data}").into(), mime_type.into())
}

fn tool_call(call: Node<'_>) -> ToolCall<'_> {
    // A tool without a schema takes a text, and has a separate field.
    let function = call.any(&["function", "custom"]).map(function).unwrap_or_default();
    ToolCall { id: call.get("id").and_then(Node::text), ..function }
}

pub(super) fn function(function: Node<'_>) -> ToolCall<'_> {
    let arguments = function.any(&["arguments", "input"]).map(Node::text_or_json);
    ToolCall {
        name: function.filled("name"),
        arguments: arguments.filter(|arguments| !arguments.is_empty()),
        ..ToolCall::default()
    }
}
