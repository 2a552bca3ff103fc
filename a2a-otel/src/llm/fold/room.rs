//! How much may still be kept.

use crate::capture;

/// How much may still be kept, in bytes.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    limit: usize,
    /// Something did not fit.
    is_exceeded: bool,
    /// A text has a mark that says so.
    is_marked: bool,
}

impl Room {
    pub(super) const fn of(limit: usize) -> Self {
        Self { left: limit, limit, is_exceeded: false, is_marked: false }
    }

    /// The mark that says that something is missing, if no text has it yet.
    pub(super) fn missing_mark(&self) -> Option<String> {
        (self.is_exceeded && !self.is_marked).then(|| capture::cut_mark(self.limit))
    }

    /// Takes room for something. False if it does not fit.
    pub(super) fn take(&mut self, size: usize) -> bool {
        let is_there = size <= self.left;
        self.left = self.left.saturating_sub(size);
        self.is_exceeded |= !is_there;
        is_there
    }

    /// Gives back the room of something that is no longer kept.
    pub(super) const fn give_back(&mut self, size: usize) {
        self.left += size;
    }

    /// Appends as much of a text as there is room for, and a mark where it is cut. The text is as written in JSON.
    pub(super) fn push(&mut self, into: &mut String, text: &str) {
        into.push_str(&text[..whole_characters(text, self.left)]);
        if !self.take(text.len()) && !self.is_marked {
            self.is_marked = true;
            capture::mark_cut(into, self.limit);
        }
    }
}

/// The length of the longest beginning that fits and ends within no character and no escape.
fn whole_characters(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let mut end = 0;
    while let Some(character) = text[end..].chars().next() {
        let length = match (character, text.as_bytes().get(end + 1)) {
            ('\\', Some(b'u')) => "\\u0000".len(),
            ('\\', Some(_)) => 2,
            _ => character.len_utf8(),
        };
        if end + length > most || !text.is_char_boundary(end + length) {
            break;
        }
        end += length;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{Room, whole_characters};

    #[test]
    fn what_fits_exactly_is_not_cut() {
        let mut room = Room::of(3);
        let mut text = String::new();
        room.push(&mut text, "abc");
        assert_eq!((text.as_str(), room.missing_mark()), ("abc", None));
        room.push(&mut text, "d");
        assert!(text.starts_with("abc") && text.len() > 3, "it is marked: {text}");
    }

    #[test]
    fn a_text_is_cut_between_characters_and_escapes() {
        let text = r#"a\"é\u00e9z"#;
        let ends: Vec<_> = (0..=text.len()).map(|most| whole_characters(text, most)).collect();
        assert_eq!(ends, [0, 1, 1, 3, 3, 5, 5, 5, 5, 5, 5, 11, 12]);
    }
}
