//! What differs between two values of JSON, by the path of each change.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

/// The longest text that is shown of a value, in characters.
const LONGEST: usize = 100;

/// How many characters are shown before the first difference of two long texts.
const LEAD: usize = 30;

/// One change, which `Display` shows on one line.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// Where it is, as in `messages[0].content`. Empty for the whole value.
    pub(super) path: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// Returns the changes from one value to another, in the order of the first one's keys. Numbers of the same value are equal.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => compare_objects(path, before, after, changes),
        (Value::Array(before), Value::Array(after)) => compare_lists(path, before, after, changes),
        _ if is_same(before, after) => {}
        _ => changes.push(Change {
            path: path.to_owned(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

/// Whether two values that are not both objects or both lists are the same.
fn is_same(before: &Value, after: &Value) -> bool {
    let is_same_number =
        || before.is_number() && before.as_f64() == after.as_f64() && !is_integer(before, after);
    before == after || is_same_number()
}

/// Whether both are whole numbers, which are compared exactly.
fn is_integer(before: &Value, after: &Value) -> bool {
    !before.is_f64() && !after.is_f64()
}

fn compare_objects(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in before {
        match after.get(key) {
            Some(other) => compare(&inside(key), value, other, changes),
            None => changes.push(Change { path: inside(key), before: Some(value.clone()), after: None }),
        }
    }
    for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        changes.push(Change { path: inside(key), before: None, after: Some(value.clone()) });
    }
}

/// Compares lists by position, but for what is the same at the end: an item that is put in is one change.
fn compare_lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let shorter = before.len().min(after.len());
    let start = (0..shorter).take_while(|&at| before[at] == after[at]).count();
    let is_same_from_end = |at: &usize| before[before.len() - 1 - at] == after[after.len() - 1 - at];
    let end = (0..shorter - start).take_while(is_same_from_end).count();
    let (before, after) = (&before[start..before.len() - end], &after[start..after.len() - end]);
    for at in 0..before.len().max(after.len()) {
        let path = format!("{path}[{}]", start + at);
        match (before.get(at), after.get(at)) {
            (Some(before), Some(after)) => compare(&path, before, after, changes),
            (before, after) => changes.push(Change { path, before: before.cloned(), after: after.cloned() }),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                let (before, after) = (shown(before), shown(after));
                let same = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
                write!(formatter, "{} → {}", cut(&before, same), cut(&after, same))
            }
            (Some(before), None) => write!(formatter, "{} is gone", cut(&shown(before), 0)),
            (None, Some(after)) => write!(formatter, "{} is new", cut(&shown(after), 0)),
            (None, None) => Ok(()),
        }
    }
}

/// A value, cut to a readable length.
pub(super) fn cut_value(value: &Value) -> String {
    cut(&shown(value), 0)
}

fn shown(value: &Value) -> String {
    value.to_string()
}

/// Cuts a text to a readable length around the character in which it differs from another.
fn cut(text: &str, differs_at: usize) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let start = differs_at.saturating_sub(LEAD).min(length - LONGEST);
    let mut cut = String::new();
    let end = start + LONGEST;
    cut.push_str(if start > 0 { "…" } else { "" });
    cut.extend(text.chars().skip(start).take(LONGEST));
    cut.push_str(if end < length { "…" } else { "" });
    if length > 10 * LONGEST {
        let _ = write!(cut, " ({length} characters)");
    }
    cut
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(before: &Value, after: &Value) -> Vec<String> {
        changes(before, after).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn changes_are_named_by_their_path() {
        let before =
            json!({ "messages": [{ "content": "How many?" }, { "content": "Three." }], "seed": 1, "n": 1 });
        let after = json!({ "messages": [{ "content": "How much?" }, { "content": "Three." }], "n": 1.0, "user": "u" });
        assert_eq!(
            lines(&before, &after),
            [r#"messages[0].content: "How many?" → "How much?""#, "seed: 1 is gone", r#"user: "u" is new"#]
        );
    }

    #[test]
    fn an_item_that_is_put_in_is_one_change() {
        assert_eq!(lines(&json!([1, 2, 3]), &json!([1, 9, 2, 3])), ["[1]: 9 is new"]);
        assert_eq!(lines(&json!([1, 1]), &json!([1])), ["[1]: 1 is gone"]);
    }

    #[test]
    fn long_texts_are_cut_around_their_difference() {
        let (before, after) = ("a".repeat(500) + "b", "a".repeat(500) + "c");
        let line = &lines(&json!(before), &json!(after))[0];
        assert!(line.contains("ab\" → …") && line.ends_with("ac\""), "{line}");
        assert!(line.chars().count() < 250, "{line}");
    }
}
