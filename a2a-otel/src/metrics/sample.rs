//! A sample that all callbacks of one collection share, so that their values belong together and cost one look at the
//! system.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::lock::lock;
use crate::meter::InstrumentKind;
use crate::semconv::metrics::BuiltIn;

/// Takes a sample. It may compare with the last one.
type Take<S> = Box<dyn Fn(Option<&S>) -> S + Send + Sync>;

/// The latest sample.
pub(super) struct Shared<S> {
    take: Take<S>,
    latest: Mutex<(u64, Option<Arc<S>>)>,
}

impl<S> Shared<S> {
    pub(super) fn new(take: impl Fn(Option<&S>) -> S + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { take: Box::new(take), latest: Mutex::new((0, None)) })
    }

    /// The sample for a callback, which has last got the one with the number `seen`. A callback that has got the latest
    /// already runs in another collection, which needs a new one. `None` if none can be taken.
    fn next(&self, seen: &AtomicU64) -> Option<Arc<S>> {
        let mut latest = lock(&self.latest);
        if seen.load(Ordering::Relaxed) == latest.0 {
            let last = latest.1.as_deref();
            // A panic would end the thread that collects.
            let taken = catch_unwind(AssertUnwindSafe(|| (self.take)(last))).ok();
            *latest = (latest.0 + 1, taken.map(Arc::new));
        }
        seen.store(latest.0, Ordering::Relaxed);
        latest.1.clone()
    }

    /// What a callback reads.
    fn read(self: &Arc<Self>) -> impl Fn() -> Option<Arc<S>> + Send + Sync + 'static
    where
        S: Send + Sync + 'static,
    {
        let (shared, seen) = (Arc::clone(self), AtomicU64::new(0));
        move || shared.next(&seen)
    }
}

/// Takes a value and its labels.
type Observe<'a, N> = dyn FnMut(N, &[KeyValue]) + 'a;

/// Observes the whole numbers that a sample has for a row.
pub(super) fn observe_whole<S: Send + Sync + 'static>(
    meter: &Meter,
    row: &BuiltIn,
    shared: &Arc<Shared<S>>,
    read: fn(&S, &mut Observe<'_, u64>),
) {
    let sample = shared.read();
    macro_rules! build {
        ($method:ident, $number:ty, $convert:expr) => {{
            let callback = move |observer: &dyn AsyncInstrument<$number>| {
                if let Some(sample) = sample() {
                    read(&sample, &mut |value, labels| observer.observe($convert(value), labels));
                }
            };
            let builder = meter.$method(row.name).with_unit(row.unit).with_description(row.description);
            builder.with_callback(callback).build();
        }};
    }
    match row.kind {
        InstrumentKind::Counter => build!(u64_observable_counter, u64, |value| value),
        InstrumentKind::UpDownCounter => build!(i64_observable_up_down_counter, i64, u64::cast_signed),
        InstrumentKind::Gauge | InstrumentKind::Histogram => build!(u64_observable_gauge, u64, |value| value),
    }
}

/// Observes the other numbers that a sample has for a row.
pub(super) fn observe_float<S: Send + Sync + 'static>(
    meter: &Meter,
    row: &BuiltIn,
    shared: &Arc<Shared<S>>,
    read: fn(&S, &mut Observe<'_, f64>),
) {
    let sample = shared.read();
    let callback = move |observer: &dyn AsyncInstrument<f64>| {
        if let Some(sample) = sample() {
            read(&sample, &mut |value, labels| observer.observe(value, labels));
        }
    };
    macro_rules! build {
        ($method:ident) => {{
            let builder = meter.$method(row.name).with_unit(row.unit).with_description(row.description);
            builder.with_callback(callback).build();
        }};
    }
    match row.kind {
        InstrumentKind::Counter => build!(f64_observable_counter),
        InstrumentKind::UpDownCounter => build!(f64_observable_up_down_counter),
        InstrumentKind::Gauge | InstrumentKind::Histogram => build!(f64_observable_gauge),
    }
}

/// How much of a capacity was used since an earlier sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share<const N: usize> {
    since: Instant,
    used: [Duration; N],
    /// `None` until enough time has passed.
    pub(super) shares: Option<[f64; N]>,
}

/// Over a shorter time, the share would depend on how finely the system counts.
const SHORTEST: Duration = Duration::from_millis(100);

impl<const N: usize> Share<N> {
    /// `used` is what was used in all, and `capacity` how much can be used at the same time.
    pub(super) fn next(last: Option<&Self>, used: [Duration; N], capacity: usize) -> Self {
        let since = Instant::now();
        let Some(last) = last else { return Self { since, used, shares: None } };
        let passed = since - last.since;
        if passed < SHORTEST {
            return *last;
        }
        let available = passed.as_secs_f64() * f64::from(u32::try_from(capacity.max(1)).unwrap_or(u32::MAX));
        let share = |index: usize| {
            let used = used[index].saturating_sub(last.used[index]);
            (used.as_secs_f64() / available).clamp(0.0, 1.0)
        };
        Self { since, used, shares: Some(std::array::from_fn(share)) }
    }
}
