//! Datasets as tables.

use std::collections::HashSet;

use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Writer};
use serde_json::{Map, Value};

use super::columns::{Column, JSON, Part};
use super::example::Rows;
use super::{Columns, Dataset, DatasetError, Example};

/// Reads the rows of a table, each with its line.
pub(super) fn read(file: &str, text: &str, columns: &Columns) -> Result<Rows, DatasetError> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records();
    let heads = match records.next() {
        Some(heads) => heads.map_err(|error| malformed(file, &error))?,
        None => return Ok(Rows::new()),
    };
    let columns = columns.find(file, &heads.iter().collect::<Vec<_>>())?;
    let mut rows = Rows::new();
    for record in records {
        let record = record.map_err(|error| malformed(file, &error))?;
        let line = line_of(record.position());
        let example = example(&record, &columns).map_err(|reason| DatasetError::InvalidLine {
            file: file.to_owned(),
            line,
            reason,
        })?;
        rows.push((line, example));
    }
    Ok(rows)
}

fn line_of(position: Option<&Position>) -> usize {
    position.map_or(0, |position| usize::try_from(position.line()).unwrap_or(usize::MAX))
}

fn malformed(file: &str, error: &::csv::Error) -> DatasetError {
    let reason = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "it has {len} cells, and the first line has {expected_len}; put cells that contain commas or line breaks \
             in quotes"
        ),
        _ => error.to_string(),
    };
    DatasetError::InvalidLine { file: file.to_owned(), line: line_of(error.position()), reason }
}

/// Reads a row, or says what is wrong with it.
fn example(record: &StringRecord, columns: &[Column]) -> Result<Example, String> {
    let (mut input, mut expected, mut metadata) = (None, None, Map::new());
    let (mut id, mut splits, mut span_id) = (None, Vec::new(), None);
    for column in columns {
        let cell = record.get(column.at).unwrap_or_default();
        if cell.is_empty() {
            continue;
        }
        match &column.part {
            Part::Id => id = Some(cell.to_owned()),
            Part::SpanId => span_id = Some(cell.to_owned()),
            Part::Splits => splits = read_splits(cell).map_err(|reason| at(column, &reason))?,
            Part::Input => input = Some(value(column, cell)?),
            Part::InputKey(key) => put(&mut input, key, value(column, cell)?),
            Part::Expected => expected = Some(value(column, cell)?),
            Part::ExpectedKey(key) => put(&mut expected, key, value(column, cell)?),
            Part::MetadataKey(key) => {
                metadata.insert(key.clone(), value(column, cell)?);
            }
        }
    }
    let is_input = |column: &&Column| matches!(column.part, Part::Input | Part::InputKey(_));
    let Some(input) = input else {
        let names = columns.iter().filter(is_input).map(|column| format!("`{}`", column.name));
        let names = names.collect::<Vec<_>>().join(" or ");
        return Err(format!("it has no input; fill in {names}, or remove the line"));
    };
    let example = Example::new(input).with_expected(expected).with_all_metadata(metadata);
    let example = splits.into_iter().fold(example, Example::in_split);
    let example = id.into_iter().fold(example, Example::with_id);
    Ok(span_id.into_iter().fold(example, Example::with_span_id))
}

fn value(column: &Column, cell: &str) -> Result<Value, String> {
    if !column.is_json {
        return Ok(cell.into());
    }
    let advice = "write JSON, such as a number or a text in quotes, or take `:json` from the column's name";
    serde_json::from_str(cell).map_err(|error| at(column, &format!("{error}; {advice}")))
}

fn at(column: &Column, reason: &str) -> String {
    format!("column `{}`: {reason}", column.name)
}

fn put(object: &mut Option<Value>, key: &str, value: Value) {
    if let Value::Object(object) = object.get_or_insert_with(|| Value::Object(Map::new())) {
        object.insert(key.to_owned(), value);
    }
}

