//! Exemplars: for some values of a counter or a histogram, the span in which they were measured. OpenTelemetry's SDK
//! has none yet, so they are kept here, beside the instruments, until an exporter asks for them.
//!
//! Measuring must not wait for anything. Each thread writes to one of several shelves, mostly one of its own, and gives
//! up if that is in use. A collection moves what lies on the shelves to the store, where an exemplar stays until a newer
//! one takes its place.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use rustc_hash::{FxBuildHasher, FxHasher};

use super::InstrumentKind;
use super::metric::Metric;
use super::number::Number;
use crate::lock::lock;
use crate::settings::ExemplarFilter;

/// A value, and where it was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exemplar {
    pub(crate) value: Number,
    pub(crate) time: SystemTime,
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

static FILTER: AtomicU8 = AtomicU8::new(ExemplarFilter::TraceBased as u8);

/// Whether something exports exemplars: 1, or else 0.
static EXPORTED: AtomicU8 = AtomicU8::new(0);

/// Sets which values have exemplars.
pub(crate) fn set_filter(filter: ExemplarFilter) {
    FILTER.store(filter as u8, Ordering::Relaxed);
}

/// Keeps exemplars from now on, because something exports them.
pub(crate) fn keep() {
    EXPORTED.store(1, Ordering::Relaxed);
}

/// The series of a metric: a hash of its name. Names are the same in upper and lower case.
#[derive(Clone, Copy)]
pub(super) struct Origin(u64);

impl Origin {
    /// `None` if Prometheus takes no exemplars of such a metric.
    pub(super) fn of(metric: &Metric) -> Option<Self> {
        let has_exemplars = matches!(metric.kind, InstrumentKind::Counter | InstrumentKind::Histogram);
        has_exemplars.then(|| Self::new(metric.name))
    }

    fn new(metric: &str) -> Self {
        let mut hasher = FxHasher::default();
        metric.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        Self(hasher.finish())
    }

    /// The series with these attributes, in whatever order.
    #[expect(single_use_lifetimes, reason = "the lifetime of an `impl Trait` needs a name")]
    fn series<'a>(self, attributes: impl Iterator<Item = &'a KeyValue>) -> u64 {
        attributes.fold(self.0, |sum, attribute| {
            let mut hasher = FxHasher::default();
            attribute.hash(&mut hasher);
            sum.wrapping_add(hasher.finish())
        })
    }
}

/// Whether something exports exemplars.
#[inline]
pub(super) fn are_kept() -> bool {
    EXPORTED.load(Ordering::Relaxed) != 0
}

/// Keeps the current span as an exemplar of a value, unless the span does not count. Each bucket of a histogram has its
/// own exemplar.
pub(super) fn offer(origin: Origin, bucket: usize, value: Number, attributes: &[KeyValue]) {
    let filter = FILTER.load(Ordering::Relaxed);
    if filter == ExemplarFilter::AlwaysOff as u8 {
        return;
    }
    let Some((trace, span)) = current_span(filter == ExemplarFilter::AlwaysOn as u8) else { return };
    let exemplar = Exemplar { value, time: SystemTime::now(), trace, span };
    put(origin.series(attributes.iter()), bucket, exemplar);
}

/// The span in which a value is measured: that of the call which is measured as a whole, or else the current one. If there is none, the value is that of a call whose own span,
/// the root of its trace, has just ended.
fn current_span(any: bool) -> Option<(TraceId, SpanId)> {
    if let Some(span) = MEASURED.try_with(Cell::get).ok().flatten() {
        return Some(span);
    }
    let current = Context::map_current(|context| counted(context.span().span_context(), any));
    current.or_else(|| ENDED.try_with(Cell::get).ok().flatten())
}

fn counted(span: &SpanContext, any: bool) -> Option<(TraceId, SpanId)> {
    (span.is_valid() && (any || span.is_sampled())).then(|| (span.trace_id(), span.span_id()))
}

thread_local! {
    /// The span that ended last on this thread, since a measured call began or was polled.
    static ENDED: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };

    /// The span of the call whose figures are being recorded on this thread.
    static MEASURED: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Records the figures of a call that ran in this context, which need not be the current one any more: its span is their
/// exemplar.
#[inline]
pub(crate) fn measured_in<R>(context: Option<&Context>, record: impl FnOnce() -> R) -> R {
    let Some(context) = context.filter(|_| are_kept()) else { return record() };
    let any = FILTER.load(Ordering::Relaxed) == ExemplarFilter::AlwaysOn as u8;
    let span = counted(context.span().span_context(), any);
    let _restore = Restore(MEASURED.try_with(|cell| cell.replace(span)).ok().flatten());
    record()
}

