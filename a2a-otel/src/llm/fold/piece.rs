//! A value that grows.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::list::{List, Mark};
use super::room::Room;
use super::rule::Rule;
use crate::json::{Json, Node, unescaped};

/// The memory that a value takes besides its text, in bytes.
const VALUE_SIZE: usize = 64;

/// The most fields that are kept of one object. An object is searched from its beginning.
const MOST_FIELDS: usize = 128;

/// The longest arguments of which is asked, at the beginning of others, whether they are complete.
const LONGEST_ASKED: usize = 1 << 16;

/// A value that grows.
#[derive(Debug, Default)]
pub(super) enum Piece {
    #[default]
    Nothing,
    /// JSON as received.
    Raw(String),
    /// A text as it is written in JSON, without the quotes.
    Text(Form, String),
    Object(Vec<(Box<str>, Piece)>),
    List(List<Piece>),
}

/// What a growing text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    Plain,
    /// JSON, once it is complete.
    Json,
    /// This text, if it is empty.
    Or(&'static str),
}

/// The parts of a content in which a text grows.
const GROWING: &[&str] = &["text", "thinking"];

/// The fields that end a part: a signature signs the text before it.
const ENDING: &[&str] = &["signature", "thoughtSignature", "thought_signature"];

/// How the pieces of a part join.
const PART: Rule = Rule::Object(&[
    ("type", "type", Rule::Keep),
    // A text tells what the part is, even if it is empty.
    ("text", "text", Rule::AppendOr("")),
    ("thinking", "thinking", Rule::Append),
]);

impl Piece {
    pub(super) fn merge(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        match rule {
            Rule::Skip => {}
            Rule::Unless(_, rule) => self.merge(rule, node, room),
            _ if says_nothing(node) && !self.is_nothing() => {}
            // An empty text says that it is a text.
            Rule::Append if node.raw() == EMPTY => *self = Self::Text(Form::Plain, String::new()),
            Rule::AppendOr(default) if node.raw() == EMPTY => {
                *self = Self::Text(Form::Or(default), String::new());
            }
            _ if node.is_null() || node.raw() == EMPTY => {}
            Rule::Keep if !self.is_nothing() => {}
            Rule::Largest if self.is_at_least(node) => {}
            Rule::Object(rules) if node.is_object() => self.merge_fields(rules, node, room),
            Rule::Update if node.is_object() && self.is_other_object(node) => {
                self.merge_fields(&[], node, room);
            }
            Rule::Elements(rule) if node.is_list() => self.merge_elements(rule, node, room),
            Rule::Numbered(rule) if node.is_list() => self.merge_numbered(rule, node, room),
            Rule::Extend if node.is_list() => {
                node.items().for_each(|item| self.push(&Rule::Update, item, room));
            }
            Rule::Push => self.push(&Rule::Update, node, room),
            Rule::Append if node.is_list() => node.items().for_each(|part| self.join_part(part, room)),
            Rule::Append if node.is_text() && self.has_parts() => self.join_text(node, room),
            Rule::Append if node.is_text() => self.append(Form::Plain, node, room),
            Rule::Append if node.is_object() && !self.is_nothing() => self.join_part(node, room),
            Rule::AppendJson if node.is_text() => self.append(Form::Json, node, room),
            Rule::AppendOr(default) if node.is_text() => self.append(Form::Or(default), node, room),
            _ => self.replace(node.raw(), room),
        }
    }

