//! Attributes as JSON that keeps their types.
//!
//! JSON has a form for almost every value: texts, booleans, whole numbers (`1`), other numbers (`1.0`) and lists of one of
//! these. What has none is an object whose only key is the type: `{"double": "NaN"}`, `{"strings": []}`.

use std::collections::BTreeMap;

use opentelemetry::{Array, StringValue, Value};
use serde_json::{Map, Value as Json, json};

const DOUBLE: &str = "double";
const DOUBLES: &str = "doubles";
const STRINGS: &str = "strings";
const INTEGERS: &str = "integers";
const BOOLEANS: &str = "booleans";

/// Writes attributes as an object with sorted keys.
pub(super) fn write_all(attributes: &BTreeMap<String, Value>) -> Json {
    attributes.iter().map(|(key, value)| (key.clone(), write(value))).collect()
}

/// Reads what [`write_all`] writes. What has no form of its own is read as a text of JSON, and null is left out.
pub(super) fn read_all(attributes: &Map<String, Json>) -> BTreeMap<String, Value> {
    attributes.iter().filter_map(|(key, value)| Some((key.clone(), read(value)?))).collect()
}

/// Writes one attribute.
pub(super) fn write(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::I64(number) => (*number).into(),
        Value::F64(number) if number.is_finite() => (*number).into(),
        Value::F64(number) => json!({ DOUBLE: number.to_string() }),
        Value::Array(array) => write_array(array),
        other => other.as_str().into(),
    }
}

fn write_array(array: &Array) -> Json {
    fn list<T: Clone + Into<Json>>(kind: &str, items: &[T]) -> Json {
        if items.is_empty() { json!({ kind: [] }) } else { items.iter().cloned().map(Into::into).collect() }
    }
    match array {
        Array::Bool(flags) => list(BOOLEANS, flags),
        Array::I64(numbers) => list(INTEGERS, numbers),
        Array::F64(numbers) if numbers.iter().all(|number| number.is_finite()) => list(DOUBLES, numbers),
        Array::F64(numbers) => {
            let double =
                |number: &f64| if number.is_finite() { json!(number) } else { json!(number.to_string()) };
            json!({ DOUBLES: numbers.iter().map(double).collect::<Json>() })
        }
        Array::String(texts) => {
            let texts: Vec<_> = texts.iter().map(StringValue::as_str).collect();
            list(STRINGS, &texts)
        }
        _ => json!({ STRINGS: [] }),
    }
}

fn read(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(_) => match integer(value) {
            Some(number) => number.into(),
            None => double(value)?.into(),
        },
        Json::String(text) => text.clone().into(),
        Json::Array(items) => read_array(items).unwrap_or_else(|| value.to_string().into()),
        Json::Object(fields) => read_typed(fields).unwrap_or_else(|| value.to_string().into()),
    })
}

fn integer(value: &Json) -> Option<i64> {
    value.as_i64()
}

fn double(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn text(value: &Json) -> Option<StringValue> {
    value.as_str().map(|text| text.to_owned().into())
}

/// Reads a list whose items have one type. `None` for any other list, and for an empty one.
fn read_array(items: &[Json]) -> Option<Value> {
    fn all<T>(items: &[Json], read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
        items.iter().map(read).collect()
    }
    Some(Value::Array(match items.first()? {
        Json::Bool(_) => Array::Bool(all(items, Json::as_bool)?),
        Json::String(_) => Array::String(all(items, text)?),
        Json::Number(_) => match all(items, integer) {
            Some(numbers) => Array::I64(numbers),
            None => Array::F64(all(items, Json::as_f64)?),
        },
        _ => return None,
    }))
}

fn read_typed(fields: &Map<String, Json>) -> Option<Value> {
    let mut fields = fields.iter();
    let (Some((kind, value)), None) = (fields.next(), fields.next()) else { return None };
    if kind == DOUBLE {
        return value.as_str()?.parse::<f64>().ok().map(Value::F64);
    }
    let items = value.as_array()?;
    Some(Value::Array(match kind.as_str() {
        DOUBLES => Array::F64(items.iter().map(double).collect::<Option<_>>()?),
        STRINGS if items.is_empty() => Array::String(Vec::new()),
        INTEGERS if items.is_empty() => Array::I64(Vec::new()),
        BOOLEANS if items.is_empty() => Array::Bool(Vec::new()),
        _ => return None,
    }))
}
