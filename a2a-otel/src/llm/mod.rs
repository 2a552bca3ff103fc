//! Reads LLM calls by the shape of their JSON, so that this crate does not depend on any provider's crate.
//!
//! The reader of a shape makes an exchange of it (`exchange.rs`), which knows nothing of attributes;
//! `openinference.rs` makes the attributes from the exchange. A new provider is a file with a [`Shape`], and a line in
//! [`SHAPES`].

#[cfg(feature = "cost")]
pub(crate) mod cost;
mod exchange;
mod failure;
mod figures;
mod fold;
mod framing;
mod gen_ai_only;
mod openinference;
mod parameters;
mod pending;
mod reader;
mod reading;
mod secrets;
mod shape;
mod shapes;
mod stream;

use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use self::failure::Failure;
pub(crate) use self::figures::{CallOutcome, ModelCall};
pub(crate) use self::pending::Pending;
pub(crate) use self::reading::{Model, Read};
use self::shapes::SHAPES;
pub(crate) use self::stream::StreamedAnswer;
use crate::capture::{Encoded, Value, encode_indexed, limit};
use crate::json::{Index, Json};

/// Reads a request. Of an unknown shape, only the value is read. The JSON is returned too, for reading it again.
pub(crate) fn read_request(value: &dyn Value, is_embedding: bool) -> (Read, Option<Box<str>>) {
    // A conversation grows turn by turn: its next request is a little longer than the last.
    static LAST_LENGTH: AtomicUsize = AtomicUsize::new(0);
    let last_length = LAST_LENGTH.load(Ordering::Relaxed);
    let mut body = Content::of(value, last_length + last_length / 8);
    if let Some(body) = &body {
        LAST_LENGTH.store(body.whole().len().min(limit()), Ordering::Relaxed);
    }
    let json = body.as_mut().and_then(Content::json);
    let read = json
        .as_ref()
        .and_then(|json| Some(reader::request(reader::shape_of_request(json.root(), is_embedding)?, json)));
    let secrets = json.as_ref().map(|json| secrets::places(json.root())).unwrap_or_default();
    let again = json.filter(|json| json.root().raw().len() <= limit()).map(|json| json.root().raw().into());
    let mut value = body.map(Content::into_encoded);
    if let Some(value) = value.as_mut().filter(|_| !secrets.is_empty()) {
        value.text = secrets::replaced(&value.text, &secrets);
    }
    (Read { value, ..read.unwrap_or_default() }, again)
}

/// Reads of a request what figures need: who is asked for which model.
pub(crate) fn skim_request(value: &dyn Value, is_embedding: bool) -> Read {
    let mut body = Content::of(value, 0);
    let json = body.as_mut().and_then(Content::json);
    let json = json.as_ref().map(Json::root);
    let shape = json.and_then(|json| reader::shape_of_request(json, is_embedding));
    json.zip(shape).map(|(json, shape)| reader::skim_request(shape, json)).unwrap_or_default()
}

/// Reads of a response what figures need: model, usage and failure.
pub(crate) fn skim_response(value: &dyn Value) -> Read {
    let Some(mut body) = Content::of(value, 0) else { return Read::default() };
    if let Some(json) = body.json() {
        let root = json.root();
        let shape = SHAPES.iter().find(|shape| (shape.is_response)(root));
        let read = shape.map(|shape| reader::skim_response(shape, root)).unwrap_or_default();
        let failure = if shape.is_some() { Failure::of(root) } else { Failure::of_unknown(root) };
        return Read { failure, ..read };
    }
    let streamed = body.text().and_then(|text| {
        let mut answer = StreamedAnswer::default();
        answer.take_text(text.as_bytes());
        answer.skim()
    });
    streamed.unwrap_or_default()
}

/// Reads a response. Of an unknown shape, only the value is read.
pub(crate) fn read_response(value: &dyn Value) -> Read {
    let Some(mut body) = Content::of(value, 0) else { return Read::default() };
    if let Some(json) = body.json() {
        let shape = SHAPES.iter().find(|shape| (shape.is_response)(json.root()));
        let read = shape.map(|shape| reader::response(shape, &json)).unwrap_or_default();
        let failure =
            if shape.is_some() { Failure::of(json.root()) } else { Failure::of_unknown(json.root()) };
        return Read { value: Some(body.into_encoded()), failure, ..read };
    }
    let streamed = body.text().and_then(|text| {
        let mut answer = StreamedAnswer::default();
        answer.take_text(text.as_bytes());
        answer.read()
    });
    let read = streamed.unwrap_or_default();
    // A text that is no answer may still report a failure.
    Read { value: read.value.or_else(|| Some(body.into_encoded())), ..read }
}

/// The content of a request or a response.
enum Content {
    /// With its index, if it was built already.
    Json(Encoded, Option<Index>),
    Text(String),
}

impl Content {
    /// Encodes the value, whose length is probably about this.
    fn of(value: &dyn Value, length: usize) -> Option<Self> {
        let (encoded, index) = encode_indexed(value, length)?;
        if !encoded.structured {
            return Some(Self::Text(encoded.text));
        }
        // A text that the user serialised may be inside a JSON string.
        let is_text = encoded.text.starts_with('"');
        let text = is_text.then(|| serde_json::from_str(&encoded.text).ok()).flatten();
        Some(text.map_or(Self::Json(encoded, index), Self::Text))
    }

    fn whole(&self) -> &str {
        match self {
            Self::Json(encoded, _) => &encoded.text,
            Self::Text(text) => text,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Json(..) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// The content, if it is a JSON object.
    fn json(&mut self) -> Option<Json<'_>> {
        let (text, index) = match self {
            Self::Json(encoded, index) => (&encoded.text, index.take()),
            Self::Text(text) => (&*text, None),
        };
        if !text.trim_start().starts_with('{') {
            return None;
        }
        index.map_or_else(|| Json::index(text), |index| Some(Json::written(text, index)))
    }

    fn into_encoded(self) -> Encoded {
        match self {
            Self::Json(encoded, _) => encoded,
            Self::Text(text) => Encoded {
                structured: text.trim_start().starts_with(['{', '[']) && Json::index(&text).is_some(),
                text,
            },
        }
    }
}
