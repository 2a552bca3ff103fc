//! Masks parts of a value: images in texts, and the parts of a model's request that have a setting of their own.

use memchr::memmem;
use serde_json::Value;

use super::config::{INPUT_IMAGES, PARAMETERS, TOOLS};
use super::redactor::REDACTED;
use crate::semconv::SpanKind;

/// How every image in a text begins.
const IMAGE: &str = "data:image/";

const TOOL_FIELDS: &[&str] = &["tools", "functions"];

/// The fields that hold an image, in the requests of OpenAI, Anthropic, Gemini and Ollama.
const IMAGE_FIELDS: &[&str] =
    &["image", "image_url", "images", "source", "inlineData", "inline_data", "fileData", "file_data"];

/// The fields of the image itself in such a field.
const IMAGE_CONTENTS: &[&str] = &["url", "data", "fileUri", "file_uri"];

/// The fields that mark an object as the request of a model.
const CONVERSATION_FIELDS: &[&str] = &["messages", "prompt", "input", "contents"];

/// The other fields of a request that are not parameters.
const OTHER_FIELDS: &[&str] =
    &["model", "system", "system_instruction", "systemInstruction", "instructions", "tools", "functions"];

/// Whether images of any length in the values of this attribute are hidden.
pub(super) fn hides_images(hidden: u32, key: &str) -> bool {
    hidden & INPUT_IMAGES != 0 && !key.starts_with("output.") && !key.starts_with("llm.output_messages")
}

/// Replaces every base64 image in the text that is longer than this. `None` if there is none. A text that begins with
/// an image is replaced as a whole: it is the image, perhaps cut.
pub(super) fn without_images(text: &str, longest: usize) -> Option<String> {
    if !may_hold_longer_than(longest, text) {
        return None;
    }
    let find = |text: &str| memmem::find(text.as_bytes(), IMAGE.as_bytes());
    find(text)?;
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = find(rest) {
        let (before, image) = rest.split_at(start);
        let end = image.find(|character: char| !is_in_data_url(character)).unwrap_or(image.len());
        let (image, after) = image.split_at(end);
        let is_masked = end > longest && image.contains("base64");
        if is_masked && text.starts_with(IMAGE) {
            return Some(REDACTED.to_owned());
        }
        masked.push_str(before);
        masked.push_str(if is_masked { REDACTED } else { image });
        rest = after;
    }
    masked.push_str(rest);
    (masked.len() != text.len() || masked != text).then_some(masked)
}

/// Whether the text may hold a data URL that is longer than this. Such a URL would fill one of the text's pieces of
/// half that length, and in nearly all texts each piece has a space within its first few characters.
fn may_hold_longer_than(longest: usize, text: &str) -> bool {
    let piece = longest / 2;
    let is_full = |piece: &[u8]| piece.iter().all(|byte| is_in_data_url(char::from(*byte)));
    piece == 0 || text.as_bytes().chunks_exact(piece).any(is_full)
}

fn is_in_data_url(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+/=:;,.-_%".contains(character)
}

/// Masks the hidden parts of a model's request. `None` if there is nothing to mask.
pub(super) fn request(hidden: u32, kind: &str, text: &str) -> Option<String> {
    if kind != SpanKind::Llm.as_str()
        || hidden & (TOOLS | PARAMETERS | INPUT_IMAGES) == 0
        || !text.starts_with(['{', '['])
    {
        return None;
    }
    // A request that was cut cannot be parsed, so all of it is hidden.
    let Ok(mut request) = serde_json::from_str(text) else { return Some(REDACTED.to_owned()) };
    if hidden & PARAMETERS != 0 {
        mask_parameters(&mut request);
    }
    mask(hidden, &mut request);
    Some(request.to_string())
}

/// The value is a request, or the arguments of a function, and one of these may be a request.
fn mask_parameters(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    if CONVERSATION_FIELDS.iter().any(|name| fields.contains_key(*name)) {
        let is_parameter = |name: &str| !CONVERSATION_FIELDS.contains(&name) && !OTHER_FIELDS.contains(&name);
        let parameters = fields.iter_mut().filter(|(name, _)| is_parameter(name));
        parameters.for_each(|(_, parameter)| *parameter = REDACTED.into());
    } else {
        fields.values_mut().for_each(mask_parameters);
    }
}

fn mask(hidden: u32, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_one_of = |names: &[&str]| names.contains(&name.as_str());
                if hidden & TOOLS != 0 && is_one_of(TOOL_FIELDS) {
                    *value = REDACTED.into();
                } else if hidden & INPUT_IMAGES != 0 && is_one_of(IMAGE_FIELDS) {
                    mask_image(value);
                } else {
                    mask(hidden, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(hidden, item)),
        _ => {}
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_as_long_as_it_is_wherever_it_stands() {
        const START: &str = "data:image/png;base64,";
        for longest in 30..40 {
            let image = |length: usize| format!("{START}{}", "A".repeat(length - START.len()));
            for before in 0..100 {
                let within = |image: &str| format!("{} {image} behind", "é".repeat(before));
                assert_eq!(without_images(&within(&image(longest)), longest), None);
                let masked = without_images(&within(&image(longest + 1)), longest);
                assert_eq!(masked, Some(within(REDACTED)), "{before} before, {longest} at most");
            }
        }
    }
}
