//! OpenAI's chat completions, `POST /v1/chat/completions`, which most other providers offer as well.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::parts::{audio, document, image, push_thought, push_unknown_field, unknown, url};
use super::usage;
use crate::json::Node;
use crate::llm::exchange::{Kind, Message, Operation, Part, Request, Response, Text, ToolCall, tools};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, AppendOr, Elements, Extend, Keep, Numbered, Object, Unless};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    fits_request: |request| Fit::possible_if(request.get("messages").is_some_and(Node::is_list)),
    marks: MARKS,
    is_response: |response| is_object(response, "chat.completion") || has_choice_with(response, "message"),
    is_chunk: |chunk| is_object(chunk, "chat.completion.chunk") || has_choice_with(chunk, "delta"),
    request,
    response,
    fold: |grown, chunk| grown.root().merge(&CHUNK, Some(chunk)),
};

const MARKS: Marks = Marks {
    fields: &[
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "store",
        "stream_options",
        "top_logprobs",
        "user",
        "verbosity",
    ],
    tool_fields: &["function"],
    message_fields: &["audio", "function_call", "reasoning_content", "refusal", "tool_call_id", "tool_calls"],
    roles: &["system", "developer", "tool", "function"],
    part_types: &["file", "image_url", "input_audio", "refusal", "video_url"],
    ..Marks::NONE
};

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("choices", "choices", Numbered(&CHOICE))]);
/// Perplexity's chunks have the message so far beside the delta.
const CHOICE: Rule =
    Object(&[("delta", "message", Unless("message", &DELTA)), ("logprobs", "logprobs", LOGPROBS)]);
const LOGPROBS: Rule = Object(&[("content", "content", Extend), ("refusal", "refusal", Extend)]);
const DELTA: Rule = Object(&[
    ("role", "role", Keep),
    ("content", "content", Append),
    ("refusal", "refusal", Append),
    ("reasoning_content", "reasoning_content", Append),
    ("reasoning", "reasoning", Append),
    ("reasoning_details", "reasoning_details", Elements(&REASONING)),
    ("thinking", "thinking", Append),
    // Cohere's plan for the calls of tools.
    ("tool_plan", "tool_plan", Append),
    ("audio", "audio", AUDIO),
    ("annotations", "annotations", Extend),
    ("images", "images", Extend),
    ("function_call", "function_call", FUNCTION),
    ("tool_calls", "tool_calls", Elements(&TOOL_CALL)),
]);
const TOOL_CALL: Rule = Object(&[
    ("id", "id", Keep),
    ("type", "type", Keep),
    ("function", "function", FUNCTION),
    ("custom", "custom", CUSTOM),
]);
const FUNCTION: Rule = Object(&[("name", "name", Keep), ("arguments", "arguments", AppendOr("{}"))]);
const AUDIO: Rule =
    Object(&[("id", "id", Keep), ("data", "data", Append), ("transcript", "transcript", Append)]);
/// OpenRouter's. Details of two types may have one number.
///
/// Source: OpenRouter's documentation of reasoning tokens.
const REASONING: Rule = Object(&[
    ("id", "id", Keep),
    ("type", "type", Keep),
    ("text", "text", Append),
    ("summary", "summary", Append),
    ("data", "data", Append),
    ("signature", "signature", Keep),
]);
const CUSTOM: Rule = Object(&[("name", "name", Keep), ("input", "input", AppendOr(""))]);

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
    let mut messages: Vec<_> = messages.collect();
    if let Some(first) = messages.first_mut() {
        for name in FOUND {
            response.get(name).into_iter().for_each(|found| push_unknown_field(first, name, found));
        }
    }
    Response { messages, ..answered(response) }
}

/// What a provider's own search found for an answer, which is outside of its message.
///
/// Source: Perplexity's API reference. xAI has the citations there too.
const FOUND: &[&str] = &["citations", "search_results", "related_questions"];

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
        usage: usage::of_answer(response),
        ..Response::default()
    }
}

/// The number of an item, or else its position.
pub(super) fn number(item: Node<'_>, position: usize) -> usize {
    item.count("index").and_then(|index| usize::try_from(index).ok()).unwrap_or(position)
}

