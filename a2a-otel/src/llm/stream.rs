//! Streamed answers: joins chunks into the response that they are pieces of.

use memchr::memchr2;

use super::failure::Failure;
use super::fold::Grown;
use super::framing::Framing;
use super::reader;
use super::reading::Read;
use super::shape::Shape;
use super::shapes::SHAPES;
use crate::capture::{self, Encoded, Form, Value};
use crate::json::{Json, Node};

/// How much of a stream is read, in bytes, before it counts as something other than a model's answer.
const UNREAD_LIMIT: usize = 1 << 16;

/// The answer whose chunks the items of a stream are, if they are chunks.
#[derive(Debug)]
pub(crate) struct StreamedAnswer {
    shape: Option<&'static Shape>,
    grown: Grown,
    framing: Framing,
    failure: Option<Failure>,
    /// How much was not a chunk of any shape, in bytes.
    unread: usize,
}

/// How much of an answer is kept to be read, in bytes. A lower limit cuts each value that is recorded, and does not keep usage
/// from being read.
fn most_kept() -> usize {
    capture::limit().max(capture::DEFAULT_LIMIT)
}

impl Default for StreamedAnswer {
    fn default() -> Self {
        Self {
            shape: None,
            grown: Grown::up_to(most_kept()),
            framing: Framing::default(),
            failure: None,
            unread: 0,
        }
    }
}

impl StreamedAnswer {
    /// Adds an item: a chunk, or raw text that contains chunks. False until the first chunk.
    pub(crate) fn take(&mut self, item: &dyn Value) -> bool {
        if self.shape.is_none() && self.unread > UNREAD_LIMIT {
            return false;
        }
        match capture::whole_bytes(item) {
            Some((bytes, Form::Json)) => self.take_value(&String::from_utf8_lossy(&bytes)),
            Some((bytes, _)) => self.take_text(&bytes),
            None => {}
        }
        self.shape.is_some()
    }

    /// Adds a chunk, or the text in a JSON string.
    fn take_value(&mut self, json: &str) {
        match json.starts_with('"').then(|| serde_json::from_str::<String>(json)) {
            Some(Ok(text)) => self.take_text(text.as_bytes()),
            _ => self.take_json(json),
        }
    }

    fn take_json(&mut self, text: &str) {
        match Json::index(text) {
            Some(json) => self.take_chunks(&json),
            None => self.unread += text.len(),
        }
    }

    fn take_chunks(&mut self, json: &Json<'_>) {
        if json.root().is_list() {
            json.root().items().for_each(|chunk| self.take_chunk(chunk));
        } else {
            self.take_chunk(json.root());
        }
    }

    fn take_chunk(&mut self, chunk: Node<'_>) {
        // Parsers of server-sent events return objects that hold the chunk as text.
        if let Some(data) = chunk.get("data").and_then(Node::text).filter(|data| data.starts_with('{')) {
            return self.take_json(&data);
        }
        if self.failure.is_none() {
            self.failure = Failure::of(chunk);
        }
        let is_chunk = |shape: &&&Shape| (shape.is_chunk)(chunk);
        self.shape = self.shape.or_else(|| SHAPES.iter().find(is_chunk).copied());
        match self.shape {
            Some(shape) => (shape.fold)(&mut self.grown, chunk),
            None => self.unread += chunk.raw().len(),
        }
    }

    /// Adds raw text, which may be cut anywhere.
    pub(super) fn take_text(&mut self, bytes: &[u8]) {
        // Clients that read the lines themselves pass on a chunk at a time.
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let is_line =
            self.framing.is_empty() && line.starts_with(b"{") && memchr2(b'\n', b'\r', line).is_none();
        let line = is_line.then(|| String::from_utf8_lossy(line));
        if let Some(json) = line.as_deref().and_then(Json::index) {
            return self.take_chunks(&json);
        }
        let mut framing = std::mem::take(&mut self.framing);
        let unread = framing.take(bytes, most_kept(), &mut |json| self.take_chunks(json));
        self.framing = framing;
        self.unread += unread;
    }

    /// Reads the answer, if there was a chunk of one or a failure.
    pub(crate) fn read(self) -> Option<Read> {
        let (shape, text, failure) = self.finish();
        let answer = shape.filter(|_| !text.is_empty()).map(|shape| {
            let read = Json::index(&text).map(|json| reader::response(shape, &json)).unwrap_or_default();
            Read { value: Some(Encoded { text, structured: true }), ..read }
        });
        let is_anything = answer.is_some() || failure.is_some();
        is_anything.then(|| Read { failure, ..answer.unwrap_or_default() })
    }

    /// Like [`read`](Self::read), but only what figures need.
    pub(crate) fn skim(self) -> Option<Read> {
        let (shape, text, failure) = self.finish();
        let json = Json::index(&text);
        let answer = shape.zip(json.as_ref()).map(|(shape, json)| reader::skim_response(shape, json.root()));
        let is_anything = answer.is_some() || failure.is_some();
        is_anything.then(|| Read { failure, ..answer.unwrap_or_default() })
    }

    /// The shape of the chunks, the answer that they make, and the failure that one of them reports.
    fn finish(mut self) -> (Option<&'static Shape>, String, Option<Failure>) {
        let mut framing = std::mem::take(&mut self.framing);
        framing.finish(most_kept(), &mut |json| self.take_chunks(json));
        let mut text = String::new();
        self.grown.write(&mut text);
        (self.shape, text, self.failure)
    }
}
