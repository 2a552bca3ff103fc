//! `#[business_metric]`: measures calls on the global meter.

use std::any::Any;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::capture::{Fields, push_fields};
use crate::metrics::InstrumentKind;
use crate::span::{CallScope, Describe, StreamEnd, scope};

/// What is known about a metric at compile time.
pub struct Metric {
    /// The kind of instrument.
    pub kind: InstrumentKind,
    /// The metric's name.
    pub name: &'static str,
    /// The unit of its values, in UCUM's notation.
    pub unit: &'static str,
    /// The description.
    pub description: &'static str,
    /// What is measured if no value is given.
    pub implied: Implied,
    /// Which calls count.
    pub on: On,
    /// Whether every item of a stream is measured, instead of the stream.
    pub itemised: bool,
}

/// What a metric measures by default.
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

/// One call that is being measured.
#[derive(Clone)]
pub struct Measurement {
    metric: &'static Metric,
    started: Instant,
    attributes: Vec<KeyValue>,
    amount: Option<f64>,
    is_recorded: bool,
}

impl Measurement {
    /// Starts a measurement; `note` adds what is known about it now.
    #[must_use]
    pub fn open(metric: &'static Metric, note: &mut dyn FnMut(&mut Self)) -> Self {
        let mut measurement = Self::open_bare(metric);
        note(&mut measurement);
        measurement
    }

    /// Starts a measurement about which nothing is known at run time.
    #[must_use]
    pub fn open_bare(metric: &'static Metric) -> Self {
        Self { metric, started: Instant::now(), attributes: Vec::new(), amount: None, is_recorded: false }
    }

    /// Sets attributes of the measurement.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        push_fields(&mut self.attributes, fields);
    }

    /// Sets the measured value.
    pub fn amount(&mut self, amount: impl Amount) {
        self.amount = amount.amount(self.metric.unit);
    }

    /// Records the measurement on the meter. A missing value, or one that the instrument cannot take, is left out.
    pub fn record(&mut self) {
        self.is_recorded = true;
        let Some(amount) = self.amount.or_else(|| self.implied()).filter(|amount| amount.is_finite()) else {
            return;
        };
        let Metric { kind, name, unit, description, .. } = self.metric;
        let (meter, attributes) = (meter(), &self.attributes);
        macro_rules! instrument {
            ($kind:ident) => {
                meter.$kind(*name).with_unit(*unit).with_description(*description).build()
            };
        }
        match kind {
            InstrumentKind::Counter if amount < 0.0 => {}
            InstrumentKind::Counter => instrument!(f64_counter).add(amount, attributes),
            InstrumentKind::Histogram => instrument!(f64_histogram).record(amount, attributes),
            InstrumentKind::Gauge => instrument!(f64_gauge).record(amount, attributes),
            InstrumentKind::UpDownCounter => instrument!(f64_up_down_counter).add(amount, attributes),
        }
    }

    fn record_if(&mut self, counts: bool) {
        if counts {
            self.record();
        }
    }

    fn implied(&self) -> Option<f64> {
        match self.metric.implied {
            Implied::Nothing => None,
            Implied::One => Some(1.0),
            Implied::Duration => self.started.elapsed().amount(self.metric.unit),
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        let counts = self.metric.on == On::Always && !self.is_recorded;
        self.record_if(counts);
    }
}

/// Returns the meter of the provider that is global now, as attribute macros do for spans.
fn meter() -> Meter {
    opentelemetry::global::meter_with_scope(scope())
}

impl CallScope for Measurement {
    type Entered = ();
    type Ending = Self;
    type Items = MetricItems;

    fn is_seen(&self) -> bool {
        true
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
        let mut template = self.clone();
        template.is_recorded = true;
        MetricItems { template, failed: false }
    }

    fn streamed(mut self, items: MetricItems, end: StreamEnd<'_>) {
        self.is_recorded = self.metric.itemised;
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
        self.template.clone()
    }
}

/// A number that a metric can take. `None` is not measured; a [`Duration`] is converted to the metric's unit if that is
/// a unit of time, and to seconds otherwise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a metric",
    label = "not a number",
    note = "a metric takes numbers, `bool`, `std::time::Duration`, and `Option` of these"
)]
pub trait Amount {
    #[doc(hidden)]
    fn amount(self, unit: &str) -> Option<f64>;
}

macro_rules! amounts {
    ($($number:ty)*) => {$(
        impl Amount for $number {
            fn amount(self, _: &str) -> Option<f64> {
                Some(f64::from(self))
            }
        }
    )*};
}

amounts!(u8 u16 u32 i8 i16 i32 f32 f64);

macro_rules! wide_amounts {
    ($($number:ty)*) => {$(
        impl Amount for $number {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and the instruments take f64")]
            fn amount(self, _: &str) -> Option<f64> {
                Some(self as f64)
            }
        }
    )*};
}

wide_amounts!(u64 i64 usize isize);

impl Amount for bool {
    fn amount(self, _: &str) -> Option<f64> {
        Some(f64::from(u8::from(self)))
    }
}

impl Amount for Duration {
    fn amount(self, unit: &str) -> Option<f64> {
        const SECONDS: &[(&str, f64)] =
            &[("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
        let seconds = SECONDS.iter().find(|(symbol, _)| *symbol == unit).map_or(1.0, |(_, seconds)| *seconds);
        Some(self.as_secs_f64() / seconds)
    }
}

impl<T: Amount> Amount for Option<T> {
    fn amount(self, unit: &str) -> Option<f64> {
        self?.amount(unit)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Amount + Copy> Amount for &T {
    fn amount(self, unit: &str) -> Option<f64> {
        (*self).amount(unit)
    }
}
