//! Builds JSON as text. Values that are already JSON are copied as they are.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::capture;

/// An object that grows. Absent fields are left out.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a field that is JSON.
    pub(super) fn raw(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.extend(["\"", name, "\":", json]);
        self
    }

    pub(super) fn text(self, name: &str, text: Option<impl AsRef<str>>) -> Self {
        match text {
            Some(text) => self.raw(name, &Value::from(text.as_ref()).to_string()),
            None => self,
        }
    }

    /// Adds a field as JSON if it is JSON, or else as text.
    pub(super) fn either(self, name: &str, text: Option<impl AsRef<str>>) -> Self {
        match &text {
            Some(json) if is_json(json.as_ref()) => self.raw(name, json.as_ref()),
            _ => self.text(name, text),
        }
    }

    pub(super) fn build(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Whether the whole text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

pub(super) fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// The shortest text that is cut. Types and names, which give the JSON its meaning, are shorter.
const SHORTEST: usize = 32;

/// JSON that is no longer than a value may be. The longest texts in it are cut, so that it stays valid.
pub(super) fn fitted(json: String) -> String {
    let limit = capture::limit();
    if json.len() <= limit {
        return json;
    }
    let Ok(mut value) = serde_json::from_str(&json) else { return capture::cut(json) };
    let mut longest = limit / 2;
    while longest >= SHORTEST {
        shorten(&mut value, longest);
        let json = value.to_string();
        if json.len() <= limit {
            return json;
        }
        longest /= 2;
    }
    capture::cut(json)
}

fn shorten(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.len() > longest => *text = capture::cut_to(longest, text),
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten(field, longest)),
        _ => {}
    }
}