/// Reads a message in one pass, because a conversation has many.
pub(super) fn message(index: usize, node: Node<'_>) -> Message<'_> {
    let mut message = Message { index, ..Message::default() };
    // A stream has the fields in another order than a whole answer, so the order of the parts is fixed.
    let (mut has_thoughts, mut others) = (false, Vec::new());
    for (name, value) in node.entries() {
        match name {
            "role" => message.role = value.text().unwrap_or_default(),
            "content" if value.is_text() => message.content = value.text(),
            "content" if value.is_list() => message.parts = value.items().map(part).collect(),
            "content" if value.is_object() => message.parts = vec![part(value)],
            "name" | "tool_name" if value.is_text() => message.name = value.text(),
            "tool_call_id" => message.tool_call_id = value.text(),
            "tool_calls" if value.is_list() => message.tool_calls = value.items().map(tool_call).collect(),
            "function_call" if value.is_object() => message.function_call = Some(Box::new(function(value))),
            _ if THOUGHTS.contains(&name) => has_thoughts = true,
            _ => others.push((name, value)),
        }
    }
    if has_thoughts {
        push_thoughts(&mut message, node);
    }
    let place = |name: &str| MORE.iter().position(|known| *known == name).unwrap_or(MORE.len());
    others.sort_unstable_by_key(|(name, _)| (place(name), *name));
    for (name, value) in others {
        push_more(&mut message, name, value);
    }
    message
}

/// The fields that are parts of a message beside its content and thoughts, in the order of the parts.
const MORE: &[&str] = &["refusal", "images", "audio"];

fn push_more<'a>(message: &mut Message<'a>, name: &'a str, value: Node<'a>) {
    match name {
        "refusal" if value.is_text() => {
            let text = value.text().filter(|text| !text.is_empty());
            message.parts.extend(text.map(|text| Part::text(Some(text))));
        }
        "images" if value.is_list() => message.parts.extend(value.items().map(image)),
        "audio" if value.is_object() => message.parts.extend(audio(value)),
        _ => push_unknown_field(message, name, value),
    }
}

/// The fields that hold thoughts, which OpenAI does not have.
///
/// Sources: the API references of DeepSeek, Qwen and xAI (`reasoning_content`), vLLM, Groq and OpenRouter (`reasoning`,
/// `reasoning_details`), Ollama (`thinking`), and LiteLLM (`thinking_blocks`).
const THOUGHTS: &[&str] =
    &["reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks"];

/// Adds the thoughts. The detailed ones come first, because the plain text repeats them.
fn push_thoughts<'a>(message: &mut Message<'a>, node: Node<'a>) {
    let thoughts = || THOUGHTS.iter().filter_map(|name| Some((*name, node.get(name)?)));
    for (name, value) in thoughts() {
        if value.is_list() {
            message.parts.extend(value.items().map(detailed_thought));
        } else if !value.is_text() {
            push_unknown_field(message, name, value);
        }
    }
    thoughts().filter_map(|(_, value)| value.text()).for_each(|text| push_thought(message, text));
}

fn detailed_thought(detail: Node<'_>) -> Part<'_> {
    let text = detail.any(&["text", "summary", "thinking"]).and_then(Node::text);
    let (data, signature) = (detail.filled("data"), detail.filled("signature"));
    if text.is_none() && data.is_none() && signature.is_none() {
        return unknown(detail);
    }
    Part { signature, data, ..Part::reasoning(text) }
}

fn part(part: Node<'_>) -> Part<'_> {
    let kind = part.filled("type");
    let known = match kind.as_deref() {
        Some("text") => part.get("text").map(|text| Part::text(text.text())),
        // Mistral's thoughts are a list of texts.
        Some("thinking") => {
            part.get("thinking").and_then(joined_text).map(|text| Part::reasoning(Some(text)))
        }
        Some("refusal") => part.get("refusal").map(|text| Part::text(text.text())),
        Some("image_url") => Some(image(part)),
        Some("video_url") => part.get("video_url").and_then(url).map(|url| Part {
            kind: Kind::Video,
            url: Some(url),
            ..Part::default()
        }),
        Some("input_audio") => part.get("input_audio").and_then(audio),
        Some("file") => part.get("file").and_then(document),
        Some("document_url") => document(part),
        _ => None,
    };
    known.unwrap_or_else(|| unknown(part))
}

/// The text of a value that is a text, or a list of parts with texts and nothing else.
fn joined_text(value: Node<'_>) -> Option<Text<'_>> {
    let texts = || value.items().map(|part| part.get("text")?.text()).collect::<Option<Vec<_>>>();
    value.text().or_else(|| texts().map(|texts| texts.concat().into()))
}

fn tool_call(call: Node<'_>) -> ToolCall<'_> {
    // A tool without a schema takes a text, and has a separate field. The provider's own tools have neither.
    let called = call.any(&["function", "custom"]).map_or_else(|| provider_call(call), function);
    ToolCall { id: call.get("id").and_then(Node::text), signature: signature(call), ..called }
}

fn provider_call(call: Node<'_>) -> ToolCall<'_> {
    let ToolCall { name, arguments, .. } = function(call);
    ToolCall {
        name: name.or_else(|| call.filled("type")),
        arguments: arguments.or_else(|| Some(call.raw().into())),
        ..ToolCall::default()
    }
}

/// The signature of the thoughts that led to a call, as Google's and LiteLLM's compatible interfaces have it.
fn signature(call: Node<'_>) -> Option<Text<'_>> {
    let google = call.get("extra_content").and_then(|extra| extra.get("google"));
    google.or_else(|| call.get("provider_specific_fields"))?.filled("thought_signature")
}

pub(super) fn function(function: Node<'_>) -> ToolCall<'_> {
    let arguments = function.any(&["arguments", "input"]).map(Node::text_or_json);
    ToolCall {
        name: function.filled("name"),
        arguments: arguments.filter(|arguments| !arguments.is_empty()),
        ..ToolCall::default()
    }
}
