//! Reads JSON in place: it indexes the values of a text instead of copying them into a tree.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use memchr::{memchr, memchr2};

/// The most values that are indexed. A text with more values is not read, so that no input can fill the memory.
const MOST_VALUES: usize = 1 << 20;

/// The deepest nesting that is read: the limit of `serde_json`.
const DEEPEST: usize = 128;

/// How many bytes a value usually takes. Keys count as values.
const USUAL_VALUE: usize = 32;

/// A JSON text and the positions of its values.
pub(crate) struct Json<'a> {
    text: &'a str,
    entries: Vec<Entry>,
    /// The contents of strings with escapes, where they are known. The first caller takes the content.
    known: Vec<Cell<String>>,
}

/// The positions of the values of a JSON text. It is built from the text, or while the text is written.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    /// The contents of strings with escapes, where they were known when the strings were written.
    known: Vec<String>,
    /// The objects and lists that are still open.
    open: Vec<usize>,
    preceding: Preceding,
}

/// A value, followed by the values that it contains. An object contains its keys and values in turn. The numbers and words
/// that follow one another in a list are one entry: a list may hold very many numbers, such as a vector.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    /// The entry after this one and everything that it contains.
    next: u32,
    spelling: Spelling,
}

/// How an indexed string is written.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    AsIs,
    Escaped,
    /// With escapes; the content is known and has this number.
    Known(u32),
}

/// How a string is written, as the writer of the JSON knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StringForm<'a> {
    /// Without escapes.
    AsIs,
    /// With escapes.
    Escaped,
    /// With escapes; this is the content.
    Known(&'a str),
}

/// What precedes the next value of an object or list.
#[derive(Debug, Default, PartialEq)]
enum Preceding {
    #[default]
    Nothing,
    /// A number, `true`, `false` or `null`.
    Scalar,
    Other,
}

/// One value of a JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    json: &'a Json<'a>,
    at: usize,
    start: u32,
    end: u32,
}

impl<'a> Json<'a> {
    /// Indexes a text. `None` if it is not JSON or exceeds a limit.
    pub(crate) fn index(text: &'a str) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let entries = Vec::with_capacity((text.len() / USUAL_VALUE).min(MOST_VALUES));
        let index = Index { entries, ..Index::default() };
        let index = Indexer { bytes: text.as_bytes(), at: 0, index }.run()?;
        Some(Self::written(text, index))
    }

    /// Joins a text with the index that was built while the text was written.
    pub(crate) fn written(text: &'a str, index: Index) -> Self {
        let known = index.known.into_iter().map(Cell::new).collect();
        Self { text, entries: index.entries, known }
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.node(0)
    }

    fn node(&self, at: usize) -> Node<'_> {
        let Entry { start, end, .. } = self.entries[at];
        Node { json: self, at, start, end }
    }
}

impl Index {
    /// Begins an object or a list.
    pub(crate) fn open(&mut self, start: usize) {
        self.open.push(self.entries.len());
        self.push(start, Spelling::AsIs);
        self.preceding = Preceding::Nothing;
    }

    /// Ends the innermost object or list.
    pub(crate) fn close(&mut self, end: usize) {
        if let Some(container) = self.open.pop() {
            self.end(container, end);
            self.preceding = Preceding::Other;
        }
    }

    /// Adds a key, or a value that is a string.
    pub(crate) fn string(&mut self, start: usize, end: usize, form: StringForm<'_>) {
        let spelling = match form {
            StringForm::AsIs => Spelling::AsIs,
            StringForm::Escaped => Spelling::Escaped,
            StringForm::Known(text) => {
                self.known.push(text.to_owned());
                Spelling::Known(offset(self.known.len() - 1))
            }
        };
        let entry = self.push(start, spelling);
        self.end(entry, end);
        self.preceding = Preceding::Other;
    }

