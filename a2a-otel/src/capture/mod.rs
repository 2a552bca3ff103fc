//! Values become attributes by what their type can do: serialise, or else debug, or else nothing.
//!
//! What a type can do is found out at compile time, without a bound on the user's function: [`Capture`] has the
//! method for types that serialise, and dereferences to [`ByDebug`], which has it for types that debug, and that to
//! [`Opaque`]. Method resolution takes the first that fits. The answer is a `&dyn Value`, so that everything
//! behind it is compiled once.

mod body;
mod documents;
mod guard;
mod scalar;
mod writer;

use std::fmt::{self, Debug, Display, Write as _};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::{Array, KeyValue, StringValue, Value as AttributeValue};
use serde::Serialize;

pub use self::body::Body;
pub(crate) use self::documents::documents;
pub(crate) use self::guard::{PANICKED, guarded, panics};
use self::scalar::{NotScalar, Scalar, push_scalar};
use crate::json::Index;
use crate::semconv::openinference::mime_type;

/// The longest value that is recorded, in bytes, unless the environment says otherwise: 1 MiB.
const DEFAULT_LIMIT: usize = 1 << 20;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);

pub(crate) fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// Room for most values, so that the text seldom has to grow.
const USUAL_LENGTH: usize = 128;

/// The longest value that is looked into, in bytes: 64 MiB. What is then recorded of it is cut like any other.
const READ_LIMIT: usize = 1 << 26;

/// Sets the longest value that is recorded, in bytes.
pub(crate) fn set_value_limit(limit: Option<usize>) {
    LIMIT.store(limit.unwrap_or(DEFAULT_LIMIT), Ordering::Relaxed);
}

/// A value that may be recorded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name of a primitive type, but is another",
    label = "taken for the primitive type",
    note = "write the parameter's type with its path, as in `self::bool`, or leave the parameter out with `skip(...)`"
)]
pub trait Value {
    /// Writes all of the value, as JSON if it can.
    #[doc(hidden)]
    fn write(&self, into: &mut Text) -> Form;

    /// Appends the value under the key, if it is a scalar.
    #[doc(hidden)]
    fn push_scalar(&self, _: &'static str, _: &mut Vec<KeyValue>) -> Scalar {
        Err(NotScalar)
    }
}

/// What a value was written as.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Json,
    Plain,
    /// The type can neither serialise nor debug, or its own code failed.
    Nothing,
}

/// Written text, bounded.
#[doc(hidden)]
#[derive(Debug)]
pub struct Text {
    bytes: Vec<u8>,
    limit: usize,
    /// Whether the value is longer than the limit.
    cut: bool,
    /// Where the values of the JSON are, if somebody will read it.
    index: Option<Index>,
}

/// A value in its final form.
#[derive(Debug, PartialEq)]
pub(crate) struct Encoded {
    pub(crate) text: String,
    /// Whether the text is a JSON object or array.
    pub(crate) structured: bool,
}

/// A value that may serialise.
pub struct Capture<'a, T: ?Sized>(ByDebug<'a, T>);

/// A value that may debug.
pub struct ByDebug<'a, T: ?Sized>(Opaque<'a, T>);

/// A value that can do nothing.
pub struct Opaque<'a, T: ?Sized>(&'a T);

impl<'a, T: ?Sized> Capture<'a, T> {
    /// Begins to ask what the value can do.
    #[must_use]
    pub const fn new(value: &'a T) -> Self {
        Self(ByDebug(Opaque(value)))
    }
}

impl<'a, T: ?Sized> Deref for Capture<'a, T> {
    type Target = ByDebug<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: ?Sized> Deref for ByDebug<'a, T> {
    type Target = Opaque<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Serialize + ?Sized> Capture<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

impl<T: Debug + ?Sized> ByDebug<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_value(&self) -> &dyn Value {
        self
    }
}

/// A type of which something can be recorded. What is asked for by name has to be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded: it implements neither `serde::Serialize` nor `Debug`",
    label = "cannot be recorded",
    note = "derive one of the two, or record a part of it, as in `value.id`"
)]
pub trait Recordable {}

/// For values that the user asks for by name, which must not be left out in silence.
impl<T: Serialize + ?Sized> Capture<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value {
        self
    }
}

impl<T: Debug + ?Sized> ByDebug<'_, T> {
    /// The value, with what its type can do.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value {
        self
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// The value, which can do nothing: an error.
    #[must_use]
    pub fn a2a_otel_required(&self) -> &dyn Value
    where
        T: Recordable,
    {
        self
    }
}

/// For what becomes a name: as it displays, or else as it serialises, which may be nothing, as of `None`.
impl<T: Display + ?Sized> Capture<'_, T> {
    /// The value as text.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String> {
        guarded(|| self.0.0.0.to_string())
    }
}

impl<T: Serialize + ?Sized> ByDebug<'_, T> {
    /// The value as text.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String> {
        encode(&Capture::new(self.0.0)).map(|encoded| encoded.text)
    }
}

impl<T: ?Sized> Opaque<'_, T> {
    /// The value as text, which it does not have: an error.
    #[must_use]
    pub fn a2a_otel_text(&self) -> Option<String>
    where
        T: Display,
    {
        guarded(|| self.0.to_string())
    }
}

