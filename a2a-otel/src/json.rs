//! JSON, read where it lies: an index of the text's values instead of a tree of copies.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The most values that are indexed. A text with more is not read, so that nobody's input can fill the memory.
const MOST_VALUES: usize = 1 << 20;

/// The deepest nesting that is read, which is `serde_json`'s own.
const DEEPEST: usize = 128;

/// How many bytes a value usually takes, keys among them.
const USUAL_VALUE: usize = 32;

/// A JSON text and where its values are.
#[derive(Debug)]
pub(crate) struct Json<'a> {
    text: &'a str,
    entries: Vec<Entry>,
}

/// A value, followed by those that it contains. An object contains its keys and values in turn.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    /// The entry behind this one and all that it contains.
    next: u32,
    /// Whether it is a string with escapes.
    is_escaped: bool,
}

/// One value of a JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    text: &'a str,
    entries: &'a [Entry],
    at: usize,
}

impl<'a> Json<'a> {
    /// Indexes a text; nothing where it is no JSON, or more of it than is read.
    pub(crate) fn index(text: &'a str) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let entries = Vec::with_capacity((text.len() / USUAL_VALUE).min(MOST_VALUES));
        let indexer =
            Indexer { bytes: text.as_bytes(), at: 0, entries, open: Vec::new(), place: Place::First };
        Some(Self { text, entries: indexer.run()? })
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node { text: self.text, entries: &self.entries, at: 0 }
    }
}

impl<'a> Node<'a> {
    /// The value as it stands in the text.
    pub(crate) fn raw(self) -> &'a str {
        let Entry { start, end, .. } = self.entries[self.at];
        &self.text[start as usize..end as usize]
    }

    /// The field of an object, unless it is null.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.entries().find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// The first of the fields that is there.
    pub(crate) fn any(self, names: &[&str]) -> Option<Self> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Whether an object has the field, be it null.
    pub(crate) fn has(self, name: &str) -> bool {
        self.entries().any(|(key, _)| key == name)
    }

    /// The field's text, unless it is empty.
    pub(crate) fn filled(self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.text().filter(|text| !text.is_empty())
    }

    /// The field's whole number.
    pub(crate) fn count(self, name: &str) -> Option<i64> {
        let raw = self.get(name)?.raw();
        // A client that keeps all numbers as floats writes `7.0`.
        raw.parse().or_else(|_| raw.trim_end_matches('0').trim_end_matches('.').parse()).ok()
    }

    /// The fields of the object in this field; none where there is no such object.
    pub(crate) fn list(self, name: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.get(name).into_iter().flat_map(Self::items)
    }

    pub(crate) fn is_null(self) -> bool {
        self.raw() == "null"
    }

    pub(crate) fn is_object(self) -> bool {
        self.raw().starts_with('{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.raw().starts_with('[')
    }

    pub(crate) fn is_text(self) -> bool {
        self.raw().starts_with('"')
    }

    /// The text of a string as it stands, with its escapes.
    pub(crate) fn escaped(self) -> Option<&'a str> {
        self.raw().strip_prefix('"')?.strip_suffix('"')
    }

    /// The text of a string.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.escaped()?;
        Some(if self.entries[self.at].is_escaped { unescaped(inner).into() } else { inner.into() })
    }

    /// The text of a string, and the JSON of anything else.
    pub(crate) fn text_or_json(self) -> Cow<'a, str> {
        self.text().unwrap_or_else(|| self.raw().into())
    }

    /// The fields of an object by their names as they are written; of anything else, none.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let mut children = Children { inside: self, at: self.at + 1, end: self.end_if('{') };
        std::iter::from_fn(move || {
            let key = children.next()?.raw();
            Some((key.get(1..key.len() - 1)?, children.next()?))
        })
    }

    /// The values of a list, of which a row of numbers counts as one; of anything else, none.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        Children { inside: self, at: self.at + 1, end: self.end_if('[') }
    }

    fn end_if(self, opening: char) -> usize {
        if self.raw().starts_with(opening) { self.entries[self.at].next as usize } else { 0 }
    }
}

