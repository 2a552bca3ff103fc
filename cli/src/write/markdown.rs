//! The list of metrics for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{File, HEADER};
use crate::model::{Metric, Model, NameKind, Origin};

/// What has names, as headings.
const NAMES: [(NameKind, &str); 4] = [
    (NameKind::Agent, "Agents"),
    (NameKind::Tool, "Tools"),
    (NameKind::Model, "Models"),
    (NameKind::Evaluation, "Evaluations"),
];

pub(super) fn file(model: &Model) -> File {
    let mut text = format!("<!-- {HEADER} -->\n\n# Metrics\n");
    section(&mut text, "Of this program", model.business().map(own));
    let built_in = model.built_in().map(|(metric, row)| row_of(metric, row.question));
    section(&mut text, "That `a2a-otel` records by itself", built_in);
    ratios(&mut text, model);
    names(&mut text, model);
    File { path: "metrics.md", content: text }
}

fn section(text: &mut String, title: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {title}\n\n| metric | in Prometheus | kind, unit | labels | meaning |\n");
    text.push_str("| --- | --- | --- | --- | --- |\n");
    text.extend(rows);
}

fn own(metric: &Metric) -> String {
    let mut files = BTreeSet::new();
    if let Origin::Business(places) = &metric.origin {
        files.extend(places.iter().map(|place| place.file.as_str()));
    }
    let missing = files.into_iter().filter(|file| !metric.description.contains(*file));
    let missing: Vec<_> = missing.collect();
    row_of(metric, &if missing.is_empty() { String::new() } else { format!("({})", missing.join(", ")) })
}

fn row_of(metric: &Metric, note: &str) -> String {
    let labels = metric.labels.iter().map(|label| match &label.values {
        Some(values) => {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            format!("`{}` ({})", label.key, values.join(", "))
        }
        None => format!("`{}`", label.key),
    });
    let unit = if metric.unit.is_empty() { String::new() } else { format!(" `{}`", metric.unit) };
    format!(
        "| `{}` | `{}` | {}{unit} | {} | {} |\n",
        metric.name,
        metric.prometheus,
        metric.kind,
        cell(&labels.collect::<Vec<_>>().join(", ")),
        cell(format!("{}. {note}", metric.description.trim_end_matches('.')).trim_end())
    )
}

fn ratios(text: &mut String, model: &Model) {
    if model.ratios.is_empty() {
        return;
    }
    text.push_str("\n## Ratios\n\n| title | of | per |\n| --- | --- | --- |\n");
    for ratio in &model.ratios {
        let _ = writeln!(text, "| {} | `{}` | `{}` |", cell(&ratio.title), ratio.of, ratio.per);
    }
}

fn names(text: &mut String, model: &Model) {
    if model.names.is_empty() {
        return;
    }
    text.push_str("\n## Names in the sources\n\n");
    for (kind, title) in NAMES {
        if let Some(names) = model.names.get(&kind) {
            let names: Vec<_> = names.iter().map(|name| format!("`{}`", cell(name))).collect();
            let _ = writeln!(text, "- {title}: {}", names.join(", "));
        }
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