    /// Adds any other value. Several in a row are one entry.
    pub(crate) fn scalar(&mut self, start: usize, end: usize) {
        let entry = match self.preceding {
            Preceding::Scalar => self.entries.len() - 1,
            Preceding::Nothing | Preceding::Other => self.push(start, Spelling::AsIs),
        };
        self.end(entry, end);
        self.preceding = Preceding::Scalar;
    }

    /// Whether the index exceeds a limit.
    pub(crate) const fn is_too_much(&self) -> bool {
        self.entries.len() > MOST_VALUES || self.open.len() > DEEPEST
    }

    fn push(&mut self, start: usize, spelling: Spelling) -> usize {
        self.entries.push(Entry { start: offset(start), end: 0, next: 0, spelling });
        self.entries.len() - 1
    }

    fn end(&mut self, entry: usize, end: usize) {
        let next = offset(self.entries.len());
        let ended = &mut self.entries[entry];
        (ended.end, ended.next) = (offset(end), next);
    }
}

impl<'a> Node<'a> {
    /// The value as it is written in the text.
    pub(crate) fn raw(self) -> &'a str {
        &self.json.text[self.range()]
    }

    /// Where the value is in the text.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn entry(self) -> Entry {
        self.json.entries[self.at]
    }

    /// The field of an object, unless it is null.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.entries().find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// The first of these fields that is present and not null.
    pub(crate) fn any(self, names: &[&str]) -> Option<Self> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Whether an object has the field. A null counts.
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
        // A client that stores all numbers as floats writes `7.0`.
        raw.parse().or_else(|_| raw.trim_end_matches('0').trim_end_matches('.').parse()).ok()
    }

    /// The items of the list in this field. Empty if the field holds no list.
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

    /// The text of a string as it is written, with its escapes.
    pub(crate) fn escaped(self) -> Option<&'a str> {
        self.raw().strip_prefix('"')?.strip_suffix('"')
    }

    /// The text of a string.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.escaped()?;
        Some(match self.entry().spelling {
            Spelling::AsIs => inner.into(),
            Spelling::Escaped => unescaped(inner).into(),
            Spelling::Known(number) => match self.json.known[number as usize].take() {
                taken if taken.is_empty() => unescaped(inner).into(),
                known => known.into(),
            },
        })
    }

    /// The text of a string, or the JSON of any other value.
    pub(crate) fn text_or_json(self) -> Cow<'a, str> {
        self.text().unwrap_or_else(|| self.raw().into())
    }

    /// The fields of an object, by their names as written. Empty for any other value.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let mut children = self.children('{');
        std::iter::from_fn(move || {
            let key = children.next()?.raw();
            Some((key.get(1..key.len() - 1)?, children.next()?))
        })
    }

    /// The values of a list. Empty for any other value.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        self.children('[')
    }

    fn children(self, opening: char) -> Children<'a> {
        let end = if self.raw().starts_with(opening) { self.entry().next as usize } else { 0 };
        Children { json: self.json, at: self.at + 1, end, read: 0 }
    }
}

/// The text of a string with escapes. An invalid escape is kept as written.
pub(crate) fn unescaped(text: &str) -> String {
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
    json: &'a Json<'a>,
    at: usize,
    end: usize,
    /// Up to where the entry was read, if it holds several values.
    read: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        (self.at < self.end).then(|| {
            let entry = self.json.node(self.at);
            let node = Node { start: entry.start.max(self.read), ..entry }.first();
            match node.following(entry.end) {
                Some(following) => self.read = following,
                None => self.at = entry.entry().next as usize,
            }
            node
        })
    }
}

impl Node<'_> {
    /// The first of the numbers and words in a row. Any other value is itself.
    fn first(self) -> Self {
        if self.raw().starts_with(['"', '{', '[']) {
            return self;
        }
        let length = self.raw().find(is_between).unwrap_or(self.raw().len());
        Self { end: self.start + offset(length), ..self }
    }

    /// Where the next value begins, if there is one before this place.
    fn following(self, end: u32) -> Option<u32> {
        let rest = &self.json.text[self.end as usize..end as usize];
        let skipped = rest.find(|character| !is_between(character))?;
        Some(self.end + offset(skipped))
    }
}

