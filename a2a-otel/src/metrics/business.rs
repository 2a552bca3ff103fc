//! `#[business_metric]`: measures calls on the global meter.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(not(feature = "metrics"))]
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use opentelemetry::KeyValue;

use crate::capture::{Fields, push_fields};
use crate::meter::{self, Amount, Implied, Metric, Number, On};
#[cfg(not(feature = "metrics"))]
use crate::report::report;
use crate::semconv::ours::{CANCELLED, OUTCOME, PANIC};
#[cfg(not(feature = "metrics"))]
use crate::span::is_started;
use crate::span::{CallScope, Describe, StreamEnd, is_disabled};

/// One call that is being measured. It is two words, because it moves several times during a call.
pub struct Measurement {
    metric: &'static Metric,
    /// `None` if nothing reads the measurement, or it is done.
    open: Option<Box<Open>>,
}

/// What is known about a measurement.
#[derive(Default)]
struct Open {
    /// When the call began, if its duration is measured.
    started: Option<Instant>,
    number: Option<Number>,
    labels: Vec<KeyValue>,
    /// How the call ended, if it has, and the metric distinguishes outcomes.
    outcome: Option<&'static str>,
}

// The values of the attribute `outcome`, beside `cancelled` and `panic`.
const OK: &str = "ok";
const ERROR: &str = "error";

/// Nothing is computed, and no clock is read, if nothing reads the measurement.
impl Measurement {
    /// Starts a measurement; `note` adds what is known about it now.
    #[inline]
    #[must_use]
    pub fn open(metric: &'static Metric, note: &mut dyn FnMut(&mut Self)) -> Self {
        let mut measurement = Self::open_bare(metric);
        if measurement.is_seen() {
            note(&mut measurement);
        }
        measurement
    }

    /// Starts a measurement about which nothing is known at run time.
    #[inline]
    #[must_use]
    pub fn open_bare(metric: &'static Metric) -> Self {
        Self { metric, open: open(metric) }
    }

    /// Whether anything reads the measurement.
    #[inline]
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        self.open.is_some()
    }

    /// Sets labels of the measurement.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        if let Some(open) = &mut self.open {
            push_fields(&mut open.labels, fields);
        }
    }

    /// Sets labels that are texts known at compile time or living forever, and so need neither a copy nor a guard.
    pub fn texts(&mut self, texts: &[(&'static str, &'static str)]) {
        if let Some(open) = &mut self.open {
            open.labels.extend(texts.iter().map(|(key, text)| KeyValue::new(*key, *text)));
        }
    }

    /// Sets the measured value.
    pub fn amount(&mut self, amount: impl Amount) {
        if let Some(open) = &mut self.open {
            open.number = amount.amount(self.metric.unit);
        }
    }

    /// Sets the outcome of a call that has returned.
    pub fn returned_as(&mut self, is_ok: bool) {
        self.ended_as(if is_ok { OK } else { ERROR });
    }

    /// Sets the outcome, if the metric distinguishes outcomes.
    fn ended_as(&mut self, outcome: &'static str) {
        if let Some(open) = self.open.as_mut().filter(|_| self.metric.outcome) {
            open.outcome = Some(outcome);
        }
    }

    /// Records the measurement on the meter. A missing value, or one that the instrument cannot take, is left out.
    pub fn record(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        open.labels.extend(open.outcome.map(|outcome| KeyValue::new(OUTCOME, outcome)));
        if let Some(number) = open.number.or_else(|| open.implied(self.metric)) {
            meter::record(self.metric, number, &open.labels);
        }
        keep_spare(open);
    }

    fn finish(mut self, counts: bool) {
        if counts {
            self.record();
        } else {
            self.open.take().into_iter().for_each(keep_spare);
        }
    }
}

impl Open {
    fn implied(&self, metric: &Metric) -> Option<Number> {
        match metric.implied {
            Implied::Nothing => None,
            Implied::One => Some(Number::Unsigned(1)),
            Implied::Duration => self.started?.elapsed().amount(metric.unit),
        }
    }

    #[expect(clippy::unnecessary_box_returns, reason = "the box is what is used again")]
    fn copy(&self) -> Box<Self> {
        let mut copy = take_spare();
        (copy.started, copy.number) = (self.started, self.number);
        copy.labels.extend_from_slice(&self.labels);
        copy
    }
}

impl Drop for Measurement {
    #[inline]
    fn drop(&mut self) {
        if self.is_seen() {
            dropped(self);
        }
    }
}

