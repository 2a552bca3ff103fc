//! JSON that grows chunk by chunk, by the rules of a shape.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::capture;
use crate::json::{Json, Node};

/// The memory that a value takes besides its text, in bytes.
const VALUE_SIZE: usize = 64;

/// The most fields that are kept of one object. An object is searched from its beginning.
const MOST_FIELDS: usize = 128;

/// How a new piece joins the pieces before it.
pub(super) enum Rule {
    /// The newest value replaces the others.
    Replace,
    /// The largest number is kept.
    Largest,
    /// The value is dropped.
    Skip,
    /// The text is appended.
    Append,
    /// The text is appended, and is JSON once it is complete.
    AppendJson,
    /// The value is added to the end of the list.
    Push,
    /// Each field follows its own rule, under its name in the whole. All other fields are replaced.
    Object(&'static [(&'static str, &'static str, Rule)]),
    /// Each item has a number, and joins the item of the list with this number.
    Indexed(&'static Rule),
    /// The items are added to the end of the list.
    Extend,
    /// The items are added to the end of the list, but if all other fields are equal, the field `text` is appended.
    ExtendText,
}

/// JSON that grows piece by piece, with a limit for the whole.
#[derive(Debug)]
pub(super) struct Grown {
    root: Piece,
    room: Room,
}

#[derive(Debug)]
struct Room {
    left: usize,
    limit: usize,
}

#[derive(Debug, Default)]
enum Piece {
    #[default]
    Nothing,
    /// JSON as received.
    Raw(String),
    Text(String),
    /// Text that is JSON once it is complete.
    Json(String),
    Object(Vec<(Box<str>, Piece)>),
    List(BTreeMap<i64, Piece>),
}

/// A position in growing JSON. It has no piece if there is no room left.
pub(super) struct Slot<'a> {
    piece: Option<&'a mut Piece>,
    room: &'a mut Room,
}

impl Grown {
    pub(super) fn up_to(limit: usize) -> Self {
        Self { root: Piece::Nothing, room: Room { left: limit, limit } }
    }

    pub(super) fn write(&self, json: &mut String) {
        self.root.write(json);
    }

    pub(super) fn root(&mut self) -> Slot<'_> {
        Slot { piece: Some(&mut self.root), room: &mut self.room }
    }
}

impl Slot<'_> {
    pub(super) fn field(self, name: &str) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| piece.field(name, room)), room }
    }

    pub(super) fn item(self, index: i64) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| piece.item(index, room)), room }
    }

    /// Appends a text.
    pub(super) fn append(self, text: Option<Cow<'_, str>>) {
        if let (Some(piece), Some(text)) = (self.piece, text) {
            self.room.push(piece.text(), &text);
        }
    }

    /// Adds a piece by the rule.
    pub(super) fn merge(self, rule: &Rule, node: Option<Node<'_>>) {
        if let (Some(piece), Some(node)) = (self.piece, node) {
            piece.merge(rule, node, self.room);
        }
    }
}

impl Piece {
    fn merge(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        match rule {
            _ if node.is_null() => {}
            Rule::Skip => {}
            Rule::Object(rules) if node.is_object() => self.merge_fields(rules, node, room),
            Rule::Indexed(rule) if node.is_list() => {
                for (position, item) in (0..).zip(node.items()) {
                    let index = item.count("index").unwrap_or(position);
                    if let Some(piece) = self.item(index, room) {
                        piece.merge(rule, item, room);
                    }
                }
            }
            Rule::Extend if node.is_list() => {
                node.items().for_each(|item| self.push(&Rule::Replace, item, room));
            }
            Rule::ExtendText if node.is_list() => node.items().for_each(|item| self.extend_text(item, room)),
            Rule::Largest if self.is_at_least(node) => {}
            Rule::Push => self.push(&Rule::Replace, node, room),
            Rule::Append if node.is_text() => room.push(self.text(), &node.text().unwrap_or_default()),
            Rule::AppendJson if node.is_text() => room.push(self.json(), &node.text().unwrap_or_default()),
            _ => self.replace(node.raw(), room),
        }
    }

    /// Whether both are numbers, and the other one is not larger.
    fn is_at_least(&self, other: Node<'_>) -> bool {
        let number = |raw: &str| raw.parse::<i64>().ok();
        let Self::Raw(mine) = self else { return false };
        number(mine).zip(number(other.raw())).is_some_and(|(mine, other)| mine >= other)
    }

    fn merge_fields(&mut self, rules: &[(&str, &str, Rule)], node: Node<'_>, room: &mut Room) {
        self.make_object();
        for (key, value) in node.entries().filter(|(_, value)| !value.is_null()) {
            let special = rules.iter().find(|(name, ..)| *name == key);
            let (name, rule) = special.map_or((key, &Rule::Replace), |(_, name, rule)| (*name, rule));
            if matches!(rule, Rule::Skip) {
                continue;
            }
            if let Some(piece) = self.field(name, room) {
                piece.merge(rule, value, room);
            }
        }
    }