    /// The value of a field, if it is an object that has it.
    fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        let found = fields.iter().find(|(key, _)| **key == *name).map(|(_, piece)| piece);
        found.filter(|piece| !piece.is_nothing())
    }

    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether it is a list of parts, or a single part.
    fn has_parts(&self) -> bool {
        match self {
            Self::List(_) | Self::Object(_) => true,
            Self::Raw(raw) => raw.starts_with(['[', '{']),
            Self::Nothing | Self::Text(..) => false,
        }
    }

    fn is_raw(&self, raw: &str) -> bool {
        matches!(self, Self::Raw(mine) if mine == raw)
    }

    /// Whether it is an object, and not as received.
    fn is_other_object(&self, node: Node<'_>) -> bool {
        match self {
            Self::Object(_) => true,
            Self::Raw(raw) => raw.starts_with('{') && raw != node.raw(),
            _ => false,
        }
    }

    /// Whether both are numbers, and the other one is not larger.
    fn is_at_least(&self, other: Node<'_>) -> bool {
        let number = |raw: &str| raw.parse::<i64>().ok();
        let Self::Raw(mine) = self else { return false };
        number(mine).zip(number(other.raw())).is_some_and(|(mine, other)| mine >= other)
    }

    fn merge_fields(&mut self, rules: &[(&str, &str, Rule)], node: Node<'_>, room: &mut Room) {
        self.object(room);
        for (key, value) in node.entries().filter(|(_, value)| !value.is_null()) {
            let special = rules.iter().find(|(name, ..)| *name == key);
            let (name, rule) = special.map_or((key, &Rule::Update), |(_, name, rule)| (*name, rule));
            let rule = match rule {
                Rule::Unless(other, _) if node.get(other).is_some() => continue,
                Rule::Skip => continue,
                rule => rule,
            };
            if let Some(piece) = self.field(name, room) {
                piece.merge(rule, value, room);
            }
        }
        for (_, name, rule) in rules {
            if let Rule::AppendOr(default) = rule
                && !default.is_empty()
                && let Some(text) = self.field(name, room).filter(|text| text.is_nothing())
            {
                *text = Self::Text(Form::Or(default), String::new());
            }
        }
    }

    /// Adds pieces of elements. Two pieces of one chunk belong to two elements, unless their ids or numbers say otherwise.
    fn merge_elements(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        let mut continues = true;
        for item in node.items() {
            if let Some(piece) = self.element(item, item.count("index"), continues, room) {
                piece.merge(rule, item, room);
            }
            continues = false;
        }
    }

    fn merge_numbered(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        let mut next = 0;
        for item in node.items() {
            let index = item.count("index");
            let number = index.unwrap_or(next);
            next += i64::from(index.is_none());
            if let Some(piece) = self.item(number, room) {
                piece.merge(rule, item, room);
            }
        }
    }

    /// The element that this is a piece of, by its id or else this number. A new one if there is none.
    pub(super) fn element(
        &mut self,
        node: Node<'_>,
        number: Option<i64>,
        continues: bool,
        room: &mut Room,
    ) -> Option<&mut Self> {
        let id = id_of(node.get("id"));
        let found = self
            .list(room)
            .find(Mark { id, number, continues }, |element| element.may_have(node, number.is_some()));
        let Some(place) = found else { return self.begin(number, id, room) };
        self.name(place, id, room);
        self.renumber(place, number, room);
        Some(self.list(room).at(place))
    }

    /// Whether this can be the element that a piece without a known id belongs to.
    fn may_have(&self, piece: Node<'_>, is_numbered: bool) -> bool {
        let is_other = |name| {
            let other = piece.get(name).filter(|other| !says_nothing(*other));
            other.zip(self.get(name)).is_some_and(|(other, mine)| !mine.is_raw(other.raw()))
        };
        if is_other("id") || is_other("type") {
            return false;
        }
        let (called, mine) = (piece.any(CALLED).unwrap_or(piece), self.called());
        let is_beginning = called.filled("name").is_some() && mine.get("name").is_some();
        !is_beginning || is_numbered && !mine.is_followed_by(called)
    }

    /// What an element calls, if it is a call.
    fn called(&self) -> &Self {
        CALLED.iter().find_map(|name| self.get(name)).unwrap_or(self)
    }

    /// Whether the arguments of a call are complete, and the piece begins others.
    fn is_followed_by(&self, piece: Node<'_>) -> bool {
        let begins = |arguments: Node<'_>| {
            arguments.is_object()
                || arguments.escaped().is_some_and(|text| text.trim_start().starts_with('{'))
        };
        let is_complete = |arguments: &Self| match arguments {
            Self::Text(_, text) => {
                text.len() < LONGEST_ASKED && text.ends_with('}') && Json::index(&unescaped(text)).is_some()
            }
            Self::Raw(raw) => raw.starts_with('{'),
            _ => false,
        };
        piece.get("arguments").is_some_and(begins) && self.get("arguments").is_some_and(is_complete)
    }

    /// Adds a part of a content, or continues the last part.
    fn join_part(&mut self, part: Node<'_>, room: &mut Room) {
        let parts = self.parts(room);
        let is_growing = GROWING.iter().any(|name| part.get(name).is_some());
        let last = parts.final_element().filter(|last| is_growing && last.is_continued_by(part));
        match last {
            Some(last) => last.merge(&PART, part, room),
            None if is_growing && is_empty_part(part) => {}
            None => self.push(&PART, part, room),
        }
    }

    /// Whether a part is the continuation of this one: both have the same fields, except for texts and what ends a part.
    fn is_continued_by(&self, part: Node<'_>) -> bool {
        let Self::Object(fields) = self else { return false };
        let is_fixed = |name: &str| !GROWING.contains(&name) && !ENDING.contains(&name);
        let is_ended = ENDING.iter().any(|name| self.get(name).is_some());
        let mine = fields.iter().filter(|(name, piece)| is_fixed(name) && !piece.is_nothing());
        let others = || part.entries().filter(|(name, value)| is_fixed(name) && !says_nothing(*value));
        let is_same =
            |(name, value): (&str, Node<'_>)| self.get(name).is_some_and(|mine| mine.is_raw(value.raw()));
        let is_growing = GROWING.iter().any(|name| self.get(name).is_some());
        is_growing && !is_ended && others().count() == mine.count() && others().all(is_same)
    }

    fn join_text(&mut self, text: Node<'_>, room: &mut Room) {
        let part = ["{\"type\":\"text\",\"text\":", text.raw(), "}"].concat();
        if let Some(json) = Json::index(&part) {
            self.join_part(json.root(), room);
            self.list(room).has_text = true;
        }
    }

    /// The parts of a content. A text or a single part becomes the only part.
    fn parts(&mut self, room: &mut Room) -> &mut List<Self> {
        self.open(room);
        match std::mem::take(self) {
            Self::Text(_, text) => {
                if !text.is_empty() {
                    self.begin_with(Self::part_of_text(text), room);
                }
                self.list(room).has_text = true;
            }
            part @ Self::Object(_) => self.begin_with(part, room),
            other => *self = other,
        }
        self.list(room)
    }

    fn part_of_text(text: String) -> Self {
        let kind = Self::Raw("\"text\"".to_owned());
        Self::Object(vec![("type".into(), kind), ("text".into(), Self::Text(Form::Plain, text))])
    }

    /// Adds an element that has grown already, and has its room.
    fn begin_with(&mut self, grown: Self, room: &mut Room) {
        let list = self.list(room);
        let place = list.place_of_new(None);
        *list.at(place) = grown;
    }

    /// The text of a content that came as a text and as a list of parts, if all of it is one text.
    fn only_text(&self) -> Option<&Self> {
        let Self::List(parts) = self else { return None };
        let only = parts.elements().next().filter(|_| parts.has_text && parts.elements().len() == 1)?;
        let Self::Object(fields) = only else { return None };
        only.get("text").filter(|_| fields.len() == 2)
    }

    fn push(&mut self, rule: &Rule, node: Node<'_>, room: &mut Room) {
        if let Some(piece) = self.begin(None, None, room) {
            piece.merge(rule, node, room);
        }
    }

    pub(super) fn field(&mut self, name: &str, room: &mut Room) -> Option<&mut Self> {
        let fields = self.object(room);
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

    /// Makes it an object of this type, unless it has one. An empty type says nothing.
    pub(super) fn set_type(&mut self, kind: &str, room: &mut Room) {
        if !kind.is_empty()
            && let Some(piece) = self.field("type", room).filter(|piece| piece.is_nothing())
        {
            *piece = Self::Raw(format!("\"{kind}\""));
        }
    }

    /// The latest element with this number.
    pub(super) fn item(&mut self, number: i64, room: &mut Room) -> Option<&mut Self> {
        match self.list(room).place(number) {
            Some(place) => Some(self.list(room).at(place)),
            None => self.begin(Some(number), None, room),
        }
    }

    /// The element with this id, or else the latest one with this number.
    pub(super) fn known(
        &mut self,
        id: Option<&str>,
        number: Option<i64>,
        room: &mut Room,
    ) -> Option<&mut Self> {
        match (id.and_then(|id| self.list(room).place_of_id(id)), number) {
            (Some(place), _) => Some(self.list(room).at(place)),
            (None, Some(number)) => self.item(number, room),
            (None, None) => None,
        }
    }

    /// A new element: at its number, or at the end if that is taken.
    pub(super) fn begin(
        &mut self,
        number: Option<i64>,
        id: Option<&str>,
        room: &mut Room,
    ) -> Option<&mut Self> {
        if !room.take_element(VALUE_SIZE) {
            return None;
        }
        let place = self.list(room).place_of_new(number);
        self.name(place, id, room);
        Some(self.list(room).at(place))
    }

    fn name(&mut self, place: i64, id: Option<&str>, room: &mut Room) {
        if let Some(id) = id
            && self.list(room).place_of_id(id) != Some(place)
            && room.take(id.len())
        {
            self.list(room).name(place, id);
        }
    }

    /// Lets a number mean the element at a place.
    fn renumber(&mut self, place: i64, number: Option<i64>, room: &mut Room) {
        if let Some(number) = number
            && self.list(room).place(number) != Some(place)
            && room.take(VALUE_SIZE)
        {
            self.list(room).renumber(place, number);
        }
    }

    fn list(&mut self, room: &mut Room) -> &mut List<Self> {
        self.open(room);
        if !matches!(self, Self::List(_)) {
            *self = Self::List(List::default());
        }
        let Self::List(list) = self else { unreachable!("it was just made a list") };
        list
    }

    fn object(&mut self, room: &mut Room) -> &mut Vec<(Box<str>, Self)> {
        self.open(room);
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(fields) = self else { unreachable!("it was just made an object") };
        fields
    }

    /// Makes an object or a list that was received as a whole grow.
    fn open(&mut self, room: &mut Room) {
        let Self::Raw(raw) = self else { return };
        let rule = match raw.as_bytes().first() {
            Some(b'{') => Rule::Object(&[]),
            Some(b'[') => Rule::Elements(&Rule::Object(&[])),
            _ => return,
        };
        let raw = std::mem::take(raw);
        room.give_back(raw.len());
        *self = if matches!(rule, Rule::Object(_)) {
            Self::Object(Vec::new())
        } else {
            Self::List(List::default())
        };
        if let Some(json) = Json::index(&raw) {
            self.merge(&rule, json.root(), room);
        }
    }

    /// Appends a text. A text that was received as a whole is continued.
    fn append(&mut self, form: Form, node: Node<'_>, room: &mut Room) {
        if !matches!(self, Self::Text(..)) {
            let before = match self {
                Self::Raw(raw) if form != Form::Json => {
                    raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'))
                }
                _ => None,
            };
            *self = Self::Text(form, before.unwrap_or_default().to_owned());
        }
        if let Self::Text(_, text) = self {
            room.push(text, node.escaped().unwrap_or_default());
        }
    }

    /// Replaces the value. Chunks repeat many values that do not change.
    fn replace(&mut self, raw: &str, room: &mut Room) {
        if self.is_raw(raw) {
            return;
        }
        let before = self.size();
        if raw.len() <= before || room.take(raw.len() - before) {
            room.give_back(before.saturating_sub(raw.len()));
            *self = Self::Raw(raw.to_owned());
        }
    }

    /// The room that it takes.
    fn size(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Raw(text) | Self::Text(_, text) => text.len(),
            Self::Object(fields) => {
                fields.iter().map(|(name, piece)| VALUE_SIZE + name.len() + piece.size()).sum()
            }
            Self::List(list) => list.elements().map(|piece| VALUE_SIZE + piece.size()).sum(),
        }
    }

    /// The last text in it, which was growing last.
    pub(super) fn last_text(&mut self) -> Option<&mut String> {
        match self {
            Self::Text(Form::Plain, text) => Some(text),
            Self::Object(fields) => fields.iter_mut().rev().find_map(|(_, piece)| piece.last_text()),
            Self::List(list) => list.elements_from_end().find_map(Self::last_text),
            Self::Nothing | Self::Raw(_) | Self::Text(..) => None,
        }
    }

    /// Texts, objects and lists that are still empty are left out.
    pub(super) fn write(&self, json: &mut String) {
        match self {
            Self::Nothing => {}
            Self::Raw(raw) => json.push_str(raw),
            Self::Text(form, text) => write_text(json, *form, text),
            Self::Object(fields) => {
                write_all(json, "{}", fields.iter().map(|(name, piece)| (Some(&**name), piece)));
            }
            Self::List(list) => match self.only_text() {
                Some(text) => text.write(json),
                None => write_all(json, "[]", list.elements().map(|piece| (None, piece))),
            },
        }
    }
}