/// Ends a measurement without an outcome: the call panicked, was cancelled, or does not count.
#[cold]
fn dropped(measurement: &mut Measurement) {
    if measurement.metric.on == On::Always {
        if measurement.open.as_ref().is_some_and(|open| open.outcome.is_none()) {
            measurement.ended_as(CANCELLED);
        }
        // The thread may be unwinding, and a panic in a meter provider would then end the process.
        let _ = catch_unwind(AssertUnwindSafe(|| measurement.record()));
    } else {
        measurement.open.take().into_iter().for_each(keep_spare);
    }
}

/// What is known about a measurement that begins, unless nothing reads it. Not inline: it is most of a call that nothing
/// reads, and every function with a metric calls it.
fn open(metric: &Metric) -> Option<Box<Open>> {
    if is_disabled() {
        return None;
    }
    if !meter::listens() {
        #[cfg(not(feature = "metrics"))]
        unheard(metric.name);
        return None;
    }
    let mut open = take_spare();
    open.started = (metric.implied == Implied::Duration).then(Instant::now);
    Some(open)
}

/// Reports once that metrics go nowhere, if `init` has run: it sets a meter provider only with the feature `metrics`. An
/// application without our `init` may not want metrics.
#[cfg(not(feature = "metrics"))]
#[cold]
fn unheard(name: &str) {
    static IS_REPORTED: AtomicBool = AtomicBool::new(false);
    let is_new = !IS_REPORTED.load(Ordering::Relaxed) && is_started();
    if is_new && !IS_REPORTED.swap(true, Ordering::Relaxed) {
        report(&format_args!(
            "metrics such as {name:?} go nowhere, because no meter provider is set: enable the feature `metrics`, with \
             which init sets one, or set one with opentelemetry::global::set_meter_provider(..)"
        ));
    }
}

thread_local! {
    /// What measurements that are done have used, so that the next ones allocate nothing.
    #[expect(clippy::vec_box, reason = "a measurement takes and returns the box")]
    static SPARE: RefCell<Vec<Box<Open>>> = const { RefCell::new(Vec::new()) };
}

/// How many a thread keeps, and how many labels each may have room for.
const MOST_SPARE: usize = 8;
const SPARE_ROOM: usize = 32;

#[expect(clippy::unnecessary_box_returns, reason = "the box is what is used again")]
fn take_spare() -> Box<Open> {
    SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

fn keep_spare(mut open: Box<Open>) {
    open.labels.clear();
    (open.number, open.outcome) = (None, None);
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < MOST_SPARE && open.labels.capacity() <= SPARE_ROOM {
            spare.push(open);
        }
    });
}

impl CallScope for Measurement {
    type Entered = ();
    type Ending = Self;
    type Items = MetricItems;

    #[inline]
    fn holds(&self) -> bool {
        Measurement::is_seen(self)
    }

    #[inline]
    fn is_seen(&self) -> bool {
        Measurement::is_seen(self)
    }

    #[inline]
    fn enter(&self) {
        #[cfg(feature = "metrics")]
        meter::exemplars::entered();
    }

    fn returned(self) -> Self {
        self
    }

    fn panicked(mut self, _: &(dyn Any + Send)) {
        self.ended_as(PANIC);
    }

    fn succeeded(mut self) {
        self.returned_as(true);
        let counts = self.metric.on != On::Err;
        self.finish(counts);
    }

    fn failed(mut self, _: &dyn Describe, _: bool) {
        self.returned_as(false);
        let counts = self.metric.on != On::Ok;
        self.finish(counts);
    }

    fn items(&self, _: Option<Instant>) -> MetricItems {
        MetricItems { metric: self.metric, open: self.open.as_deref().map(Open::copy), failed: false }
    }

    fn item_failed(items: &mut MetricItems, failure: &dyn Describe) {
        items.err(failure, false);
    }

    fn streamed(mut self, items: MetricItems, end: StreamEnd<'_>) {
        self.ended_as(match end {
            StreamEnd::Panicked(_) => PANIC,
            _ if items.failed => ERROR,
            StreamEnd::Complete => OK,
            StreamEnd::Dropped => CANCELLED,
        });
        let counts = match self.metric.on {
            On::Ok => matches!(end, StreamEnd::Complete) && !items.failed,
            On::Err => items.failed,
            On::Always => true,
        };
        let counts = counts && !self.metric.itemised;
        self.finish(counts);
    }
}

/// Measures the items of a stream.
pub struct MetricItems {
    metric: &'static Metric,
    /// What was known before the stream began.
    open: Option<Box<Open>>,
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
        Measurement { metric: self.metric, open: self.open.as_deref().map(Open::copy) }
    }
}