/// A literal of the user's, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug)]
pub enum Fixed {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

impl From<Fixed> for AttributeValue {
    #[inline]
    fn from(literal: Fixed) -> Self {
        match literal {
            Fixed::Text(text) => text.into(),
            Fixed::Int(number) => number.into(),
            Fixed::Float(number) => number.into(),
            Fixed::Bool(bool) => bool.into(),
        }
    }
}

impl Value for Fixed {
    fn write(&self, into: &mut Text) -> Form {
        match self {
            Self::Text(text) => Capture::new(*text).write(into),
            Self::Int(number) => Capture::new(number).write(into),
            Self::Float(number) => Capture::new(number).write(into),
            Self::Bool(bool) => Capture::new(bool).write(into),
        }
    }

    fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
        attributes.push(KeyValue::new(key, *self));
        Ok(())
    }
}

/// Types that an attribute knows by their names, so that the compiler need not look for what they can do.
macro_rules! primitives {
    ($($primitive:ty),*) => {$(
        impl Value for $primitive {
            fn write(&self, into: &mut Text) -> Form {
                Capture::new(self).write(into)
            }

            fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
                push_scalar(self, key, attributes)
            }
        }
    )*};
}

primitives!(&str, bool, f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<T: Serialize + ?Sized> Value for Capture<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        match writer::write(self.0.0.0, into) {
            Ok(()) => Form::Json,
            Err(_) if into.cut => Form::Plain,
            Err(_) => Form::Nothing,
        }
    }

    fn push_scalar(&self, key: &'static str, attributes: &mut Vec<KeyValue>) -> Scalar {
        push_scalar(self.0.0.0, key, attributes)
    }
}

impl<T: Debug + ?Sized> Value for ByDebug<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        match write!(into, "{:?}", self.0.0) {
            Err(_) if !into.cut => Form::Nothing,
            _ => Form::Plain,
        }
    }
}

impl<T: ?Sized> Value for Opaque<'_, T> {
    fn write(&self, _: &mut Text) -> Form {
        Form::Nothing
    }
}

