//! Values in their final form: one attribute, or the text of one.

use opentelemetry::{Array, KeyValue, StringValue, Value as AttributeValue};

use super::guard::{PANICKED, guarded};
use super::limits::limit;
use super::scalar::Scalar;
use super::text::{Text, USUAL_LENGTH, cut_once};
use super::value::{Form, Value};
use crate::json::Index;
use crate::semconv::openinference::mime_type;

/// The longest value that is read, in bytes: 64 MiB. It is cut like any other value when it is recorded.
pub(super) const READ_LIMIT: usize = 1 << 26;

/// A value in its final form.
#[derive(Debug, PartialEq)]
pub(crate) struct Encoded {
    pub(crate) text: String,
    /// Whether the text is a JSON object or array.
    pub(crate) structured: bool,
}

/// What the items of a stream make, with a limit for the whole: the text of which they are pieces, or else a JSON list.
#[derive(Debug, Default)]
pub(crate) enum Gathered {
    #[default]
    Nothing,
    Text(Text),
    List(Text),
}

impl Gathered {
    /// Adds an item. The first decides what they make.
    pub(crate) fn push(&mut self, value: &dyn Value, joins: bool) {
        match self {
            Self::Nothing if joins => {
                let mut text = Text::to_record();
                write_guarded(value, &mut text);
                *self = Self::Text(text);
            }
            Self::Nothing => {
                let mut list = Text::to_record();
                if push_element(&mut list, b"[", value) {
                    *self = Self::List(list);
                }
            }
            Self::Text(text) => {
                write_guarded(value, text);
            }
            Self::List(list) => {
                push_element(list, b",", value);
            }
        }
    }

    /// The whole. `None` if no value was added.
    pub(crate) fn into_encoded(self) -> Option<Encoded> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => Some(Encoded { text: text.into_recorded().0, structured: false }),
            Self::List(mut list) => {
                list.push(b"]");
                Some(into_encoded(list))
            }
        }
    }
}

fn push_element(list: &mut Text, separator: &[u8], value: &dyn Value) -> bool {
    let start = list.bytes.len();
    list.push(separator);
    let is_pushed = push_json(list, value);
    if !is_pushed {
        list.bytes.truncate(start);
    }
    is_pushed
}

