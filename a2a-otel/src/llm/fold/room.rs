//! How much may still be kept.

use crate::capture;

/// What is reserved for small values, in bytes. The reason why an answer ended and its usage come last, after texts that may
/// have taken all the other room.
const RESERVED: usize = 1 << 15;

/// The largest value that may take of what is reserved, in bytes.
const SMALL: usize = 1 << 11;

/// How much may still be kept. What does not fit takes no room.
#[derive(Debug)]
pub(super) struct Room {
    /// What is taken, in bytes.
    taken: usize,
    /// Where texts are cut, in bytes.
    limit: usize,
    /// Something did not fit.
    is_exceeded: bool,
    /// A text has a mark that says so.
    is_marked: bool,
}

impl Room {
    pub(super) const fn of(limit: usize) -> Self {
        Self { taken: 0, limit, is_exceeded: false, is_marked: false }
    }

    /// The mark that says that something is missing, if no text has it yet.
    pub(super) fn missing_mark(&self) -> Option<String> {
        (self.is_exceeded && !self.is_marked).then(|| capture::cut_mark(self.limit))
    }

    /// Takes room for a value, or for more of it. False if it does not fit.
    pub(super) const fn take(&mut self, size: usize) -> bool {
        self.take_of(if size <= SMALL { RESERVED } else { 0 }, size)
    }

    /// Takes room for a new element of a list. Many elements leave something for the fields of those that are there.
    pub(super) const fn take_element(&mut self, size: usize) -> bool {
        self.take_of(RESERVED / 2, size)
    }

    const fn take_of(&mut self, reserved: usize, size: usize) -> bool {
        let is_there = self.taken.saturating_add(size) <= self.limit.saturating_add(reserved);
        self.taken += if is_there { size } else { 0 };
        self.is_exceeded |= !is_there;
        is_there
    }

    /// Gives back the room of something that is no longer kept.
    pub(super) const fn give_back(&mut self, size: usize) {
        self.taken = self.taken.saturating_sub(size);
    }

    /// Appends as much of a text as there is room for, and a mark where it is cut. After the first cut, no text grows. The
    /// text is as written in JSON.
    pub(super) fn push(&mut self, into: &mut String, text: &str) {
        if self.is_marked {
            return;
        }
        let fitting = whole_characters(text, self.limit.saturating_sub(self.taken));
        into.push_str(&text[..fitting]);
        self.taken += fitting;
        if fitting < text.len() {
            (self.is_exceeded, self.is_marked) = (true, true);
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
    use super::{RESERVED, Room, SMALL, whole_characters};

    #[test]
    fn what_does_not_fit_takes_no_room() {
        let limit = 4 * SMALL;
        let mut room = Room::of(limit);
        assert!(!room.take(limit + 1));
        assert!(room.take(limit), "all of it is there");
        assert!(!room.take(SMALL + 1), "what is reserved is for small values");
        while room.take_element(64) {}
        let mut fields = 0;
        while room.take(SMALL) {
            fields += 1;
        }
        assert_eq!(fields, RESERVED / 2 / SMALL, "elements leave half of it");
        assert!(!room.take(1) && !room.take_element(1), "there is nothing left");
        room.give_back(1);
        assert!(room.take(1), "what is given back can be taken again");
    }

    #[test]
    fn no_text_grows_after_a_cut() {
        let mut room = Room::of(4);
        let (mut text, mut other) = (String::new(), String::new());
        room.push(&mut text, "aaaé");
        let cut = text.clone();
        assert!(cut.starts_with("aaa") && cut.len() > 4, "it is marked: {cut}");
        room.give_back(2);
        room.push(&mut text, "b");
        room.push(&mut other, "c");
        assert_eq!((text, other), (cut, String::new()));
    }

    #[test]
    fn what_fits_exactly_is_not_cut() {
        let mut room = Room::of(3);
        let mut text = String::new();
        room.push(&mut text, "abc");
        assert_eq!((text.as_str(), room.missing_mark()), ("abc", None));
        room.push(&mut text, "d");
        assert!(text.starts_with("abc") && text.len() > 3, "it is marked: {text}");
        let mut other = String::new();
        room.push(&mut other, "e");
        assert_eq!((other.as_str(), room.missing_mark()), ("", None), "one mark is enough");
    }

    #[test]
    fn a_text_is_cut_between_characters_and_escapes() {
        let text = r#"a\"é\u00e9z"#;
        let ends: Vec<_> = (0..=text.len()).map(|most| whole_characters(text, most)).collect();
        assert_eq!(ends, [0, 1, 1, 3, 3, 5, 5, 5, 5, 5, 5, 11, 12]);
        assert_eq!(whole_characters(r"\u1", 3), 3, "what fits is not cut, even if it is no escape");
    }
}
