//! Labels: the attributes of a series, and those of the resource that every series has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use memchr::memchr3;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use crate::semconv::prometheus::label_name;

/// The attributes of the resource that are labels of every series. Metrics that are pushed have them too, so that a
/// dashboard can use them either way.
const OF_EVERY_SERIES: [&str; 4] =
    ["service.name", "service.namespace", "service.instance.id", "deployment.environment.name"];

/// The label of a histogram's buckets, and what an attribute with its name is called instead.
const BOUND: &str = "le";
const NOT_BOUND: &str = "exported_le";

/// Writes the labels of one series after the other.
pub(super) struct Labels<'a> {
    /// The labels that every series has, and whether an attribute's label takes their place.
    shared: Vec<(String, Cow<'a, str>)>,
    /// The labels that every series has, as text.
    prefix: String,
    /// The names of labels; an attribute refers to one by its index.
    names: Vec<Name>,
    by_name: HashMap<String, usize>,
    by_key: HashMap<&'a str, usize>,
    /// The keys of the series before, because the next one mostly has the same.
    columns: Vec<(&'a Key, usize)>,
    /// The attributes of this series, and the names of their labels.
    attributes: Vec<(&'a KeyValue, usize)>,
    text: String,
}

struct Name {
    text: String,
    is_shared: bool,
}

impl<'a> Labels<'a> {
    pub(super) fn new(resource: &'a Resource) -> Self {
        let shared: Vec<_> = OF_EVERY_SERIES
            .iter()
            .filter_map(|name| {
                let (_, value) = resource.iter().find(|(key, _)| key.as_str() == *name)?;
                Some((label_name(name), value.as_str()))
            })
            .collect();
        let mut prefix = String::new();
        for (name, value) in &shared {
            push_label(&mut prefix, name, value);
        }
        Self {
            shared,
            prefix,
            names: Vec::new(),
            by_name: HashMap::new(),
            by_key: HashMap::new(),
            columns: Vec::new(),
            attributes: Vec::new(),
            text: String::new(),
        }
    }

    /// Sets the series whose labels are written.
    pub(super) fn set(&mut self, attributes: impl Iterator<Item = &'a KeyValue>, is_histogram: bool) {
        self.attributes.clear();
        for (column, attribute) in attributes.enumerate() {
            let index = self.index(column, &attribute.key);
            self.attributes.push((attribute, index));
        }
        self.text.clear();
        if self.collide(is_histogram) {
            self.write_colliding(is_histogram);
            return;
        }
        self.text.push_str(&self.prefix);
        for (attribute, index) in &self.attributes {
            push_value(&mut self.text, &self.names[*index].text, &attribute.value);
        }
    }

    /// The labels of the series, as they stand between braces.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The attributes of the series.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &KeyValue> {
        self.attributes.iter().map(|(attribute, _)| *attribute)
    }

    /// Whether two labels of the series would have one name.
    fn collide(&self, is_histogram: bool) -> bool {
        self.attributes.iter().enumerate().any(|(place, (_, index))| {
            let name = &self.names[*index];
            name.is_shared
                || (is_histogram && name.text == BOUND)
                || self.attributes[..place].iter().any(|(_, before)| before == index)
        })
    }

    /// Writes labels of which several have one name: attributes are joined, and take the place of the resource's.
    fn write_colliding(&mut self, is_histogram: bool) {
        self.attributes.sort_by(|(one, _), (other, _)| one.key.cmp(&other.key));
        let mut joined: Vec<(&str, String)> = Vec::new();
        for (attribute, index) in &self.attributes {
            let name = &*self.names[*index].text;
            let name = if is_histogram && name == BOUND { NOT_BOUND } else { name };
            let value = attribute.value.as_str();
            match joined.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => drop(write!(values, ";{value}")),
                None => joined.push((name, value.into_owned())),
            }
        }
        for (name, value) in &self.shared {
            if joined.iter().all(|(known, _)| known != name) {
                push_label(&mut self.text, name, value);
            }
        }
        for (name, value) in &joined {
            push_label(&mut self.text, name, value);
        }
    }

    /// The index of the name of a label.
    fn index(&mut self, column: usize, key: &'a Key) -> usize {
        if let Some((known, index)) = self.columns.get(column)
            && *known == key
        {
            return *index;
        }
        let index = match self.by_key.get(key.as_str()) {
            Some(index) => *index,
            None => self.add(key.as_str()),
        };
        self.columns.truncate(column);
        self.columns.push((key, index));
        index
    }

    fn add(&mut self, key: &'a str) -> usize {
        let text = label_name(key);
        let next = self.names.len();
        let index = *self.by_name.entry(text.clone()).or_insert(next);
        if index == next {
            let is_shared = self.shared.iter().any(|(name, _)| *name == text);
            self.names.push(Name { text, is_shared });
        }
        self.by_key.insert(key, index);
        index
    }
}

/// Returns all attributes of the resource as labels.
pub(super) fn of_resource(resource: &Resource) -> String {
    let attributes: Vec<_> =
        resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let nothing = Resource::builder_empty().build();
    let mut labels = Labels::new(&nothing);
    labels.set(attributes.iter(), false);
    labels.text
}

fn push_value(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::String(text) => push_label(out, name, text.as_str()),
        other => push_label(out, name, &other.as_str()),
    }
}

fn push_label(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    push_escaped(out, value);
    out.push('"');
}

/// Returns a text with `\`, `"` and line feeds escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    push_escaped(&mut escaped, text);
    escaped
}

fn push_escaped(out: &mut String, mut text: &str) {
    while let Some(place) = memchr3(b'\\', b'"', b'\n', text.as_bytes()) {
        let (before, rest) = text.split_at(place);
        out.push_str(before);
        out.push_str(match rest.as_bytes()[0] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        text = &rest[1..];
    }
    out.push_str(text);
}
