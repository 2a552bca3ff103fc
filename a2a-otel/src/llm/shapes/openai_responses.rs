//! OpenAI's responses, `POST /v1/responses`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::is_object;
use crate::json::Node;
use crate::llm::exchange::{Kind, Message, Operation, Part, Request, Response, Text, ToolCall, Usage, tools};
use crate::llm::fold::Rule::{Append, Elements, Object};
use crate::llm::fold::{Grown, Rule, Slot};
use crate::llm::parameters;
use crate::llm::shape::Shape;
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    is_request: |request| request.get("input").is_some() && request.has("model"),
    is_response: |response| response.get("output").is_some_and(Node::is_list) && is_answer(response),
    is_chunk: |event| event.filled("type").is_some_and(|kind| kind.starts_with("response.")),
    request,
    response,
    fold,
};

fn is_answer(response: Node<'_>) -> bool {
    is_object(response, "response") || response.has("output_text") || response.has("usage")
}

/// The number of the first message of the input. The number before it is reserved for the instructions, even if there
/// are none, as in OpenInference's own instrumentation. Phoenix closes the gap.
const FIRST_INPUT: usize = 1;

fn request(request: Node<'_>) -> Request<'_> {
    let instructions = request.filled("instructions").map(|text| Message::of_text(0, "system", Some(text)));
    let text = request.get("input").and_then(Node::text);
    let text = text.map(|text| Message::of_text(FIRST_INPUT, "user", Some(text)));
    let items = request.list("input").enumerate();
    let items = items.map(|(place, node)| item(FIRST_INPUT + place, node));
    Request {
        model: request.filled("model"),
        messages: instructions.into_iter().chain(text).chain(items).collect(),
        tools: tools(request),
        parameters: parameters::OPENAI_RESPONSES.of(request),
        ..Request::default()
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let output = || response.list("output");
    Response {
        model: response.filled("model"),
        messages: output().enumerate().map(|(index, node)| item(index, node)).collect(),
        // A complete answer has no reason.
        finish_reason: response.get("incomplete_details").and_then(|details| details.filled("reason")),
        usage: response.get("usage").map(usage).unwrap_or_default(),
        images: output().filter_map(image).collect(),
        ..Response::default()
    }
}

fn usage(usage: Node<'_>) -> Usage {
    let (input, output) = (usage.get("input_tokens_details"), usage.get("output_tokens_details"));
    Usage {
        prompt: usage.count("input_tokens"),
        completion: usage.count("output_tokens"),
        total: usage.count("total_tokens"),
        cache_read: input.and_then(|details| details.count("cached_tokens")),
        cache_write: input.and_then(|details| details.count("cache_write_tokens")),
        reasoning: output.and_then(|details| details.count("reasoning_tokens")),
        ..Usage::default()
    }
}

/// One item of the input or the output, which have the same types.
fn item(index: usize, item: Node<'_>) -> Message<'_> {
    let kind = item.filled("type").unwrap_or("message".into());
    match &*kind {
        "message" => message(index, item),
        "reasoning" => Message { parts: vec![reasoning(item)], ..Message::of_text(index, "assistant", None) },
        "image_generation_call" | "item_reference" => Message { index, ..Message::default() },
        // The output of a computer is an image.
        "computer_call_output" => {
            Message { tool_call_id: item.filled("call_id"), ..Message::of_text(index, "tool", None) }
        }
        kind if kind.ends_with("_call_output") => Message {
            tool_call_id: item.filled("call_id"),
            ..Message::of_text(index, "tool", item.get("output").map(Node::text_or_json))
        },
        kind if kind.ends_with("_call") => {
            Message { tool_calls: vec![call(kind, item)], ..Message::of_text(index, "assistant", None) }
        }
        _ => Message { index, ..Message::default() },
    }
}

fn message(index: usize, message: Node<'_>) -> Message<'_> {
    let content = message.get("content");
    Message {
        index,
        role: message.filled("role").unwrap_or_default(),
        content: content.and_then(Node::text),
        parts: content.into_iter().flat_map(Node::items).map(part).collect(),
        ..Message::default()
    }
}

fn part(part: Node<'_>) -> Part<'_> {
    match part.filled("type").as_deref() {
        Some("input_text" | "output_text") => Part::text(part.get("text").and_then(Node::text)),
        Some("refusal") => Part::text(part.get("refusal").and_then(Node::text)),
        Some("input_image") => part.filled("image_url").map(|url| Part::image(Some(url))).unwrap_or_default(),
        _ => Part::default(),
    }
}

fn reasoning(item: Node<'_>) -> Part<'_> {
    let texts: Vec<_> = item.list("summary").filter_map(|summary| summary.get("text")?.text()).collect();
    let text = (!texts.is_empty()).then(|| texts.join("\n").into());
    Part { kind: Kind::Reasoning, text, encrypted: item.filled("encrypted_content"), ..Part::default() }
}

/// A call of a tool of the user's or of the provider's. The provider's tools have no name, only a type.
fn call<'a>(kind: &str, item: Node<'a>) -> ToolCall<'a> {
    let input = item.get("input").map(|input| format!(r#"{{"input":{}}}"#, input.raw()).into());
    let arguments = item.get("arguments").map(Node::text_or_json).or(input);
    ToolCall {
        id: item.filled("call_id").or_else(|| item.filled("id")),
        name: item.filled("name").or_else(|| Some(kind.to_owned().into())),
        arguments: arguments.filter(|arguments| arguments != "{}"),
        ..ToolCall::default()
    }
}

fn image(item: Node<'_>) -> Option<Text<'_>> {
    let result =
        item.filled("type").filter(|kind| kind == "image_generation_call").and(item.filled("result"))?;
    if result.starts_with("data:") {
        return Some(result);
    }
    let format = item.filled("output_format").unwrap_or("png".into());
    Some(format!("data:image/{format};base64,{result}").into())
}

/// How events join into an item.
const ITEM: Rule = Object(&[
    ("arguments", "arguments", Append),
    ("input", "input", Append),
    ("content", "content", Elements(&PART)),
    ("summary", "summary", Elements(&PART)),
]);
const PART: Rule = Object(&[("text", "text", Append), ("refusal", "refusal", Append)]);

const WHOLE: Rule = Object(&[]);

/// The part of an item that an event is about.
fn part_of<'a>(item: Slot<'a>, field: &str, event: Node<'_>) -> Slot<'a> {
    let index = event.count("content_index").or_else(|| event.count("summary_index"));
    item.field(field).item(index.unwrap_or_default())
}

/// Joins the pieces of an answer, for a stream that is cut off. The last event repeats the whole answer.
fn fold(grown: &mut Grown, event: Node<'_>) {
    if let Some(response) = event.get("response") {
        // The first events have the response without its output; the last event has all of it.
        return grown.root().merge(&WHOLE, Some(response));
    }
    let (Some(kind), Some(index)) = (event.filled("type"), event.count("output_index")) else { return };
    let item = grown.root().field("output").item(index);
    let delta = event.filled("delta");
    match &*kind {
        "response.output_item.added" => item.merge(&ITEM, event.get("item")),
        "response.output_item.done" => item.merge(&Rule::Replace, event.get("item")),
        "response.content_part.added" => part_of(item, "content", event).merge(&PART, event.get("part")),
        "response.output_text.delta" => part_of(item, "content", event).field("text").append(delta),
        "response.refusal.delta" => part_of(item, "content", event).field("refusal").append(delta),
        "response.reasoning_summary_part.added" => {
            part_of(item, "summary", event).merge(&PART, event.get("part"));
        }
        "response.reasoning_summary_text.delta" => {
            part_of(item, "summary", event).field("text").append(delta);
        }
        "response.function_call_arguments.delta" => item.field("arguments").append(delta),
        "response.custom_tool_call_input.delta" => item.field("input").append(delta),
        _ => {}
    }
}