/// Restores what was measured before, also if a meter provider panics.
struct Restore(Option<(TraceId, SpanId)>);

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = MEASURED.try_with(|cell| cell.set(self.0));
    }
}

/// A span ends, and may be the one in which a value is measured that is recorded next.
#[inline]
pub(crate) fn ended(span: &SpanContext) {
    if are_kept() {
        let ended = counted(span, FILTER.load(Ordering::Relaxed) == ExemplarFilter::AlwaysOn as u8);
        let _ = ENDED.try_with(|cell| cell.set(ended));
    }
}

/// The code of a measured call begins or continues: spans that have ended on this thread are not its own.
#[inline]
pub(crate) fn entered() {
    if are_kept() {
        let _ = ENDED.try_with(|cell| cell.set(None));
    }
}

/// An exemplar that waits for a collection.
struct Waiting {
    series: u64,
    bucket: usize,
    exemplar: Exemplar,
}

type Waitings = HashMap<u64, Waiting, FxBuildHasher>;

/// One of the places where threads put exemplars. It has a cache line of its own.
#[repr(align(64))]
struct Shelf(Mutex<Waitings>);

const SHELVES: usize = 16;

/// How many exemplars a shelf has room for until the next collection. Further ones are not kept.
const ROOM: usize = 4_096;

static SHELF: [Shelf; SHELVES] = [const { Shelf(Mutex::new(HashMap::with_hasher(FxBuildHasher))) }; SHELVES];

thread_local! {
    /// The shelf of this thread.
    static OWN: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES
    };
}

fn put(series: u64, bucket: usize, exemplar: Exemplar) {
    let Ok(own) = OWN.try_with(|own| *own) else { return };
    let Ok(mut shelf) = SHELF[own].0.try_lock() else { return };
    // An odd factor gives each bucket another place.
    let key = series ^ (bucket as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let is_full = shelf.len() >= ROOM;
    match shelf.get_mut(&key) {
        Some(waiting) => waiting.exemplar = exemplar,
        None if is_full => {}
        None => drop(shelf.insert(key, Waiting { series, bucket, exemplar })),
    }
}

/// How many exemplars the store keeps at most.
const MOST: usize = 100_000;

/// The exemplars of all series.
static STORE: Mutex<Store> = Mutex::new(Store { series: HashMap::with_hasher(FxBuildHasher), exemplars: 0 });

struct Store {
    series: HashMap<u64, Stored, FxBuildHasher>,
    exemplars: usize,
}

/// The exemplars of a series, with their buckets.
#[derive(Default)]
struct Stored {
    exemplars: Vec<(usize, Exemplar)>,
    /// Whether an exporter has asked for this series. None asks for those beyond the cardinality limit.
    is_wanted: bool,
}

impl Store {
    fn add(&mut self, Waiting { series, bucket, exemplar }: Waiting) {
        if self.exemplars >= MOST {
            self.series.retain(|_, stored| stored.is_wanted);
            self.exemplars = self.series.values().map(|stored| stored.exemplars.len()).sum();
        }
        let is_full = self.exemplars >= MOST;
        let stored = self.series.entry(series).or_default();
        match stored.exemplars.iter_mut().find(|(other, _)| *other == bucket) {
            Some((_, known)) if known.time <= exemplar.time => *known = exemplar,
            None if !is_full => {
                stored.exemplars.push((bucket, exemplar));
                self.exemplars += 1;
            }
            _ => {}
        }
    }
}

/// The exemplars of all series, for as long as an exporter reads them.
pub(crate) struct Collected(MutexGuard<'static, Store>);

/// Collects the exemplars. `None` if there are none.
pub(crate) fn collect() -> Option<Collected> {
    let mut store = lock(&STORE);
    for shelf in &SHELF {
        // Measuring threads give up while the lock is held, which is not for long.
        let waiting = std::mem::take(&mut *lock(&shelf.0));
        for waiting in waiting.into_values() {
            store.add(waiting);
        }
    }
    (store.exemplars > 0).then_some(Collected(store))
}

impl Collected {
    /// Returns the exemplars of a series, by the name of its metric and its attributes: at most one for each bucket of a
    /// histogram, and one for a counter.
    #[expect(single_use_lifetimes, reason = "the lifetime of an `impl Trait` needs a name")]
    pub(crate) fn of<'a>(
        &mut self,
        metric: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
    ) -> Vec<Exemplar> {
        let series = Origin::new(metric).series(attributes);
        let Some(stored) = self.0.series.get_mut(&series) else { return Vec::new() };
        stored.is_wanted = true;
        stored.exemplars.iter().map(|(_, exemplar)| *exemplar).collect()
    }
}