/// A cell with splits is the name of one, or a JSON list of several.
fn read_splits(cell: &str) -> Result<Vec<String>, String> {
    if !cell.starts_with('[') {
        return Ok(vec![cell.to_owned()]);
    }
    let advice = "write one name, or a JSON list of names";
    serde_json::from_str(cell).map_err(|error| format!("{error}; {advice}"))
}

/// Writes a dataset, so that it can be read with the columns' own names.
pub(super) fn write(dataset: &Dataset) -> Result<String, String> {
    let examples = dataset.examples();
    let mut table = vec![column("id", examples, |example| Some(example.id().to_owned()))];
    table.extend(value_columns("input", examples, |example| Some(example.input())));
    table.extend(value_columns("expected", examples, |example| {
        Some(example.expected()).filter(|expected| !expected.is_null())
    }));
    for key in keys(&examples.iter().map(Example::metadata).collect::<Vec<_>>()) {
        let cells = examples.iter().map(|example| example.metadata().get(&key)).collect();
        table.push(value_column(&format!("metadata.{key}"), cells));
    }
    table.push(column("splits", examples, |example| written_splits(example.splits())));
    table.push(column("span_id", examples, |example| example.span_id().map(str::to_owned)));
    // The optional columns only if there is something in them.
    let is_used =
        |(head, cells): &(String, Vec<String>)| head == "id" || cells.iter().any(|cell| !cell.is_empty());
    table.retain(is_used);
    let mut writer = Writer::from_writer(Vec::new());
    let written = writer.write_record(table.iter().map(|(head, _)| head)).and_then(|()| {
        (0..examples.len())
            .try_for_each(|row| writer.write_record(table.iter().map(|(_, cells)| &cells[row])))
    });
    written.map_err(|error| error.to_string())?;
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

fn column(
    head: &str,
    examples: &[Example],
    cell: impl Fn(&Example) -> Option<String>,
) -> (String, Vec<String>) {
    (head.to_owned(), examples.iter().map(|example| cell(example).unwrap_or_default()).collect())
}

/// Writes values into a column for each key if all are objects, and into one column if not.
fn value_columns<'a>(
    name: &str,
    examples: &'a [Example],
    value: impl Fn(&'a Example) -> Option<&'a Value>,
) -> Vec<(String, Vec<String>)> {
    let values: Vec<_> = examples.iter().map(value).collect();
    let filled = |value: &&Value| value.as_object().is_some_and(|object| !object.is_empty());
    if !values.iter().flatten().all(filled) {
        return vec![value_column(name, values)];
    }
    let objects = values.iter().map(|value| value.and_then(Value::as_object));
    let key_column = |key: String| {
        let cells = objects.clone().map(|object| object?.get(&key)).collect();
        value_column(&format!("{name}.{key}"), cells)
    };
    keys(&objects.clone().flatten().collect::<Vec<_>>()).into_iter().map(key_column).collect()
}

/// The keys of objects, in the order of their first use.
fn keys(objects: &[&Map<String, Value>]) -> Vec<String> {
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for key in objects.iter().flat_map(|object| object.keys()) {
        if seen.insert(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// Writes a column of texts as they are, and any other as JSON.
fn value_column(name: &str, values: Vec<Option<&Value>>) -> (String, Vec<String>) {
    let is_text = |value: &&Value| value.as_str().is_some_and(|text| !text.is_empty());
    let is_plain = values.iter().flatten().all(is_text) && !name.ends_with(JSON);
    let cell = |value: &Value| match value.as_str() {
        Some(text) if is_plain => text.to_owned(),
        _ => value.to_string(),
    };
    let cells = values.into_iter().map(|value| value.map(cell).unwrap_or_default()).collect();
    (if is_plain { name.to_owned() } else { format!("{name}{JSON}") }, cells)
}

fn written_splits(splits: &[String]) -> Option<String> {
    match splits {
        [] => None,
        [split] if !split.is_empty() && !split.starts_with('[') => Some(split.clone()),
        _ => serde_json::to_string(splits).ok(),
    }
}