    fn extend_text(&mut self, item: Node<'_>, room: &mut Room) {
        const RULE: Rule = Rule::Object(&[("text", "text", Rule::Append)]);
        let last = match self {
            Self::List(items) => items.values_mut().next_back(),
            _ => None,
        };
        match (last, item.get("text")) {
            (Some(last), Some(text)) if last.is_like(item) => {
                if let Some(piece) = last.field("text", room) {
                    piece.merge(&Rule::Append, text, room);
                }
            }
            _ => self.push(&RULE, item, room),
        }
    }

    /// Whether an object has the same fields as the other one, and the same values except for a text.
    fn is_like(&self, other: Node<'_>) -> bool {
        let Self::Object(fields) = self else { return false };
        let is_same = |(key, value): (&str, Node<'_>)| {
            let mine = fields.iter().find(|(name, _)| **name == *key).map(|(_, piece)| piece);
            match mine {
                Some(Self::Raw(raw)) => raw == value.raw(),
                Some(Self::Text(_)) => value.is_text(),
                _ => false,
            }
        };
        other.entries().count() == fields.len() && other.entries().all(is_same)
    }

    fn push(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        let next = match self {
            Self::List(items) => items.last_key_value().map_or(0, |(last, _)| last.saturating_add(1)),
            _ => 0,
        };
        if let Some(piece) = self.item(next, room) {
            piece.merge(rule, node, room);
        }
    }

    fn field(&mut self, name: &str, room: &mut Room) -> Option<&mut Self> {
        let fields = self.make_object();
        let found = fields.iter().position(|(key, _)| **key == *name);
        if found.is_none() {
            if fields.len() >= MOST_FIELDS || !room.take(VALUE_SIZE + name.len()) {
                return None;
            }
            fields.push((name.into(), Self::Nothing));
        }
        let at = found.unwrap_or(fields.len() - 1);
        Some(&mut fields[at].1)
    }

    fn item(&mut self, index: i64, room: &mut Room) -> Option<&mut Self> {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(BTreeMap::new());
        }
        let Self::List(items) = self else { unreachable!("it was just made a list") };
        if !items.contains_key(&index) && !room.take(VALUE_SIZE) {
            return None;
        }
        Some(items.entry(index).or_default())
    }

    fn make_object(&mut self) -> &mut Vec<(Box<str>, Self)> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(fields) = self else { unreachable!("it was just made an object") };
        fields
    }

    fn text(&mut self) -> &mut String {
        if !matches!(self, Self::Text(_)) {
            *self = Self::Text(String::new());
        }
        let Self::Text(text) = self else { unreachable!("it was just made a text") };
        text
    }

    fn json(&mut self) -> &mut String {
        if !matches!(self, Self::Json(_)) {
            *self = Self::Json(String::new());
        }
        let Self::Json(json) = self else { unreachable!("it was just made JSON") };
        json
    }

    /// Replaces the value. Chunks repeat many values that do not change.
    fn replace(&mut self, raw: &str, room: &mut Room) {
        let before = match self {
            Self::Raw(before) if before == raw => return,
            Self::Raw(before) => before.len(),
            _ => 0,
        };
        if raw.len() <= before || room.take(raw.len() - before) {
            room.left += before.saturating_sub(raw.len());
            *self = Self::Raw(raw.to_owned());
        }
    }

    /// Texts, objects and lists that are still empty are left out.
    fn write(&self, json: &mut String) {
        match self {
            Self::Nothing => {}
            Self::Raw(raw) => json.push_str(raw),
            Self::Text(text) if text.is_empty() => {}
            Self::Json(part) if Json::index(part).is_some() => json.push_str(part),
            Self::Text(text) | Self::Json(text) => {
                json.push_str(&serde_json::Value::from(&**text).to_string());
            }
            Self::Object(fields) => {
                write_all(json, "{}", fields.iter().map(|(name, piece)| (Some(&**name), piece)));
            }
            Self::List(items) => write_all(json, "[]", items.values().map(|piece| (None, piece))),
        }
    }
}

fn write_all<'a>(
    json: &mut String,
    around: &str,
    pieces: impl Iterator<Item = (Option<&'a str>, &'a Piece)>,
) {
    let (opening, closing) = around.split_at(1);
    let start = json.len();
    for (name, piece) in pieces {
        let before = json.len();
        json.push_str(if before == start { opening } else { "," });
        if let Some(name) = name {
            json.extend(["\"", name, "\":"]);
        }
        let written = json.len();
        piece.write(json);
        if json.len() == written {
            json.truncate(before);
        }
    }
    if json.len() > start {
        json.push_str(closing);
    }
}

impl Room {
    fn take(&mut self, size: usize) -> bool {
        let is_there = size <= self.left;
        self.left = self.left.saturating_sub(size);
        is_there
    }

    /// Appends as much of a text as there is room for, and a mark where it is cut.
    fn push(&mut self, into: &mut String, text: &str) {
        if self.left == 0 {
            return;
        }
        let fits = (0..=self.left.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        into.push_str(&text[..fits]);
        if !self.take(text.len()) {
            into.push_str(&capture::cut_mark(self.limit));
        }
    }
}
