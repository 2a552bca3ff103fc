//! Masks parts of a text that is kept: base64, and what has a setting of its own inside the requests and answers of models.

use serde_json::{Map, Value};

use super::config::{EMBEDDED_TEXT, INPUT_IMAGES, INPUTS, PARAMETERS, TOOLS, VECTORS};
use super::rules::ALL_IN;
use crate::capture::{REDACTED, limit, without_base64, without_images};
use crate::semconv::openinference::{INPUT_VALUE, LLM_INPUT_MESSAGES, LLM_OUTPUT_MESSAGES, OUTPUT_VALUE};
use crate::semconv::{SpanKind, gen_ai};

/// The text of an attribute without what is hidden. `None` if nothing is.
pub(super) fn masked(
    hidden: u32,
    longest_base64: usize,
    kind: &str,
    key: &str,
    text: &str,
) -> Option<String> {
    let side =
        Side::of(kind, key).map(|side| (side, hidden & side.settings())).filter(|(_, hidden)| *hidden != 0);
    let of_json = side.and_then(|(side, hidden)| side.masked(hidden, text));
    let rest = of_json.as_deref().unwrap_or(text);
    let of_base64 = if hides_images(hidden, key) {
        without_images(rest, longest_base64)
    } else if rest.len() > longest_base64.min(limit()) {
        without_base64(rest, longest_base64)
    } else {
        None
    };
    of_base64.or(of_json)
}

/// Whether base64 images of any length in the values of this attribute are hidden.
fn hides_images(hidden: u32, key: &str) -> bool {
    hidden & INPUT_IMAGES != 0 && !key.starts_with("output.") && !key.starts_with(LLM_OUTPUT_MESSAGES)
}

/// What the JSON of an attribute is.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// A model's request, or the arguments of a function, one of which may be a request.
    Request,
    /// A model's answer, which may repeat parts of the request.
    Answer,
    /// A message that the model is sent, or a part of one.
    Asked,
    /// A message that the model answers, or a part of one.
    Answered,
}

impl Side {
    fn of(kind: &str, key: &str) -> Option<Self> {
        let is_of_model = [SpanKind::Llm, SpanKind::Embedding].iter().any(|model| model.as_str() == kind);
        match key {
            INPUT_VALUE if is_of_model => Some(Self::Request),
            OUTPUT_VALUE if is_of_model => Some(Self::Answer),
            gen_ai::INPUT_MESSAGES => Some(Self::Asked),
            _ if key.starts_with(LLM_INPUT_MESSAGES) => Some(Self::Asked),
            _ if key.starts_with(LLM_OUTPUT_MESSAGES) => Some(Self::Answered),
            _ => None,
        }
    }

    /// The settings that hide parts of it.
    const fn settings(self) -> u32 {
        match self {
            Self::Request => TOOLS | PARAMETERS | INPUT_IMAGES | EMBEDDED_TEXT,
            Self::Answer => ALL_IN | TOOLS | PARAMETERS | VECTORS,
            Self::Asked => TOOLS | INPUT_IMAGES,
            Self::Answered => TOOLS,
        }
    }

    fn masked(self, hidden: u32, text: &str) -> Option<String> {
        if !text.trim_start().starts_with(['{', '[']) {
            return (self == Self::Request && is_debug_form(text)).then(|| REDACTED.to_owned());
        }
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            // What was cut cannot be parsed, so all of it is hidden. A message may only look like JSON.
            let is_whole = matches!(self, Self::Request | Self::Answer);
            return is_whole.then(|| REDACTED.to_owned());
        };
        match self {
            Self::Request => mask_request(hidden, &mut value),
            Self::Answer => mask_answer(hidden, &mut value),
            Self::Asked | Self::Answered => {
                let before = value.clone();
                mask(hidden, &mut value);
                if value == before {
                    return None;
                }
            }
        }
        Some(value.to_string())
    }
}

/// Whether a text is the `Debug` form of a struct with fields, in which parts of a request cannot be told apart.
fn is_debug_form(text: &str) -> bool {
    let is_in_name = |character: char| character.is_alphanumeric() || "_:<>".contains(character);
    let fields = text.trim_start_matches(is_in_name);
    let is_wrapped = || fields.starts_with('(') && fields.ends_with(')');
    text.starts_with(char::is_alphabetic)
        && (fields.starts_with(" {") || is_wrapped())
        && fields.contains(": ")
}

