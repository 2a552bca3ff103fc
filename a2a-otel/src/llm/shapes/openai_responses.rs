//! OpenAI's responses, `POST /v1/responses`.
//!
//! Source: OpenAI's API reference. What is recorded follows OpenInference's instrumentation of the `openai` package.

use super::openai_chat::is_object;
use super::parts::{audio, data_url, document, push_unknown_field, push_unknown_fields, unknown};
use super::usage;
use crate::json::Node;
use crate::llm::exchange::{
    Message, Operation, Part, Request, Response, StoredPrompt, Text, ToolCall, tools,
};
use crate::llm::fold::Rule::{Append, AppendOr, Keep, Numbered, Object, Push, Replace};
use crate::llm::fold::{Grown, Rule};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::OPENAI),
    provider: None,
    names_both_models: false,
    fits_request: |request| {
        let has_input = request.get("input").is_some() && request.has("model");
        Fit::possible_if(has_input || request.get("prompt").is_some_and(|prompt| prompt.has("id")))
    },
    marks: Marks::NONE,
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
    let items = items.map(|(place, node)| asked(FIRST_INPUT + place, node));
    Request {
        model: request.filled("model"),
        messages: instructions.into_iter().chain(text).chain(items).collect(),
        stored_prompt: request.get("prompt").map(stored_prompt).unwrap_or_default(),
        tools: tools(request),
        parameters: parameters::OPENAI_RESPONSES.of(request),
        ..Request::default()
    }
}

