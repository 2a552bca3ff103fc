//! Text of a bounded length.

use std::borrow::Cow;
use std::fmt;

use super::base64::{without_base64, without_cut_base64};
use super::limits::{cut_mark, limit, longest_base64};
use crate::json::Index;

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
    /// The longest base64 that is written as it is. A text that is read before it is recorded keeps all.
    pub(super) longest_base64: usize,
    /// The index of the JSON, if it will be read.
    pub(super) index: Option<Index>,
}

impl Text {
    pub(super) fn up_to(limit: usize) -> Self {
        let bytes = Vec::with_capacity(limit.min(USUAL_LENGTH));
        Self { bytes, limit, cut: false, longest_base64: usize::MAX, index: None }
    }

    /// Text to be recorded as it is. It may become longer than what is recorded, so that base64 at the end of that can be
    /// told from base64 that is short enough: [`into_recorded`](Self::into_recorded) cuts it.
    pub(super) fn to_record() -> Self {
        let longest_base64 = longest_base64();
        let surplus = longest_base64.saturating_mul(2).saturating_add(USUAL_LENGTH);
        Self { longest_base64, ..Self::up_to(limit().saturating_add(surplus)) }
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

    /// The text, cut to the longest value that is recorded, without base64 that would be cut. Returns whether it is whole.
    pub(super) fn into_recorded(self) -> (String, bool) {
        let (was_cut, most) = (self.cut, limit());
        let text = self.into_string_up_to(most);
        if !was_cut && text.len() <= most { (text, true) } else { cut_once(&text, was_cut) }
    }

    /// The text, with a mark where it was cut. Invalid UTF-8 is replaced.
    pub(super) fn into_string(self) -> String {
        let limit = self.limit;
        self.into_string_up_to(limit)
    }

    fn into_string_up_to(self, limit: usize) -> String {
        let Self { mut bytes, cut, .. } = self;
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
        let text = self.replaced(text);
        if self.push(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

impl Text {
    /// The text without base64 that is too long, so that this does not take up the space of what follows it.
    #[inline]
    pub(super) fn replaced<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.len() <= self.longest_base64 { text.into() } else { replaced(text, self.longest_base64) }
    }
}

#[cold]
fn replaced(text: &str, longest: usize) -> Cow<'_, str> {
    without_base64(text, longest).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The text, cut to the longest value that is recorded, with a mark where it was cut. Base64 that is too long is replaced
/// before.
pub(crate) fn cut(text: String) -> String {
    if text.len() <= limit() { text } else { cut_once(&text, false).0 }
}

/// A copy of the text, cut in the same way.
pub(crate) fn bounded(text: &str) -> String {
    if text.len() <= limit() { text.to_owned() } else { cut_once(text, false).0 }
}

/// A text to record, and whether it is whole. It may have been cut before, and then ends with the mark.
pub(super) fn cut_once(text: &str, was_cut: bool) -> (String, bool) {
    let most = limit();
    let replaced = replaced(text, longest_base64());
    let mark = if was_cut { cut_mark(most).len() } else { 0 };
    if replaced.len() - mark <= most {
        return (replaced.into_owned(), !was_cut);
    }
    (cut_to(most, &replaced), false)
}

/// Appends the mark to a text that was cut. Base64 that was cut there is replaced, however short it is now.
pub(crate) fn mark_cut(text: &mut String, limit: usize) {
    text.push_str(&cut_mark(limit));
    if let Some(replaced) = without_cut_base64(text) {
        *text = replaced;
    }
}

/// The beginning of a text that is longer than this limit.
pub(crate) fn cut_to(limit: usize, text: &str) -> String {
    let mut cut = Text::up_to(limit);
    cut.push(text.as_bytes());
    cut.into_string()
}