/// Writes named values as a JSON object, with a limit for the whole. `None` if no value can be written.
pub(crate) fn encode_object(names: &[&'static str], values: &[&dyn Value]) -> Option<Encoded> {
    let mut text = Text::to_record();
    for (name, value) in names.iter().zip(values) {
        let start = text.bytes.len();
        text.push(if start == 0 { b"{\"" } else { b",\"" });
        text.push(name.as_bytes());
        text.push(b"\":");
        if !push_json(&mut text, *value) {
            text.bytes.truncate(start);
        }
    }
    if text.bytes.is_empty() {
        return None;
    }
    text.push(b"}");
    Some(into_encoded(text))
}

/// Writes a value as OpenInference has it: a scalar as it is, any other value as JSON or in its `Debug` form.
/// `None` if there is nothing to record.
pub(crate) fn encode(value: &dyn Value) -> Option<Encoded> {
    let mut scalar = Vec::new();
    if push_guarded(value, "", &mut scalar).is_ok() {
        return Some(Encoded { text: text_of(scalar.pop()?.value), structured: false });
    }
    let (text, form) = write(value)?;
    Some(Encoded { text, structured: form == Form::Json })
}

/// Values with their keys.
pub(crate) type Fields<'a> = [(&'static str, &'a dyn Value)];

/// Appends the attributes of these values.
pub(crate) fn push_fields(attributes: &mut Vec<KeyValue>, fields: &Fields<'_>) {
    for (key, value) in fields {
        push_field(attributes, key, *value);
    }
}

/// The attributes of these values.
pub(crate) fn attributes(fields: &Fields<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(fields.len());
    push_fields(&mut attributes, fields);
    attributes
}

/// Writes a whole value, which is read before it is recorded.
pub(crate) fn encode_whole(value: &dyn Value) -> Option<Encoded> {
    let mut text = Text::up_to(READ_LIMIT);
    let form = write_guarded(value, &mut text);
    (form != Form::Nothing).then(|| Encoded { text: text.into_string(), structured: form == Form::Json })
}

/// Writes a whole value of about this length, and indexes the JSON while it writes. There is no index if the value
/// holds text that is already JSON; it must then be built from the text.
pub(crate) fn encode_indexed(value: &dyn Value, length: usize) -> Option<(Encoded, Option<Index>)> {
    let bytes = Vec::with_capacity(length.max(USUAL_LENGTH));
    let mut text = Text { bytes, index: Some(Index::default()), ..Text::up_to(READ_LIMIT) };
    let form = write_guarded(value, &mut text);
    let structured = form == Form::Json;
    let index = text.index.take().filter(|_| structured);
    (form != Form::Nothing).then(|| (Encoded { text: text.into_string(), structured }, index))
}

/// The whole of a value: text or bytes as they are, any other value as JSON.
pub(crate) fn whole_bytes(value: &dyn Value) -> Option<(Vec<u8>, Form)> {
    let mut text = Text::up_to(READ_LIMIT);
    let form = write_guarded(value, &mut text);
    (form != Form::Nothing).then_some((text.bytes, form))
}

impl Encoded {
    /// The value and its MIME type, under these keys.
    pub(crate) fn into_attributes(self, value: &'static str, mime: &'static str) -> [KeyValue; 2] {
        let form = if self.structured { mime_type::JSON } else { mime_type::TEXT };
        [KeyValue::new(value, self.text), KeyValue::new(mime, form)]
    }

    /// The value, cut to the longest value that is recorded. Base64 that is too long is replaced before.
    pub(crate) fn cut(self) -> Self {
        if self.text.len() <= limit() {
            return self;
        }
        let (text, is_whole) = cut_once(&self.text, false);
        Self { structured: self.structured && is_whole, text }
    }
}

/// Appends a value under the key, in OpenTelemetry's type if there is one.
#[inline]
pub(crate) fn push_field(attributes: &mut Vec<KeyValue>, key: &'static str, value: &dyn Value) {
    if push_guarded(value, key, attributes).is_err() {
        push_written(attributes, key, value);
    }
}

fn push_written(attributes: &mut Vec<KeyValue>, key: &'static str, value: &dyn Value) {
    if let Some((text, form)) = write(value) {
        let list = if form == Form::Json { list(&text) } else { None };
        attributes.push(KeyValue::new(key, list.unwrap_or_else(|| text.into())));
    }
}

fn write(value: &dyn Value) -> Option<(String, Form)> {
    let mut text = Text::to_record();
    let form = write_guarded(value, &mut text);
    let (text, is_whole) = text.into_recorded();
    match form {
        Form::Nothing => None,
        Form::Json if is_whole => Some((text, form)),
        _ => Some((text, Form::Plain)),
    }
}

pub(super) fn write_guarded(value: &dyn Value, into: &mut Text) -> Form {
    let (start, was_cut) = (into.bytes.len(), into.cut);
    guarded(|| value.write(into)).unwrap_or_else(|| {
        into.bytes.truncate(start);
        into.cut = was_cut;
        into.push(PANICKED.as_bytes());
        Form::Plain
    })
}

fn push_guarded(value: &dyn Value, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
    let start = attributes.len();
    guarded(|| value.push_scalar(key, attributes)).unwrap_or_else(|| {
        attributes.truncate(start);
        attributes.push(KeyValue::new(key, PANICKED));
        Ok(())
    })
}

fn text_of(scalar: AttributeValue) -> String {
    match scalar {
        AttributeValue::String(text) => text.into(),
        other => other.to_string(),
    }
}

/// Appends a value as JSON, whatever its type implements. Appends nothing and returns false if it implements nothing.
fn push_json(text: &mut Text, value: &dyn Value) -> bool {
    let start = text.bytes.len();
    match write_guarded(value, text) {
        Form::Json => true,
        Form::Plain if text.cut => true,
        Form::Plain => {
            let plain = text.bytes.split_off(start);
            let _ = text.string(&String::from_utf8_lossy(&plain));
            true
        }
        Form::Nothing => {
            text.bytes.truncate(start);
            false
        }
    }
}

fn into_encoded(text: Text) -> Encoded {
    let (text, structured) = text.into_recorded();
    Encoded { text, structured }
}

/// A list of strings, such as OpenInference's tags, or of numbers, such as a vector. Other lists stay JSON.
pub(crate) fn list(json: &str) -> Option<AttributeValue> {
    let list = match json.as_bytes() {
        [b'[', b'"', ..] => {
            let strings: Vec<String> = serde_json::from_str(json).ok()?;
            Array::String(strings.into_iter().map(StringValue::from).collect())
        }
        [b'[', b'-' | b'0'..=b'9', ..] => {
            let whole = serde_json::from_str(json).map(Array::I64);
            whole.or_else(|_| serde_json::from_str(json).map(Array::F64)).ok()?
        }
        _ => return None,
    };
    Some(AttributeValue::Array(list))
}
