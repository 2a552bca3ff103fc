//! A registry of the metrics in the second version of Weaver's schema for semantic conventions.
//!
//! Source: `schemas/semconv-syntax.v2.md` in the repository `open-telemetry/weaver`.

use std::collections::BTreeMap;

use a2a_otel::metrics::InstrumentKind;
use serde::Serialize;

use super::{File, yaml};
use crate::message::Failure;
use crate::model::{Label, Metric, Model, Origin};

const PURPOSE: &str = "\
The metrics in the second version of Weaver's schema for semantic conventions: those of this program, and those that
a2a-otel records by itself.";

#[derive(Serialize)]
struct Registry {
    file_format: &'static str,
    attributes: Vec<Attribute>,
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
struct Attribute {
    key: String,
    #[serde(rename = "type")]
    kind: Type,
    brief: String,
    stability: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Type {
    Simple(&'static str),
    Members { members: Vec<Member> },
}

#[derive(Serialize)]
struct Member {
    id: String,
    value: String,
    stability: &'static str,
}

#[derive(Serialize)]
struct Definition {
    name: String,
    brief: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    unit: String,
    instrument: &'static str,
    stability: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Reference>,
    annotations: Annotations,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "ref")]
    key: String,
    requirement_level: &'static str,
}

/// What the schema has no place for.
#[derive(Serialize)]
struct Annotations {
    prometheus_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_bounds: Option<Vec<f64>>,
}

pub(super) fn files(model: &Model) -> Result<Vec<File>, Failure> {
    let registry = Registry {
        file_format: "definition/2",
        attributes: attributes(model),
        metrics: model.metrics().iter().map(Definition::new).collect(),
    };
    Ok(vec![yaml::file("registry/metrics.yaml", PURPOSE, &registry)?])
}

/// Every label of every metric, once.
fn attributes(model: &Model) -> Vec<Attribute> {
    let mut labels = BTreeMap::<&str, (Label, Vec<&str>)>::new();
    for metric in model.metrics() {
        for label in &metric.labels {
            let (known, users) = labels.entry(&label.key).or_insert_with(|| (label.clone(), Vec::new()));
            users.push(&metric.name);
            match (&mut known.values, &label.values) {
                (Some(values), Some(more)) => values.extend(more.iter().cloned()),
                (values, _) => *values = None,
            }
        }
    }
    let attributes = labels.into_iter().map(|(key, (label, users))| Attribute {
        key: key.to_owned(),
        kind: label.values.map_or(Type::Simple("string"), |values| Type::Members {
            members: values
                .into_iter()
                .map(|value| Member { id: id(&value), value, stability: "development" })
                .collect(),
        }),
        brief: format!("A label of {}.", users.join(", ")),
        stability: "development",
    });
    attributes.collect()
}

/// The id of a member, which has lower-case letters, digits and underscores.
fn id(value: &str) -> String {
    let id: String = value
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    if id.starts_with(|first: char| first.is_ascii_alphabetic()) { id } else { format!("value_{id}") }
}

impl Definition {
    fn new(metric: &Metric) -> Self {
        Self {
            name: metric.name.clone(),
            brief: format!("{}.", metric.description.trim_end_matches('.')),
            note: match metric.origin {
                Origin::BuiltIn(row) => Some(row.question),
                Origin::Business(_) => None,
            },
            // The schema requires a unit, and UCUM writes none as 1.
            unit: if metric.unit.is_empty() { "1".to_owned() } else { metric.unit.clone() },
            instrument: match metric.kind {
                InstrumentKind::Counter => "counter",
                InstrumentKind::UpDownCounter => "updowncounter",
                InstrumentKind::Gauge => "gauge",
                InstrumentKind::Histogram => "histogram",
            },
            stability: "development",
            attributes: metric
                .labels
                .iter()
                .map(|label| Reference { key: label.key.clone(), requirement_level: "recommended" })
                .collect(),
            annotations: Annotations {
                prometheus_name: metric.prometheus.clone(),
                bucket_bounds: metric.bounds.clone(),
            },
        }
    }
}
