//! Values become attributes by what their type can do: serialise, or else debug, or else nothing.
//!
//! What a type can do is found out at compile time, without a bound on the user's function: [`Capture`] has the
//! method for types that serialise, and dereferences to [`ByDebug`], which has it for types that debug, and that to
//! [`Opaque`]. Method resolution takes the first that fits. The answer is a `&dyn Value`, so that everything
//! behind it is compiled once.

mod scalar;

use std::fmt::{self, Debug, Write as _};
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::{Array, StringValue, Value as AttributeValue};
use serde::Serialize;

use self::scalar::{NotScalar, Scalar};

/// The longest value that is recorded, in bytes, unless the environment says otherwise: 1 MiB.
const DEFAULT_LIMIT: usize = 1 << 20;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);

fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// The longest value that is looked into, in bytes: 64 MiB. What is then recorded of it is cut like any other.
const READ_LIMIT: usize = 1 << 26;

/// Sets the longest value that is recorded, in bytes.
pub(crate) fn set_value_limit(limit: Option<usize>) {
    LIMIT.store(limit.unwrap_or(DEFAULT_LIMIT), Ordering::Relaxed);
}

/// A value that may be recorded.
pub trait Value {
    /// Writes all of the value, as JSON if it can.
    #[doc(hidden)]
    fn write(&self, into: &mut Text) -> Form;

    /// The value as a scalar, if it is one.
    #[doc(hidden)]
    fn scalar(&self) -> Scalar {
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

impl<T: Serialize + ?Sized> Value for Capture<'_, T> {
    fn write(&self, into: &mut Text) -> Form {
        match serde_json::to_writer(&mut *into, self.0.0.0) {
            Ok(()) => Form::Json,
            Err(_) if into.cut => Form::Plain,
            Err(_) => Form::Nothing,
        }
    }

    fn scalar(&self) -> Scalar {
        scalar::scalar(self.0.0.0)
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
        Self { bytes: Vec::new(), limit, cut: false }
    }

    fn push(&mut self, bytes: &[u8]) -> bool {
        let room = self.limit - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        !self.cut
    }

    /// The text, marked where it was cut.
    fn into_string(mut self) -> String {
        if !self.cut {
            return String::from_utf8(self.bytes).unwrap_or_default();
        }
        while std::str::from_utf8(&self.bytes).is_err() {
            self.bytes.pop();
        }
        let mut text = String::from_utf8(self.bytes).unwrap_or_default();
        let _ = write!(text, " … [cut at {} bytes]", self.limit);
        text
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.push(bytes) { Ok(bytes.len()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.push(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Writes a value as OpenInference shows it: scalars as they are, everything else as JSON, or in its debug form.
/// `None` where there is nothing to show.
pub(crate) fn encode(value: &dyn Value) -> Option<Encoded> {
    if let Ok(scalar) = value.scalar() {
        return Some(Encoded { text: cut(text_of(scalar?)), structured: false });
    }
    encode_up_to(limit(), value)
}

/// Writes all of a value, to be read before it is recorded.
pub(crate) fn encode_whole(value: &dyn Value) -> Option<Encoded> {
    encode_up_to(READ_LIMIT, value)
}

fn encode_up_to(limit: usize, value: &dyn Value) -> Option<Encoded> {
    let (text, form) = write(value, limit)?;
    Some(Encoded { text, structured: form == Form::Json })
}

impl Encoded {
    /// The value no longer than allowed.
    pub(crate) fn cut(self) -> Self {
        let whole = self.text.len();
        let text = cut(self.text);
        Self { structured: self.structured && text.len() == whole, text }
    }
}

/// Writes a value as JSON, whatever its type can do.
pub(crate) fn encode_json(value: &dyn Value) -> Option<String> {
    let (text, form) = write(value, limit())?;
    match form {
        Form::Json => Some(text),
        _ => serde_json::to_string(&text).ok(),
    }
}

/// Writes a value as an attribute, typed where OpenTelemetry has the type.
pub(crate) fn encode_attribute(value: &dyn Value) -> Option<AttributeValue> {
    match value.scalar() {
        Ok(Some(AttributeValue::String(text))) => return Some(cut(text.into()).into()),
        Ok(scalar) => return scalar,
        Err(NotScalar) => {}
    }
    let (text, form) = write(value, limit())?;
    let list = if form == Form::Json { strings(&text) } else { None };
    Some(list.unwrap_or_else(|| text.into()))
}

fn write(value: &dyn Value, limit: usize) -> Option<(String, Form)> {
    let mut text = Text::up_to(limit);
    let form = value.write(&mut text);
    (form != Form::Nothing).then(|| (text.into_string(), form))
}

fn text_of(scalar: AttributeValue) -> String {
    match scalar {
        AttributeValue::String(text) => text.into(),
        other => other.to_string(),
    }
}

/// The text no longer than allowed, marked where it was cut.
pub(crate) fn cut(text: String) -> String {
    let limit = limit();
    if text.len() <= limit {
        return text;
    }
    let mut cut = Text::up_to(limit);
    cut.push(text.as_bytes());
    cut.into_string()
}

/// A list of strings, as OpenInference's tags are; other lists stay JSON.
fn strings(json: &str) -> Option<AttributeValue> {
    if !json.starts_with("[\"") {
        return None;
    }
    let strings: Vec<String> = serde_json::from_str(json).ok()?;
    Some(AttributeValue::Array(Array::String(strings.into_iter().map(StringValue::from).collect())))
}
