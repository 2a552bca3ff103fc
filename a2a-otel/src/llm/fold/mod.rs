//! JSON that grows chunk by chunk, by the rules of a shape. The rules are the same for every provider:
//!
//! - An element of a list is told by its `id` where it has one (`list.rs`). Ids, names, roles and types are set once.
//! - Nothing destroys what is known: absent, `null`, `""`, `[]` and `{}` change nothing, and a value of another JSON type
//!   joins what came before it.
//! - A text may be cut anywhere, even within an escape, so texts are joined as they are written in JSON.

mod list;
mod piece;
mod room;
mod rule;

use self::piece::{Piece, id_of};
use self::room::Room;
pub(super) use self::rule::Rule;
use crate::json::Node;

/// JSON that grows piece by piece, with a limit for the whole.
#[derive(Debug)]
pub(super) struct Grown {
    root: Piece,
    room: Room,
}

/// A position in growing JSON. It has no piece if there is no room left.
pub(super) struct Slot<'a> {
    piece: Option<&'a mut Piece>,
    room: &'a mut Room,
}

impl Grown {
    pub(super) fn up_to(limit: usize) -> Self {
        Self { root: Piece::Nothing, room: Room::of(limit) }
    }

    pub(super) fn write(mut self, json: &mut String) {
        if let Some(mark) = self.room.missing_mark()
            && let Some(text) = self.root.last_text()
        {
            text.push_str(&mark);
        }
        self.root.write(json);
    }

    pub(super) fn root(&mut self) -> Slot<'_> {
        Slot { piece: Some(&mut self.root), room: &mut self.room }
    }
}

