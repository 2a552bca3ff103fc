//! How many observations lie in which bucket of a histogram, over time.

use maud::{Markup, html};

use super::Drawing;
use super::frame::{Frame, HEIGHT, WIDTH};
use super::values::{Course, Line};
use crate::page::number::{coordinate, count, index};
use crate::page::prometheus::Series;
use crate::page::unit::Unit;

/// How many shades there are.
const SHADES: usize = 9;

/// How many buckets are named at the side.
const NAMED: usize = 7;

/// A bucket: its upper bound, and how many observations it has at each time.
struct Bucket {
    bound: f64,
    values: Vec<f64>,
}

pub(super) fn draw(drawing: &Drawing<'_>) -> Markup {
    let buckets = filled(buckets(drawing));
    let unit = Unit::find(drawing.answered.panel.option("/yAxis/unit"));
    let most = buckets.iter().flat_map(|bucket| bucket.values.iter().copied()).fold(0.0, f64::max);
    let height = HEIGHT / count(buckets.len().max(1));
    let frame = Frame::with_marks(drawing, marks(&buckets, &unit));
    let shapes = html! {
        @for (place, bucket) in buckets.iter().enumerate() {
            @let y = coordinate(HEIGHT - count(place + 1) * height);
            (row(drawing, &frame, bucket, most, &unit, (y, height)))
        }
    };
    let label = format!("Heatmap over time: {} buckets. The values are in the table below.", buckets.len());
    html! {
        (frame.render(&label, &shapes, &html! {}))
        p.ramp {
            "0 "
            svg width="108" height="12" aria-hidden="true" {
                @for shade in 1..=SHADES {
                    rect.{ "h" (shade) } x=((shade - 1) * 12) width="12" height="12" {}
                }
            }
            " " (drawing.unit.write(most))
        }
        (as_lines(drawing, &buckets, &unit).table(drawing, &drawing.unit))
    }
}

/// A bucket's cells. What is empty is not drawn.
fn row(
    drawing: &Drawing<'_>,
    frame: &Frame<'_>,
    bucket: &Bucket,
    most: f64,
    unit: &Unit,
    (y, height): (f64, f64),
) -> Markup {
    let window = &drawing.answered.window;
    let times = window.times();
    let width = coordinate(window.step / window.seconds().max(window.step) * WIDTH);
    let cells = bucket.values.iter().zip(&times).filter(|(value, _)| **value > 0.0);
    html! {
        @for (value, time) in cells {
            rect.cell.{ "h" (shade(*value, most)) } x=(coordinate(frame.x(*time) - width))
                y=(y) width=(width) height=(coordinate(height)) {
                title { (drawing.time(*time)) ", " (named(bucket, unit)) ": " (drawing.unit.write(*value)) }
            }
        }
    }
}

/// Small numbers are told apart better than large ones.
fn shade(value: f64, most: f64) -> usize {
    (index((value / most).sqrt() * count(SHADES)) + 1).min(SHADES)
}

fn named(bucket: &Bucket, unit: &Unit) -> String {
    if bucket.bound.is_finite() { format!("up to {}", unit.write(bucket.bound)) } else { "longer".to_owned() }
}

/// The upper bounds of some buckets.
fn marks(buckets: &[Bucket], unit: &Unit) -> Vec<(f64, String)> {
    let every = buckets.len().div_ceil(NAMED).max(1);
    let finite = buckets.iter().enumerate().filter(|(_, bucket)| bucket.bound.is_finite());
    let some = finite.filter(|(place, _)| (buckets.len() - 1 - place).is_multiple_of(every));
    some.map(|(place, bucket)| (count(place + 1) / count(buckets.len()), unit.write(bucket.bound))).collect()
}

/// Prometheus's buckets contain the smaller ones; these do not.
fn buckets(drawing: &Drawing<'_>) -> Vec<Bucket> {
    let window = &drawing.answered.window;
    let length = window.times().len();
    let series = drawing.answered.series.iter().flat_map(|(_, series)| series);
    let mut buckets: Vec<_> = series.filter_map(|series| Some((bound(series)?, series))).collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut below = vec![0.0; length];
    let apart = buckets.into_iter().map(|(bound, series)| {
        let mut values = vec![0.0; length];
        for point in series.points().filter(|point| point.value.is_finite()) {
            let place =
                index(((point.time - window.start) / window.step).round()).min(length.saturating_sub(1));
            values[place] = (point.value - below[place]).max(0.0);
            below[place] = point.value;
        }
        Bucket { bound, values }
    });
    apart.collect()
}

fn bound(series: &Series) -> Option<f64> {
    series.labels.get("le")?.parse().ok()
}

/// Without the empty buckets at the ends.
fn filled(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    let has = |bucket: &Bucket| bucket.values.iter().any(|value| *value > 0.0);
    let (first, last) = (buckets.iter().position(has), buckets.iter().rposition(has));
    if let (Some(first), Some(last)) = (first, last) {
        buckets.truncate((last + 2).min(buckets.len()));
        buckets.drain(..first.saturating_sub(1));
    }
    buckets
}

fn as_lines(drawing: &Drawing<'_>, buckets: &[Bucket], unit: &Unit) -> Course {
    let lines =
        buckets.iter().map(|bucket| Line { name: named(bucket, unit), values: bucket.values.clone() });
    Course { times: drawing.answered.window.times(), lines: lines.collect(), more: 0 }
}
