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
    /// The first value is kept: ids, names, roles and types are set once.
    Keep,
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
    /// Each item is a piece of an element of the list, which [`List::identify`] finds.
    Elements(&'static Rule),
    /// The items are added to the end of the list.
    Extend,
    /// The items are added to the end of the list, but if all other fields are equal, the field `text` is appended.
    ExtendText,
    /// A text, or a list of parts. Both may come in one answer; a piece continues the last part if that is of its type.
    Content,
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
    /// Something did not fit, and no text has a mark that says so.
    is_unmarked: bool,
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
    List(List),
}

/// A list whose elements grow.
#[derive(Debug, Default)]
struct List {
    elements: BTreeMap<i64, Piece>,
    /// Where the latest element of each number is, if that is elsewhere because the number was taken.
    moved: BTreeMap<i64, i64>,
    /// The element that was last added to.
    last: Option<i64>,
}

/// A position in growing JSON. It has no piece if there is no room left.
pub(super) struct Slot<'a> {
    piece: Option<&'a mut Piece>,
    room: &'a mut Room,
}

impl Grown {
    pub(super) fn up_to(limit: usize) -> Self {
        Self { root: Piece::Nothing, room: Room { left: limit, limit, is_unmarked: false } }
    }

    pub(super) fn write(mut self, json: &mut String) {
        if let Some(text) = self.root.last_text().filter(|_| self.room.is_unmarked) {
            text.push_str(&capture::cut_mark(self.room.limit));
        }
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

    /// The latest element with this number.
    pub(super) fn item(self, index: i64) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| piece.item(index, room)), room }
    }

    /// A new element with this number.
    pub(super) fn begin(self, index: i64) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| piece.begin(Some(index), room)), room }
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
            // Neither of these destroys what is known.
            _ if node.is_null() || is_empty_text(node) => {}
            Rule::Skip => {}
            Rule::Keep if !matches!(self, Self::Nothing) => {}
            Rule::Object(rules) if node.is_object() => self.merge_fields(rules, node, room),
            Rule::Elements(rule) if node.is_list() => self.merge_elements(rule, node, room),
            Rule::Extend if node.is_list() => {
                node.items().for_each(|item| self.push(&Rule::Replace, item, room));
            }
            Rule::ExtendText if node.is_list() => node.items().for_each(|item| self.extend_text(item, room)),
            Rule::Content if node.is_list() => node.items().for_each(|part| self.join_part(part, room)),
            Rule::Content if node.is_text() && !matches!(self, Self::List(_)) => {
                room.push(self.text(), &node.text().unwrap_or_default());
            }
            Rule::Content if node.is_text() => self.join_text(&node.text().unwrap_or_default(), room),
            Rule::Largest if self.is_at_least(node) => {}
            Rule::Push => self.push(&Rule::Replace, node, room),
            Rule::Append if node.is_text() => room.push(self.text(), &node.text().unwrap_or_default()),
            Rule::AppendJson if node.is_text() => room.push(self.json(), &node.text().unwrap_or_default()),
            _ => self.replace(node.raw(), room),
        }
    }

    /// Adds pieces of elements. Two pieces of one chunk belong to two elements, unless their ids or numbers say otherwise.
    fn merge_elements(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        let mut is_first = true;
        for item in node.items() {
            let position = self.list().identify(item, is_first);
            let piece = match position {
                Position::Known(position) => self.at(position, room),
                Position::New => self.begin(item.count("index"), room),
            };
            if let Some(piece) = piece {
                piece.merge(rule, item, room);
            }
            is_first = false;
        }
    }

    /// Adds a part of a content, or continues the last part.
    fn join_part(&mut self, part: Node<'_>, room: &mut Room) {
        self.make_parts(room);
        let is_growing = part.get("text").is_some() || part.get("thinking").is_some();
        let last = self.list().elements.values_mut().next_back();
        match last {
            Some(last) if is_growing && last.has_same(part, "type") => last.merge(&PART, part, room),
            _ => self.push(&PART, part, room),
        }
    }

    fn join_text(&mut self, text: &str, room: &mut Room) {
        let part = serde_json::json!({ "type": "text", "text": text }).to_string();
        if let Some(json) = Json::index(&part) {
            self.join_part(json.root(), room);
        }
    }

    /// Turns a text into a list with that text as its only part.
    fn make_parts(&mut self, room: &mut Room) {
        if let Self::Text(text) = self {
            let text = std::mem::take(text);
            *self = Self::List(List::default());
            if let Some(piece) = self.begin(None, room) {
                let kind = Self::Raw("\"text\"".to_owned());
                *piece = Self::Object(vec![("type".into(), kind), ("text".into(), Self::Text(text))]);
            }
        }
    }

    /// Whether a field is as received before.
    fn has_same(&self, other: Node<'_>, name: &str) -> bool {
        let Self::Object(fields) = self else { return false };
        let mine = fields.iter().find(|(key, _)| **key == *name).map(|(_, piece)| piece);
        matches!((mine, other.get(name)), (Some(Self::Raw(mine)), Some(other)) if mine == other.raw())
    }

    /// Whether the element has a name of its own: a call of a tool begins with one.
    fn is_named(&self) -> bool {
        let Self::Object(fields) = self else { return false };
        fields.iter().any(|(key, piece)| match &**key {
            "name" => !matches!(piece, Self::Nothing),
            "function" | "custom" => piece.is_named(),
            _ => false,
        })
    }

    fn has_id(&self) -> bool {
        let Self::Object(fields) = self else { return false };
        fields.iter().any(|(key, piece)| **key == *"id" && !matches!(piece, Self::Nothing))
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
            Self::List(list) => list.elements.values_mut().next_back(),
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
        if let Some(piece) = self.begin(None, room) {
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

    /// The latest element with this number.
    fn item(&mut self, index: i64, room: &mut Room) -> Option<&mut Self> {
        let position = self.list().position(index);
        self.at(position, room)
    }

    /// A new element: at its number, or at the end if that is taken.
    fn begin(&mut self, index: Option<i64>, room: &mut Room) -> Option<&mut Self> {
        let list = self.list();
        let position = index.filter(|index| !list.elements.contains_key(index)).unwrap_or_else(|| list.end());
        if let Some(index) = index.filter(|index| *index != position) {
            list.moved.insert(index, position);
        }
        self.at(position, room)
    }

    fn at(&mut self, position: i64, room: &mut Room) -> Option<&mut Self> {
        let list = self.list();
        if !list.elements.contains_key(&position) && !room.take(VALUE_SIZE) {
            return None;
        }
        list.last = Some(position);
        Some(list.elements.entry(position).or_default())
    }

    fn list(&mut self) -> &mut List {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(List::default());
        }
        let Self::List(list) = self else { unreachable!("it was just made a list") };
        list
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

    /// The last text in it, which was growing last.
    fn last_text(&mut self) -> Option<&mut String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(fields) => fields.iter_mut().rev().find_map(|(_, piece)| piece.last_text()),
            Self::List(list) => list.elements.values_mut().rev().find_map(Self::last_text),
            Self::Nothing | Self::Raw(_) | Self::Json(_) => None,
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
            Self::List(list) => write_all(json, "[]", list.elements.values().map(|piece| (None, piece))),
        }
    }
}

