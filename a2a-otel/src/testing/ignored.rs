//! Parts of an input that are left out of a comparison.

use serde_json::Value;

/// A key, wherever it is, or a path from the top.
#[derive(Clone, Debug)]
pub(super) enum Ignored {
    Key(String),
    Path(Vec<String>),
}

/// Stands for any key and any place in a list.
const ANY: &str = "*";

impl Ignored {
    pub(super) fn new(name: &str) -> Self {
        if name.contains('.') {
            Self::Path(name.split('.').map(str::to_owned).collect())
        } else {
            Self::Key(name.to_owned())
        }
    }

    /// Removes it. In a list, null takes its place, so that what follows keeps its own.
    pub(super) fn remove_from(&self, value: &mut Value) {
        match self {
            Self::Key(key) => remove_key(key, value),
            Self::Path(path) => remove_path(path, value),
        }
    }
}

fn remove_key(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove(key);
            fields.values_mut().for_each(|value| remove_key(key, value));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| remove_key(key, value)),
        _ => {}
    }
}

fn remove_path(path: &[String], value: &mut Value) {
    let Some((step, rest)) = path.split_first() else { return };
    match value {
        Value::Object(fields) if rest.is_empty() => {
            fields.retain(|key, _| step != ANY && step != key);
        }
        Value::Object(fields) => {
            let inside = fields.iter_mut().filter(|(key, _)| step == ANY || step == *key);
            inside.for_each(|(_, value)| remove_path(rest, value));
        }
        Value::Array(items) => {
            let is_meant = |place: usize| step == ANY || step.parse() == Ok(place);
            let meant = items.iter_mut().enumerate().filter(|(place, _)| is_meant(*place));
            for (_, item) in meant {
                if rest.is_empty() { *item = Value::Null } else { remove_path(rest, item) }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_and_paths_are_removed() {
        let input = json!({ "id": 1, "messages": [{ "id": 2, "text": "a" }, { "id": 3, "text": "b" }], "tags": [1, 2] });
        let without = |name: &str| {
            let mut value = input.clone();
            Ignored::new(name).remove_from(&mut value);
            value
        };
        let both = json!({ "messages": [{ "text": "a" }, { "text": "b" }], "tags": [1, 2] });
        assert_eq!(without("id"), both);
        let first =
            json!({ "id": 1, "messages": [{ "text": "a" }, { "id": 3, "text": "b" }], "tags": [1, 2] });
        assert_eq!(without("messages.0.id"), first);
        let below = json!({ "id": 1, "messages": [{ "text": "a" }, { "text": "b" }], "tags": [1, 2] });
        assert_eq!(without("messages.*.id"), below);
        assert_eq!(without("tags.1")["tags"], json!([1, null]));
        assert_eq!(without("nothing.there"), input);
    }
}
