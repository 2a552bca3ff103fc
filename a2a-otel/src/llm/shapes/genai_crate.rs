//! The chats and embeddings of the crate `genai`, which has one shape for many providers.
//!
//! Source: the crate's documentation, 0.7. A variant of an enum is an object with one field, named after the variant.

use super::openai_chat::number;
use super::openai_embeddings::vector;
use super::usage;
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, ToolCall, texts, tools};
use crate::llm::fold::Rule::{Append, Object, Replace};
use crate::llm::fold::{Grown, Rule};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};

pub(super) static CHAT: Shape = Shape {
    operation: Operation::Chat,
    system: None,
    provider: None,
    names_both_models: false,
    fits_request: |request| Fit::certain_if(request.list("messages").next().is_some_and(is_message)),
    marks: Marks::NONE,
    is_response: |response| response.has("model_iden") && response.get("content").is_some_and(Node::is_list),
    is_chunk: |event| EVENTS.iter().any(|(name, field)| event.get(name).is_some_and(|of| of.has(field))),
    request,
    response,
    fold,
};

pub(super) static EMBEDDINGS: Shape = Shape {
    operation: Operation::Embedding,
    system: None,
    provider: None,
    names_both_models: false,
    fits_request: |request| Fit::certain_if(input(request).is_some()),
    marks: Marks::NONE,
    is_response: |response| response.has("model_iden") && response.has("embeddings"),
    is_chunk: |_| false,
    request: texts_to_embed,
    response: embeddings,
    fold: |_, _| {},
};

/// The events of a stream, each with a field that distinguishes it from other libraries' events of the same name.
const EVENTS: &[(&str, &str)] = &[
    ("Chunk", "content"),
    ("ReasoningChunk", "content"),
    ("ThoughtSignatureChunk", "content"),
    ("ToolCallChunk", "tool_call"),
    ("End", "captured_content"),
    ("End", "captured_usage"),
];

fn is_message(message: Node<'_>) -> bool {
    role(message).is_some() && message.get("content").is_some_and(Node::is_list)
}

