//! Builds GenAI's JSON of messages, tools and documents from the attributes that OpenInference flattens them into.

use std::borrow::Cow;
use std::collections::BTreeMap;

use opentelemetry::Value;

use super::json::{Object, is_json, list};
use crate::json::{Json, Node};
use crate::semconv::equivalents::{FINISH_REASONS, MEDIA};
use crate::semconv::openinference::{self as oi, document, message, message_content, tool_call};

/// The names and values of one item of a list.
pub(super) type Fields<'a> = Vec<(&'a str, &'a Value)>;

/// The items of a list, in the order of their numbers.
pub(super) fn items<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
    list: &str,
) -> Vec<Fields<'a>> {
    let mut items: BTreeMap<usize, Fields<'a>> = BTreeMap::new();
    for (key, value) in fields {
        let below = key.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
        if let Some((number, name)) = below
            && let Ok(number) = number.parse()
        {
            items.entry(number).or_default().push((name, value));
        }
    }
    items.into_values().collect()
}

fn below<'a>(fields: &Fields<'a>, list: &str) -> Vec<Fields<'a>> {
    items(fields.iter().copied(), list)
}

/// The text of a field. If it was set twice, the last value.
pub(super) fn text<'a>(fields: &Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    fields.iter().rfind(|(field, _)| *field == name).map(|(_, value)| value.as_str())
}

/// Whether a message has this role.
pub(super) fn has_role(fields: &Fields<'_>, role: &str) -> bool {
    text(fields, message::ROLE).is_some_and(|own| own == role)
}

/// GenAI's word for a finish reason. Empty if the reason is unknown.
pub(super) fn finish_reason(reason: &str) -> &str {
    FINISH_REASONS.iter().find(|(own, _)| *own == reason).map_or(reason, |(_, word)| word)
}

/// A message of only text.
pub(super) fn of_text(role: &str, content: &str, finish_reason: Option<&str>) -> String {
    built(role, &[text_part(content)], None, finish_reason)
}

/// A message. The role is the default for a message that has none.
pub(super) fn message(fields: &Fields<'_>, role: &str, finish_reason: Option<&str>) -> String {
    let own = text(fields, message::ROLE);
    built(own.as_deref().unwrap_or(role), &parts(fields), text(fields, message::NAME), finish_reason)
}

fn built(role: &str, parts: &[String], name: Option<Cow<'_, str>>, finish_reason: Option<&str>) -> String {
    let message = Object::new().text("role", Some(role)).raw("parts", &list(parts));
    message.text("name", name).text("finish_reason", finish_reason).build()
}

/// The parts of a message.
pub(super) fn parts(fields: &Fields<'_>) -> Vec<String> {
    let contents = below(fields, message::CONTENTS);
    if let Some(id) = text(fields, message::TOOL_CALL_ID) {
        return vec![tool_response(fields, &contents, &id)];
    }
    let is_part = |text: &str| contents.iter().any(|part| has_text(part, text));
    let content = text(fields, message::CONTENT).filter(|content| !is_part(content));
    let mut parts: Vec<_> = content.iter().map(|content| text_part(content)).collect();
    parts.extend(contents.iter().map(part));
    // Some libraries record the calls among the parts as well.
    if !contents.iter().any(is_tool_call) {
        parts.extend(below(fields, message::TOOL_CALLS).iter().map(tool_request));
    }
    if let Some(name) = text(fields, message::FUNCTION_CALL_NAME) {
        parts.push(request_part(None, Some(name), text(fields, message::FUNCTION_CALL_ARGUMENTS)));
    }
    parts
}

fn text_part(content: &str) -> String {
    Object::new().text("type", Some("text")).text("content", Some(content)).build()
}

fn has_text(part: &Fields<'_>, content: &str) -> bool {
    text(part, message_content::TEXT).is_some_and(|text| text == content)
}

fn is_tool_call(part: &Fields<'_>) -> bool {
    part.iter().any(|(name, _)| *name == tool_call::FUNCTION_NAME)
}

fn tool_request(call: &Fields<'_>) -> String {
    let arguments = text(call, tool_call::FUNCTION_ARGUMENTS);
    request_part(text(call, tool_call::ID), text(call, tool_call::FUNCTION_NAME), arguments)
}

