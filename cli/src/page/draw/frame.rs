//! A chart's frame: a scale at its left, marks of time below it, and lines between.
//!
//! The shapes are stretched to the width of the page, while text and points keep their size; so there is one drawing for
//! every screen.

use maud::{Markup, html};

use super::Drawing;
use crate::page::number::coordinate;
use crate::page::unit::Unit;

/// The height of the shapes, and the width to which they are drawn before they are stretched.
pub(super) const HEIGHT: f64 = 180.0;
pub(super) const WIDTH: f64 = 1000.0;

/// Room for half a text above the highest mark.
pub(super) const TOP: f64 = 10.0;

/// Marks this near to an end would stick out, as parts of the width.
const EDGE: f64 = 0.05;

/// A chart's frame.
pub(super) struct Frame<'a> {
    drawing: &'a Drawing<'a>,
    /// Where the scale's marks are, from the bottom, as parts of the height, with what stands at them.
    marks: Vec<(f64, String)>,
    low: f64,
    high: f64,
}

impl<'a> Frame<'a> {
    /// A frame for values from low to high.
    pub(super) fn of_values(drawing: &'a Drawing<'a>, unit: &Unit, low: f64, high: f64) -> Self {
        let values = unit.axis(low, high);
        let (low, high) = (values.first().copied().unwrap_or(low), values.last().copied().unwrap_or(high));
        let marks = values.iter().map(|value| ((value - low) / (high - low), unit.write(*value)));
        Self { drawing, marks: marks.collect(), low, high }
    }

    /// A frame with marks of one's own.
    pub(super) fn with_marks(drawing: &'a Drawing<'a>, marks: Vec<(f64, String)>) -> Self {
        Self { drawing, marks, low: 0.0, high: 1.0 }
    }

    /// Where a time lies in the shapes.
    pub(super) fn x(&self, time: f64) -> f64 {
        coordinate(self.drawing.answered.window.part(time) * WIDTH)
    }

    /// Where a value lies in the shapes; one that is out of the frame, at its edge.
    pub(super) fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        coordinate((1.0 - part.clamp(0.0, 1.0)) * HEIGHT)
    }

    pub(super) fn is_above(&self, value: f64) -> bool {
        value > self.high
    }

    /// The chart: the shapes are stretched, what is above them is not.
    pub(super) fn render(&self, label: &str, shapes: &Markup, above: &Markup) -> Markup {
        let window = &self.drawing.answered.window;
        let times = self.drawing.settings.clock.marks(window);
        let times: Vec<_> = times.into_iter().map(|(time, text)| (window.part(time), text)).collect();
        html! {
            div.chart {
                svg.scale width="62" height=(HEIGHT + 30.0) aria-hidden="true" {
                    @for (part, text) in &self.marks {
                        text x="56" y=(coordinate(TOP + (1.0 - part) * HEIGHT)) { (text) }
                    }
                }
                svg.plot width="100%" height=(HEIGHT + 30.0) role="group" aria-label=(label) {
                    svg y=(TOP) width="100%" height=(HEIGHT) viewBox=(format!("0 0 {WIDTH} {HEIGHT}"))
                        preserveAspectRatio="none" {
                        path.rules d=(self.grid(&times)) {}
                        (shapes)
                    }
                    @for (part, text) in &times {
                        text.time.(edge(*part)) x=(percent(*part)) y=(HEIGHT + TOP + 16.0) { (text) }
                    }
                    (above)
                }
            }
        }
    }

    fn grid(&self, times: &[(f64, String)]) -> String {
        let across =
            self.marks.iter().map(|(part, _)| format!("M0 {}H{WIDTH}", coordinate((1.0 - part) * HEIGHT)));
        let up = times.iter().map(|(part, _)| format!("M{} 0V{HEIGHT}", coordinate(part * WIDTH)));
        across.chain(up).collect()
    }
}

/// A part of the width, as SVG has it.
pub(super) fn percent(part: f64) -> String {
    format!("{}%", coordinate(part * 100.0))
}

/// At which side of its mark a text stands.
pub(super) fn edge(part: f64) -> &'static str {
    match part {
        part if part < EDGE => "first",
        part if part > 1.0 - EDGE => "last",
        _ => "",
    }
}
