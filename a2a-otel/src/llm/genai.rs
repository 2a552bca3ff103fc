//! The types of the crate `genai`, which speaks to many providers and serialises in a way of its own.
//!
//! Source: `genai` 0.7.

use super::Shape;
use super::fold::Rule::{Object, Replace};
use super::fold::{Grown, Rule};
use super::openai_chat::usage;
use super::record::{Message, Operation, Part, Request, Response, ToolCall, parameters, tools};
use crate::json::Node;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: None,
    provider: None,
    names_both_models: false,
    is_request: |request| request.list("messages").next().is_some_and(|message| role(message).is_some()),
    is_response: |response| response.has("model_iden"),
    is_chunk: |event| event.entries().next().is_some_and(|(name, _)| EVENTS.contains(&name)),
    request,
    response,
    fold,
};

const EVENTS: &[&str] = &["Chunk", "ReasoningChunk", "ToolCallChunk", "End"];

/// Roles are the names of variants.
fn role(message: Node<'_>) -> Option<&'static str> {
    const ROLES: [(&str, &str); 4] =
        [("System", "system"), ("User", "user"), ("Assistant", "assistant"), ("Tool", "tool")];
    let variant = message.filled("role")?;
    ROLES.iter().find(|(name, _)| *name == variant).map(|(_, role)| *role)
}

fn request(request: Node<'_>) -> Request<'_> {
    let system = request.filled("system").map(|text| Message::of_text(0, "system", Some(text)));
    let mut messages: Vec<_> = system.into_iter().collect();
    for node in request.list("messages") {
        let index = messages.len();
        messages.push(message(index, role(node).unwrap_or_default(), node.get("content")));
    }
    Request {
        messages,
        tools: tools(request),
        parameters: parameters(request, &["system", "messages", "tools"]),
        ..Request::default()
    }
}

/// The model as the provider names it, or else as it was asked for.
fn response(response: Node<'_>) -> Response<'_> {
    let model = |name| response.get(name)?.filled("model_name");
    let mut message = message(0, "assistant", response.get("content"));
    message.parts.extend(response.filled("reasoning_content").map(|text| Part::reasoning(Some(text))));
    if message.tool_calls.is_empty() {
        let calls = response.get(CALLS).into_iter().flat_map(Node::entries);
        message.tool_calls.extend(calls.map(|(_, call)| tool_call(call)));
    }
    let reason = response.get("stop_reason").and_then(|reason| reason.entries().next()?.1.text());
    Response {
        model: model("provider_model_iden").or_else(|| model("model_iden")),
        messages: vec![message],
        finish_reason: reason,
        usage: response.get("usage").map(usage).unwrap_or_default(),
        ..Response::default()
    }
}

/// A content is a text, or a list of parts, each an object of its variant's name and its value.
fn message<'a>(index: usize, role: &'static str, content: Option<Node<'a>>) -> Message<'a> {
    let mut message = Message::of_text(index, role, content.and_then(Node::text));
    let parts = || content.into_iter().flat_map(Node::items).filter_map(|part| part.entries().next());
    let is_single = parts().count() == 1;
    for (variant, value) in parts() {
        match variant {
            "Text" if is_single => message.content = value.text(),
            "Text" => message.parts.push(Part::text(value.text())),
            "ReasoningContent" => message.parts.push(Part::reasoning(value.text())),
            "ToolCall" => message.tool_calls.push(tool_call(value)),
            "ToolResponse" => {
                message.tool_call_id = value.filled("call_id");
                message.content = value.get("content").map(Node::text_or_json);
            }
            "Binary" => message.parts.extend(file(value)),
            _ => {}
        }
    }
    message
}

fn tool_call(call: Node<'_>) -> ToolCall<'_> {
    ToolCall {
        id: call.filled("call_id"),
        name: call.filled("fn_name"),
        arguments: call.get("fn_arguments").map(Node::text_or_json),
        signature: call.list("thought_signatures").next().and_then(Node::text),
    }
}

fn file(file: Node<'_>) -> Option<Part<'_>> {
    let (mime_type, source) = (file.filled("content_type")?, file.get("source")?);
    let url = match source.filled("Base64") {
        Some(data) => format!("data:{mime_type};base64,{data}").into(),
        None => source.filled("Url")?,
    };
    match mime_type.split('/').next() {
        Some("image") => Some(Part::image(Some(url))),
        Some("audio") => Some(Part::audio(url, mime_type)),
        _ => None,
    }
}

/// What the end of a stream tells, which is only what the user asked it to keep.
const END: Rule = Object(&[
    ("captured_usage", "usage", Replace),
    ("captured_stop_reason", "stop_reason", Replace),
    ("captured_content", "content", Replace),
    ("captured_reasoning_content", "reasoning_content", Replace),
]);

/// The calls of tools by their ids, as long as a stream goes on. Its end may tell them once more.
const CALLS: &str = "tool_calls";

fn fold(grown: &mut Grown, event: Node<'_>) {
    let text = |name| event.get(name)?.filled("content");
    grown.root().field("reasoning_content").append(text("ReasoningChunk"));
    if let Some(chunk) = text("Chunk") {
        grown.root().field("content").item(0).field("Text").append(Some(chunk));
    }
    let call = event.get("ToolCallChunk").and_then(|chunk| chunk.get("tool_call"));
    // A call comes again with each of its pieces, and the newest is all that there is of it.
    if let Some((call, id)) = call.and_then(|call| Some((call, call.get("call_id")?.escaped()?))) {
        grown.root().field(CALLS).field(id).merge(&Replace, Some(call));
    }
    grown.root().merge(&END, event.get("End"));
}
