//! Tests that values are written as `serde_json` writes them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::encode::{READ_LIMIT, encode_indexed, write_guarded};
use super::text::Text;
use super::types::Capture;
use super::value::Form;
use crate::json::{Json, Node};

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(Option<u8>),
    Tuple(i8, &'static str),
    Struct { sides: u128, round: bool },
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(f32);

#[derive(Serialize)]
struct Pair(char, ());

struct Displayed<T>(T);

impl<T: Display> Serialize for Displayed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Key(f64);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

struct Map(f64);

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(Key(self.0), 1)])
    }
}

/// Checks that a value is written as `serde_json` writes it, with the index of that text, or that neither can write it.
fn is_as_serde_json_writes<T: Serialize + ?Sized>(value: &T) {
    let expected = serde_json::to_string(value).ok();
    let written = encode_indexed(&Capture::new(value), 0);
    assert_eq!(written.as_ref().map(|(encoded, _)| &encoded.text), expected.as_ref());
    if let Some((encoded, index)) = written {
        let written = Json::written(&encoded.text, index.expect("it was not too much"));
        let read = Json::index(&encoded.text).expect("it is JSON");
        assert_eq!(unfolded(written.root()), unfolded(read.root()));
    }
}

/// All values of a tree, each as written and as read.
fn unfolded(node: Node<'_>) -> Vec<(String, Option<String>)> {
    let own = (node.raw().to_owned(), node.text().map(String::from));
    let fields = node.entries().flat_map(|(key, value)| {
        let key = (key.to_owned(), None);
        std::iter::once(key).chain(unfolded(value))
    });
    std::iter::once(own).chain(fields).chain(node.items().flat_map(unfolded)).collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = || "[a-z\"\\\\\u{0}-\u{20}\u{7f}\u{80}é漢🦀]{0,40}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_serde_json_writes_it(value in any_json()) {
        is_as_serde_json_writes(&value);
    }

    #[test]
    fn any_text_is_cut_where_serde_json_would_be(value in any_json(), limit in 0_usize..80) {
        let mut text = Text::up_to(limit);
        let form = write_guarded(&Capture::new(&value), &mut text);
        let whole = serde_json::to_vec(&value).expect("it is JSON");
        prop_assert_eq!(form == Form::Json, whole.len() <= limit);
        prop_assert_eq!(&text.bytes[..], &whole[..whole.len().min(limit)]);
    }
}

#[test]
fn every_type_of_serde_is_written_as_serde_json_writes_it() {
    is_as_serde_json_writes(&(Unit, Newtype(0.1), Pair('"', ()), Some(1_u64), None::<u8>));
    let tuple = Shape::Tuple(-1, "a\tb");
    let variants =
        [Shape::Unit, Shape::Newtype(None), tuple, Shape::Struct { sides: u128::MAX, round: false }];
    is_as_serde_json_writes(&variants);
    is_as_serde_json_writes(&[f64::NAN, f64::INFINITY, 1e300, -0.0, 5e-324]);
    is_as_serde_json_writes(&(Displayed("\"a\"\n"), Displayed("a"), Bytes(&[]), Bytes(&[0, 255])));
    is_as_serde_json_writes(&(i128::MIN, i16::MIN, i32::MIN, u16::MAX, u32::MAX, f32::MAX));
    is_as_serde_json_writes(&[(); 0]);
    is_as_serde_json_writes("\u{1}\u{8}\u{c}\u{1f}\u{7f}");
}

#[test]
fn keys_are_strings_or_an_error() {
    is_as_serde_json_writes(&BTreeMap::from([(1, true), (-2, false)]));
    is_as_serde_json_writes(&BTreeMap::from([(true, 1)]));
    is_as_serde_json_writes(&BTreeMap::from([('\n', 1)]));
    is_as_serde_json_writes(&BTreeMap::from([(Some("a"), 1)]));
    is_as_serde_json_writes(&BTreeMap::from([("a\"b", Shape::Unit)]));
    is_as_serde_json_writes(&BTreeMap::from([(None::<&str>, 1)]));
    is_as_serde_json_writes(&BTreeMap::from([((), 1)]));
    is_as_serde_json_writes(&BTreeMap::from([((1, 2), 1)]));
    is_as_serde_json_writes(&BTreeMap::from([([1_u8], 1)]));
    for key in [1.0, 1e300, f64::NAN] {
        is_as_serde_json_writes(&Map(key));
    }
    is_as_serde_json_writes(&HashMap::from([("k", HashMap::from([(7_u8, [1.5])]))]));
}

#[test]
fn what_is_json_already_stays_so_and_has_to_be_read() {
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::RawValue")]
    struct Raw {
        #[serde(rename = "$serde_json::private::RawValue")]
        json: &'static str,
    }
    let value = (1, Raw { json: r#"{"a": [1]}"# }, 2);
    let (encoded, index) = encode_indexed(&Capture::new(&value), 0).expect("it is JSON");
    assert_eq!(encoded.text, r#"[1,{"a": [1]},2]"#);
    assert!(index.is_none());
}

#[test]
fn what_is_nested_too_deep_has_no_index() {
    let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let is_indexed = |depth| encode_indexed(&Capture::new(&deep(depth)), 0).expect("it is JSON").1.is_some();
    assert!(is_indexed(128));
    assert!(!is_indexed(129));
    assert!(READ_LIMIT < u32::MAX as usize);
}
