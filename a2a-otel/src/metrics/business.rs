//! `#[business_metric]`: measures calls on the global meter.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use opentelemetry::KeyValue;

use super::instruments;
use super::metric::{Implied, Metric, On};
use super::number::{Amount, Number};
use crate::capture::{Fields, push_fields};
use crate::span::{CallScope, Describe, StreamEnd, is_disabled};

/// One call that is being measured.
pub struct Measurement {
    metric: &'static Metric,
    /// When the call began, if its duration is measured.
    started: Option<Instant>,
    labels: Vec<KeyValue>,
    number: Option<Number>,
    /// Whether it is still to be recorded, and anything reads it.
    is_due: bool,
}

/// Nothing is computed, and no clock is read, if nothing reads the measurement.
impl Measurement {
    /// Starts a measurement; `note` adds what is known about it now.
    #[inline]
    #[must_use]
    pub fn open(metric: &'static Metric, note: &mut dyn FnMut(&mut Self)) -> Self {
        let mut measurement = Self::open_bare(metric);
        if measurement.is_due {
            note(&mut measurement);
        }
        measurement
    }

    /// Starts a measurement about which nothing is known at run time.
    #[inline]
    #[must_use]
    pub fn open_bare(metric: &'static Metric) -> Self {
        let is_due = listens();
        let started = if is_due { started(metric) } else { None };
        Self { metric, started, labels: Vec::new(), number: None, is_due }
    }

    /// Whether anything reads the measurement.
    #[inline]
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        self.is_due
    }

    /// Sets labels of the measurement.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        push_fields(self.labels(), fields);
    }

    /// Sets labels that are texts known at compile time or living forever, and so need neither a copy nor a guard.
    pub fn texts(&mut self, texts: &[(&'static str, &'static str)]) {
        self.labels().extend(texts.iter().map(|(key, text)| KeyValue::new(*key, *text)));
    }

    fn labels(&mut self) -> &mut Vec<KeyValue> {
        if self.labels.capacity() == 0 {
            // Forgotten, because it has nothing to free, and finding that out takes longer.
            std::mem::forget(std::mem::replace(&mut self.labels, take_spare()));
        }
        &mut self.labels
    }

    /// Sets the measured value.
    pub fn amount(&mut self, amount: impl Amount) {
        self.number = amount.amount(self.metric.unit);
    }

    /// Records the measurement on the meter. A missing value, or one that the instrument cannot take, is left out.
    pub fn record(&mut self) {
        self.is_due = false;
        if let Some(number) = self.number.or_else(|| self.implied()) {
            #[cfg(all(feature = "testing", feature = "metrics"))]
            if let Some(meter) = super::captured::meter() {
                instruments::record_with(&meter, self.metric, number, &self.labels);
            }
            instruments::record(self.metric, number, &self.labels);
        }
    }

    fn record_if(&mut self, counts: bool) {
        if counts && self.is_due {
            self.record();
        }
        self.is_due = false;
    }

    fn implied(&self) -> Option<Number> {
        match self.metric.implied {
            Implied::Nothing => None,
            Implied::One => Some(Number::Unsigned(1)),
            Implied::Duration => self.started?.elapsed().amount(self.metric.unit),
        }
    }

    /// A measurement of an item of the stream that this one is about.
    fn of_item(&self) -> Self {
        let mut labels = if self.labels.is_empty() { Vec::new() } else { take_spare() };
        labels.extend_from_slice(&self.labels);
        Self { labels, is_due: true, ..*self }
    }
}

impl Drop for Measurement {
    #[inline]
    fn drop(&mut self) {
        if self.is_due && self.metric.on == On::Always {
            // The thread may be unwinding, and a panic in a meter provider would then end the process.
            let _ = catch_unwind(AssertUnwindSafe(|| self.record()));
        }
        if self.labels.capacity() > 0 {
            keep_spare(&mut self.labels);
        }
    }
}

/// Whether anything reads what is measured now. Not inline: it is most of a call that nothing reads, and every
/// function with a metric calls it.
fn listens() -> bool {
    !is_disabled() && (is_captured() || instruments::listens())
}

/// The time, if the duration of the call is measured.
fn started(metric: &Metric) -> Option<Instant> {
    (metric.implied == Implied::Duration).then(Instant::now)
}

/// Whether a test may capture the measurement.
#[inline]
fn is_captured() -> bool {
    #[cfg(all(feature = "testing", feature = "metrics"))]
    return super::captured::is_capturing();
    #[cfg(not(all(feature = "testing", feature = "metrics")))]
    false
}

thread_local! {
    /// Empty lists for labels, so that a measurement allocates none.
    static SPARE: RefCell<Vec<Vec<KeyValue>>> = const { RefCell::new(Vec::new()) };
}

/// How many empty lists a thread keeps, and how many labels they may have room for.
const SPARE_LISTS: usize = 8;
const SPARE_ROOM: usize = 32;

fn take_spare() -> Vec<KeyValue> {
    SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

fn keep_spare(list: &mut Vec<KeyValue>) {
    list.clear();
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARE_LISTS && list.capacity() <= SPARE_ROOM {
            spare.push(std::mem::take(list));
        }
    });
}

impl CallScope for Measurement {
    type Entered = ();
    type Ending = Self;
    type Items = MetricItems;

    #[inline]
    fn holds(&self) -> bool {
        self.is_due
    }

    #[inline]
    fn is_seen(&self) -> bool {
        self.is_due
    }

    fn enter(&self) {}

    fn returned(self) -> Self {
        self
    }

    fn panicked(self, _: &(dyn Any + Send)) {}

    fn succeeded(mut self) {
        let counts = self.metric.on != On::Err;
        self.record_if(counts);
    }

    fn failed(mut self, _: &dyn Describe, _: bool) {
        let counts = self.metric.on != On::Ok;
        self.record_if(counts);
    }

    fn items(&self, _: Option<Instant>) -> MetricItems {
        let mut template = self.of_item();
        template.is_due = false;
        MetricItems { template, failed: false }
    }

    fn streamed(mut self, items: MetricItems, end: StreamEnd<'_>) {
        let counts = match self.metric.on {
            On::Ok => matches!(end, StreamEnd::Complete) && !items.failed,
            On::Err => items.failed,
            On::Always => true,
        };
        let counts = counts && !self.metric.itemised;
        self.record_if(counts);
    }
}

/// Measures the items of a stream.
pub struct MetricItems {
    /// What was known before the stream began.
    template: Measurement,
    failed: bool,
}

/// Called by generated code for each item.
impl MetricItems {
    /// The item is an error.
    pub fn err(&mut self, _: &dyn Describe, _: bool) {
        self.failed = true;
    }

    /// Starts a measurement of one item.
    #[must_use]
    pub fn measure(&self) -> Measurement {
        self.template.of_item()
    }
}
