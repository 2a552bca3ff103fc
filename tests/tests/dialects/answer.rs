//! An answer, whatever the provider, and how its writers choose among a provider's freedoms.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The answer of a model.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// One, or several choices.
    pub(crate) messages: Vec<Message>,
    pub(crate) usage: Usage,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) parts: Vec<Part>,
    pub(crate) calls: Vec<Call>,
    pub(crate) refusal: Option<String>,
    pub(crate) sound: Option<Sound>,
    /// The number of one of the provider's reasons.
    pub(crate) reason: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text { text: String, sources: Vec<String> },
    Thought { text: String, signature: Option<String> },
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) input: Input,
}

#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Nothing is said, where the provider allows it.
    Nothing,
    Object(Value),
    /// Of a tool without a schema.
    Text(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) data: String,
    pub(crate) transcript: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) cached: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    pub(crate) sound: Option<u64>,
}

impl Message {
    /// All texts in one.
    pub(crate) fn text(&self) -> Option<String> {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::Thought { .. } => None,
        });
        texts.reduce_to_one()
    }

    /// All thoughts in one.
    pub(crate) fn thoughts(&self) -> Option<String> {
        let thoughts = self.parts.iter().filter_map(|part| match part {
            Part::Thought { text, .. } => Some(text.as_str()),
            Part::Text { .. } => None,
        });
        thoughts.reduce_to_one()
    }

    pub(crate) fn sources(&self) -> Vec<&String> {
        let sources = self.parts.iter().filter_map(|part| match part {
            Part::Text { sources, .. } => Some(sources),
            Part::Thought { .. } => None,
        });
        sources.flatten().collect()
    }
}

trait ReduceToOne {
    fn reduce_to_one(self) -> Option<String>;
}

impl<'a, T: Iterator<Item = &'a str>> ReduceToOne for T {
    fn reduce_to_one(self) -> Option<String> {
        let texts: Vec<_> = self.collect();
        (!texts.is_empty()).then(|| texts.concat())
    }
}

impl Input {
    /// The arguments as an object. A call without arguments has an empty one.
    pub(crate) fn object(&self) -> Value {
        match self {
            Self::Nothing => json!({}),
            Self::Object(object) => object.clone(),
            Self::Text(text) => json!({ "input": text }),
        }
    }
}

impl Usage {
    pub(crate) const fn total(&self) -> u64 {
        self.prompt + self.completion
    }
}

/// Stands for half of a character in a text, until the text is written as JSON. Texts contain none of these themselves.
const HALVES: std::ops::RangeInclusive<char> = '\u{100000}'..='\u{1007ff}';

/// Decides among a provider's freedoms, by rolls that the test makes up. Without rolls, nothing unusual is chosen.
#[derive(Debug)]
pub(crate) struct Dice<'a> {
    rolls: std::slice::Iter<'a, u8>,
    /// Whether a character may be cut in two, which only raw text can be.
    may_halve: bool,
}

impl<'a> Dice<'a> {
    pub(crate) fn new(rolls: &'a [u8], may_halve: bool) -> Self {
        Self { rolls: rolls.iter(), may_halve }
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.rolls.next().copied().unwrap_or_default()) % count
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Cuts a text into pieces, of which some may be empty.
    pub(crate) fn cut(&mut self, text: &str) -> Vec<String> {
        let mut pieces = vec![String::new()];
        let mut left = self.below(6);
        let every = 1 + self.below(9);
        for (at, character) in text.chars().enumerate() {
            let is_cut = left > 0 && at % every == every - 1;
            left -= usize::from(is_cut);
            let mut halves = [0; 2];
            let halves: Vec<_> =
                character.encode_utf16(&mut halves).iter().copied().filter_map(half).collect();
            if is_cut && self.may_halve && halves.len() == 2 {
                pieces.last_mut().expect("a piece").push(halves[0]);
                pieces.push(halves[1].to_string());
                continue;
            }
            if is_cut {
                pieces.push(String::new());
            }
            pieces.last_mut().expect("a piece").push(character);
        }
        if self.flip() {
            pieces.insert(self.below(pieces.len()), String::new());
        }
        pieces
    }

    /// Leaves a field out, or says nothing in it.
    pub(crate) fn nothing(&mut self, fields: &mut Map<String, Value>, names: &[&str], empty: &Value) {
        for name in names {
            match self.below(4) {
                1 if !fields.contains_key(*name) => drop(fields.insert((*name).to_owned(), Value::Null)),
                2 if !fields.contains_key(*name) => drop(fields.insert((*name).to_owned(), empty.clone())),
                _ => {}
            }
        }
    }

    /// Mixes lists, each of which keeps its order, and begins after the one before it.
    pub(crate) fn interleave<T>(&mut self, lists: Vec<Vec<T>>) -> Vec<T> {
        let mut waiting = lists.into_iter().map(Vec::into_iter);
        let mut begun: Vec<std::vec::IntoIter<T>> = Vec::new();
        let mut mixed = Vec::new();
        loop {
            begun.retain(|list| list.len() > 0);
            let next = self.below(begun.len() + 1);
            if next == begun.len() {
                begun.extend(waiting.next());
            }
            if begun.is_empty() {
                return mixed;
            }
            mixed.extend(begun.get_mut(next).and_then(Iterator::next));
        }
    }

