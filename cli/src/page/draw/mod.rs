//! Draws panels: a table of kinds, and one file for each way of drawing.

mod frame;
mod heatmap;
mod lines;
mod matrix;
mod number;
mod table;
mod values;

use std::fmt::Write as _;

use maud::{Markup, html};

use super::ask::{Answered, Settings};
use super::dashboard::{Panel, Target};
use super::html::shortened;
use super::prometheus::Series;
use super::unit::Unit;

/// What a panel asks Prometheus for.
#[derive(Clone, Copy)]
pub(crate) enum Asks {
    /// The values over time, at so many times.
    Over(u32),
    /// The values at the end.
    AtTheEnd,
}

/// A kind of panel, as Grafana names it.
pub(crate) struct Kind {
    name: &'static str,
    pub(crate) asks: Asks,
    draw: fn(&Drawing<'_>) -> Markup,
}

const KINDS: &[Kind] = &[
    Kind { name: "timeseries", asks: Asks::Over(180), draw: lines::draw },
    Kind { name: "stat", asks: Asks::Over(60), draw: number::draw },
    Kind { name: "gauge", asks: Asks::Over(60), draw: number::draw },
    Kind { name: "heatmap", asks: Asks::Over(60), draw: heatmap::draw },
    Kind { name: "table", asks: Asks::AtTheEnd, draw: table::draw },
    Kind { name: "nodeGraph", asks: Asks::AtTheEnd, draw: table::draw_graph },
];

/// Any other kind has a table of its values.
const OTHER: Kind = Kind { name: "", asks: Asks::AtTheEnd, draw: table::draw_other };

/// The kind of a panel.
pub(crate) fn kind(panel: &Panel) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == panel.kind).unwrap_or(&OTHER)
}

/// What is needed to draw a panel.
pub(crate) struct Drawing<'a> {
    pub(crate) answered: &'a Answered<'a>,
    pub(crate) settings: &'a Settings,
    pub(crate) unit: Unit,
}

/// Draws what a panel has instead of a heading: faults, and what was answered in spite of them.
pub(crate) fn draw(drawing: &Drawing<'_>) -> Markup {
    let answered = drawing.answered;
    let nothing = answered.series.iter().all(|(_, series)| series.is_empty());
    html! {
        @for fault in &answered.faults { p.fault { (fault) } }
        @if answered.panel.targets.is_empty() {
            p.empty { "This panel asks nothing." }
        } @else if nothing {
            @if answered.faults.is_empty() {
                p.empty { "No data. Choose a longer time or other values above; or nothing has happened yet." }
            }
        } @else {
            ((kind(answered.panel).draw)(drawing))
        }
    }
}

impl Drawing<'_> {
    /// A time within the window.
    fn time(&self, time: f64) -> String {
        self.settings.clock.short(time, self.answered.window.seconds())
    }
}

/// What a series is called, by the legend of its query.
fn named(target: &Target, series: &Series, panel: &Panel) -> String {
    let legend = target.legend_format.as_str();
    if !legend.is_empty() && legend != "__auto" {
        return filled(legend, series);
    }
    let labels = series.labels.iter().map(|(name, value)| format!("{name}={value}"));
    let labels: Vec<_> = labels.collect();
    if labels.is_empty() { panel.title.clone() } else { labels.join(", ") }
}

/// Puts labels in for `{{label}}`. A label that a series does not have is said to be missing.
fn filled(legend: &str, series: &Series) -> String {
    let mut text = String::new();
    let mut rest = legend;
    while let Some((before, (label, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        text.push_str(before);
        let label = label.trim();
        match series.labels.get(label) {
            Some(value) => text.push_str(value),
            None => {
                let _ = write!(text, "no {}", label.replace('_', " "));
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A name that fits, with the whole of it for those who want to know.
fn name(text: &str) -> Markup {
    let short = shortened(text, 48);
    let whole = shortened(text, 600);
    html! {
        @if short == whole { span.name { (short) } } @else { span.name title=(whole) { (short) } }
    }
}

/// A note that a list is not complete.
fn more(count: usize, what: &str) -> Markup {
    html! { @if count > 0 { p.more { (count) " more " (what) "." } } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_text_and_nothing_else(text in "[a-z<>&\"'/= \n\u{0}é]{0,70}") {
            let html = name(&text).into_string();
            let count = |letter: char| html.matches(letter).count();
            prop_assert_eq!((count('<'), count('>')), (2, 2), "{}", html);
            // Those of the attributes.
            prop_assert!(count('"') == 2 || count('"') == 4, "{}", html);
            prop_assert!(!html.contains(char::is_control), "{}", html);
        }
    }
}
