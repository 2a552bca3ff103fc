//! Runs the callbacks of observable instruments so that one that panics or hangs costs only its own values.
//!
//! The SDK calls them while it holds the lock that collections and new instruments need: a panic would end all metrics, and
//! a callback that hangs would stall them, and every thread that creates an instrument. So the provider that `init`
//! installs wraps them: they run on another thread, for a limited time.

use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use opentelemetry::metrics::{
    AsyncInstrument, AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder,
    InstrumentBuilder, InstrumentProvider, Meter, MeterProvider, ObservableCounter, ObservableGauge,
    ObservableUpDownCounter, UpDownCounter,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::lock::lock;
use crate::report::report;

/// How long a callback may take. It should only read a value.
const PATIENCE: Duration = Duration::from_secs(1);

/// A meter provider whose observable instruments have guarded callbacks.
#[derive(Debug)]
pub(super) struct Guarded {
    provider: SdkMeterProvider,
    workers: Arc<Workers>,
}

impl Guarded {
    pub(super) fn new(provider: SdkMeterProvider) -> Self {
        Guarded { provider, workers: Arc::default() }
    }
}

impl MeterProvider for Guarded {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let meter = self.provider.meter_with_scope(scope);
        Meter::new(Arc::new(GuardedMeter { meter, workers: self.workers.clone() }))
    }
}

/// A meter whose observable instruments have guarded callbacks. All other instruments are those of the SDK.
struct GuardedMeter {
    meter: Meter,
    workers: Arc<Workers>,
}

/// Instruments that pass through to the SDK.
macro_rules! recorded {
    ($($method:ident: $builder:ident<$instrument:ty>,)*) => {$(
        fn $method(&self, asked: $builder<'_, $instrument>) -> $instrument {
            let mut builder = self.meter.$method(asked.name);
            builder.description = asked.description;
            builder.unit = asked.unit;
            recorded!(@buckets $builder builder asked);
            builder.build()
        }
    )*};
    (@buckets InstrumentBuilder $builder:ident $asked:ident) => {};
    (@buckets HistogramBuilder $builder:ident $asked:ident) => { $builder.boundaries = $asked.boundaries; };
}

/// Instruments whose callbacks are guarded.
macro_rules! observed {
    ($($method:ident: $instrument:ty, $number:ty;)*) => {$(
        fn $method(&self, asked: AsyncInstrumentBuilder<'_, $instrument, $number>) -> $instrument {
            let guarded: Vec<_> = asked
                .callbacks
                .into_iter()
                .map(|callback| Guard::wrap(&asked.name, callback, &self.workers))
                .collect();
            let mut builder = self.meter.$method(asked.name);
            builder.description = asked.description;
            builder.unit = asked.unit;
            builder.callbacks = guarded;
            builder.build()
        }
    )*};
}

impl InstrumentProvider for GuardedMeter {
    recorded! {
        u64_counter: InstrumentBuilder<Counter<u64>>,
        f64_counter: InstrumentBuilder<Counter<f64>>,
        i64_up_down_counter: InstrumentBuilder<UpDownCounter<i64>>,
        f64_up_down_counter: InstrumentBuilder<UpDownCounter<f64>>,
        u64_gauge: InstrumentBuilder<Gauge<u64>>,
        i64_gauge: InstrumentBuilder<Gauge<i64>>,
        f64_gauge: InstrumentBuilder<Gauge<f64>>,
        u64_histogram: HistogramBuilder<Histogram<u64>>,
        f64_histogram: HistogramBuilder<Histogram<f64>>,
    }

    observed! {
        u64_observable_counter: ObservableCounter<u64>, u64;
        f64_observable_counter: ObservableCounter<f64>, f64;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, i64;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, f64;
        u64_observable_gauge: ObservableGauge<u64>, u64;
        i64_observable_gauge: ObservableGauge<i64>, i64;
        f64_observable_gauge: ObservableGauge<f64>, f64;
    }
}

/// A callback that another thread can run.
type Shared<T> = Arc<dyn Fn(&dyn AsyncInstrument<T>) + Send + Sync>;