impl Slot<'_> {
    fn go(self, to: impl for<'a> FnOnce(&'a mut Piece, &mut Room) -> Option<&'a mut Piece>) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| to(piece, room)), room }
    }

    pub(super) fn field(self, name: &str) -> Self {
        self.go(|piece, room| piece.field(name, room))
    }

    /// The latest element with this number.
    pub(super) fn item(self, number: i64) -> Self {
        self.go(|piece, room| piece.item(number, room))
    }

    /// The element with this id, or else the latest one with this number.
    pub(super) fn known(self, id: Option<Node<'_>>, number: Option<i64>) -> Self {
        self.go(|piece, room| piece.known(id_of(id), number, room))
    }

    /// A new element with this number.
    pub(super) fn begin(self, number: i64) -> Self {
        self.go(|piece, room| piece.begin(Some(number), None, room))
    }

    /// The element that this is a piece of, by its id or else this number. A new one if there is none.
    pub(super) fn element(self, node: Option<Node<'_>>, number: Option<i64>) -> Self {
        self.go(|piece, room| piece.element(node?, number, true, room))
    }

    /// The same, as an object of this type if it has none yet. An empty type says nothing.
    pub(super) fn with_type(self, kind: &str) -> Self {
        self.go(|piece, room| {
            piece.set_type(kind, room);
            Some(piece)
        })
    }

    /// Adds a piece by the rule.
    pub(super) fn merge(self, rule: &Rule, node: Option<Node<'_>>) {
        if let (Some(piece), Some(node)) = (self.piece, node) {
            piece.merge(rule, node, self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Grown, Piece, Rule};
    use crate::json::Json;

    const ALL: [Rule; 12] = [
        Rule::Update,
        Rule::Replace,
        Rule::Keep,
        Rule::Largest,
        Rule::Append,
        Rule::AppendJson,
        Rule::AppendOr(""),
        Rule::Push,
        Rule::Extend,
        Rule::Object(&[]),
        Rule::Elements(&Rule::Update),
        Rule::Numbered(&Rule::Update),
    ];

    /// What pieces make that join by a rule.
    fn joined(rule: &Rule, pieces: &[&Value]) -> Value {
        let mut grown = Grown::up_to(1 << 20);
        for piece in pieces {
            let text = piece.to_string();
            let json = Json::index(&text).expect("it is JSON");
            grown.root().merge(rule, Some(json.root()));
        }
        let mut written = String::new();
        grown.write(&mut written);
        serde_json::from_str(&written)
            .unwrap_or_else(|error| panic!("{rule:?} of {pieces:?}: {error}: {written}"))
    }

    /// A value that says something, of any JSON type.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{1,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{2,4}", inner, 1..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn two_pieces_join_by_the_rule() {
        for (rule, one, other, whole) in [
            (Rule::Update, json!({"a": 1, "b": 1}), json!({"a": 2, "c": 2}), json!({"a": 2, "b": 1, "c": 2})),
            (Rule::Replace, json!({"a": 1, "b": 1}), json!({"a": 2}), json!({"a": 2})),
            (Rule::Keep, json!("a"), json!("b"), json!("a")),
            (Rule::Largest, json!(2), json!(1), json!(2)),
            (Rule::Largest, json!(2), json!(3), json!(3)),
            (Rule::Append, json!("a"), json!("b"), json!("ab")),
            (Rule::AppendJson, json!("{\"a\""), json!(":1}"), json!({"a": 1})),
            (Rule::AppendOr("{}"), json!(""), json!(""), json!("{}")),
            (Rule::Push, json!("a"), json!(["b"]), json!(["a", ["b"]])),
            (Rule::Extend, json!(["a"]), json!(["b", "c"]), json!(["a", "b", "c"])),
            (
                Rule::Elements(&Rule::Update),
                json!([{"id": "x"}, {"id": "y"}]),
                json!([{"id": "x", "a": "b"}]),
                json!([{"id": "x", "a": "b"}, {"id": "y"}]),
            ),
            (
                Rule::Numbered(&Rule::Update),
                json!([{"a": "b"}]),
                json!([{"index": 0, "c": "d"}]),
                json!([{"a": "b", "index": 0, "c": "d"}]),
            ),
            (
                Rule::Numbered(&Rule::Update),
                json!([{"a": 1}, {"b": 1}]),
                json!([{"a": 2}, {"b": 2}]),
                json!([{"a": 2}, {"b": 2}]),
            ),
            // What is repeated stays as it was received, also where nothing of it would be written.
            (Rule::Update, json!({"a": null}), json!({"a": null}), json!({"a": null})),
            (
                Rule::Object(&[("a", "a", Rule::Object(&[]))]),
                json!({"a": {"b": null}}),
                json!({"c": 1}),
                json!({"c": 1}),
            ),
            (
                Rule::Object(&[("a", "a", Rule::AppendOr("{}")), ("b", "b", Rule::AppendOr(""))]),
                json!({"c": 1}),
                json!({"c": 1}),
                json!({"c": 1, "a": "{}"}),
            ),
            // A signature ends a part.
            (
                Rule::Append,
                json!([{"thinking": "a", "signature": "s"}]),
                json!([{"thinking": "b"}]),
                json!([{"thinking": "a", "signature": "s"}, {"thinking": "b"}]),
            ),
            (
                Rule::Object(&[
                    ("so far", "whole", Rule::Append),
                    ("piece", "whole", Rule::Unless("so far", &Rule::Append)),
                ]),
                json!({"so far": "a", "piece": "a"}),
                json!({"piece": "b"}),
                json!({"whole": "ab"}),
            ),
        ] {
            assert_eq!(joined(&rule, &[&one, &other]), whole, "{rule:?}");
        }
    }

    fn add(grown: &mut Grown, rule: &Rule, json: &str) {
        grown.root().merge(rule, Some(Json::index(json).expect("JSON").root()));
    }

    fn written(grown: Grown) -> String {
        let mut written = String::new();
        grown.write(&mut written);
        written
    }

    #[test]
    fn what_was_received_as_a_whole_grows() {
        for (rule, whole, piece, expected) in [
            (Rule::Push, r#"["a"]"#, r#""b""#, r#"["a","b"]"#),
            (Rule::Object(&[]), r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
            (Rule::Append, r#""a""#, r#""b""#, r#""ab""#),
            // A text is not the beginning of JSON.
            (Rule::AppendJson, r#""a""#, r#""{}""#, "{}"),
        ] {
            let mut grown = Grown::up_to(1 << 20);
            add(&mut grown, &Rule::Replace, whole);
            add(&mut grown, &rule, piece);
            assert_eq!(written(grown), expected, "{rule:?}");
        }
    }

    #[test]
    fn what_no_string_may_contain_is_written_as_json() {
        for (piece, text) in [("\"\\q\"", "\\q"), ("\"\u{1}\"", "\u{1}")] {
            let mut grown = Grown::up_to(1 << 20);
            add(&mut grown, &Rule::Append, piece);
            assert_eq!(serde_json::from_str::<String>(&written(grown)).expect("JSON"), text);
        }
    }

    #[test]
    fn fields_and_their_names_take_room() {
        let name = |number: usize| format!("{number:01000}");
        let mut grown = Grown::up_to(10_000);
        (0..100)
            .for_each(|number| add(&mut grown, &Rule::Object(&[]), &json!({ name(number): 1 }).to_string()));
        let kept: Value = serde_json::from_str(&written(grown)).expect("JSON");
        assert_eq!(kept.as_object().map(serde_json::Map::len), Some(40), "each takes 1065 of 42,768 bytes");

        let fields: serde_json::Map<_, _> = (0..200).map(|number| (number.to_string(), json!(1))).collect();
        assert_eq!(
            joined(&Rule::Object(&[]), &[&fields.into()]).as_object().map(serde_json::Map::len),
            Some(128)
        );
    }

    #[test]
    fn what_is_replaced_gives_its_room_back() {
        const LIMIT: usize = 10_000;
        let mut grown = Grown::up_to(LIMIT);
        for length in 3000..3010 {
            let text = json!("a".repeat(length)).to_string();
            add(&mut grown, &Rule::Replace, &text);
            assert!(matches!(&grown.root, Piece::Raw(raw) if *raw == text), "{length}");
        }

        let mut grown = Grown::up_to(LIMIT);
        add(&mut grown, &Rule::Object(&[]), &json!({ "a".repeat(100): 1 }).to_string());
        add(&mut grown, &Rule::Replace, "0");
        assert!(!grown.room.take(LIMIT), "one byte is taken");
        assert!(grown.room.take(LIMIT - 1), "and no more");
    }

    #[test]
    fn the_last_text_says_that_something_is_missing() {
        let mut grown = Grown::up_to(100);
        add(&mut grown, &Rule::Object(&[("a", "a", Rule::Append)]), r#"{"a":"abc"}"#);
        add(&mut grown, &Rule::Object(&[]), &json!({"b": "a".repeat(5000)}).to_string());
        let kept: Value = serde_json::from_str(&written(grown)).expect("JSON");
        assert_eq!(kept["a"], format!("abc{}", crate::capture::cut_mark(100)));
    }

    #[test]
    fn objects_and_lists_grow_with_each_piece() {
        let [a, b, c] = [json!({"a": 1}), json!({"b": [1]}), json!({"c": 3, "a": 2})];
        assert_eq!(joined(&Rule::Update, &[&a, &b, &c]), json!({"a": 2, "b": [1], "c": 3}));
        let piece = |number: i64, id: &str| json!([{"index": number, "id": id, id: number}]);
        let pieces = [piece(0, "x"), piece(1, "y"), piece(2, "x"), json!([{"index": 2, "z": 0}])];
        let whole = joined(&Rule::Elements(&Rule::Update), &pieces.each_ref());
        let grown = json!([{"index": 2, "id": "x", "x": 2, "z": 0}, {"index": 1, "id": "y", "y": 1}]);
        assert_eq!(whole, grown, "the number is now that of the first");
    }

    proptest! {
        /// Whatever a rule is made for, it keeps a value of another JSON type.
        #[test]
        fn a_single_piece_is_the_whole(value in any_value()) {
            for rule in &ALL {
                let expected = match rule {
                    Rule::Push => json!([value]),
                    // A text that is JSON is that JSON once it is complete.
                    Rule::AppendJson => match value.as_str() {
                        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
                        None => value.clone(),
                    },
                    _ => value.clone(),
                };
                prop_assert_eq!(joined(rule, &[&value]), expected, "{:?}", rule);
            }
        }

        /// A value that says nothing changes nothing.
        #[test]
        fn nothing_destroys_what_is_known(value in any_value(), nothing in prop::sample::select(vec![json!(null), json!(""), json!([]), json!({})])) {
            for rule in ALL.iter().filter(|rule| !matches!(rule, Rule::Push)) {
                prop_assert_eq!(joined(rule, &[&value, &nothing]), joined(rule, &[&value]), "{:?} {}", rule, nothing);
            }
        }

        /// The pieces of a content may be texts, parts and lists of parts in any order.
        #[test]
        fn pieces_of_a_content_are_all_kept(forms in prop::collection::vec(0..3_u8, 1..6)) {
            let piece = |(place, form): (usize, &u8)| {
                let text = format!("piece {place}.");
                let part = json!({"type": "text", "text": text});
                match form {
                    0 => json!(text),
                    1 => part,
                    _ => json!([part]),
                }
            };
            let pieces: Vec<_> = forms.iter().enumerate().map(piece).collect();
            let whole = joined(&Rule::Append, &pieces.iter().collect::<Vec<_>>()).to_string();
            let said: Vec<_> = (0..forms.len()).map(|place| format!("piece {place}.")).collect();
            prop_assert!(whole.contains(&said.concat()), "{whole}");
        }
    }
}
