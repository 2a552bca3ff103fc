//! What each name of a metric means in this process: the attribute macro that measures first defines it.
//!
//! Another one with the same name measures on the same instrument. So one name never has two kinds, units or numbers,
//! which no backend could show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;

#[cfg(feature = "metrics")]
use super::InstrumentKind;
use super::buckets;
#[cfg(feature = "metrics")]
use super::exemplars::{self, Origin};
use super::metric::Metric;
use super::number::{Number, NumberKind, Unfit};
use crate::lock::lock;
use crate::report::report;

/// What a name means.
pub(super) struct Definition {
    /// The one that measured first.
    pub(super) metric: &'static Metric,
    pub(super) number: NumberKind,
    /// The bounds of a histogram's buckets.
    pub(super) buckets: &'static [f64],
    /// Whose exemplars the values are, if the metric has exemplars.
    #[cfg(feature = "metrics")]
    exemplars: Option<Origin>,
    /// Which messages about this name were reported.
    told: AtomicU8,
}

// What a message is about, one bit each.
const CONFLICT: u8 = 1;
const BUCKETS: u8 = 2;
const VALUE: u8 = 4;

/// The definitions by name. OpenTelemetry's names are the same in upper and lower case.
static DEFINED: Mutex<BTreeMap<String, Arc<Definition>>> = Mutex::new(BTreeMap::new());

/// The definition of a metric, whose first value is this one. `None` if its name has another meaning.
pub(super) fn define(metric: &'static Metric, first: Number) -> Option<Arc<Definition>> {
    let mut defined = lock(&DEFINED);
    let name = metric.name.to_ascii_lowercase();
    let definition = defined.entry(name).or_insert_with(|| Arc::new(Definition::new(metric, first))).clone();
    // A message may be slow to print.
    drop(defined);
    definition.admits(metric).then_some(definition)
}

impl Definition {
    fn new(metric: &'static Metric, first: Number) -> Self {
        let number = NumberKind::of(metric.kind, first);
        let usual = || buckets::for_unit(metric.unit);
        let definition = |buckets: &'static [f64]| Self {
            metric,
            number,
            buckets,
            #[cfg(feature = "metrics")]
            exemplars: Origin::of(metric),
            told: AtomicU8::new(0),
        };
        match metric.buckets {
            Some(given) if !buckets::are_valid(given) => {
                let name = metric.name;
                report(&format_args!(
                    "the buckets of the metric {name:?} are not finite numbers that increase: the usual ones of its unit are used"
                ));
                definition(usual())
            }
            given => definition(given.unwrap_or_else(usual)),
        }
    }

    fn admits(&self, other: &'static Metric) -> bool {
        let Metric { name, kind, unit, .. } = other;
        let (first_kind, first_unit) = (self.metric.kind, self.metric.unit);
        if (*kind, *unit) != (first_kind, first_unit) {
            self.tell(CONFLICT, || {
                report(&format_args!(
                    "the metric {name:?} is a {first_kind} in {first_unit:?} and, in another place, a {kind} in {unit:?}: \
                     only the first is recorded; rename one of them"
                ));
            });
            return false;
        }
        if other.buckets.is_some_and(|buckets| buckets::are_valid(buckets) && buckets != self.buckets) {
            self.tell(BUCKETS, || {
                report(&format_args!(
                    "the metric {name:?} has different buckets in another place: those of its first value are used"
                ));
            });
        }
        true
    }

    /// Keeps the current span as an exemplar of a value, if something exports exemplars.
    #[inline]
    pub(super) fn offer_exemplar(&self, number: Number, labels: &[KeyValue]) {
        #[cfg(feature = "metrics")]
        if let Some(origin) = self.exemplars
            && exemplars::are_kept()
        {
            exemplars::offer(origin, self.bucket_of(number), number, labels);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (self, number, labels);
    }

    /// The index of the bucket that counts a value. Other instruments than histograms have one.
    #[cfg(feature = "metrics")]
    fn bucket_of(&self, number: Number) -> usize {
        if self.metric.kind != InstrumentKind::Histogram {
            return 0;
        }
        let number = number.to_float();
        self.buckets.partition_point(|bound| *bound < number)
    }

    #[cold]
    pub(super) fn refuse(&self, number: Number, unfit: Unfit) {
        self.tell(VALUE, || {
            let (name, kind) = (self.metric.name, self.metric.kind);
            report(&format_args!(
                "a value of the metric {name:?} is left out, and so are others like it: {number} is {unfit}, which a {kind} cannot take"
            ));
        });
    }

    fn tell(&self, about: u8, message: impl FnOnce()) {
        if self.told.fetch_or(about, Ordering::Relaxed) & about == 0 {
            message();
        }
    }
}
