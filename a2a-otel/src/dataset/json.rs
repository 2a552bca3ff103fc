//! Datasets as JSON, and as JSON lines.

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::example::Rows;
use super::{Dataset, DatasetError, Example};

const ADVICE: &str = "an example is an object with `input`, and if there is one `expected`, `metadata`, `splits`, `id`, `span_id`";

/// One example, as files have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    input: Value,
    #[serde(default, alias = "output")]
    expected: Value,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default, alias = "split", deserialize_with = "splits")]
    splits: Vec<String>,
    span_id: Option<String>,
    /// Phoenix's own id, which its files have. It means nothing elsewhere.
    #[serde(rename = "node_id")]
    _node_id: Option<IgnoredAny>,
}

/// One example, as it is written.
#[derive(Serialize)]
struct WrittenRow<'a> {
    id: &'a str,
    input: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    expected: &'a Value,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    splits: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<&'a str>,
}

/// Reads one split, or several.
fn splits<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = match Value::deserialize(from)? {
        Value::Null => Some(Vec::new()),
        Value::String(split) => Some(vec![split]),
        Value::Array(splits) => splits.iter().map(|split| split.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    texts.ok_or_else(|| D::Error::custom("the splits are no text and no list of texts"))
}

impl From<Row> for Example {
    fn from(row: Row) -> Self {
        let metadata = row.metadata.unwrap_or_default();
        let example = Example::new(row.input).with_expected(row.expected).with_all_metadata(metadata);
        let example = row.splits.into_iter().fold(example, Example::in_split);
        let example = row.id.into_iter().fold(example, Example::with_id);
        row.span_id.into_iter().fold(example, Example::with_span_id)
    }
}

impl<'a> From<&'a Example> for WrittenRow<'a> {
    fn from(example: &'a Example) -> Self {
        WrittenRow {
            id: example.id(),
            input: example.input(),
            expected: example.expected(),
            metadata: example.metadata(),
            splits: example.splits(),
            span_id: example.span_id(),
        }
    }
}

/// A file with a name of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<'a> {
    name: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(borrow)]
    examples: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    examples: Vec<WrittenRow<'a>>,
}

/// A dataset that was read: its own name, its description, its examples.
pub(super) type Read = (Option<String>, String, Rows);

/// Reads a list of examples, or an object that has them.
pub(super) fn read(file: &str, text: &str) -> Result<Read, DatasetError> {
    let advice = "the file is a list of examples, or an object with `name` and `examples`; a file with an example on \
                  each line is named .jsonl";
    let (name, description, examples) = if text.trim_start().starts_with('[') {
        let examples = serde_json::from_str::<Vec<&RawValue>>(text);
        (None, String::new(), examples.map_err(|error| malformed(file, 1, &error, advice))?)
    } else {
        let named: Named<'_> =
            serde_json::from_str(text).map_err(|error| malformed(file, 1, &error, advice))?;
        (named.name, named.description, named.examples)
    };
    let mut counted = Lines { text, at: 0, line: 1 };
    let rows = examples.into_iter().map(|example| {
        let line = counted.line_of(example.get());
        Ok((line, read_row(file, line, example.get())?))
    });
    Ok((name, description, rows.collect::<Result<_, _>>()?))
}

/// Reads an example from each line that is not blank.
pub(super) fn read_lines(file: &str, text: &str) -> Result<Rows, DatasetError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, text)| Ok((at + 1, read_row(file, at + 1, text)?))).collect()
}

fn read_row(file: &str, line: usize, text: &str) -> Result<Example, DatasetError> {
    let row: Row = serde_json::from_str(text).map_err(|error| malformed(file, line, &error, ADVICE))?;
    Ok(row.into())
}

/// `line` is that on which the JSON begins.
fn malformed(file: &str, line: usize, error: &serde_json::Error, advice: &str) -> DatasetError {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let column = if error.is_data() { String::new() } else { format!(" (column {})", error.column()) };
    DatasetError::InvalidLine {
        file: file.to_owned(),
        line: line + error.line().saturating_sub(1),
        reason: format!("{reason}{column}; {advice}"),
    }
}

/// Counts the lines of a text.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// Returns the line of a part of the text, which follows the parts before.
    fn line_of(&mut self, part: &str) -> usize {
        let start = part.as_ptr().addr() - self.text.as_ptr().addr();
        self.line += self.text[self.at..start].matches('\n').count();
        self.at = start;
        self.line
    }
}

/// Writes a dataset with its name.
pub(super) fn write(dataset: &Dataset) -> Result<String, String> {
    let written = Written {
        name: dataset.name(),
        description: dataset.description(),
        examples: dataset.examples().iter().map(WrittenRow::from).collect(),
    };
    let text = serde_json::to_string_pretty(&written).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// Writes an example on each line.
pub(super) fn write_lines(dataset: &Dataset) -> Result<String, String> {
    let lines = dataset.examples().iter().map(|example| {
        let line = serde_json::to_string(&WrittenRow::from(example));
        line.map(|line| line + "\n").map_err(|error| error.to_string())
    });
    lines.collect()
}