/// A callback, and what it did so far.
struct Guard<T> {
    metric: String,
    callback: Shared<T>,
    /// Held by the collection that waits for it, because two may run at the same time.
    turn: Mutex<()>,
    /// Whether it has not returned yet.
    is_running: Arc<AtomicBool>,
    has_panicked: AtomicBool,
    has_hung: AtomicBool,
    workers: Arc<Workers>,
}

impl<T: Copy + Send + 'static> Guard<T> {
    fn wrap(metric: &str, callback: Callback<T>, workers: &Arc<Workers>) -> Callback<T> {
        let guard = Guard {
            metric: metric.to_owned(),
            callback: callback.into(),
            turn: Mutex::default(),
            is_running: Arc::default(),
            has_panicked: AtomicBool::new(false),
            has_hung: AtomicBool::new(false),
            workers: workers.clone(),
        };
        Box::new(move |observer| guard.observe(observer))
    }

    fn observe(&self, observer: &dyn AsyncInstrument<T>) {
        let _turn = lock(&self.turn);
        if self.is_running.swap(true, Ordering::Acquire) {
            // It hangs since an earlier collection.
            return;
        }
        match self.call().recv_timeout(PATIENCE) {
            Ok(Some(seen)) => seen.iter().for_each(|(value, key)| observer.observe(*value, key)),
            Ok(None) => self.report_panic(),
            Err(_) => self.report_hang(),
        }
    }

    /// Calls the callback on another thread, and returns where its values arrive; `None` if it panics.
    fn call(&self) -> mpsc::Receiver<Option<Observations<T>>> {
        let (callback, is_running) = (self.callback.clone(), self.is_running.clone());
        let (arrived, values) = mpsc::channel();
        self.workers.run(Box::new(move || {
            let seen = Seen::default();
            let outcome = catch_unwind(AssertUnwindSafe(|| callback(&seen)));
            is_running.store(false, Ordering::Release);
            // Nobody waits any longer for a callback that takes too long.
            let _ = arrived.send(outcome.ok().map(|()| mem::take(&mut *lock(&seen.0))));
        }));
        values
    }

    fn report_panic(&self) {
        if !self.has_panicked.swap(true, Ordering::Relaxed) {
            report(&format_args!(
                "a callback of the metric {:?} panicked: it has no values of that callback until the code is fixed; all \
                 other metrics go on",
                self.metric
            ));
        }
    }

    fn report_hang(&self) {
        if !self.has_hung.swap(true, Ordering::Relaxed) {
            report(&format_args!(
                "a callback of the metric {:?} takes longer than {PATIENCE:?}: it has no values of that callback until it \
                 returns; read the value elsewhere, and let the callback only look it up",
                self.metric
            ));
        }
    }
}

/// What a callback observes.
type Observations<T> = Vec<(T, Vec<KeyValue>)>;

/// Keeps what a callback observes.
struct Seen<T>(Mutex<Observations<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen(Mutex::default())
    }
}

impl<T: Send> AsyncInstrument<T> for Seen<T> {
    fn observe(&self, measurement: T, attributes: &[KeyValue]) {
        lock(&self.0).push((measurement, attributes.to_vec()));
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run callbacks. One is enough unless a callback hangs: the others then run on another.
#[derive(Default)]
struct Workers(Mutex<Vec<mpsc::Sender<Job>>>);

impl Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Workers")
    }
}

impl Workers {
    fn run(self: &Arc<Self>, mut job: Job) {
        while let Some(worker) = self.idle() {
            match worker.send(job) {
                Ok(()) => return,
                Err(mpsc::SendError(back)) => job = back,
            }
        }
        let workers = Arc::downgrade(self);
        let work = move || {
            loop {
                job();
                let (sender, jobs) = mpsc::channel();
                let Some(workers) = workers.upgrade() else { return };
                lock(&workers.0).push(sender);
                drop(workers);
                let Ok(next) = jobs.recv() else { return };
                job = next;
            }
        };
        // Without a thread, the callback counts as one that hangs.
        let _ = thread::Builder::new().name("a2a-otel-callbacks".to_owned()).spawn(work);
    }

    fn idle(&self) -> Option<mpsc::Sender<Job>> {
        lock(&self.0).pop()
    }
}
