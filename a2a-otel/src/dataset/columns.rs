//! Which column of a table is which part of an example.

use std::collections::HashSet;

use super::DatasetError;

/// The end of the name of a column whose cells are JSON. Cells of other columns are texts.
pub(super) const JSON: &str = ":json";

/// The column that only tables have which Phoenix has exported.
const OF_PHOENIX: &str = "node_id";

/// Which column of a CSV file is which part of an example.
///
/// Without columns that are named here, the file's own names say it: `input.question` is the key `question` of the input,
/// `expected.answer` or `output.answer` that of the expected output, `metadata.level` a fact, `input` and `expected` a
/// whole value; `id`, `splits` and `span_id` are what they are.
///
/// A cell is a text, and an empty cell is no value. The cells of a column whose name ends in `:json` are JSON; the end
/// is no part of the key.
///
/// ```
/// use a2a_otel::evaluation::{Columns, Dataset};
///
/// let columns = Columns::named().input("question").expected("answer").metadata("level:json").id("number");
/// let table = "number,question,answer,level:json,comment\n7,How tall is it?,40 cm,2,asked by phone\n";
/// let dataset = Dataset::from_csv("lamps", table, &columns)?;
/// let example = &dataset.examples()[0];
/// assert_eq!((example.id(), &example.input()["question"]), ("7", &"How tall is it?".into()));
/// assert_eq!(example.metadata()["level"], 2);
/// # Ok::<(), a2a_otel::evaluation::DatasetError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Columns(Vec<(String, Part)>);

/// The part of an example that a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Id,
    Splits,
    SpanId,
    Input,
    InputKey(String),
    Expected,
    ExpectedKey(String),
    MetadataKey(String),
}

/// A column that is read.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its number, from 0.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) part: Part,
    pub(super) is_json: bool,
}

impl Columns {
    /// Names columns one by one. Columns that are not named are left out.
    pub fn named() -> Self {
        Columns::default()
    }

    /// Makes a column a key of the input.
    pub fn input(self, column: impl Into<String>) -> Self {
        self.with(column.into(), Part::InputKey)
    }

    /// Makes a column the whole input.
    pub fn whole_input(self, column: impl Into<String>) -> Self {
        self.with(column.into(), |_| Part::Input)
    }

    /// Makes a column a key of the expected output.
    pub fn expected(self, column: impl Into<String>) -> Self {
        self.with(column.into(), Part::ExpectedKey)
    }

    /// Makes a column the whole expected output.
    pub fn whole_expected(self, column: impl Into<String>) -> Self {
        self.with(column.into(), |_| Part::Expected)
    }

    /// Makes a column a fact about the example.
    pub fn metadata(self, column: impl Into<String>) -> Self {
        self.with(column.into(), Part::MetadataKey)
    }

    /// Makes a column the id.
    pub fn id(self, column: impl Into<String>) -> Self {
        self.with(column.into(), |_| Part::Id)
    }

    /// Makes a column the splits: one, or a JSON list of several.
    pub fn splits(self, column: impl Into<String>) -> Self {
        self.with(column.into(), |_| Part::Splits)
    }

    /// Makes a column the id of the span that the example was made of.
    pub fn span_id(self, column: impl Into<String>) -> Self {
        self.with(column.into(), |_| Part::SpanId)
    }

    fn with(mut self, column: String, part: impl FnOnce(String) -> Part) -> Self {
        let part = part(key(&column).to_owned());
        self.0.push((column, part));
        self
    }

