//! Streamed answers: chunks become the message that they are the pieces of.

use super::fold::Grown;
use super::shape::Shape;
use super::shapes::SHAPES;
use crate::capture::{self, Form, Value};
use crate::json::{Json, Node};

/// How much of a stream is looked at, in bytes, before it is taken for something else than a model's answer.
const UNREAD_LIMIT: usize = 1 << 16;

/// The answer that the items of a stream are pieces of, if they are.
#[derive(Debug)]
pub(crate) struct Fold {
    shape: Option<&'static Shape>,
    grown: Grown,
    /// The line of raw text that is not over yet.
    line: Vec<u8>,
    /// How much was no chunk of any shape, in bytes.
    unread: usize,
}

impl Default for Fold {
    fn default() -> Self {
        Self { shape: None, grown: Grown::up_to(capture::limit()), line: Vec::new(), unread: 0 }
    }
}

impl Fold {
    /// Takes an item, whether it is a chunk or raw text in which chunks stand. False as long as there was no chunk.
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

    /// Takes a chunk, or the text that a JSON value is.
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
        // Parsers of server-sent events hand out objects in which the chunk is a text.
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

    /// Takes raw text: server-sent events, or JSON line by line. A line may go on in the next item.
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

    /// The answer as a response of the shape; nothing where no chunk came.
    pub(super) fn finish(mut self) -> Option<(&'static Shape, String)> {
        self.take_line();
        let mut json = String::new();
        self.grown.write(&mut json);
        Some((self.shape?, json)).filter(|(_, json)| !json.is_empty())
    }
}
