//! What is known about a metric at compile time.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::InstrumentKind;
use crate::semconv::metrics::BuiltIn;

/// What is known about a metric at compile time. Generated code has one for each attribute macro, in a `static`, which
/// all instances of a generic function share.
pub struct Metric {
    /// The kind of instrument.
    pub kind: InstrumentKind,
    /// The metric's name.
    pub name: &'static str,
    /// The unit of its values, in UCUM's notation.
    pub unit: &'static str,
    /// The description.
    pub description: &'static str,
    /// The bounds of a histogram's buckets, if they are given.
    pub buckets: Option<&'static [f64]>,
    /// What is measured if no value is given.
    pub implied: Implied,
    /// Which calls count.
    pub on: On,
    /// Whether the outcome of a call is an attribute.
    pub outcome: bool,
    /// Whether every item of a stream is measured, instead of the stream.
    pub itemised: bool,
    /// Where threads keep the instrument.
    pub slot: Slot,
}

impl Metric {
    /// The metric of a row of the table, for a `static`.
    pub(crate) const fn built_in(row: &BuiltIn) -> Self {
        let BuiltIn { kind, name, unit, description, bounds, .. } = *row;
        Self {
            kind,
            name,
            unit,
            description,
            buckets: bounds,
            implied: Implied::Nothing,
            on: On::Always,
            outcome: false,
            itemised: false,
            slot: Slot::new(),
        }
    }
}

/// What a metric measures by default.
#[derive(Clone, Copy, PartialEq)]
pub enum Implied {
    /// Nothing: without a value, nothing is measured.
    Nothing,
    /// The call: 1.
    One,
    /// The duration of the call, in the metric's unit.
    Duration,
}

/// Which calls count.
#[derive(Clone, Copy, PartialEq)]
pub enum On {
    /// Calls that succeed.
    Ok,
    /// Calls that return an error.
    Err,
    /// All calls, including those that panic or are cancelled.
    Always,
}

/// The index at which every thread keeps the instrument of a metric. It is assigned when it is first needed; 0 means
/// that it is not.
pub struct Slot(AtomicUsize);

static LAST: AtomicUsize = AtomicUsize::new(0);

impl Slot {
    /// No index yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one, in a `static`")]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(super) fn index(&self) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => self.assign(),
            index => index,
        }
    }

    #[cold]
    fn assign(&self) -> usize {
        let index = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        self.0
            .compare_exchange(0, index, Ordering::Relaxed, Ordering::Relaxed)
            .map_or_else(|first| first, |_| index)
    }
}
