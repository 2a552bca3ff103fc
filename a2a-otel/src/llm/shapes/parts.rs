//! Parts of messages that several providers have, and those that no reader knows.

use crate::json::Node;
use crate::llm::exchange::{Kind, Message, Part, Text};

/// Fields that say nothing: identifiers, states, and the sampler's numbers. They are in `input.value` and `output.value`.
const UNSAID: &[&str] = &[
    "cache_control",
    "created_at",
    "detail",
    "id",
    "index",
    "logprobs",
    "object",
    "status",
    "top_logprobs",
    "type",
];

/// A part of a type that the reader does not know, as JSON.
pub(super) fn unknown(part: Node<'_>) -> Part<'_> {
    if part.is_text() {
        return Part::text(part.text());
    }
    Part::other(part.filled("type").unwrap_or("unknown".into()), part.raw().into())
}

/// Adds a field that the reader does not know as a part, unless it says nothing.
pub(super) fn push_unknown_field<'a>(message: &mut Message<'a>, name: &'a str, value: Node<'a>) {
    let says_something = !["null", "\"\"", "[]", "{}"].contains(&value.raw())
        && (value.is_text() || value.is_list() || value.is_object());
    if says_something && !UNSAID.contains(&name) {
        message.parts.push(Part::other(name, value.text_or_json()));
    }
}

/// Adds all fields of an object that the reader does not know.
pub(super) fn push_unknown_fields<'a>(message: &mut Message<'a>, object: Node<'a>, known: &[&str]) {
    for (name, value) in object.entries().filter(|(name, _)| !known.contains(name)) {
        push_unknown_field(message, name, value);
    }
}

/// Adds thoughts, unless the message has them already: some providers have the same thoughts under several names.
pub(super) fn push_thought<'a>(message: &mut Message<'a>, text: Text<'a>) {
    let known = || message.parts.iter().filter(|part| part.kind == Kind::Reasoning);
    let known = || known().filter_map(|part| part.text.as_deref());
    if !text.is_empty() && !known().any(|known| known == text) && known().collect::<String>() != text {
        message.parts.push(Part::reasoning(Some(text)));
    }
}

/// An image: an object with a URL, or base64 whose first bytes tell the type.
pub(super) fn image(image: Node<'_>) -> Part<'_> {
    if let Some(url) = image.get("image_url").and_then(url) {
        return Part::image(Some(url));
    }
    match image.text().or_else(|| image.filled("image")) {
        Some(text) if text.contains(':') => Part::image(Some(text)),
        Some(base64) => Part::image(Some(data_url(media_type(&base64, "image/png"), &base64))),
        None => unknown(image),
    }
}

/// A URL, or an object that holds it.
pub(super) fn url(url: Node<'_>) -> Option<Text<'_>> {
    if url.is_text() { url.text() } else { url.filled("url") }
}

/// A file of the fields that OpenAI and others use: its content or URL, and its name.
pub(super) fn document(file: Node<'_>) -> Option<Part<'_>> {
    let url = file.any(&["file_data", "file_url", "document_url", "url"])?.text()?;
    let mime_type = url.strip_prefix("data:").and_then(|rest| rest.split([';', ',']).next());
    let mime_type = mime_type.filter(|mime_type| !mime_type.is_empty()).map(|text| text.to_owned().into());
    let name = file.any(&["filename", "file_name", "document_name"]).and_then(Node::text);
    Some(Part { kind: Kind::Document, url: Some(url), mime_type, name, ..Part::default() })
}

/// Audio, of which the provider has the content, the format, or what is said.
pub(super) fn audio(audio: Node<'_>) -> Option<Part<'_>> {
    let data = if audio.is_text() { audio.text() } else { audio.filled("data") };
    let transcript = audio.filled("transcript");
    if data.is_none() && transcript.is_none() {
        return None;
    }
    let named = audio.filled("format").map(|format| format!("audio/{format}"));
    let mime_type = |data: &str| named.unwrap_or_else(|| media_type(data, "audio/wav").to_owned());
    let mime_type = data.as_deref().map(mime_type);
    let url = data.zip(mime_type.as_deref()).map(|(data, mime_type)| data_url(mime_type, &data));
    Some(Part { kind: Kind::Audio, url, mime_type: mime_type.map(Into::into), transcript, ..Part::default() })
}

pub(super) fn data_url(mime_type: &str, base64: &str) -> Text<'static> {
    format!("data:{mime_type};base64,{base64}").into()
}

/// The type of a file in base64, by its first bytes.
fn media_type<'a>(base64: &str, otherwise: &'a str) -> &'a str {
    const BEGINNINGS: &[(&str, &str)] = &[
        ("iVBOR", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("SUQz", "audio/mpeg"),
        ("//s", "audio/mpeg"),
        ("T2dnUw", "audio/ogg"),
        ("ZkxhQ", "audio/flac"),
    ];
    // The container of both WebP and WAV.
    const RIFF: &str = "UklGR";
    match BEGINNINGS.iter().find(|(beginning, _)| base64.starts_with(beginning)) {
        Some((_, media_type)) => media_type,
        None if base64.starts_with(RIFF) && otherwise.starts_with("image/") => "image/webp",
        None => otherwise,
    }
}