/// Whether this stands between the values of a list.
const fn is_between(character: char) -> bool {
    matches!(character, ',' | ' ' | '\n' | '\r' | '\t')
}

/// Walks through a text once, without recursion.
struct Indexer<'a> {
    bytes: &'a [u8],
    at: usize,
    index: Index,
}

impl Indexer<'_> {
    fn run(mut self) -> Option<Index> {
        self.skip_blanks();
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
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.scalar()?,
            _ => return None,
        }
        Some(())
    }

    /// Moves to the next value and closes what ends before it. False at the end of the text.
    fn is_at_next(&mut self) -> Option<bool> {
        loop {
            self.skip_blanks();
            let Some(&container) = self.index.open.last() else {
                return (self.at == self.bytes.len()).then_some(false);
            };
            let is_object = self.bytes[self.index.entries[container].start as usize] == b'{';
            if self.skip(if is_object { b'}' } else { b']' }) {
                self.index.close(self.at);
                continue;
            }
            if self.index.preceding != Preceding::Nothing && !self.skip(b',') {
                return None;
            }
            self.skip_blanks();
            if is_object {
                self.string()?;
                self.skip_blanks();
                if !self.skip(b':') {
                    return None;
                }
                self.skip_blanks();
            }
            return Some(true);
        }
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        if !self.skip(b'"') {
            return None;
        }
        let mut form = StringForm::AsIs;
        loop {
            let found = self.at + memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            if self.bytes[found] == b'"' {
                self.at = found + 1;
                break;
            }
            // An escaped character does not end the string.
            form = StringForm::Escaped;
            self.at = found + 2;
        }
        self.index.string(start, self.at, form);
        Some(())
    }

    fn scalar(&mut self) -> Option<()> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let is_end = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.');
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
        let scalar = &self.bytes[start..self.at];
        (matches!(scalar, b"true" | b"false" | b"null") || is_number(scalar)).then_some(())?;
        self.index.scalar(start, self.at);
        Some(())
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}

/// Whether this is a number as JSON has it.
fn is_number(text: &[u8]) -> bool {
    let without_sign = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = split_digits(without_sign);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => split_digits(rest),
        None => (&b"0"[..], rest),
    };
    let (power, rest) = match rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        Some(rest) => {
            split_digits(rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest))
        }
        None => (&b"0"[..], rest),
    };
    let is_whole = whole == b"0" || !whole.starts_with(b"0");
    is_whole && ![whole, fraction, power].iter().any(|digits| digits.is_empty()) && rest.is_empty()
}

/// The digits at the beginning, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// [`Json::index`] checks that the text is short enough.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::{Json, Node};

    /// What a node holds, read with its methods alone.
    fn read(node: Node<'_>) -> Value {
        if node.is_object() {
            Value::from(
                node.entries().map(|(key, value)| (key.to_owned(), read(value))).collect::<Map<_, _>>(),
            )
        } else if node.is_list() {
            node.items().map(read).collect()
        } else {
            serde_json::from_str(node.raw()).expect("it is one value")
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z, \\[{]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{0,3}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Each value is there, also each of several numbers in a row, however the text is laid out.
        #[test]
        fn all_values_are_read(value in any_value()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let json = Json::index(&text).expect("it is JSON");
                // From the text, so that all numbers are rounded alike.
                prop_assert_eq!(read(json.root()), serde_json::from_str::<Value>(&text).unwrap());
            }
        }

        /// A text is JSON here if it is JSON elsewhere: words, numbers and what stands between them.
        #[test]
        fn only_json_is_indexed(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"a\"", " ", "\n", "true", "false", "null", "nothing", "t", "from",
                    "0", "7", "10", "-", "+", ".", "e", "E", "1.5", "-2e3", "01", "NaN",
                ]),
                0..7
            )
        ) {
            let text = pieces.concat();
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Json::index(&text).is_some(), is_json, "{}", text);
        }
    }
}
