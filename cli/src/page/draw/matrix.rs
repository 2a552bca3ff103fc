//! Who does what with whom: a table of two labels as rows and columns.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::table::{Row, Table};
use super::values::written;
use super::{Drawing, more, name};
use crate::page::number::{count, index};

/// How many rows and columns a matrix has.
const SIZE: usize = 20;

/// How many shades the cells have.
const SHADES: usize = 9;

/// Whether a table is one of pairs: two labels, and several values of each pair.
pub(super) fn fits(table: &Table) -> bool {
    table.labels.len() == 2 && table.values.len() > 1
}

/// The matrix: a darker cell has a larger first value.
pub(super) fn draw(drawing: &Drawing<'_>, table: &Table) -> Markup {
    let (rows, more_rows) = largest(table, 0);
    let (columns, more_columns) = largest(table, 1);
    let cells: BTreeMap<_, _> =
        table.rows.iter().map(|row| ((row.labels[0].as_str(), row.labels[1].as_str()), row)).collect();
    let most = table.rows.iter().filter_map(|row| row.values.first().copied()).fold(0.0, f64::max);
    let (across, down) = (&table.labels[1].title, &table.labels[0].title);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Matrix: {}", drawing.answered.panel.title)) {
            table.matrix {
                thead {
                    tr {
                        th.corner scope="col" { (down) " ↓ " (across) " →" }
                        @for column in &columns { th scope="col" { (name(column)) } }
                    }
                }
                tbody {
                    @for row in &rows {
                        tr {
                            th scope="row" { (name(row)) }
                            @for column in &columns { (cell(table, cells.get(&(*row, *column)).copied(), most)) }
                        }
                    }
                }
            }
        }
        (more(more_rows, down))
        (more(more_columns, across))
    }
}

fn cell(table: &Table, row: Option<&Row>, most: f64) -> Markup {
    let Some(row) = row else { return html! { td.none { span.hidden { "none" } } } };
    let first = row.values.first().copied().unwrap_or(f64::NAN);
    html! {
        td class=(shade(first, most)) {
            @for (place, (column, value)) in table.values.iter().zip(&row.values).enumerate() {
                span class=(if place == 0 { "main" } else { "side" }) {
                    (written(&column.unit, *value)) " " span.what { (column.title) }
                }
            }
        }
    }
}

fn shade(value: f64, most: f64) -> String {
    let shade = if value > 0.0 { index((value / most).sqrt() * count(SHADES)) + 1 } else { 0 };
    format!("m{}", shade.min(SHADES))
}

/// The values of a label with the most in their rows, by name, and how many were left out.
fn largest(table: &Table, label: usize) -> (Vec<&str>, usize) {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for row in &table.rows {
        *sums.entry(&row.labels[label]).or_default() += row.values.first().copied().unwrap_or(0.0).max(0.0);
    }
    let left_out = sums.len().saturating_sub(SIZE);
    let mut values: Vec<_> = sums.into_iter().collect();
    values.sort_by(|one, other| other.1.total_cmp(&one.1));
    let mut names: Vec<_> = values.into_iter().take(SIZE).map(|(name, _)| name).collect();
    names.sort_unstable();
    (names, left_out)
}
