//! Lines and stacked areas over time, with the observations that lead to traces.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::Drawing;
use super::frame::{Frame, HEIGHT, TOP, percent};
use super::values::{Course, style};
use crate::page::number::{coordinate, count, index};
use crate::page::prometheus::Exemplar;
use crate::page::substitute::substitute;

/// Parts of the chart that show their values under the pointer.
const BANDS: usize = 36;

/// How many series are named there.
const NAMED: usize = 8;

/// How many points lead to traces: one for each part of the time, the one with the highest value.
const POINTS: usize = 20;

/// A point may raise the scale by this factor at most, so that lines remain readable.
const RAISED: f64 = 2.0;

pub(super) fn draw(drawing: &Drawing<'_>) -> Markup {
    let lines = Course::of(drawing);
    let (points, left_out) = slowest(drawing);
    let stacked = drawing.answered.panel.is_stacked();
    let levels =
        if stacked { stack(&lines) } else { lines.lines.iter().map(|it| it.values.clone()).collect() };
    let (low, high) = extent(drawing, &lines, &levels, &points);
    let frame = Frame::of_values(drawing, &drawing.unit, low, high);
    let shapes = html! {
        @for (place, level) in levels.iter().enumerate() {
            @let below = if stacked { place.checked_sub(1).map(|below| &levels[below]) } else { None };
            g.(style(place)).stacked[stacked] {
                @if stacked || levels.len() == 1 { path.area d=(area(&frame, &lines.times, level, below)) {} }
                path.line d=(line(&frame, &lines.times, level)) {}
            }
        }
    };
    let above = html! {
        (bands(drawing, &lines))
        @for point in &points { (mark(drawing, &frame, point)) }
    };
    html! {
        (frame.render(&described(drawing, &lines), &shapes, &above))
        (lines.legend(&drawing.unit))
        @if !points.is_empty() {
            p.more {
                svg.sample width="12" height="10" aria-hidden="true" { circle.point cx="6" cy="5" r="4" {} }
                " Single calls, the slowest of their time; each leads to its trace."
                @if left_out > 0 { " " (left_out) " more have traces." }
            }
        }
        (lines.table(drawing, &drawing.unit))
    }
}

/// What is drawn, in a sentence.
fn described(drawing: &Drawing<'_>, lines: &Course) -> String {
    let kind = if drawing.answered.panel.is_stacked() { "Stacked areas" } else { "Lines" };
    format!("{kind} over time: {} series. The values are in the table below.", lines.lines.len())
}

/// The lowest and the highest value of the scale.
fn extent(drawing: &Drawing<'_>, lines: &Course, levels: &[Vec<f64>], points: &[&Exemplar]) -> (f64, f64) {
    let defaults = &drawing.answered.panel.field_config.defaults;
    let values = levels.iter().flatten().copied().filter(|value| value.is_finite());
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let high = if high.is_finite() { high } else { 0.0 };
    let raised =
        points.iter().map(|point| point.value).filter(|value| *value <= high * RAISED || high == 0.0);
    let high = raised.fold(high, f64::max);
    // Only a scale from 0 shows how large a change is.
    let low = lines.finite().fold(0.0, f64::min);
    (defaults.min.map_or(low, |min| min.min(low)), defaults.max.map_or(high, |max| max.max(high)))
}

/// Each series on top of the one before. Where one has no value, it adds nothing.
fn stack(lines: &Course) -> Vec<Vec<f64>> {
    let mut sum = vec![0.0; lines.times.len()];
    let mut levels = Vec::new();
    for line in &lines.lines {
        for (sum, value) in sum.iter_mut().zip(&line.values) {
            *sum += if value.is_finite() { *value } else { 0.0 };
        }
        let exists = |index: usize| lines.lines.iter().any(|line| line.values[index].is_finite());
        let level = sum.iter().enumerate().map(|(index, sum)| if exists(index) { *sum } else { f64::NAN });
        levels.push(level.collect());
    }
    levels
}

/// Pieces without gaps: their first index, and their values.
pub(super) fn pieces(values: &[f64]) -> impl Iterator<Item = (usize, &[f64])> {
    let mut start = 0;
    values.split(|value| !value.is_finite()).filter_map(move |piece| {
        let first = start;
        start += piece.len() + 1;
        (!piece.is_empty()).then_some((first, piece))
    })
}

fn line(frame: &Frame<'_>, times: &[f64], values: &[f64]) -> String {
    let mut path = String::new();
    for (first, piece) in pieces(values) {
        for (offset, value) in piece.iter().enumerate() {
            let letter = if offset == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{} {}", frame.x(times[first + offset]), frame.y(*value));
        }
        // A single value would not be seen.
        if piece.len() == 1 {
            path.push_str("h0.1");
        }
    }
    path
}

