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
    let mut add = |bound: f64, count: u64| match counts.last_mut() {
        // Outside of the range of numbers, several buckets have one bound.
        Some(last) if bounds.last() == Some(&bound) => *last += count,
        _ if bound.is_infinite() => {}
        _ => {
            // Without the sign of a zero.
            bounds.push(bound + 0.0);
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

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
    use opentelemetry_sdk::metrics::{
        Aggregation, InMemoryMetricExporter, PeriodicReader, SdkMeterProvider, Stream,
    };
    use proptest::prelude::*;

    use super::*;

    /// The buckets of an exponential histogram of the SDK with these values.
    fn buckets(values: &[f64]) -> (Vec<f64>, Vec<u64>) {
        let exporter = InMemoryMetricExporter::default();
        let aggregation =
            || Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .with_view(move |_: &_| Stream::builder().with_aggregation(aggregation()).build().ok())
            .build();
        let histogram = provider.meter("test").f64_histogram("any").build();
        for value in values {
            histogram.record(*value, &[]);
        }
        provider.force_flush().unwrap();
        let all = exporter.get_finished_metrics().unwrap();
        let metric = all[0].scope_metrics().flat_map(ScopeMetrics::metrics).next().unwrap();
        let AggregatedMetrics::F64(MetricData::ExponentialHistogram(histogram)) = metric.data() else {
            panic!("{metric:?}")
        };
        of_exponential(histogram.data_points().next().unwrap())
    }

    fn assert_right(values: &[f64]) {
        let (bounds, counts) = buckets(values);
        assert!(bounds.is_sorted_by(|lower, upper| lower < upper), "{bounds:?}");
        assert!(bounds.iter().all(|bound| bound.is_finite()), "{bounds:?}");
        let mut below = 0;
        for (bound, count) in bounds.iter().zip(counts) {
            below += count;
            // A value that is almost the bound may be in either bucket.
            let (least, most) = (bound - bound.abs() * 1e-9, bound + bound.abs() * 1e-9);
            let counted = |limit: f64| values.iter().filter(|value| **value <= limit).count() as u64;
            let range = counted(least)..=counted(most);
            // The SDK counts what is no normal number as zero or in the lowest bucket.
            let is_normal = values.iter().all(|value| *value == 0.0 || value.is_normal());
            assert!(!is_normal || range.contains(&below), "{below} {range:?} up to {bound}: {values:?}");
        }
    }

    #[test]
    fn buckets_count_the_values_up_to_their_bounds() {
        assert_right(&[-3.0, -0.5, 0.0, 0.1, 1.0, 2.0, 1000.0]);
        assert_right(&[1e-300, 1e300, -1e300, f64::MAX, f64::MIN, f64::MIN_POSITIVE]);
        assert_right(&[0.0]);
        assert_right(&[0.25, 0.26, 0.27]);
        let (bounds, counts) = buckets(&[0.5, 0.6, 0.6]);
        assert!(bounds.len() <= 4 && counts[0] == 0, "it begins at its lower bound: {bounds:?} {counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_values_are_counted(values in prop::collection::vec(prop_oneof![
            -1e3..1e3,
            prop::num::f64::NORMAL,
            prop::sample::select(vec![0.0, 1.0, -1.0, 0.5, 4.0]),
        ], 1..20)) {
            assert_right(&values);
        }
    }
}