const TOOL_FIELDS: &[&str] = &["tools", "functions"];

/// The fields that mark an object as the request of a model.
const CONVERSATION_FIELDS: &[&str] = &["messages", "prompt", "input", "contents"];

/// The other fields of a request that are not parameters.
const OTHER_FIELDS: &[&str] =
    &["model", "system", "system_instruction", "systemInstruction", "instructions", "tools", "functions"];

fn mask_request(hidden: u32, request: &mut Value) {
    if let Value::Object(arguments) = request {
        let forms = arguments.values_mut().filter(|argument| argument.as_str().is_some_and(is_debug_form));
        forms.for_each(|form| *form = REDACTED.into());
    }
    if hidden & EMBEDDED_TEXT != 0 {
        mask_texts_to_embed(request);
    }
    if hidden & PARAMETERS != 0 {
        mask_parameters(request);
    }
    mask(hidden, request);
}

/// The fields that tell a request for embeddings from one for a response, which has an input as well.
const EMBEDDING_FIELDS: &[&str] =
    &["encoding_format", "dimensions", "input_type", "output_dimension", "task"];

/// A request for embeddings whose span is one of any model: the rules know the others by the span's kind.
fn mask_texts_to_embed(value: &mut Value) {
    match value {
        Value::Object(fields) if is_to_embed(fields) => fields["input"] = REDACTED.into(),
        Value::Object(fields) => fields.values_mut().for_each(mask_texts_to_embed),
        Value::Array(items) => items.iter_mut().for_each(mask_texts_to_embed),
        Value::String(text) => mask_text(text, mask_texts_to_embed),
        _ => {}
    }
}

fn is_to_embed(request: &Map<String, Value>) -> bool {
    let is_named =
        || request.get("model").and_then(Value::as_str).is_some_and(|model| model.contains("embed"));
    let of_texts = |input: &Value| match input {
        Value::Array(items) => items.first().is_some_and(|item| !item.is_object()),
        Value::Object(variant) => variant.contains_key("Single") || variant.contains_key("Batch"),
        _ => false,
    };
    let is_own = || EMBEDDING_FIELDS.iter().any(|name| request.contains_key(*name));
    request.get("input").is_some_and(|input| of_texts(input) || is_own() || is_named())
}

fn mask_parameters(value: &mut Value) {
    match value {
        Value::Object(fields) if CONVERSATION_FIELDS.iter().any(|name| fields.contains_key(*name)) => {
            let is_other = |name: &str| CONVERSATION_FIELDS.contains(&name) || OTHER_FIELDS.contains(&name);
            let parameters = fields.iter_mut().filter(|(name, _)| !is_other(name));
            parameters.for_each(|(_, parameter)| *parameter = REDACTED.into());
        }
        Value::Object(fields) => fields.values_mut().for_each(mask_parameters),
        Value::Array(items) => items.iter_mut().for_each(mask_parameters),
        Value::String(text) => mask_text(text, mask_parameters),
        _ => {}
    }
}

/// A text that is JSON itself, such as a request that was serialised before.
fn mask_text(text: &mut String, mask: impl Fn(&mut Value)) {
    if !text.trim_start().starts_with(['{', '[']) {
        return;
    }
    if let Ok(before) = serde_json::from_str::<Value>(text) {
        let mut value = before.clone();
        mask(&mut value);
        if value != before {
            *text = value.to_string();
        }
    }
}

/// What answers repeat of their request, by the settings that hide it: the objects of OpenAI's responses, Ollama's tokens
/// of the conversation, and the prompts that vLLM and Together return.
///
/// Sources: their API references.
const REPEATED: &[(u32, &[&str])] = &[
    (
        ALL_IN,
        &["instructions", "prompt", "input", "context", "prompt_token_ids", "prompt_logprobs", "prompt_text"],
    ),
    (INPUTS, &["metadata"]),
    (
        PARAMETERS,
        &[
            "background",
            "context_management",
            "frequency_penalty",
            "max_output_tokens",
            "max_tool_calls",
            "parallel_tool_calls",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_retention",
            "reasoning",
            "safety_identifier",
            "store",
            "temperature",
            "text",
            "tool_choice",
            "top_logprobs",
            "top_p",
            "truncation",
            "user",
        ],
    ),
    (VECTORS, &["embedding", "embeddings", "vector", "vectors"]),
];