/// How the pieces of a part of a content join.
const PART: Rule = Rule::Object(&[
    ("type", "type", Rule::Keep),
    ("text", "text", Rule::Append),
    ("thinking", "thinking", Rule::Content),
]);

fn is_empty_text(node: Node<'_>) -> bool {
    node.raw() == "\"\""
}

/// The element that a piece belongs to.
enum Position {
    Known(i64),
    New,
}

impl List {
    /// Finds the element of a piece. The id decides: the same id is the same element, another id is another one, whatever
    /// the number says. Without an id, the number decides; without both, a piece continues the last element, unless it
    /// begins with a name. The place within a chunk is no identity.
    fn identify(&self, piece: Node<'_>, is_first: bool) -> Position {
        let index = piece.count("index");
        let id = piece.get("id").filter(|id| !id.is_null() && !is_empty_text(*id));
        let of_number = || index.map_or(self.last.filter(|_| is_first), |index| Some(self.position(index)));
        let candidate = of_number().filter(|position| self.elements.contains_key(position));
        let found = match id {
            Some(_) => {
                let same = self.elements.iter().find(|(_, element)| element.has_same(piece, "id"));
                let unnamed = || candidate.filter(|position| !self.elements[position].has_id());
                same.map(|(position, _)| *position).or_else(unnamed)
            }
            None if index.is_none() && begins(piece) => {
                candidate.filter(|position| !self.elements[position].is_named())
            }
            None => candidate,
        };
        found.map_or(Position::New, Position::Known)
    }

    /// Where the latest element with a number is.
    fn position(&self, index: i64) -> i64 {
        self.moved.get(&index).copied().unwrap_or(index)
    }

    fn end(&self) -> i64 {
        self.elements.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))
    }
}

/// Whether a piece has a name, with which a call of a tool begins.
fn begins(piece: Node<'_>) -> bool {
    let called = piece.any(&["function", "custom"]).unwrap_or(piece);
    called.filled("name").is_some()
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
        self.is_unmarked |= !is_there;
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
            self.is_unmarked = false;
            capture::mark_cut(into, self.limit);
        }
    }
}
