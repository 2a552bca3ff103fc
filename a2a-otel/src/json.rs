//! JSON, read where it lies: an index of the text's values instead of a tree of copies.

use std::borrow::Cow;
use std::cell::Cell;

use memchr::{memchr, memchr2};

/// The most values that are indexed. A text with more is not read, so that nobody's input can fill the memory.
const MOST_VALUES: usize = 1 << 20;

/// The deepest nesting that is read, which is `serde_json`'s own.
const DEEPEST: usize = 128;

/// How many bytes a value usually takes, keys among them.
const USUAL_VALUE: usize = 32;

/// A JSON text and where its values are.
pub(crate) struct Json<'a> {
    text: &'a str,
    entries: Vec<Entry>,
    /// What strings with escapes say, where it is known. It is given away to the first who asks.
    known: Vec<Cell<String>>,
}

/// Where the values of a JSON text are. It is made from the text, or while the text is written.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    /// What strings with escapes say, where that was known when they were written.
    known: Vec<String>,
    /// The objects and lists that are not closed yet.
    open: Vec<usize>,
    place: Place,
}

/// A value, followed by those that it contains. An object contains its keys and values in turn.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    /// The entry behind this one and all that it contains.
    next: u32,
    words: Words,
}

/// What the text of a value is, where it is a string.
#[derive(Clone, Copy, Debug)]
enum Words {
    AsIs,
    Escaped,
    /// Escaped, and known under this number.
    Known(u32),
}

/// What a string says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    /// What is written between its quotes.
    AsIs,
    /// What is written there has escapes.
    Escaped,
    /// This, which is written there with escapes.
    Known(&'a str),
}

/// Where in an object or list the next value stands.
#[derive(Debug, Default, PartialEq)]
enum Place {
    #[default]
    First,
    /// Behind a number, `true`, `false` or `null`.
    BehindScalar,
    BehindOther,
}

/// One value of a JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    json: &'a Json<'a>,
    at: usize,
}

impl<'a> Json<'a> {
    /// Indexes a text; nothing where it is no JSON, or more of it than is read.
    pub(crate) fn index(text: &'a str) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let entries = Vec::with_capacity((text.len() / USUAL_VALUE).min(MOST_VALUES));
        let index = Index { entries, ..Index::default() };
        let index = Indexer { bytes: text.as_bytes(), at: 0, index }.run()?;
        Some(Self::written(text, index))
    }

    /// A text with the index that was made while it was written.
    pub(crate) fn written(text: &'a str, index: Index) -> Self {
        let known = index.known.into_iter().map(Cell::new).collect();
        Self { text, entries: index.entries, known }
    }

    pub(crate) const fn root(&self) -> Node<'_> {
        Node { json: self, at: 0 }
    }
}

impl Index {
    /// An object or a list begins.
    pub(crate) fn open(&mut self, start: usize) {
        self.open.push(self.entries.len());
        self.push(start, Words::AsIs);
        self.place = Place::First;
    }

    /// The innermost object or list ends.
    pub(crate) fn close(&mut self, end: usize) {
        if let Some(container) = self.open.pop() {
            self.end(container, end);
            self.place = Place::BehindOther;
        }
    }

    /// A key, or a value that is a string.
    pub(crate) fn string(&mut self, start: usize, end: usize, said: Said<'_>) {
        let words = match said {
            Said::AsIs => Words::AsIs,
            Said::Escaped => Words::Escaped,
            Said::Known(text) => {
                self.known.push(text.to_owned());
                Words::Known(offset(self.known.len() - 1))
            }
        };
        let entry = self.push(start, words);
        self.end(entry, end);
        self.place = Place::BehindOther;
    }

    /// A value that is neither of them. In a row of such only the first is kept.
    pub(crate) fn scalar(&mut self, start: usize, end: usize) {
        if self.place != Place::BehindScalar {
            let entry = self.push(start, Words::AsIs);
            self.end(entry, end);
        }
        self.place = Place::BehindScalar;
    }

    /// Whether it is more than is read.
    pub(crate) const fn is_too_much(&self) -> bool {
        self.entries.len() > MOST_VALUES || self.open.len() > DEEPEST
    }

    fn push(&mut self, start: usize, words: Words) -> usize {
        self.entries.push(Entry { start: offset(start), end: 0, next: 0, words });
        self.entries.len() - 1
    }

    fn end(&mut self, entry: usize, end: usize) {
        let next = offset(self.entries.len());
        let ended = &mut self.entries[entry];
        (ended.end, ended.next) = (offset(end), next);
    }
}

impl<'a> Node<'a> {
    /// The value as it stands in the text.
    pub(crate) fn raw(self) -> &'a str {
        let Entry { start, end, .. } = self.entry();
        &self.json.text[start as usize..end as usize]
    }

    fn entry(self) -> Entry {
        self.json.entries[self.at]
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
        Some(match self.entry().words {
            Words::AsIs => inner.into(),
            Words::Escaped => unescaped(inner).into(),
            Words::Known(number) => match self.json.known[number as usize].take() {
                given if given.is_empty() => unescaped(inner).into(),
                known => known.into(),
            },
        })
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
        if self.raw().starts_with(opening) { self.entry().next as usize } else { 0 }
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
            let node = Node { at, ..self.inside };
            self.at = node.entry().next as usize;
            node
        })
    }
}

/// Goes through a text once, without recursion.
struct Indexer<'a> {
    bytes: &'a [u8],
    at: usize,
    index: Index,
}

impl Indexer<'_> {
    fn run(mut self) -> Option<Index> {
        self.blank();
        loop {
            self.value()?;
            if self.index.is_too_much() {
                return None;
            }
            if !self.is_at_next()? {
                return Some(self.index);
            }
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.bytes.get(self.at)? {
            b'{' | b'[' => {
                self.index.open(self.at);
                self.at += 1;
            }
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.scalar(),
            _ => return None,
        }
        Some(())
    }

    /// Goes to the next value, over what is closed before it. False at the end of the text.
    fn is_at_next(&mut self) -> Option<bool> {
        loop {
            self.blank();
            let Some(&container) = self.index.open.last() else {
                return (self.at == self.bytes.len()).then_some(false);
            };
            let is_object = self.bytes[self.index.entries[container].start as usize] == b'{';
            if self.took(if is_object { b'}' } else { b']' }) {
                self.index.close(self.at);
                continue;
            }
            if self.index.place != Place::First && !self.took(b',') {
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
            }
            return Some(true);
        }
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        if !self.took(b'"') {
            return None;
        }
        let mut said = Said::AsIs;
        loop {
            let found = self.at + memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            if self.bytes[found] == b'"' {
                self.at = found + 1;
                break;
            }
            // Whatever is escaped, a quote or a backslash, does not end the string.
            said = Said::Escaped;
            self.at = found + 2;
        }
        self.index.string(start, self.at, said);
        Some(())
    }

    fn scalar(&mut self) {
        let start = self.at;
        let rest = &self.bytes[start..];
        let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
        self.index.scalar(start, self.at);
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
