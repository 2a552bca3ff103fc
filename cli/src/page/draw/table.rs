//! One row for each combination of labels, one column for each query.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::values::written;
use super::{Drawing, matrix, more, name};
use crate::page::prometheus::Labels;
use crate::page::unit::Unit;

/// How many rows a table has.
const ROWS: usize = 50;

/// The results of all queries in one table.
pub(super) struct Table {
    /// Labels, by what they are called.
    pub(super) labels: Vec<Column>,
    pub(super) values: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Column {
    /// What it is called by Prometheus or Grafana.
    id: String,
    pub(super) title: String,
    pub(super) unit: Unit,
}

pub(super) struct Row {
    /// In the order of the columns.
    pub(super) labels: Vec<String>,
    /// NaN, where a query has nothing for these labels.
    pub(super) values: Vec<f64>,
}

pub(super) fn draw(drawing: &Drawing<'_>) -> Markup {
    let table = Table::of(drawing);
    html! {
        @if matrix::fits(&table) {
            (matrix::draw(drawing, &table))
            details.values {
                summary { "As a list" span.hidden { " of " (drawing.answered.panel.title) } }
                (table.render(drawing))
            }
        } @else {
            (table.render(drawing))
        }
    }
}

/// A panel of a kind that is not known.
pub(super) fn draw_other(drawing: &Drawing<'_>) -> Markup {
    html! {
        p.more { "This kind of panel is drawn by Grafana only. These are its values." }
        (Table::of(drawing).render(drawing))
    }
}

/// A graph: one row for each edge, which is a series with these two labels.
pub(super) fn draw_graph(drawing: &Drawing<'_>) -> Markup {
    let series = drawing.answered.series.iter().flat_map(|(_, series)| series);
    let edges = series.filter_map(|series| {
        let end = |label| series.labels.get(label).cloned();
        let value = series.points().last()?.value;
        Some(Row { labels: vec![end("source")?, end("target")?], values: vec![value] })
    });
    let mut rows: Vec<_> = edges.collect();
    if rows.is_empty() {
        return draw_other(drawing);
    }
    rows.sort_by(|one, other| order(other).total_cmp(&order(one)));
    let unit = Unit::find(&drawing.answered.panel.field_config.defaults.unit);
    let column = |title: &str, unit| Column { id: String::new(), title: title.to_owned(), unit };
    let labels = ["From", "To"].map(|title| column(title, Unit::find(""))).into();
    let table = Table { labels, values: vec![column("Value", unit)], rows };
    html! {
        p.more { "Grafana draws a graph here. These are its edges." }
        (table.render(drawing))
    }
}

impl Table {
    fn of(drawing: &Drawing<'_>) -> Self {
        let labels = label_columns(drawing);
        let values = value_columns(drawing);
        let mut rows: BTreeMap<&Labels, Vec<f64>> = BTreeMap::new();
        for (place, (_, series)) in drawing.answered.series.iter().enumerate() {
            for (series, point) in series.iter().filter_map(|series| Some((series, series.points().last()?)))
            {
                let row = rows.entry(&series.labels).or_insert_with(|| vec![f64::NAN; values.len()]);
                row[place] = point.value;
            }
        }
        let rows = rows.into_iter().map(|(all, values)| Row {
            labels: labels.iter().map(|label| all.get(&label.id).cloned().unwrap_or_default()).collect(),
            values,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|one, other| order(other).total_cmp(&order(one)));
        Self { labels, values, rows }
    }

    /// All of it, as a table of the page.
    fn render(&self, drawing: &Drawing<'_>) -> Markup {
        let title = &drawing.answered.panel.title;
        html! {
            div.scroll tabindex="0" role="region" aria-label=(format!("Table: {title}")) {
                table {
                    thead { tr {
                        @for column in &self.labels { th.label scope="col" { (column.title) } }
                        @for column in &self.values { th scope="col" { (column.title) } }
                    } }
                    tbody {
                        @for row in self.rows.iter().take(ROWS) {
                            tr {
                                @for label in &row.labels { td.label { (name(label)) } }
                                @for (column, value) in self.values.iter().zip(&row.values) {
                                    td { (written(&column.unit, *value)) }
                                }
                            }
                        }
                    }
                }
            }
            (more(self.rows.len().saturating_sub(ROWS), "rows, with smaller values"))
        }
    }
}

/// The largest first, and what has no value last.
fn order(row: &Row) -> f64 {
    row.values.first().copied().filter(|value| !value.is_nan()).unwrap_or(f64::NEG_INFINITY)
}

/// Labels in the order of the file, then the others by name.
fn label_columns(drawing: &Drawing<'_>) -> Vec<Column> {
    let panel = drawing.answered.panel;
    let series = drawing.answered.series.iter().flat_map(|(_, series)| series);
    let mut ids: Vec<&str> = series.flat_map(|series| series.labels.keys().map(String::as_str)).collect();
    ids.sort_unstable();
    ids.dedup();
    let order = panel.order();
    ids.sort_by_key(|id| order.iter().position(|known| known == id).unwrap_or(order.len()));
    let columns = ids.into_iter().filter(|id| !panel.leaves_out(id)).map(|id| Column {
        id: id.to_owned(),
        title: panel.column(id).to_owned(),
        unit: Unit::find(""),
    });
    columns.collect()
}

/// Grafana calls the column of a single query `Value`, and those of several by the queries' letters.
fn value_columns(drawing: &Drawing<'_>) -> Vec<Column> {
    let panel = drawing.answered.panel;
    let single = panel.targets.len() == 1;
    let columns = drawing.answered.series.iter().map(|(target, _)| {
        let id = if single { "Value".to_owned() } else { format!("Value #{}", target.ref_id) };
        let title = panel.column(&id).to_owned();
        let unit = Unit::find(panel.unit_of(&title));
        Column { id, title, unit }
    });
    columns.collect()
}