const EMPTY: &str = "\"\"";

/// The fields of a call of a tool in which its name and arguments are.
const CALLED: &[&str] = &["function", "custom"];

/// The id of an element, as written, unless it is empty.
pub(super) fn id_of(id: Option<Node<'_>>) -> Option<&str> {
    id.filter(|id| !says_nothing(*id)).map(Node::raw)
}

/// Whether a value changes nothing that is known.
fn says_nothing(node: Node<'_>) -> bool {
    matches!(node.raw(), "null" | EMPTY | "[]" | "{}")
}

/// Whether a part has no text and nothing that ends it.
fn is_empty_part(part: Node<'_>) -> bool {
    GROWING.iter().chain(ENDING).filter_map(|name| part.get(name)).all(says_nothing)
}

fn write_text(json: &mut String, form: Form, text: &str) {
    match form {
        Form::Plain | Form::Json if text.is_empty() => {}
        Form::Or(default) if text.is_empty() => json.extend(["\"", default, "\""]),
        Form::Json => {
            let value = unescaped(text);
            // The index does not check what strings contain.
            match serde_json::from_str::<IgnoredAny>(&value) {
                Ok(_) => json.push_str(&value),
                Err(_) => json.push_str(&Value::from(value).to_string()),
            }
        }
        // Halves of an escape may have met only now, and an escape may be wrong.
        _ if text.bytes().any(|byte| byte == b'\\' || byte < b' ') => {
            json.push_str(&Value::from(unescaped(text)).to_string());
        }
        _ => json.extend(["\"", text, "\""]),
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