/// An answer, or the items of a stream, some of which have the answer below `response`.
fn mask_answer(hidden: u32, answer: &mut Value) {
    if hidden & TOOLS != 0 {
        mask(TOOLS, answer);
    }
    match answer {
        Value::Object(fields) => mask_repeated(hidden, fields),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_answer(hidden & !TOOLS, item)),
        _ => {}
    }
}

fn mask_repeated(hidden: u32, fields: &mut Map<String, Value>) {
    for (settings, names) in REPEATED {
        for name in names.iter().filter(|_| hidden & settings != 0) {
            if let Some(value) = fields.get_mut(*name).filter(|value| !value.is_null()) {
                *value = REDACTED.into();
            }
        }
    }
    // Embeddings are in a list.
    for name in ["response", "data"] {
        if let Some(value) = fields.get_mut(name) {
            mask_answer(hidden & !TOOLS, value);
        }
    }
}

/// Masks tools and images, wherever they are in the JSON.
fn mask(hidden: u32, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_image = hidden & INPUT_IMAGES != 0 && is_image(fields);
            for (name, value) in fields {
                let is_one_of = |names: &[&str]| names.contains(&name.as_str());
                if hidden & TOOLS != 0 && is_one_of(TOOL_FIELDS) {
                    *value = REDACTED.into();
                } else if is_image && is_one_of(IMAGE_CONTENTS) {
                    redact(value);
                } else if hidden & INPUT_IMAGES != 0 && is_one_of(IMAGE_FIELDS) {
                    mask_image(value);
                } else {
                    mask(hidden, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(hidden, item)),
        Value::String(text) => mask_text(text, |value| mask(hidden, value)),
        _ => {}
    }
}

/// The fields that hold an image, in the requests of OpenAI, Anthropic, Gemini and Ollama.
const IMAGE_FIELDS: &[&str] =
    &["image", "image_url", "images", "source", "inlineData", "inline_data", "fileData", "file_data"];

/// The fields of the image itself in such a field.
const IMAGE_CONTENTS: &[&str] = &[
    "url",
    "data",
    "uri",
    "fileUri",
    "file_uri",
    "bytes",
    "raw",
    "blob",
    "content",
    "result",
    "source",
    "image_url",
    "image",
    "file_id",
    "b64_json",
    "file",
];

/// The fields that say that an object is an image, in the models' interfaces, MCP, A2A and GenAI's conventions.
const MARKS: &[&str] =
    &["type", "modality", "mime_type", "mimeType", "mediaType", "media_type", "content_type"];

/// Whether an object says that it is an image.
fn is_image(fields: &Map<String, Value>) -> bool {
    let says_so =
        |name: &&str| fields.get(*name).and_then(Value::as_str).is_some_and(|of| of.contains("image"));
    MARKS.iter().any(says_so) || fields.get("type").is_some_and(|kind| kind == "computer_screenshot")
}

fn mask_image(value: &mut Value) {
    match value {
        Value::String(_) => *value = REDACTED.into(),
        Value::Array(items) => items.iter_mut().for_each(mask_image),
        Value::Object(fields) => {
            let is_image = |(name, _): &(&String, &mut Value)| IMAGE_CONTENTS.contains(&name.as_str());
            fields.iter_mut().filter(is_image).for_each(|(_, image)| *image = REDACTED.into());
        }
        _ => {}
    }
}

/// Replaces all texts in a value, except the types of what it holds.
fn redact(value: &mut Value) {
    match value {
        Value::String(_) => *value = REDACTED.into(),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(name, _)| !MARKS.contains(&name.as_str()))
                .for_each(|(_, value)| redact(value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function's argument may be a request that was serialised before, also within another.
    #[test]
    fn json_within_a_text_is_masked_too() {
        let request = r#"{"messages":[],"tools":["secret"]}"#;
        let once = Value::String(request.to_owned()).to_string();
        let twice = Value::String(format!("[{once}]")).to_string();
        for argument in [request, &once, &twice] {
            let input = format!(r#"{{"request":{argument}}}"#);
            let masked = Side::Request.masked(TOOLS, &input).unwrap();
            assert!(masked.contains(REDACTED) && !masked.contains("secret"), "{masked}");
        }
    }
}