    /// The JSON of a value as models write it: with or without spaces and escapes.
    pub(crate) fn json(&mut self, value: &Value) -> String {
        let text = match self.below(3) {
            0 => value.to_string(),
            1 => serde_json::to_string_pretty(value).expect("JSON"),
            _ => value.to_string().replace("\":", "\": "),
        };
        // The replacement may have changed a text.
        let text = if serde_json::from_str::<Value>(&text).is_ok_and(|read| read == *value) {
            text
        } else {
            value.to_string()
        };
        if self.flip() { without_other_letters(&text) } else { text }
    }
}

fn half(unit: u16) -> Option<char> {
    let number = u32::from(unit).checked_sub(0xd800).filter(|number| *number < 0x800)?;
    char::from_u32(u32::from(*HALVES.start()) + number)
}

/// Writes halves of characters as JSON does.
pub(crate) fn with_halves(json: &str) -> String {
    with_escapes(json, |character| HALVES.contains(&character))
}

/// Writes all letters that are not ASCII as escapes, as many servers do.
pub(crate) fn without_other_letters(json: &str) -> String {
    with_escapes(json, |character| !character.is_ascii())
}

fn with_escapes(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut written = String::with_capacity(json.len());
    for character in json.chars() {
        if HALVES.contains(&character) && is_escaped(character) {
            let number = u32::from(character) - u32::from(*HALVES.start());
            let _ = write!(written, "\\u{:04x}", 0xd800 + number);
        } else if is_escaped(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(written, "\\u{unit:04x}");
            }
        } else {
            written.push(character);
        }
    }
    written
}

fn text() -> impl Strategy<Value = String> {
    const SPECIAL: &[&str] = &[
        "",
        " ",
        "\n",
        "A lamp.\n\nAnd a chair.",
        "\"quoted\" \\ back\\\\slash \\n",
        "\u{2028}\u{2029}\u{85}\u{feff}",
        "\u{1f600}\u{1f469}\u{200d}\u{1f680} e\u{301} \u{5bb6}",
        "data: {\"a\": 1}\n\ndata: [DONE]",
        "{\"choices\": []}",
        "}{][,:",
        "\u{0}\u{1}\u{7f}\t\r",
        "null",
    ];
    let of_any = "[^\u{100000}-\u{1007ff}]{0,24}";
    prop_oneof![2 => prop::sample::select(SPECIAL).prop_map(str::to_owned), 3 => "[a-z .,]{0,40}", 3 => of_any]
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        let fields = prop::collection::btree_map(text(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(text(), value, 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn part() -> impl Strategy<Value = Part> {
    let sources = prop::collection::vec("[a-z]{1,9}", 0..3);
    prop_oneof![
        (text(), sources).prop_map(|(text, sources)| Part::Text { text, sources }),
        (text(), prop::option::of("[A-Za-z0-9+/]{1,12}"))
            .prop_map(|(text, signature)| Part::Thought { text, signature }),
    ]
}

fn call() -> impl Strategy<Value = (String, Input)> {
    let input = prop_oneof![
        Just(Input::Nothing),
        Just(Input::Object(json!({}))),
        object().prop_map(Input::Object),
        object().prop_map(Input::Object),
        text().prop_map(Input::Text),
    ];
    // Few names, so that a tool is called twice.
    (prop::sample::select(&["find", "buy", "weigh the \"pear\""][..]).prop_map(str::to_owned), input)
}

fn message() -> impl Strategy<Value = Message> {
    let sound = ("[A-Za-z0-9+/]{0,40}", text()).prop_map(|(data, transcript)| Sound { data, transcript });
    let parts = prop::collection::vec(part(), 0..4);
    let calls = prop::collection::vec(call(), 0..4);
    let refusal = prop::option::weighted(0.2, text());
    (parts, calls, refusal, prop::option::weighted(0.2, sound), 0..8_usize).prop_map(
        |(parts, calls, refusal, sound, reason)| {
            let calls = calls.into_iter().enumerate();
            let calls = calls.map(|(at, (name, input))| Call { id: format!("call_{at}"), name, input });
            Message { parts, calls: calls.collect(), refusal, sound, reason }
        },
    )
}

/// Any answer with up to this many choices.
pub(crate) fn answer(most_choices: usize) -> impl Strategy<Value = Answer> {
    let count = || prop::option::of(1..1000_u64);
    let usage = (1..1000_u64, 1..1000_u64, count(), count(), count()).prop_map(
        |(prompt, completion, cached, reasoning, sound)| Usage {
            prompt,
            completion,
            cached,
            reasoning,
            sound,
        },
    );
    (prop::collection::vec(message(), 1..=most_choices), usage)
        .prop_map(|(messages, usage)| Answer { messages, usage })
}

/// The parts, of which none is empty and no two neighbours are of one kind.
pub(crate) fn alternating(parts: &[Part]) -> Vec<&Part> {
    let mut kept: Vec<&Part> = Vec::new();
    for part in parts {
        let (Part::Text { text, .. } | Part::Thought { text, .. }) = part;
        let is_same =
            kept.last().is_some_and(|last| std::mem::discriminant(*last) == std::mem::discriminant(part));
        if !text.is_empty() && !is_same {
            kept.push(part);
        }
    }
    kept
}

/// The fields of an object.
pub(crate) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

/// The object without fields that are null.
pub(crate) fn without_nulls(value: Value) -> Value {
    Value::Object(fields(value).into_iter().filter(|(_, value)| !value.is_null()).collect())
}
