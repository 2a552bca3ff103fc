//! The buckets of histograms, which count all values up to a bound.

use std::fmt::Debug;

use opentelemetry_sdk::metrics::data::{ExponentialBucket, ExponentialHistogramDataPoint};

use super::numbers::bound;
use crate::meter::Number;

/// The finest scale of the buckets that are written for an exponential histogram: each bound is 1.19 times the one
/// before, so that a doubling takes four buckets. The SDK's scale follows the data; with bounds that change with it,
/// Prometheus could not compute rates.
const FINEST_SCALE: i8 = 2;

/// Bounds as text, which all series of a histogram have in common.
#[derive(Default)]
pub(super) struct Bounds {
    numbers: Vec<f64>,
    pub(super) texts: Vec<String>,
}

impl Bounds {
    /// Makes these the bounds, unless they are already.
    pub(super) fn set<I: Iterator<Item = f64>>(&mut self, bounds: impl Fn() -> I) {
        if !bounds().eq(self.numbers.iter().copied()) {
            self.texts = bounds().map(bound).collect();
            self.numbers = bounds().collect();
        }
    }

    /// The index of the bucket that counts a value.
    pub(super) fn bucket_of(&self, value: Number) -> usize {
        let value = value.to_float();
        self.numbers.partition_point(|bound| *bound < value)
    }

    pub(super) fn begin_below_zero(&self) -> bool {
        self.numbers.first().is_some_and(|bound| *bound < 0.0)
    }
}

/// Returns the bounds and the counts of the buckets of an exponential histogram, without the last, which has no bound.
pub(super) fn of_exponential<T: Debug>(point: &ExponentialHistogramDataPoint<T>) -> (Vec<f64>, Vec<u64>) {
    let scale = point.scale().min(FINEST_SCALE);
    let shift = u32::from(point.scale().abs_diff(scale));
    let mut bounds = Vec::new();
    let mut counts = Vec::new();
    let mut add = |bound: f64, count: u64| {
        // Outside of the range of numbers, several buckets have one bound.
        if bounds.last() == Some(&bound) {
            *counts.last_mut().expect("as many as bounds") += count;
        } else {
            bounds.push(bound);
            counts.push(count);
        }
    };
    let negative = coarse(point.negative_bucket(), shift);
    for (index, count) in negative.iter().rev() {
        add(-power(scale, *index), *count);
    }
    if point.zero_count() > 0 || !negative.is_empty() {
        add(point.zero_threshold(), point.zero_count());
    }
    let positive = coarse(point.positive_bucket(), shift);
    if let (Some((first, _)), 0) = (positive.first(), point.zero_count()) {
        // With the lower bound of its first bucket, a histogram does not appear to begin at 0.
        add(power(scale, *first), 0);
    }
    for (index, count) in &positive {
        add(power(scale, index + 1), *count);
    }
    (bounds, counts)
}

/// The indexes and counts of the buckets at a coarser scale, without empty ones at both ends.
fn coarse(buckets: &ExponentialBucket, shift: u32) -> Vec<(i32, u64)> {
    let mut coarse: Vec<(i32, u64)> = Vec::new();
    for (place, count) in (0..).zip(buckets.counts()) {
        // A shift by all bits leaves the sign.
        let index = (buckets.offset() + place) >> shift.min(31);
        match coarse.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            None if count == 0 => {}
            _ => coarse.push((index, count)),
        }
    }
    while coarse.last().is_some_and(|(_, count)| *count == 0) {
        coarse.pop();
    }
    coarse
}

/// The lower bound of the bucket with this index.
fn power(scale: i8, index: i32) -> f64 {
    (f64::from(index) * (-f64::from(scale)).exp2()).exp2()
}
