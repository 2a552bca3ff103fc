//! The instruments of the meter provider that is global or named, which every thread keeps.
//!
//! Building an instrument takes ten times as long as recording with it. So each thread keeps those that it uses, with a
//! weak reference to the provider that made them. While that provider lives, it is taken to be the global one: looking
//! at this takes neither a lock nor an atomic write, for which threads would wait. A replaced provider lives on if
//! somebody else holds a clone of `global::meter_provider()`; to notice that too, each thread asks for the global
//! provider again after [`TRUST`] looks.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use opentelemetry::metrics::{
    AsyncInstrument, Counter, Gauge, Histogram, Meter, MeterProvider, UpDownCounter,
};
use opentelemetry::{KeyValue, global};

use super::InstrumentKind;
use super::definition::{Definition, define};
use super::metric::Metric;
use super::number::{Number, NumberKind, Unfit};
use crate::gen_ai::scope;
use crate::lock::lock;

/// A meter provider of any type.
pub(crate) type Provider = dyn MeterProvider + Send + Sync;

/// The providers that applications have named. The last one is used instead of the global one.
static NAMED: Mutex<Vec<Arc<Provider>>> = Mutex::new(Vec::new());

/// How often they have changed, so that every thread notices it at once.
static NAMINGS: AtomicUsize = AtomicUsize::new(0);

/// How often a provider that lives is taken to be the global one, before that is asked for again.
const TRUST: u8 = 32;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::new()) };
}

/// What a thread keeps.
struct Kept {
    provider: Option<Weak<Provider>>,
    /// How often a provider had been named when this one was asked for.
    namings: usize,
    /// How many more times the provider is taken to be the global one.
    trust: Cell<u8>,
    /// Whether anything reads what the provider's instruments measure.
    listens: bool,
    /// By the index of a metric's slot.
    bound: Vec<Option<Bound>>,
}

/// The instrument of a metric.
enum Bound {
    To(Instrument, Arc<Definition>),
    /// Nothing is recorded: the name has another meaning.
    ToNothing,
}

/// An instrument of OpenTelemetry.
enum Instrument {
    CounterUnsigned(Counter<u64>),
    CounterFloat(Counter<f64>),
    UpDownCounterSigned(UpDownCounter<i64>),
    UpDownCounterFloat(UpDownCounter<f64>),
    GaugeUnsigned(Gauge<u64>),
    GaugeSigned(Gauge<i64>),
    GaugeFloat(Gauge<f64>),
    HistogramUnsigned(Histogram<u64>),
    HistogramFloat(Histogram<f64>),
}

/// Whether telemetry is switched off.
static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Records nothing from now on, or again what is measured.
pub(crate) fn switch_off(is_off: bool) {
    IS_OFF.store(is_off, Ordering::Relaxed);
}

/// Records with this provider from now on.
pub(crate) fn name_provider(provider: Arc<Provider>) {
    lock(&NAMED).push(provider);
    NAMINGS.fetch_add(1, Ordering::Release);
}

/// No longer records with this provider, but with the one that was named last of the others, or else the global one.
pub(crate) fn unname_provider(provider: &Arc<Provider>) {
    // The caller has the provider too, so none is dropped here, where its code would find the lock taken.
    lock(&NAMED).retain(|named| !Arc::ptr_eq(named, provider));
    NAMINGS.fetch_add(1, Ordering::Release);
}

/// The provider that was named last, or else the global one.
fn provider() -> Arc<Provider> {
    lock(&NAMED).last().cloned().unwrap_or_else(global::meter_provider)
}

/// Whether an application has set a global provider that something reads.
#[cfg(feature = "metrics")]
pub(crate) fn is_global_provider_set() -> bool {
    has_reader(&*global::meter_provider())
}

/// Whether anything reads what is measured now.
#[inline]
pub(crate) fn listens() -> bool {
    if IS_OFF.load(Ordering::Relaxed) {
        return false;
    }
    #[cfg(all(feature = "testing", feature = "metrics"))]
    if super::captured::is_capturing() {
        return true;
    }
    let listens = KEPT.try_with(|kept| with_current(kept, |kept| kept.listens).unwrap_or(false));
    // A thread that is exiting keeps nothing.
    listens.unwrap_or(true)
}

/// Records with the provider that is global now, and with that of the test that captures it.
pub(crate) fn record(metric: &'static Metric, number: Number, labels: &[KeyValue]) {
    #[cfg(all(feature = "testing", feature = "metrics"))]
    if let Some(meter) = super::captured::meter() {
        Bound::new(&meter, metric, number).record(number, labels);
    }
    let index = metric.slot.index();
    let recorded = KEPT.try_with(|kept| {
        with_current(kept, |kept| match kept.bound.get(index) {
            Some(Some(bound)) => bound.record(number, labels),
            _ => false,
        })
    });
    if !matches!(recorded, Ok(Some(true))) {
        record_first(index, metric, number, labels);
    }
}

#[cold]
fn record_first(index: usize, metric: &'static Metric, number: Number, labels: &[KeyValue]) {
    let bound = Bound::new(&provider().meter_with_scope(scope()), metric, number);
    bound.record(number, labels);
    let _ = KEPT.try_with(|kept| {
        // It is borrowed if the code of a provider measures.
        let Ok(mut kept) = kept.try_borrow_mut() else { return };
        if kept.bound.len() <= index {
            kept.bound.resize_with(index + 1, || None);
        }
        kept.bound[index] = Some(bound);
    });
}

/// Uses what is kept for the provider that is global now. `None` if it cannot be had, because the code of a provider
/// measures while its instruments are kept or dropped.
#[inline]
fn with_current<R>(kept: &RefCell<Kept>, look: impl FnOnce(&Kept) -> R) -> Option<R> {
    if let Ok(kept) = kept.try_borrow()
        && kept.is_current()
    {
        return Some(look(&kept));
    }
    ask(kept);
    kept.try_borrow().ok().map(|kept| look(&kept))
}

