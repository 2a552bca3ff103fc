//! Reads the parameters of a request, for any provider.

use opentelemetry::{Array, StringValue, Value};

use crate::json::{Json, Node};
use crate::semconv::GenAiVersion;
use crate::semconv::equivalents::{OUTPUT_FORMATS, PARAMETER_GROUPS, PARAMETERS, Parameter, ParameterType};
use crate::semconv::gen_ai::{OUTPUT_TYPE, REQUEST_CHOICE_COUNT};

/// The parameters that GenAI has names for, from an object as JSON.
pub(super) fn read(parameters: &str, version: GenAiVersion) -> Vec<(&'static str, Value)> {
    let Some(json) = Json::index(parameters) else { return Vec::new() };
    let groups = PARAMETER_GROUPS.iter().filter_map(|group| json.root().get(group));
    let groups: Vec<_> = [json.root()].into_iter().chain(groups).collect();
    let find = |sources: &[&str]| groups.iter().find_map(|group| group.any(sources));
    let parameter = |parameter: &Parameter| {
        let value = parameter.value.of(find(parameter.names)?, version)?;
        // One choice is the default.
        (parameter.key != REQUEST_CHOICE_COUNT || value != Value::I64(1)).then_some((parameter.key, value))
    };
    let output = find(OUTPUT_FORMATS).and_then(output_type).map(|kind| (OUTPUT_TYPE, kind.into()));
    PARAMETERS.iter().filter_map(parameter).chain(output).collect()
}

impl ParameterType {
    fn of(self, node: Node<'_>, version: GenAiVersion) -> Option<Value> {
        let raw = node.raw();
        Some(match self {
            Self::WholeSince(since) if version < since => return Self::Number.of(node, version),
            Self::WholeSince(_) => return Self::Whole.of(node, version),
            Self::Number => Value::F64(raw.parse().ok().filter(|number: &f64| number.is_finite())?),
            Self::Whole => Value::I64(without_fraction(raw).parse().ok()?),
            Self::Flag => Value::Bool(raw.parse().ok()?),
            Self::Texts => Value::Array(Array::String(texts(node)?)),
        })
    }
}

/// A number without its fraction, if that is zero.
fn without_fraction(number: &str) -> &str {
    let parts = number.split_once('.');
    parts
        .filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'))
        .map_or(number, |(whole, _)| whole)
}

/// The texts of a list, or a single text.
fn texts(node: Node<'_>) -> Option<Vec<StringValue>> {
    let items: Vec<_> = if node.is_text() { vec![node] } else { node.items().collect() };
    let texts: Option<Vec<_>> =
        items.into_iter().map(|item| Some(item.text()?.into_owned().into())).collect();
    texts.filter(|texts| !texts.is_empty())
}

/// The output type, from a schema, or from an object or text that names the format of the answer.
fn output_type(format: Node<'_>) -> Option<&'static str> {
    let kind = format.text().or_else(|| format.filled("type"))?;
    match &*kind {
        "json" | "json_object" | "json_schema" | "application/json" | "object" => Some("json"),
        "text" | "text/plain" => Some("text"),
        _ => None,
    }
}