/// The text of a string with escapes. What is no escape is shown as it stands.
fn unescaped(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        unescaped.push_str(&rest[..at]);
        let (character, length) = character(&rest[at..]);
        unescaped.push(character);
        rest = &rest[at + length..];
    }
    unescaped.push_str(rest);
    unescaped
}

/// The character that an escape stands for, and its length.
fn character(escape: &str) -> (char, usize) {
    let unit = |at: usize| u16::from_str_radix(escape.get(at..at + 6)?.strip_prefix("\\u")?, 16).ok();
    match escape.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(other @ (b'"' | b'\\' | b'/')) => (char::from(*other), 2),
        Some(b'u') => {
            match char::decode_utf16([unit(0), unit(6)].into_iter().map_while(|unit| unit)).next() {
                Some(Ok(character)) => (character, character.len_utf16() * 6),
                _ => ('\\', 1),
            }
        }
        _ => ('\\', 1),
    }
}

struct Children<'a> {
    inside: Node<'a>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let at = self.at;
        (at < self.end).then(|| {
            self.at = self.inside.entries[at].next as usize;
            Node { at, ..self.inside }
        })
    }
}

/// Goes through a text once, without recursion.
struct Indexer<'a> {
    bytes: &'a [u8],
    at: usize,
    entries: Vec<Entry>,
    /// The objects and lists that are not closed yet.
    open: Vec<usize>,
    place: Place,
}

/// Where in an object or list the next value stands.
#[derive(PartialEq)]
enum Place {
    First,
    /// Behind a number, `true`, `false` or `null`.
    BehindScalar,
    BehindOther,
}

impl Indexer<'_> {
    fn run(mut self) -> Option<Vec<Entry>> {
        self.blank();
        loop {
            self.value()?;
            if self.entries.len() > MOST_VALUES || self.open.len() > DEEPEST {
                return None;
            }
            if !self.is_at_next()? {
                return Some(self.entries);
            }
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.bytes.get(self.at)? {
            b'{' | b'[' => {
                self.open.push(self.entries.len());
                self.push(self.at);
                self.at += 1;
                self.place = Place::First;
            }
            b'"' => {
                self.string()?;
                self.place = Place::BehindOther;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.scalar(),
            _ => return None,
        }
        Some(())
    }

    /// Goes to the next value, over what is closed before it. False at the end of the text.
    fn is_at_next(&mut self) -> Option<bool> {
        loop {
            self.blank();
            let Some(&container) = self.open.last() else {
                return (self.at == self.bytes.len()).then_some(false);
            };
            let is_object = self.bytes[self.entries[container].start as usize] == b'{';
            if self.took(if is_object { b'}' } else { b']' }) {
                self.open.pop();
                self.close(container);
                self.place = Place::BehindOther;
                continue;
            }
            if self.place != Place::First && !self.took(b',') {
                return None;
            }
            self.blank();
            if is_object {
                self.string()?;
                self.blank();
                if !self.took(b':') {
                    return None;
                }
                self.blank();
                self.place = Place::BehindOther;
            }
            return Some(true);
        }
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        if !self.took(b'"') {
            return None;
        }
        let mut is_escaped = false;
        loop {
            let found = self.at + memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            if self.bytes[found] == b'"' {
                self.at = found + 1;
                break;
            }
            // Whatever is escaped, a quote or a backslash, does not end the string.
            is_escaped = true;
            self.at = found + 2;
        }
        let entry = self.push(start);
        self.entries[entry].is_escaped = is_escaped;
        self.close(entry);
        Some(())
    }

    fn scalar(&mut self) {
        let start = self.at;
        let rest = &self.bytes[start..];
        let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
        if self.place != Place::BehindScalar {
            let entry = self.push(start);
            self.close(entry);
        }
        self.place = Place::BehindScalar;
    }

    fn push(&mut self, start: usize) -> usize {
        self.entries.push(Entry { start: offset(start), end: 0, next: 0, is_escaped: false });
        self.entries.len() - 1
    }

    fn close(&mut self, entry: usize) {
        let next = offset(self.entries.len());
        let closed = &mut self.entries[entry];
        (closed.end, closed.next) = (offset(self.at), next);
    }

    fn took(&mut self, byte: u8) -> bool {
        let is_there = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}

/// The whole text was found to be short enough.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