fn role(message: Node<'_>) -> Option<&'static str> {
    const ROLES: &[(&str, &str)] =
        &[("System", "system"), ("User", "user"), ("Assistant", "assistant"), ("Tool", "tool")];
    let role = message.filled("role")?;
    ROLES.iter().find(|(variant, _)| *variant == role).map(|(_, role)| *role)
}

fn request(request: Node<'_>) -> Request<'_> {
    let system = request.filled("system").map(|text| Message::of_text(0, "system", Some(text)));
    let mut messages: Vec<_> = system.into_iter().collect();
    for message in request.list("messages") {
        push_message(&mut messages, message);
    }
    Request {
        messages,
        tools: tools(request),
        parameters: parameters::GENAI_CRATE.of(request),
        ..Request::default()
    }
}

/// Adds a message, or one for each result of a tool in it.
fn push_message<'a>(messages: &mut Vec<Message<'a>>, message: Node<'a>) {
    let role = role(message).unwrap_or_default();
    let results = message.list("content").filter_map(|part| part.get("ToolResponse"));
    let results = results.map(|result| (result.filled("call_id"), result.filled("content")));
    let before = messages.len();
    for (tool_call_id, content) in results {
        let message = Message::of_text(messages.len(), role, content);
        messages.push(Message { tool_call_id, ..message });
    }
    if messages.len() == before {
        messages.push(of_parts(before, role, message.list("content").collect()));
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    // The end of a stream has what the client captured, which may repeat the chunks.
    let captured = || response.list("captured_content");
    let is_captured =
        |part: &Node<'_>| variant(*part).is_some_and(|(name, _)| captured().any(|part| part.has(name)));
    let pieces = response.list("content").filter(|part| !is_captured(part));
    let mut message = of_parts(0, "assistant", pieces.chain(captured()).collect());
    let thoughts = response.filled("reasoning_content");
    message.parts.extend(thoughts.map(|text| Part::reasoning(Some(text))));
    if message.tool_calls.is_empty() {
        let calls = response.get(CALLS).into_iter().flat_map(Node::entries);
        message.tool_calls.extend(calls.map(|(_, call)| tool_call(call)));
    }
    Response {
        model: model(response),
        messages: vec![message],
        finish_reason: response.get("stop_reason").and_then(variant).and_then(|(_, reason)| reason.text()),
        usage: usage::of_answer(response),
        ..Response::default()
    }
}

fn input(request: Node<'_>) -> Option<Node<'_>> {
    request.get("input")?.any(&["Single", "Batch"])
}

fn texts_to_embed(request: Node<'_>) -> Request<'_> {
    let parameters = parameters::EMBEDDINGS.of(request);
    Request { texts: texts(input(request)), parameters, ..Request::default() }
}

fn embeddings(response: Node<'_>) -> Response<'_> {
    let items = response.list("embeddings").enumerate();
    let vectors = items.filter_map(|(place, item)| Some((number(item, place), vector(item.get("vector")?)?)));
    Response {
        model: model(response),
        vectors: vectors.collect(),
        usage: usage::of_answer(response),
        ..Response::default()
    }
}

/// The model as the provider names it.
fn model(response: Node<'_>) -> Option<Text<'_>> {
    let model = response.any(&["provider_model_iden", "model_iden"])?.get("model_name")?;
    model.text().or_else(|| variant(model)?.1.text())
}

fn variant(node: Node<'_>) -> Option<(&str, Node<'_>)> {
    node.entries().next()
}

fn of_parts<'a>(index: usize, role: &'a str, parts: Vec<Node<'a>>) -> Message<'a> {
    let mut message = Message { index, role: role.into(), ..Message::default() };
    let is_single = parts.iter().filter(|part| part.has("Text") || part.has("Binary")).count() == 1;
    for (name, value) in parts.into_iter().filter_map(variant) {
        match name {
            "Text" if is_single => message.content = value.text(),
            "ToolCall" => message.tool_calls.push(tool_call(value)),
            _ => message.parts.push(part(name, value)),
        }
    }
    message
}

fn part<'a>(name: &'a str, value: Node<'a>) -> Part<'a> {
    let other = || Part::other(name, value.text_or_json());
    match name {
        "Text" => Part::text(value.text()),
        "ReasoningContent" => Part::reasoning(value.text()),
        "ThoughtSignature" => Part { signature: value.text(), ..Part::reasoning(None) },
        "Binary" => file(value).unwrap_or_else(other),
        _ => other(),
    }
}

fn file(file: Node<'_>) -> Option<Part<'_>> {
    let mime_type = file.filled("content_type")?;
    let url = match variant(file.get("source")?)? {
        ("Base64", data) => format!("data:{mime_type};base64,{}", data.text()?).into(),
        (_, url) => url.text()?,
    };
    Some(Part { name: file.filled("name"), ..Part::file(mime_type, url) })
}

fn tool_call(call: Node<'_>) -> ToolCall<'_> {
    ToolCall {
        id: call.filled("call_id"),
        name: call.filled("fn_name"),
        arguments: call.get("fn_arguments").map(Node::text_or_json),
        signature: call.list("thought_signatures").next().and_then(Node::text),
    }
}

/// The fields of a stream's end, and their names in a response.
const END: Rule = Object(&[
    ("captured_usage", "usage", Replace),
    ("captured_stop_reason", "stop_reason", Replace),
    ("captured_reasoning_content", "reasoning_content", Replace),
]);

/// The calls of tools in a stream, by id. Its end may repeat them.
const CALLS: &str = "tool_calls";

fn fold(grown: &mut Grown, event: Node<'_>) {
    let Some((name, value)) = variant(event) else { return };
    let text = value.get("content");
    let message = grown.root();
    match name {
        "Chunk" => message.field("content").item(0).field("Text").merge(&Append, text),
        // Before the text, where the client puts what it captures.
        "ThoughtSignatureChunk" => {
            message.field("content").begin(-1).field("ThoughtSignature").merge(&Append, text);
        }
        "ReasoningChunk" => message.field("reasoning_content").merge(&Append, text),
        // Each event repeats the whole call so far, so the newest replaces the others.
        "ToolCallChunk" => {
            let call = value.get("tool_call");
            if let Some(id) = call.and_then(|call| call.get("call_id")?.escaped()) {
                message.field(CALLS).field(id).merge(&Replace, call);
            }
        }
        "End" => message.merge(&END, Some(value)),
        _ => {}
    }
}
