//! A single number, or a few, with their course.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::lines::pieces;
use super::values::{Course, Line, style};
use super::{Drawing, more, name};
use crate::page::number::{coordinate, count};

/// How many numbers fit on a panel.
const NUMBERS: usize = 4;

/// The drawing before it is stretched.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 36.0;

pub(super) fn draw(drawing: &Drawing<'_>) -> Markup {
    let lines = Course::of(drawing);
    let left_out = lines.lines.len().saturating_sub(NUMBERS) + lines.more;
    html! {
        @for (place, line) in lines.lines.iter().take(NUMBERS).enumerate() {
            p.number {
                (line.last().map_or_else(|| "no value".to_owned(), |value| drawing.unit.write(value)))
                @if lines.lines.len() > 1 { span.of { (name(&line.name)) } }
            }
            svg.course.(style(place)) width="100%" height=(HEIGHT)
                viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                @let (course, below) = course(line);
                path.area d=(below) {}
                path.line d=(course) {}
            }
        }
        (more(left_out, "numbers"))
        (lines.table(drawing, &drawing.unit))
    }
}

/// The line, and the area below it.
fn course(line: &Line) -> (String, String) {
    let finite = || line.values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(0.0, f64::min), finite().fold(f64::MIN_POSITIVE, f64::max));
    let last = count(line.values.len().saturating_sub(1)).max(1.0);
    let (mut course, mut below) = (String::new(), String::new());
    for (first, piece) in pieces(&line.values) {
        let x = |offset: usize| coordinate(count(first + offset) / last * WIDTH);
        let y = |value: f64| coordinate(HEIGHT - 2.0 - (value - low) / (high - low) * (HEIGHT - 4.0));
        let points = piece.iter().enumerate().map(|(offset, value)| format!("{} {}", x(offset), y(*value)));
        let points = points.collect::<Vec<_>>().join("L");
        let (start, end) = (x(0), x(piece.len() - 1));
        let _ = write!(course, "M{points}h0.1");
        let _ = write!(below, "M{start} {HEIGHT}L{points}L{end} {HEIGHT}Z");
    }
    (course, below)
}