    /// Finds the columns in the first line of a table.
    pub(super) fn find(&self, file: &str, heads: &[&str]) -> Result<Vec<Column>, DatasetError> {
        let fault = |columns: Vec<String>, reason: String| {
            Err(DatasetError::Columns { file: file.to_owned(), columns, reason })
        };
        if heads.contains(&OF_PHOENIX) && self.0.is_empty() {
            let reason = "Phoenix has exported it, and its values have lost their types; export the dataset as JSON lines";
            return fault(vec![OF_PHOENIX.to_owned()], reason.to_owned());
        }
        let mut seen = HashSet::new();
        if let Some(twice) = heads.iter().find(|head| !seen.insert(**head)) {
            return fault(vec![(*twice).to_owned()], format!("there are two columns `{twice}`; rename one"));
        }
        if let Some((missing, _)) = self.0.iter().find(|(name, _)| !heads.contains(&name.as_str())) {
            let found = listed(heads);
            return fault(vec![missing.clone()], format!("there is no column `{missing}`, only {found}"));
        }
        let known = |head: &str| match self.0.iter().find(|(name, _)| name == head) {
            Some((_, part)) => Some(part.clone()),
            None if self.0.is_empty() => part_of(head),
            None => None,
        };
        let unknown = |head: &&&str| known(head).is_none();
        if let Some(unknown) = heads.iter().find(unknown).filter(|_| self.0.is_empty()) {
            let reason = format!(
                "the column `{unknown}` is no part of an example; name it `input.{unknown}`, `expected.{unknown}` or \
                 `metadata.{unknown}`, or name the columns with `Columns`"
            );
            return fault(vec![(*unknown).to_owned()], reason);
        }
        let columns = heads.iter().enumerate().filter_map(|(at, head)| {
            let part = known(head)?;
            Some(Column { at, name: (*head).to_owned(), part, is_json: head.ends_with(JSON) })
        });
        let columns: Vec<_> = columns.collect();
        contradiction(&columns).map_or(Ok(columns), |(names, reason)| fault(names, reason))
    }
}

/// Returns the key that a column is named after.
fn key(column: &str) -> &str {
    column.strip_suffix(JSON).unwrap_or(column)
}

/// Returns what a column holds by its own name.
fn part_of(head: &str) -> Option<Part> {
    let name = key(head);
    Some(match name {
        "id" => Part::Id,
        "splits" | "split" => Part::Splits,
        "span_id" => Part::SpanId,
        "input" => Part::Input,
        "expected" | "output" => Part::Expected,
        _ => match name.split_once('.')? {
            ("input", key) => Part::InputKey(key.to_owned()),
            ("expected" | "output", key) => Part::ExpectedKey(key.to_owned()),
            ("metadata", key) => Part::MetadataKey(key.to_owned()),
            _ => return None,
        },
    })
}

/// Returns why columns cannot be read together: their names, and the reason.
fn contradiction(columns: &[Column]) -> Option<(Vec<String>, String)> {
    let named = |is_meant: &dyn Fn(&Part) -> bool| {
        columns.iter().find(|column| is_meant(&column.part)).map(|column| column.name.clone())
    };
    let mut parts = HashSet::new();
    if let Some(again) = columns.iter().find(|column| !parts.insert(&column.part)) {
        let first = named(&|part| *part == again.part)?;
        let reason = format!("the columns `{first}` and `{}` are the same part; remove one", again.name);
        return Some((vec![first, again.name.clone()], reason));
    }
    let input_key = named(&|part| matches!(part, Part::InputKey(_)));
    let expected_key = named(&|part| matches!(part, Part::ExpectedKey(_)));
    for (whole, key) in [(Part::Input, input_key), (Part::Expected, expected_key)] {
        if let (Some(whole), Some(key)) = (named(&|part| *part == whole), key) {
            let reason =
                format!("the column `{whole}` is the whole of what `{key}` is a part of; remove one");
            return Some((vec![whole, key], reason));
        }
    }
    let has_input = named(&|part| matches!(part, Part::Input | Part::InputKey(_))).is_some();
    let reason = "there is no column for the input; name one `input`, or `input.` and a key";
    (!has_input).then(|| (Vec::new(), reason.to_owned()))
}

fn listed(heads: &[&str]) -> String {
    heads.iter().map(|head| format!("`{head}`")).collect::<Vec<_>>().join(", ")
}