#[cold]
fn ask(kept: &RefCell<Kept>) {
    let namings = NAMINGS.load(Ordering::Acquire);
    let provider = provider();
    if kept.try_borrow().is_ok_and(|kept| kept.namings == namings && kept.is_of(&provider)) {
        return;
    }
    let listens = has_reader(&*provider);
    let new = Kept {
        provider: Some(Arc::downgrade(&provider)),
        namings,
        trust: Cell::new(TRUST),
        listens,
        bound: Vec::new(),
    };
    // It is borrowed if the code of a provider measures, and then stays as it is.
    let former = kept.try_borrow_mut().map(|mut kept| std::mem::replace(&mut *kept, new));
    // Dropping an instrument may run code of a provider too, so the list must not stay borrowed.
    drop(former);
}

impl Kept {
    const fn new() -> Self {
        Self { provider: None, namings: 0, trust: Cell::new(0), listens: false, bound: Vec::new() }
    }

    #[inline]
    fn is_current(&self) -> bool {
        let trust = self.trust.get();
        let is_trusted = trust > 0
            && self.namings == NAMINGS.load(Ordering::Relaxed)
            && self.provider.as_ref().is_some_and(|provider| provider.strong_count() > 0);
        self.trust.set(trust.wrapping_sub(u8::from(is_trusted)));
        is_trusted
    }

    fn is_of(&self, provider: &Arc<Provider>) -> bool {
        self.trust.set(TRUST);
        let known = self.provider.as_ref().map(Weak::as_ptr);
        known.is_some_and(|known| std::ptr::addr_eq(known, Arc::as_ptr(provider)))
    }
}

/// Whether anything reads what the provider's instruments measure. Nothing does if it is the API's own, which stands in
/// until another is set. That has no state; another type without state passes everything on, so it keeps a callback.
fn has_reader(provider: &Provider) -> bool {
    size_of_val(provider) > 0 || keeps_a_callback(&provider.meter_with_scope(scope()))
}

fn keeps_a_callback(meter: &Meter) -> bool {
    let shared = Arc::new(());
    let held = Arc::clone(&shared);
    let callback = move |_: &dyn AsyncInstrument<u64>| drop(Arc::clone(&held));
    meter.u64_observable_gauge("a2a_otel.probe").with_callback(callback).build();
    Arc::strong_count(&shared) > 1
}

impl Bound {
    fn new(meter: &Meter, metric: &'static Metric, first: Number) -> Self {
        match define(metric, first) {
            Some(definition) => Self::To(Instrument::new(meter, &definition), definition),
            None => Self::ToNothing,
        }
    }

    /// Returns true, because the number needs no other instrument, even if this one does not take it.
    #[inline]
    fn record(&self, number: Number, labels: &[KeyValue]) -> bool {
        if let Self::To(instrument, definition) = self {
            match instrument.record(number, labels) {
                Ok(()) => definition.offer_exemplar(number, labels),
                Err(unfit) => definition.refuse(number, unfit),
            }
        }
        true
    }
}

impl Instrument {
    fn new(meter: &Meter, definition: &Definition) -> Self {
        use {InstrumentKind as I, NumberKind as N};
        let Metric { kind, name, unit, description, .. } = *definition.metric;
        macro_rules! instrument {
            ($variant:ident($method:ident)) => {
                Self::$variant(meter.$method(name).with_unit(unit).with_description(description).build())
            };
            ($variant:ident($method:ident) with buckets) => {{
                let builder = meter.$method(name).with_unit(unit).with_description(description);
                Self::$variant(builder.with_boundaries(definition.buckets.to_vec()).build())
            }};
        }
        match (kind, definition.number) {
            (I::Counter, N::Float) => instrument!(CounterFloat(f64_counter)),
            (I::Counter, _) => instrument!(CounterUnsigned(u64_counter)),
            (I::UpDownCounter, N::Float) => instrument!(UpDownCounterFloat(f64_up_down_counter)),
            (I::UpDownCounter, _) => instrument!(UpDownCounterSigned(i64_up_down_counter)),
            (I::Gauge, N::Unsigned) => instrument!(GaugeUnsigned(u64_gauge)),
            (I::Gauge, N::Signed) => instrument!(GaugeSigned(i64_gauge)),
            (I::Gauge, N::Float) => instrument!(GaugeFloat(f64_gauge)),
            (I::Histogram, N::Unsigned) => instrument!(HistogramUnsigned(u64_histogram) with buckets),
            (I::Histogram, _) => instrument!(HistogramFloat(f64_histogram) with buckets),
        }
    }

    #[inline]
    fn record(&self, number: Number, labels: &[KeyValue]) -> Result<(), Unfit> {
        match self {
            Self::CounterUnsigned(counter) => counter.add(number.unsigned()?, labels),
            Self::CounterFloat(counter) => counter.add(number.increase()?, labels),
            Self::UpDownCounterSigned(counter) => counter.add(number.signed()?, labels),
            Self::UpDownCounterFloat(counter) => counter.add(number.float()?, labels),
            Self::GaugeUnsigned(gauge) => gauge.record(number.unsigned()?, labels),
            Self::GaugeSigned(gauge) => gauge.record(number.signed()?, labels),
            Self::GaugeFloat(gauge) => gauge.record(number.float()?, labels),
            Self::HistogramUnsigned(histogram) => histogram.record(number.unsigned()?, labels),
            Self::HistogramFloat(histogram) => histogram.record(number.float()?, labels),
        }
        Ok(())
    }
}
