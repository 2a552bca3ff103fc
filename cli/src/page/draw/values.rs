//! Values over time: named, on one grid of times, and not too many.

use maud::{Markup, html};

use super::{Drawing, more, name, named};
use crate::page::number::{count, index};
use crate::page::prometheus::Series;

/// How many series are drawn. With more, none can be told from the others.
pub(super) const MOST: usize = 16;

/// How many times the table of values has.
const ROWS: usize = 12;

/// A series over time.
pub(super) struct Line {
    pub(super) name: String,
    /// A value for each of the window's times; NaN where there is none.
    pub(super) values: Vec<f64>,
}

/// The series of a panel, and how many were left out.
pub(super) struct Course {
    pub(super) times: Vec<f64>,
    pub(super) lines: Vec<Line>,
    pub(super) more: usize,
}

impl Course {
    /// The series with the largest values, by name.
    pub(super) fn of(drawing: &Drawing<'_>) -> Self {
        let answered = drawing.answered;
        let times = answered.window.times();
        let all =
            answered.series.iter().flat_map(|(target, series)| series.iter().map(move |one| (target, one)));
        let mut ranked: Vec<_> = all.map(|(target, series)| (highest(series), *target, series)).collect();
        let more = ranked.len().saturating_sub(MOST);
        if more > 0 {
            ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
            ranked.truncate(MOST);
        }
        let lines = ranked.into_iter().map(|(_, target, series)| Line {
            name: named(target, series, answered.panel),
            values: on_grid(series, drawing, times.len()),
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_by(|one, other| one.name.cmp(&other.name));
        Self { times, lines, more }
    }

    /// All values that are numbers.
    pub(super) fn finite(&self) -> impl Iterator<Item = f64> {
        self.lines.iter().flat_map(|line| line.values.iter().copied()).filter(|value| value.is_finite())
    }

    /// The table of values, which says in text what the chart shows.
    pub(super) fn table(&self, drawing: &Drawing<'_>, unit: &super::Unit) -> Markup {
        let step = self.times.len().div_ceil(ROWS).max(1);
        // The last value is the newest, so it has to be among them.
        let rows = (0..self.times.len()).rev().step_by(step);
        html! {
            details.values {
                summary { "Values" span.hidden { " of " (drawing.answered.panel.title) } }
                div.scroll tabindex="0" role="region" aria-label=(format!("Values of {}", drawing.answered.panel.title)) {
                    table {
                        thead { tr {
                            th scope="col" { "Time" }
                            @for line in &self.lines { th scope="col" { (name(&line.name)) } }
                        } }
                        tbody {
                            @for row in rows {
                                tr {
                                    th scope="row" { (drawing.time(self.times[row])) }
                                    @for line in &self.lines { td { (written(unit, line.values[row])) } }
                                }
                            }
                        }
                    }
                }
                (more(self.more, "series, with smaller values"))
            }
        }
    }

    /// The legend, with the last values.
    pub(super) fn legend(&self, unit: &super::Unit) -> Markup {
        html! {
            ul.legend {
                @for (place, line) in self.lines.iter().enumerate() {
                    li {
                        svg.sample.(style(place)) width="22" height="10" aria-hidden="true" {
                            path.line d="M0 5H22" {}
                        }
                        (name(&line.name)) " "
                        b { (line.last().map_or_else(|| "–".to_owned(), |value| unit.write(value))) }
                    }
                }
            }
            (more(self.more, "series, with smaller values"))
        }
    }
}

impl Line {
    /// The last value that is a number.
    pub(super) fn last(&self) -> Option<f64> {
        self.values.iter().rev().copied().find(|value| !value.is_nan())
    }
}

/// The class of a series' colour and dashes.
pub(super) fn style(place: usize) -> String {
    format!("s{}", place % MOST)
}

/// A value in a table.
pub(super) fn written(unit: &super::Unit, value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { unit.write(value) }
}

fn highest(series: &Series) -> f64 {
    let values = series.points().map(|point| point.value.abs()).filter(|value| value.is_finite());
    values.fold(-1.0, f64::max)
}

fn on_grid(series: &Series, drawing: &Drawing<'_>, length: usize) -> Vec<f64> {
    let window = &drawing.answered.window;
    let mut values = vec![f64::NAN; length];
    for point in series.points() {
        let place = ((point.time - window.start) / window.step).round();
        if place >= 0.0 && place < count(length) {
            values[index(place)] = point.value;
        }
    }
    values
}
