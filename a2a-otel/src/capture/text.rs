//! Text of a bounded length.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::json::Index;

/// The longest value that is recorded by default, in bytes: 1 MiB.
const DEFAULT_LIMIT: usize = 1 << 20;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);

pub(crate) fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// Sets the longest value that is recorded, in bytes.
pub(crate) fn set_value_limit(limit: Option<usize>) {
    LIMIT.store(limit.unwrap_or(DEFAULT_LIMIT), Ordering::Relaxed);
}

/// Long enough for most values, so that the text seldom has to grow.
pub(super) const USUAL_LENGTH: usize = 128;

/// Text of a bounded length.
#[doc(hidden)]
#[derive(Debug)]
pub struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) limit: usize,
    /// Whether the value is longer than the limit.
    pub(super) cut: bool,
    /// The index of the JSON, if it will be read.
    pub(super) index: Option<Index>,
}

impl Text {
    pub(super) fn up_to(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(limit.min(USUAL_LENGTH)), limit, cut: false, index: None }
    }

    /// Inlined into formatting, which writes piece by piece.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
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
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Index)) {
        if let Some(index) = &mut self.index {
            note(index);
            if index.is_too_much() {
                self.index = None;
            }
        }
    }

    /// The text, with a mark where it was cut. Invalid UTF-8 is replaced.
    pub(super) fn into_string(self) -> String {
        let Self { mut bytes, limit, cut, .. } = self;
        // Half a character at the end is dropped.
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
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.push(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The text, cut to the longest value that is recorded, with a mark where it was cut.
pub(crate) fn cut(text: String) -> String {
    if text.len() <= limit() { text } else { bounded(&text) }
}

/// The mark at the end of a value that was cut.
pub(crate) fn cut_mark(limit: usize) -> String {
    format!(" … [cut at {limit} bytes]")
}

/// A copy of the text, cut in the same way.
pub(crate) fn bounded(text: &str) -> String {
    if text.len() <= limit() { text.to_owned() } else { cut_to(limit(), text) }
}

/// The beginning of a text that is longer than this limit.
pub(crate) fn cut_to(limit: usize, text: &str) -> String {
    let mut cut = Text::up_to(limit);
    cut.push(text.as_bytes());
    cut.into_string()
}
