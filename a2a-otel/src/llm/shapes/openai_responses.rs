//! OpenAI's responses, `POST /v1/responses`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::is_object;
use crate::json::Node;
use crate::llm::exchange::{
    Kind, Message, Operation, Part, Request, Response, Text, ToolCall, Usage, parameters, tools,
};
use crate::llm::fold::Rule::{Append, AppendOr, Elements, Keep, Object, Push, Replace};
use crate::llm::fold::{Grown, Rule};
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
        parameters: parameters(request, &["input", "instructions", "tools"]),
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

/// How an item that begins joins the list.
const ITEM: Rule = Object(&[
    ("id", "id", Keep),
    ("type", "type", Keep),
    ("role", "role", Keep),
    ("name", "name", Keep),
    ("arguments", "arguments", Append),
    ("input", "input", AppendOr("")),
    ("code", "code", Append),
    ("content", "content", Elements(&PART)),
    ("summary", "summary", Elements(&PART)),
]);
const PART: Rule = Object(&[
    ("type", "type", Keep),
    ("text", "text", Append),
    ("refusal", "refusal", Append),
    ("data", "data", Append),
    ("transcript", "transcript", Append),
]);

const WHOLE: Rule = Object(&[]);

/// What an event adds to an item.
struct Addition {
    /// The list of parts in the item, and the type of part, if the event is about a part.
    part: Option<(&'static str, &'static str)>,
    /// The field of the item or of the part. Empty for all of it.
    field: &'static str,
    /// The field of the event.
    from: &'static str,
    rule: Rule,
}

const fn of_item(field: &'static str, from: &'static str, rule: Rule) -> Addition {
    Addition { part: None, field, from, rule }
}

const fn of_part(
    list: &'static str,
    kind: &'static str,
    field: &'static str,
    from: &'static str,
    rule: Rule,
) -> Addition {
    Addition { part: Some((list, kind)), field, from, rule }
}

/// The events about items. The last event about a text repeats all of it.
#[rustfmt::skip]
const EVENTS: &[(&str, Addition)] = &[
    ("response.output_item.done", of_item("", "item", WHOLE)),
    ("response.function_call_arguments.delta", of_item("arguments", "delta", Append)),
    ("response.function_call_arguments.done", of_item("arguments", "arguments", Replace)),
    ("response.mcp_call_arguments.delta", of_item("arguments", "delta", Append)),
    ("response.mcp_call_arguments.done", of_item("arguments", "arguments", Replace)),
    ("response.custom_tool_call_input.delta", of_item("input", "delta", AppendOr(""))),
    ("response.custom_tool_call_input.done", of_item("input", "input", Replace)),
    ("response.code_interpreter_call_code.delta", of_item("code", "delta", Append)),
    ("response.code_interpreter_call_code.done", of_item("code", "code", Replace)),
    ("response.content_part.added", of_part("content", "", "", "part", PART)),
    ("response.content_part.done", of_part("content", "", "", "part", Replace)),
    ("response.output_text.delta", of_part("content", "output_text", "text", "delta", Append)),
    ("response.output_text.done", of_part("content", "output_text", "text", "text", Replace)),
    ("response.output_text.annotation.added", of_part("content", "output_text", "annotations", "annotation", Push)),
    ("response.refusal.delta", of_part("content", "refusal", "refusal", "delta", Append)),
    ("response.refusal.done", of_part("content", "refusal", "refusal", "refusal", Replace)),
    ("response.reasoning_text.delta", of_part("content", "reasoning_text", "text", "delta", Append)),
    ("response.reasoning_text.done", of_part("content", "reasoning_text", "text", "text", Replace)),
    ("response.audio.delta", of_part("content", "output_audio", "data", "delta", Append)),
    ("response.audio.transcript.delta", of_part("content", "output_audio", "transcript", "delta", Append)),
    ("response.reasoning_summary_part.added", of_part("summary", "", "", "part", PART)),
    ("response.reasoning_summary_part.done", of_part("summary", "", "", "part", Replace)),
    ("response.reasoning_summary_text.delta", of_part("summary", "summary_text", "text", "delta", Append)),
    ("response.reasoning_summary_text.done", of_part("summary", "summary_text", "text", "text", Replace)),
];

/// Joins the pieces of an answer, for a stream that is cut off. The last event repeats the whole answer.
///
/// A spoken answer is in the last event only: the events of its pieces do not say which item they belong to.
fn fold(grown: &mut Grown, event: Node<'_>) {
    if let Some(response) = event.get("response") {
        // The first events have the response without its output; the last event has all of it.
        return grown.root().merge(&WHOLE, Some(response));
    }
    let Some(kind) = event.filled("type") else { return };
    let index = event.count("output_index");
    if kind == "response.output_item.added" {
        let item = event.get("item");
        return grown.root().field("output").element(item, index).merge(&ITEM, item);
    }
    let Some((_, Addition { part, field, from, rule })) = EVENTS.iter().find(|(name, _)| *name == kind)
    else {
        return;
    };
    let id = event.get("item_id").or_else(|| event.get("item")?.get("id"));
    let mut place = grown.root().field("output").known(id, index);
    if let Some((list, kind)) = part {
        let number = event.count("content_index").or_else(|| event.count("summary_index"));
        place = place.field(list).item(number.unwrap_or_default()).with_type(kind);
    }
    if !field.is_empty() {
        place = place.field(field);
    }
    place.merge(rule, event.get(from));
}