impl Text {
    fn up_to(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(limit.min(USUAL_LENGTH)), limit, cut: false, index: None }
    }

    /// Inlined into formatting, which writes piece by piece.
    #[inline]
    fn push(&mut self, bytes: &[u8]) -> bool {
        let room = self.limit.saturating_sub(self.bytes.len());
        if bytes.len() <= room {
            self.bytes.extend_from_slice(bytes);
            return true;
        }
        self.cut = true;
        self.bytes.extend_from_slice(&bytes[..room]);
        false
    }

    #[inline]
    fn note(&mut self, note: impl FnOnce(&mut Index)) {
        if let Some(index) = &mut self.index {
            note(index);
            if index.is_too_much() {
                self.index = None;
            }
        }
    }

    /// Appends a value as JSON, whatever its type can do; nothing where it can do nothing.
    fn push_json(&mut self, value: &dyn Value) -> bool {
        let start = self.bytes.len();
        match write_guarded(value, self) {
            Form::Json => true,
            Form::Plain if self.cut => true,
            Form::Plain => {
                let plain = self.bytes.split_off(start);
                let _ = self.string(&String::from_utf8_lossy(&plain));
                true
            }
            Form::Nothing => {
                self.bytes.truncate(start);
                false
            }
        }
    }

    /// The text, marked where it was cut. What is no text is shown as far as it is.
    fn into_string(self) -> String {
        let Self { mut bytes, limit, cut, .. } = self;
        // Half a character at the end goes as a whole.
        if cut
            && let Err(half) = std::str::from_utf8(&bytes)
            && half.error_len().is_none()
        {
            bytes.truncate(half.valid_up_to());
        }
        let mut text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if cut {
            text.push_str(&cut_mark(limit));
        }
        text
    }

    fn into_encoded(self) -> Encoded {
        Encoded { structured: !self.cut, text: self.into_string() }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.push(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// A JSON list that grows, bounded as a whole.
#[derive(Debug, Default)]
pub(crate) struct List(Option<Text>);

impl List {
    pub(crate) fn push(&mut self, value: &dyn Value) {
        let is_first = self.0.is_none();
        let text = self.0.get_or_insert_with(|| Text::up_to(limit()));
        let start = text.bytes.len();
        text.push(if is_first { b"[" } else { b"," });
        if !text.push_json(value) {
            text.bytes.truncate(start);
            if is_first {
                self.0 = None;
            }
        }
    }

    /// The list; nothing where nothing came.
    pub(crate) fn into_encoded(self) -> Option<Encoded> {
        let mut text = self.0?;
        text.push(b"]");
        Some(text.into_encoded())
    }
}

/// Writes named values as a JSON object, bounded as a whole; nothing where none of them can be written.
pub(crate) fn encode_object(names: &[&'static str], values: &[&dyn Value]) -> Option<Encoded> {
    let mut text = Text::up_to(limit());
    for (name, value) in names.iter().zip(values) {
        let start = text.bytes.len();
        text.push(if start == 0 { b"{\"" } else { b",\"" });
        text.push(name.as_bytes());
        text.push(b"\":");
        if !text.push_json(*value) {
            text.bytes.truncate(start);
        }
    }
    if text.bytes.is_empty() {
        return None;
    }
    text.push(b"}");
    Some(text.into_encoded())
}

/// Writes a value as OpenInference shows it: scalars as they are, everything else as JSON, or in its debug form.
/// `None` where there is nothing to show.
pub(crate) fn encode(value: &dyn Value) -> Option<Encoded> {
    let mut scalar = Vec::new();
    if push_guarded(value, "", &mut scalar).is_ok() {
        return Some(Encoded { text: text_of(scalar.pop()?.value), structured: false });
    }
    encode_up_to(limit(), value)
}

/// Values and the key of each.
pub(crate) type Fields<'a> = [(&'static str, &'a dyn Value)];

/// Appends the attributes of such values.
pub(crate) fn push_fields(attributes: &mut Vec<KeyValue>, fields: &Fields<'_>) {
    for (key, value) in fields {
        push_field(attributes, key, *value);
    }
}

/// The attributes of such values.
pub(crate) fn attributes(fields: &Fields<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(fields.len());
    push_fields(&mut attributes, fields);
    attributes
}

/// The value of an attribute, if it is there.
#[inline]
pub(crate) fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AttributeValue> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

/// Writes all of a value, to be read before it is recorded.
pub(crate) fn encode_whole(value: &dyn Value) -> Option<Encoded> {
    encode_up_to(READ_LIMIT, value)
}

/// The same of a value that is probably so long, with the index of what became JSON, unless that is to be had from the
/// text alone.
pub(crate) fn encode_indexed(value: &dyn Value, length: usize) -> Option<(Encoded, Option<Index>)> {
    let bytes = Vec::with_capacity(length.max(USUAL_LENGTH));
    let mut text = Text { bytes, limit: READ_LIMIT, cut: false, index: Some(Index::default()) };
    let form = write_guarded(value, &mut text);
    let structured = form == Form::Json;
    let index = text.index.take().filter(|_| structured);
    (form != Form::Nothing).then(|| (Encoded { text: text.into_string(), structured }, index))
}

/// All of a value that is text or bytes, as it stands; of any other value, its JSON.
pub(crate) fn whole_bytes(value: &dyn Value) -> Option<(Vec<u8>, Form)> {
    let mut text = Text::up_to(READ_LIMIT);
    let form = write_guarded(value, &mut text);
    (form != Form::Nothing).then_some((text.bytes, form))
}

fn encode_up_to(limit: usize, value: &dyn Value) -> Option<Encoded> {
    let (text, form) = write(value, limit)?;
    Some(Encoded { text, structured: form == Form::Json })
}

impl Encoded {
    /// The value and what it is, under these names.
    pub(crate) fn into_attributes(self, value: &'static str, mime: &'static str) -> [KeyValue; 2] {
        let form = if self.structured { mime_type::JSON } else { mime_type::TEXT };
        [KeyValue::new(value, self.text), KeyValue::new(mime, form)]
    }

    /// The value no longer than allowed.
    pub(crate) fn cut(self) -> Self {
        let whole = self.text.len();
        let text = cut(self.text);
        Self { structured: self.structured && text.len() == whole, text }
    }
}

/// Appends a value under the key, typed where OpenTelemetry has the type.
#[inline]
pub(crate) fn push_field(attributes: &mut Vec<KeyValue>, key: &'static str, value: &dyn Value) {
    if push_guarded(value, key, attributes).is_err() {
        push_written(attributes, key, value);
    }
}

fn push_written(attributes: &mut Vec<KeyValue>, key: &'static str, value: &dyn Value) {
    if let Some((text, form)) = write(value, limit()) {
        let list = if form == Form::Json { list(&text) } else { None };
        attributes.push(KeyValue::new(key, list.unwrap_or_else(|| text.into())));
    }
}

fn write(value: &dyn Value, limit: usize) -> Option<(String, Form)> {
    let mut text = Text::up_to(limit);
    let form = write_guarded(value, &mut text);
    (form != Form::Nothing).then(|| (text.into_string(), form))
}

fn write_guarded(value: &dyn Value, into: &mut Text) -> Form {
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

/// The text no longer than allowed, marked where it was cut.
pub(crate) fn cut(text: String) -> String {
    if text.len() <= limit() { text } else { bounded(&text) }
}

/// What stands behind a value that was cut.
pub(crate) fn cut_mark(limit: usize) -> String {
    format!(" … [cut at {limit} bytes]")
}

/// A copy of the text, likewise.
pub(crate) fn bounded(text: &str) -> String {
    if text.len() <= limit() { text.to_owned() } else { cut_to(limit(), text) }
}

/// The beginning of a text that is longer than that.
pub(crate) fn cut_to(limit: usize, text: &str) -> String {
    let mut cut = Text::up_to(limit);
    cut.push(text.as_bytes());
    cut.into_string()
}

/// A list of strings, as OpenInference's tags are, or of numbers, as a vector is; other lists stay JSON.
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