fn request_part(
    id: Option<Cow<'_, str>>,
    name: Option<Cow<'_, str>>,
    arguments: Option<Cow<'_, str>>,
) -> String {
    let call = Object::new().text("type", Some("tool_call")).text("id", id);
    call.text("name", Some(name.unwrap_or_default())).either("arguments", arguments).build()
}

/// The result of a tool: its text, or its parts.
fn tool_response(fields: &Fields<'_>, contents: &[Fields<'_>], id: &str) -> String {
    let response = Object::new().text("type", Some("tool_call_response")).text("id", Some(id));
    let only = contents.first().filter(|_| contents.len() == 1);
    let content = text(fields, message::CONTENT);
    let content = content.or_else(|| only.and_then(|part| text(part, message_content::TEXT)));
    if content.is_some() || contents.is_empty() {
        return response.text("response", Some(content.unwrap_or_default())).build();
    }
    let contents: Vec<_> = contents.iter().map(part).collect();
    response.raw("response", &list(&contents)).build()
}

fn part(part: &Fields<'_>) -> String {
    if is_tool_call(part) {
        return tool_request(part);
    }
    let kind = text(part, message_content::TYPE).unwrap_or("text".into());
    let media = MEDIA.iter().find(|(media, ..)| *media == kind);
    if let Some((kind, url, mime_type)) = media
        && let Some(url) = text(part, url)
    {
        return media_part(part, kind, &url, text(part, mime_type));
    }
    let content = text(part, message_content::TEXT);
    // GenAI requires a content for these two.
    let is_text = matches!(&*kind, "text" | "reasoning");
    let content = content.or_else(|| is_text.then(Cow::default));
    let part_of = |name| text(part, name);
    Object::new()
        .text("type", Some(&kind))
        .text("content", content)
        .text("id", part_of(message_content::ID))
        .text("signature", part_of(message_content::SIGNATURE))
        .text("data", part_of(message_content::DATA))
        .text("encrypted_content", part_of(message_content::ENCRYPTED_CONTENT))
        .build()
}

/// A file: its content if the message holds it, or else its URL.
fn media_part(part: &Fields<'_>, kind: &str, url: &str, mime_type: Option<Cow<'_, str>>) -> String {
    let data = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    let media = match data {
        Some((mime_type, content)) => Object::new()
            .text("type", Some("blob"))
            .text("mime_type", Some(mime_type))
            .text("content", Some(content)),
        None => Object::new().text("type", Some("uri")).text("mime_type", mime_type).text("uri", Some(url)),
    };
    media
        .text("modality", Some(kind))
        .text("transcript", text(part, oi::PART_AUDIO_TRANSCRIPT))
        .text("name", text(part, oi::PART_DOCUMENT_NAME))
        .build()
}

/// The providers' names for the schema of a tool's arguments.
const SCHEMAS: &[&str] = &["parameters", "input_schema", "schema", "parametersJsonSchema"];

/// The definition of a tool, for any provider. `None` if it is not JSON.
pub(super) fn tool(fields: &Fields<'_>) -> Option<String> {
    let definition = text(fields, oi::tool::JSON_SCHEMA).filter(|definition| is_json(definition))?;
    let json = Json::index(&definition)?;
    let function = json.root().get("function").unwrap_or(json.root());
    let schema = function.any(SCHEMAS).map(Node::raw);
    // A tool that the provider runs has its own type, and may have no name.
    let own = json.root().filled("type").filter(|_| schema.is_none());
    let kind = own.unwrap_or("function".into());
    let name = function.filled("name").unwrap_or(kind.clone());
    let definition = Object::new().text("type", Some(kind)).text("name", Some(name));
    let definition = definition.text("description", function.filled("description"));
    Some(
        schema
            .into_iter()
            .fold(definition, |definition, schema| definition.raw("parameters", schema))
            .build(),
    )
}

/// A document.
pub(super) fn document(fields: &Fields<'_>) -> String {
    let field = |name| text(fields, name);
    Object::new()
        .text("id", field(document::ID))
        .either("score", field(document::SCORE))
        .text("content", field(document::CONTENT))
        .either("metadata", field(document::METADATA))
        .text("url", field(document::URL))
        .text("mime_type", field(document::MIME_TYPE))
        .text("name", field(document::NAME))
        .build()
}
