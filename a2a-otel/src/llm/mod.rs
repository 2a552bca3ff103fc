//! Reads LLM calls by the shape of their JSON, so that this crate does not depend on any provider's crate.
//!
//! The reader of a shape makes an exchange of it (`exchange.rs`), which knows nothing of attributes;
//! `openinference.rs` makes the attributes from the exchange. A new provider is a file with a [`Shape`], and a line in
//! [`SHAPES`].

mod exchange;
mod failure;
mod fold;
mod framing;
mod gen_ai_only;
mod openinference;
mod parameters;
mod reading;
mod secrets;
mod shape;
mod shapes;
mod stream;

use std::sync::atomic::{AtomicUsize, Ordering};

use self::exchange::Operation;
pub(crate) use self::failure::Failure;
pub(crate) use self::reading::{Model, Read};
use self::shape::Shape;
use self::shapes::SHAPES;
pub(crate) use self::shapes::system;
pub(crate) use self::stream::StreamedAnswer;
use crate::capture::{Encoded, Value, encode_indexed, limit};
use crate::gen_ai;
use crate::json::{Index, Json, Node};

/// Reads a request. Of an unknown shape, only the value is read.
pub(crate) fn read_request(value: &dyn Value, is_embedding: bool) -> Read {
    // A conversation grows turn by turn: its next request is a little longer than the last.
    static LAST_LENGTH: AtomicUsize = AtomicUsize::new(0);
    let last_length = LAST_LENGTH.load(Ordering::Relaxed);
    let mut body = Content::of(value, last_length + last_length / 8);
    if let Some(body) = &body {
        LAST_LENGTH.store(body.whole().len().min(limit()), Ordering::Relaxed);
    }
    let json = body.as_mut().and_then(Content::json);
    let read = json.as_ref().and_then(|json| {
        let shape = shape_of(json, |shape, node| {
            (!is_embedding || shape.operation == Operation::Embedding) && (shape.is_request)(node)
        });
        let shape = shape.or(is_embedding.then_some(shapes::EMBEDDINGS))?;
        let mut read = openinference::request(shape, (shape.request)(json.root()));
        if gen_ai::is_on() {
            gen_ai_only::request(&mut read, json.root());
        }
        Some(read)
    });
    let secrets = json.as_ref().map(|json| secrets::places(json.root())).unwrap_or_default();
    let mut value = body.map(Content::into_encoded);
    if let Some(value) = value.as_mut().filter(|_| !secrets.is_empty()) {
        value.text = secrets::replaced(&value.text, &secrets);
    }
    Read { value, ..read.unwrap_or_default() }
}

/// Reads a response. Of an unknown shape, only the value is read.
pub(crate) fn read_response(value: &dyn Value) -> Read {
    let Some(mut body) = Content::of(value, 0) else { return Read::default() };
    if let Some(json) = body.json() {
        let read =
            shape_of(&json, |shape, node| (shape.is_response)(node)).map(|shape| response(shape, &json));
        return Read { value: Some(body.into_encoded()), ..read.unwrap_or_default() };
    }
    let streamed = body.text().and_then(|text| {
        let mut answer = StreamedAnswer::default();
        answer.take_text(text.as_bytes());
        read_stream(answer).0
    });
    streamed.unwrap_or_else(|| Read { value: Some(body.into_encoded()), ..Read::default() })
}

/// Reads the answer that a stream's items were chunks of, if they were chunks, and the failure that one of them reported.
pub(crate) fn read_stream(answer: StreamedAnswer) -> (Option<Read>, Option<Failure>) {
    let (answer, failure) = answer.finish();
    let read = answer.map(|(shape, text)| {
        let read = Json::index(&text).map(|json| response(shape, &json));
        Read { value: Some(Encoded { text, structured: true }), ..read.unwrap_or_default() }
    });
    (read, failure)
}

fn response(shape: &Shape, json: &Json<'_>) -> Read {
    let mut read = openinference::response(shape, (shape.response)(json.root()));
    if gen_ai::is_on() {
        gen_ai_only::response(&mut read, json.root());
    }
    read
}

fn shape_of(json: &Json<'_>, fits: impl Fn(&Shape, Node<'_>) -> bool) -> Option<&'static Shape> {
    SHAPES.iter().copied().find(|shape| fits(shape, json.root()))
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
