//! Reads messages: GenAI's JSON, and the chats that other libraries record as their input and output.

use serde_json::Value as Json;

use crate::record::{Message, Part, ToolCall};

/// The text of a conversation that is a single message of only text.
pub(super) fn single_text(messages: &str) -> Option<String> {
    let messages: Vec<Json> = serde_json::from_str(messages).ok()?;
    let [message] = &messages[..] else { return None };
    only_text(message.get("parts")?)
}

fn only_text(parts: &Json) -> Option<String> {
    let texts: Option<Vec<_>> = parts.as_array()?.iter().map(text_of).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
}

fn text_of(part: &Json) -> Option<&str> {
    (part["type"] == "text").then(|| part["content"].as_str()).flatten()
}

pub(super) fn read_messages(messages: &Json) -> Vec<Message> {
    let messages = messages.as_array().into_iter().flatten();
    messages
        .flat_map(|one| named(one, read_message(one["role"].as_str().unwrap_or_default(), &one["parts"])))
        .collect()
}

/// Adds the name of the author.
fn named(message: &Json, messages: Vec<Message>) -> Vec<Message> {
    match message["name"].as_str() {
        Some(name) => messages.into_iter().map(|message| message.name(name)).collect(),
        None => messages,
    }
}

/// The message, preceded by a message for each result of a tool in it, as in OpenInference.
pub(super) fn read_message(role: &str, parts: &Json) -> Vec<Message> {
    if let Some(text) = only_text(parts) {
        return vec![Message::of(role).content(text)];
    }
    let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
    let (results, parts): (Vec<_>, Vec<_>) =
        parts.iter().partition(|part| part["type"] == "tool_call_response");
    let mut messages: Vec<_> = results.into_iter().map(read_result).collect();
    let (calls, parts): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part["type"] == "tool_call");
    if !calls.is_empty() || !parts.is_empty() {
        let message = match &parts[..] {
            // One text beside calls is the content, as OpenAI has it.
            [part] if text_of(part).is_some() => Message::of(role).content(text_of(part).unwrap_or_default()),
            _ => Message::of(role).parts(parts.into_iter().map(read_part)),
        };
        messages.push(message.tool_calls(calls.into_iter().map(read_call)));
    }
    messages
}

fn read_result(part: &Json) -> Message {
    let result = ["response", "result", "content"].iter().find_map(|key| part.get(key));
    let message = result.map(plain).into_iter().fold(Message::of("tool"), Message::content);
    part["id"].as_str().into_iter().fold(message, Message::tool_call_id)
}

fn read_call(part: &Json) -> ToolCall {
    let call = ToolCall::new().arguments(&part["arguments"]);
    let call = part["id"].as_str().into_iter().fold(call, ToolCall::id);
    part["name"].as_str().into_iter().fold(call, ToolCall::name)
}

/// A part. One that OpenInference has no words for stands there as JSON.
fn read_part(part: &Json) -> Part {
    let kind = part["type"].as_str().unwrap_or("text");
    let read = match kind {
        "text" | "reasoning" => part["content"].as_str().map(|text| Part::new().kind(kind).text(text)),
        "uri" => part["uri"].as_str().and_then(|uri| read_media(part, uri.to_owned())),
        "blob" => part["content"].as_str().and_then(|content| {
            let mime_type = part["mime_type"].as_str().unwrap_or("image/png");
            read_media(part, format!("data:{mime_type};base64,{content}"))
        }),
        _ => None,
    };
    let Some(read) = read else { return Part::new().kind(kind).text(part.to_string()) };
    let read = part["id"].as_str().into_iter().fold(read, Part::id);
    let read = part["signature"].as_str().into_iter().fold(read, Part::signature);
    let read = part["data"].as_str().into_iter().fold(read, Part::data);
    part["encrypted_content"].as_str().into_iter().fold(read, Part::encrypted_content)
}

fn read_media(part: &Json, url: String) -> Option<Part> {
    let kind = part["modality"].as_str()?;
    let read = Part::new().kind(kind);
    Some(match kind {
        "image" => read.image_url(url),
        "audio" => part["transcript"].as_str().into_iter().fold(read.audio_url(url), Part::audio_transcript),
        "video" => read.video_url(url),
        "document" => part["name"].as_str().into_iter().fold(read.document_url(url), Part::document_name),
        _ => return None,
    })
}

/// A text as it is, any other value as JSON.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The messages of a chat that was recorded as a whole, in the form of OpenAI's interface: a list of messages, an object
/// that has one, or a single message. Empty for any other value.
pub(super) fn read_chat(chat: &Json, role: &str) -> Vec<Message> {
    let messages = chat.get("messages").unwrap_or(chat);
    match messages {
        Json::Array(messages) if messages.iter().all(|message| message.get("role").is_some()) => {
            messages.iter().map(|message| read_chat_message(message, role)).collect()
        }
        Json::Object(message) if message.contains_key("role") || message.contains_key("content") => {
            vec![read_chat_message(messages, role)]
        }
        // swiftide's response.
        Json::Object(response) if response.contains_key("message") || response.contains_key("tool_calls") => {
            vec![read_chat_message(messages, role)]
        }
        _ => Vec::new(),
    }
}

fn read_chat_message(message: &Json, role: &str) -> Message {
    let read = Message::of(message["role"].as_str().unwrap_or(role));
    let content = message.get("content").or_else(|| message.get("message"));
    let read = match content {
        Some(Json::Array(parts)) => read.parts(parts.iter().map(read_chat_part)),
        Some(Json::Null) | None => read,
        Some(content) => read.content(plain(content)),
    };
    let read = message["name"].as_str().into_iter().fold(read, Message::name);
    let read = message["tool_call_id"].as_str().into_iter().fold(read, Message::tool_call_id);
    match message["tool_calls"].as_array() {
        Some(calls) => read.tool_calls(calls.iter().map(read_chat_call)),
        None => read,
    }
}

fn read_chat_part(part: &Json) -> Part {
    match (part["text"].as_str(), part["image_url"]["url"].as_str()) {
        (Some(text), _) => Part::new().kind("text").text(text),
        (None, Some(url)) => Part::new().kind("image").image_url(url),
        (None, None) => Part::new().kind(part["type"].as_str().unwrap_or("text")).text(plain(part)),
    }
}

fn read_chat_call(call: &Json) -> ToolCall {
    let function = call.get("function").unwrap_or(call);
    let arguments = function.get("arguments").or_else(|| function.get("args")).unwrap_or(&Json::Null);
    let read = ToolCall::new().arguments(arguments);
    let read = call["id"].as_str().into_iter().fold(read, ToolCall::id);
    function["name"].as_str().into_iter().fold(read, ToolCall::name)
}
