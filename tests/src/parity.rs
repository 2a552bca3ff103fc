//! Compares what two instrumentations record of one conversation: a recorded peer, and ours.
//!
//! Intended differences are listed in a table of a guide. A difference that is not in the table fails, and so does a
//! row that explains no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use a2a_otel::opentelemetry::{Array, StringValue, Value as Attribute};
use serde_json::{Value, json};

/// What is recorded, by key.
pub type Said = BTreeMap<String, Value>;

/// Something that one side records, and the other records differently or not at all.
pub struct Difference {
    /// The conversation or span.
    pub of: String,
    /// The key.
    pub key: String,
    /// `only here`, `only there` or `otherwise`.
    pub kind: String,
    /// The values on both sides.
    pub said: String,
}

/// An attribute's value as JSON.
#[must_use]
pub fn json_of(value: &Attribute) -> Value {
    match value {
        Attribute::Bool(value) => json!(value),
        Attribute::I64(value) => json!(value),
        Attribute::F64(value) => json!(value),
        Attribute::Array(Array::F64(values)) => json!(values),
        Attribute::Array(Array::String(values)) => values.iter().map(StringValue::as_str).collect(),
        other => other.as_str().into(),
    }
}

/// Returns what the two sides record differently.
#[must_use]
pub fn differences(of: &str, ours: &Said, theirs: &Said) -> Vec<Difference> {
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let difference = |key: &String| {
        let (here, there) = (ours.get(key), theirs.get(key));
        let kind = match (here, there) {
            _ if here == there => return None,
            (Some(_), Some(_)) => "otherwise",
            (Some(_), None) => "only here",
            (None, _) => "only there",
        };
        let said = format!("{here:?}, {there:?}");
        Some(Difference { of: of.to_owned(), key: key.clone(), kind: kind.to_owned(), said })
    };
    keys.into_iter().filter_map(difference).collect()
}

/// Checks the differences against the table below `## Where it differs` in a guide. A `*` in it stands for any text.
///
/// # Panics
///
/// When a difference is not in the table, or a row of it explains none.
pub fn assert_explained(found: &[Difference], guide: &str) {
    assert_explained_by(found, guide, "Where it differs");
}

/// The same for the table below another heading.
///
/// # Panics
///
/// As [`assert_explained`].
pub fn assert_explained_by(found: &[Difference], guide: &str, heading: &str) {
    let rows = explained(guide, heading);
    let surprises: Vec<_> = found.iter().filter(|one| !rows.iter().any(|row| row.explains(one))).collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    for row in rows {
        assert!(found.iter().any(|difference| row.explains(difference)), "{row:?} explains no difference");
    }
}

fn explained(guide: &str, heading: &str) -> Vec<Difference> {
    let (_, section) =
        guide.split_once(&format!("## {heading}")).expect("a guide with a table of differences");
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>());
    let row = |cells: Vec<&str>| Difference {
        of: cells[1].into(),
        key: cells[2].into(),
        kind: cells[3].into(),
        said: cells[4].into(),
    };
    cells.map(row).collect()
}

impl fmt::Debug for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, key, kind, said } = self;
        write!(formatter, "| `{of}` | `{key}` | `{kind}` | {said}")
    }
}

impl Difference {
    fn explains(&self, other: &Self) -> bool {
        matches(&self.of, &other.of) && matches(&self.key, &other.key) && self.kind == other.kind
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|end| text.is_char_boundary(end) && matches(rest, &text[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str =
        "## Where it differs\n\n| Of | Key |\n|---|---|\n| `chat*` | `a.*.b` | `only here` | Why. |\n";

    fn found(of: &str, key: &str) -> Vec<Difference> {
        differences(of, &Said::from([(key.to_owned(), json!(1))]), &Said::new())
    }

    #[test]
    fn a_row_explains_what_it_names() {
        assert_explained(&found("chat_stream", "a.0.b"), GUIDE);
    }

    #[test]
    #[should_panic(expected = "`a.0.c`")]
    fn a_surprise_is_told() {
        let mut differences = found("chat", "a.0.b");
        differences.extend(found("chat", "a.0.c"));
        assert_explained(&differences, GUIDE);
    }

    #[test]
    #[should_panic(expected = "explains no difference")]
    fn a_row_that_explains_nothing_is_told() {
        assert_explained(&[], GUIDE);
    }
}