fn stored_prompt(prompt: Node<'_>) -> StoredPrompt<'_> {
    StoredPrompt {
        id: prompt.filled("id"),
        variables: prompt.get("variables").map(|variables| variables.raw().into()),
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let output = || response.list("output");
    Response {
        model: response.filled("model"),
        messages: output().enumerate().map(|(index, node)| item(index, node)).collect(),
        // A complete answer has no reason.
        finish_reason: response.get("incomplete_details").and_then(|details| details.filled("reason")),
        usage: usage::of_answer(response),
        images: output().filter_map(image).collect(),
        ..Response::default()
    }
}

/// One item of the input. An image that a tool made earlier is a part of it; of an answer, it is an image of its own.
fn asked(index: usize, node: Node<'_>) -> Message<'_> {
    let mut message = item(index, node);
    message.parts.extend(image(node).map(|url| Part::image(Some(url))));
    message
}

/// One item of the input or the output, which have the same types.
fn item(index: usize, item: Node<'_>) -> Message<'_> {
    let kind = item.filled("type").unwrap_or("message".into());
    match &*kind {
        "message" => message(index, item),
        "reasoning" => Message { parts: reasoning(item), ..Message::of_text(index, "assistant", None) },
        "item_reference" => Message { index, ..Message::default() },
        "image_generation_call" => {
            let mut message = Message { index, ..Message::default() };
            push_unknown_fields(&mut message, item, &["result"]);
            message
        }
        kind if kind.ends_with("_call_output") => tool_output(index, item),
        kind if kind.ends_with("_call") => tool_call(index, kind, item),
        kind => {
            let role = if kind.ends_with("_response") { "user" } else { "assistant" };
            Message { parts: vec![unknown(item)], ..Message::of_text(index, role, None) }
        }
    }
}

fn message(index: usize, message: Node<'_>) -> Message<'_> {
    let content = message.get("content");
    let parts = || content.into_iter().flat_map(Node::items);
    let mut read = Message {
        index,
        role: message.filled("role").unwrap_or_default(),
        content: content.and_then(Node::text),
        parts: parts().map(part).collect(),
        ..Message::default()
    };
    for part in parts().filter(|part| part.has("annotations")) {
        push_unknown_fields(&mut read, part, &["text"]);
    }
    read
}

fn part(part: Node<'_>) -> Part<'_> {
    let known = match part.filled("type").as_deref() {
        Some("input_text" | "output_text" | "text") => part.get("text").map(|text| Part::text(text.text())),
        Some("refusal") => part.get("refusal").map(|text| Part::text(text.text())),
        Some("input_image" | "computer_screenshot") => {
            part.filled("image_url").map(|url| Part::image(Some(url)))
        }
        Some("input_file") => document(part),
        Some("input_audio") => part.get("input_audio").and_then(audio),
        Some("output_audio") => audio(part),
        _ => None,
    };
    known.unwrap_or_else(|| unknown(part))
}

/// The thoughts: their summary, and the thoughts themselves, which open models have.
fn reasoning(item: Node<'_>) -> Vec<Part<'_>> {
    let texts: Vec<_> = item.list("summary").filter_map(|summary| summary.get("text")?.text()).collect();
    let text = (!texts.is_empty()).then(|| texts.join("\n").into());
    let summary = Part { encrypted: item.filled("encrypted_content"), ..Part::reasoning(text) };
    let thoughts = item.list("content").filter_map(|thought| thought.get("text")?.text());
    let thoughts: Vec<_> = thoughts.map(|text| Part::reasoning(Some(text))).collect();
    let is_empty = summary.text.is_none() && summary.encrypted.is_none() && !thoughts.is_empty();
    (!is_empty).then_some(summary).into_iter().chain(thoughts).collect()
}

/// What a tool of the user's returned: a text, JSON, or, of a computer, an image.
fn tool_output(index: usize, item: Node<'_>) -> Message<'_> {
    let message = Message { tool_call_id: item.filled("call_id"), ..Message::of_text(index, "tool", None) };
    match item.get("output") {
        Some(output) if output.has("image_url") => Message { parts: vec![part(output)], ..message },
        output => Message { content: output.map(Node::text_or_json), ..message },
    }
}

/// The fields in which OpenAI's own tools have what came of a call.
const RESULTS: &[&str] = &["output", "outputs", "results", "result", "error"];

/// A call of a tool of the user's or of the provider's. The provider runs its own tools itself, so their calls have the
/// result too.
fn tool_call<'a>(index: usize, kind: &str, item: Node<'a>) -> Message<'a> {
    let mut message =
        Message { tool_calls: vec![call(kind, item)], ..Message::of_text(index, "assistant", None) };
    // Without a field for its arguments, all other fields of a call are arguments.
    let has_arguments = item.any(ARGUMENTS).is_some();
    let is_beside = |name: &str| has_arguments && !ARGUMENTS.contains(&name) && !NAMES.contains(&name);
    for (name, value) in item.entries().filter(|(name, _)| RESULTS.contains(name) || is_beside(name)) {
        push_unknown_field(&mut message, name, value);
    }
    message
}

/// The fields in which a call has its arguments, if it does not have a field for each of them.
const ARGUMENTS: &[&str] = &["arguments", "input"];

/// The fields that say which call it is.
const NAMES: &[&str] = &["type", "id", "call_id", "name", "status"];

/// The provider's tools have no name, only a type, and a field for each argument.
fn call<'a>(kind: &str, item: Node<'a>) -> ToolCall<'a> {
    let input = item.get("input").map(|input| format!(r#"{{"input":{}}}"#, input.raw()).into());
    let arguments = item.get("arguments").map(Node::text_or_json).or(input);
    let arguments = arguments.unwrap_or_else(|| own_arguments(item));
    ToolCall {
        id: item.filled("call_id").or_else(|| item.filled("id")),
        name: item.filled("name").or_else(|| Some(kind.to_owned().into())),
        arguments: Some(arguments).filter(|arguments| arguments != "{}"),
        ..ToolCall::default()
    }
}

/// What one of OpenAI's own tools was asked: all fields of the call that say neither which call it is nor what came of it.
fn own_arguments(item: Node<'_>) -> Text<'_> {
    // A stream has no empty fields, so none counts.
    let is_filled = |value: Node<'_>| !value.is_null() && value.raw() != "\"\"";
    let is_argument = |name: &str| !NAMES.contains(&name) && !RESULTS.contains(&name);
    let fields = item.entries().filter(|(name, value)| is_argument(name) && is_filled(*value));
    let fields: Vec<_> = fields.map(|(name, value)| format!("\"{name}\":{}", value.raw())).collect();
    format!("{{{}}}", fields.join(",")).into()
}

fn image(item: Node<'_>) -> Option<Text<'_>> {
    let result =
        item.filled("type").filter(|kind| kind == "image_generation_call").and(item.filled("result"))?;
    if result.starts_with("data:") {
        return Some(result);
    }
    let format = item.filled("output_format").unwrap_or("png".into());
    Some(data_url(&format!("image/{format}"), &result))
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
    ("content", "content", Numbered(&PART)),
    ("summary", "summary", Numbered(&PART)),
]);

/// How a part that begins joins the list. Its text may have come already, with the item that it is in.
const PART: Rule = Object(&[
    ("type", "type", Keep),
    ("text", "text", Keep),
    ("refusal", "refusal", Keep),
    ("data", "data", Keep),
    ("transcript", "transcript", Keep),
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