/// The area down to another level, or to 0.
fn area(frame: &Frame<'_>, times: &[f64], values: &[f64], below: Option<&Vec<f64>>) -> String {
    let mut path = String::new();
    for (first, piece) in pieces(values) {
        let upper = piece.iter().enumerate().map(|(offset, value)| (first + offset, *value));
        let lower = (first..first + piece.len()).rev();
        let lower = lower.map(|index| (index, below.map_or(0.0, |below| below[index])));
        for (place, (index, value)) in upper.chain(lower).enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{} {}", frame.x(times[index]), frame.y(value));
        }
        path.push('Z');
    }
    path
}

/// Invisible until the pointer is there; then, a line with the values at that time.
fn bands(drawing: &Drawing<'_>, lines: &Course) -> Markup {
    let bands = BANDS.min(lines.times.len());
    let width = 1.0 / count(bands.max(1));
    html! {
        @for band in 0..bands {
            @let place = (band * 2 + 1) * lines.times.len() / (bands * 2);
            g.band {
                title { (at(drawing, lines, place)) }
                rect x=(percent(count(band) * width)) y=(TOP) width=(percent(width)) height=(HEIGHT) {}
            }
        }
    }
}

/// The highest values at a time.
fn at(drawing: &Drawing<'_>, lines: &Course, place: usize) -> String {
    let mut text = drawing.time(lines.times[place]);
    let values = lines.lines.iter().map(|line| (line.values[place], &line.name));
    let mut values: Vec<_> = values.filter(|(value, _)| !value.is_nan()).collect();
    values.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (value, name) in values.iter().take(NAMED) {
        let _ = write!(text, "\n{} {}", drawing.unit.write(*value), super::shortened(name, 40));
    }
    if values.len() > NAMED {
        let _ = write!(text, "\n{} more", values.len() - NAMED);
    }
    text
}

/// The observations with the highest value of each part of the time, and how many were left out.
fn slowest<'a>(drawing: &Drawing<'a>) -> (Vec<&'a Exemplar>, usize) {
    let answered = drawing.answered;
    let mut parts: Vec<Option<&Exemplar>> = vec![None; POINTS];
    let mut traces = std::collections::BTreeSet::new();
    for exemplar in &answered.exemplars {
        let part = answered.window.part(exemplar.time);
        if !(0.0..=1.0).contains(&part) || !exemplar.value.is_finite() {
            continue;
        }
        traces.insert(exemplar.labels.get("trace_id"));
        let place = &mut parts[index(part * count(POINTS)).min(POINTS - 1)];
        if place.is_none_or(|other| exemplar.value > other.value) {
            *place = Some(exemplar);
        }
    }
    let points: Vec<_> = parts.into_iter().flatten().collect();
    let left_out = traces.len().saturating_sub(points.len());
    (points, left_out)
}

/// A point, which is a link if its trace is known.
fn mark(drawing: &Drawing<'_>, frame: &Frame<'_>, point: &Exemplar) -> Markup {
    let part = drawing.answered.window.part(point.time);
    let y = coordinate(frame.y(point.value) + TOP);
    let higher = if frame.is_above(point.value) { ", above this chart" } else { "" };
    let what = format!("{}{higher} at {}", drawing.unit.write(point.value), drawing.time(point.time));
    let side = if part < 0.5 { "first" } else { "last" };
    // Below the top, a text above the point would leave the chart.
    let text = if y < 30.0 { y + 22.0 } else { y - 10.0 };
    let shape = html! {
        title { (what) }
        circle.target cx=(percent(part)) cy=(y) r="12" {}
        circle.point cx=(percent(part)) cy=(y) r="4.5" {}
        text.tip.(side) x=(percent(part)) y=(text) { (what) }
    };
    let label = format!("{what}: trace in Phoenix");
    html! {
        @if let Some(url) = trace(drawing, point) {
            a.exemplar href=(url) target="_blank" rel="noreferrer" aria-label=(label) { (shape) }
        } @else {
            g.exemplar { (shape) }
        }
    }
}

/// The address of an observation's trace, by the link of the panel.
fn trace(drawing: &Drawing<'_>, point: &Exemplar) -> Option<String> {
    let id = point.labels.get("trace_id")?;
    // What an agent reports must not lead elsewhere.
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let link = drawing.answered.panel.field_config.defaults.links.first()?;
    let url = substitute(&link.url, |name| match name {
        "phoenix" => Some(drawing.settings.phoenix.clone()),
        "__data.fields.trace_id" | "__value.raw" => Some(id.clone()),
        _ => None,
    });
    (url.starts_with(drawing.settings.phoenix.as_str()) && !url.contains("${")).then_some(url)
}
