//! Streamed answers: joins chunks into the response that they are pieces of.

use super::fold::Grown;
use super::shape::Shape;
use super::shapes::SHAPES;
use crate::capture::{self, Form, Value};
use crate::json::{Json, Node};

/// How much of a stream is read, in bytes, before it counts as something other than a model's answer.
const UNREAD_LIMIT: usize = 1 << 16;

/// The answer whose chunks the items of a stream are, if they are chunks.
#[derive(Debug)]
pub(crate) struct StreamedAnswer {
    shape: Option<&'static Shape>,
    grown: Grown,
    /// The unfinished line of raw text.
    line: Vec<u8>,
    /// How much was not a chunk of any shape, in bytes.
    unread: usize,
}

impl Default for StreamedAnswer {
    fn default() -> Self {
        Self { shape: None, grown: Grown::up_to(capture::limit()), line: Vec::new(), unread: 0 }
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
            Some(json) if json.root().is_list() => {
                json.root().items().for_each(|chunk| self.take_chunk(chunk));
            }
            Some(json) => self.take_chunk(json.root()),
            None => self.unread += text.len(),
        }
    }

    fn take_chunk(&mut self, chunk: Node<'_>) {
        // Parsers of server-sent events return objects that hold the chunk as text.
        if let Some(data) = chunk.get("data").and_then(Node::text).filter(|data| data.starts_with('{')) {
            return self.take_json(&data);
        }
        let is_chunk = |shape: &&&Shape| (shape.is_chunk)(chunk);
        self.shape = self.shape.or_else(|| SHAPES.iter().find(is_chunk).copied());
        match self.shape {
            Some(shape) => (shape.fold)(&mut self.grown, chunk),
            None => self.unread += chunk.raw().len(),
        }
    }

    /// Adds raw text: server-sent events, or JSON line by line. A line may continue in the next item.
    pub(super) fn take_text(&mut self, bytes: &[u8]) {
        let is_object = self.line.is_empty() && bytes.starts_with(b"{");
        let whole = is_object.then(|| String::from_utf8_lossy(bytes));
        if let Some(whole) = whole.filter(|text| Json::index(text).is_some()) {
            return self.take_json(&whole);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = capture::limit().saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.take_line();
            }
        }
    }

    fn take_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        let data = line.strip_prefix("data:").map_or(line, str::trim_start);
        if data.starts_with('{') {
            self.take_json(data);
        } else {
            self.unread += line.len();
        }
    }

    /// The answer as a response of the shape. `None` if there was no chunk.
    pub(super) fn finish(mut self) -> Option<(&'static Shape, String)> {
        self.take_line();
        let mut json = String::new();
        self.grown.write(&mut json);
        Some((self.shape?, json)).filter(|(_, json)| !json.is_empty())
    }
}
