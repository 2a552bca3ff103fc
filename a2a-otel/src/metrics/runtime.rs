//! Figures of a tokio runtime.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use tokio::runtime::{Handle, RuntimeMetrics};

use super::sample::{Share, Shared, observe_float, observe_whole};
use super::stalls::{Stalls, watch};
use crate::semconv::metrics::process as rows;

/// What is known about a runtime at one time.
struct Sample {
    name: KeyValue,
    workers: u64,
    queue: u64,
    tasks: u64,
    each: Vec<Worker>,
    busy_share: Share<1>,
    stalls: u64,
    stall_time: Duration,
}

/// A worker of a runtime.
struct Worker {
    labels: [KeyValue; 2],
    parks: u64,
    busy: Duration,
}

impl Sample {
    fn take(last: Option<&Self>, name: &KeyValue, metrics: &RuntimeMetrics, stalls: Option<&Stalls>) -> Self {
        let workers = metrics.num_workers();
        let each: Vec<_> = (0..workers).map(|index| Worker::look(index, name, metrics)).collect();
        let busy = each.iter().map(|worker| worker.busy).sum();
        Self {
            name: name.clone(),
            workers: workers as u64,
            queue: metrics.global_queue_depth() as u64,
            tasks: metrics.num_alive_tasks() as u64,
            each,
            busy_share: Share::next(last.map(|last| &last.busy_share), [busy], workers),
            stalls: stalls.map_or(0, Stalls::count),
            stall_time: stalls.map(Stalls::time).unwrap_or_default(),
        }
    }
}

impl Worker {
    fn look(index: usize, name: &KeyValue, metrics: &RuntimeMetrics) -> Self {
        let number = i64::try_from(index).unwrap_or(i64::MAX);
        Self {
            labels: [name.clone(), KeyValue::new(rows::WORKER_INDEX, number)],
            parks: metrics.worker_park_count(index),
            busy: metrics.worker_total_busy_duration(index),
        }
    }
}

/// Adds the figures of a tokio runtime to a meter: its workers and how busy they are, its tasks, its queue, and whether
/// it is blocked. `name` is the label `tokio.runtime.name`, which tells runtimes apart.
///
/// [`init`](crate::init) does this with its own meter provider for the runtime in which it is called, under the name
/// `main`, unless `A2A_OTEL_PERFORMANCE` is `false`. Call it for other runtimes, and for a meter provider of your own, once
/// for each.
///
/// A thread gives the runtime a small task every 250 ms. If no worker takes it for a second, the runtime counts as blocked,
/// which is reported. A `current_thread` runtime that nobody drives, between two calls of `block_on`, looks
/// the same: do not add such a runtime.
///
/// ```
/// use a2a_otel::metrics::observe_runtime;
/// use a2a_otel::opentelemetry::global;
///
/// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
/// observe_runtime(&global::meter("shop"), "imports", runtime.handle());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn observe_runtime(meter: &Meter, name: impl Into<String>, runtime: &Handle) {
    let name = name.into();
    let (stalls, metrics) = (watch(&name, runtime), runtime.metrics());
    let name = KeyValue::new(rows::RUNTIME_NAME, name);
    let shared = Shared::new(move |last| Sample::take(last, &name, &metrics, stalls.as_deref()));
    observe_whole_runtime(meter, &shared);
    observe_workers(meter, &shared);
}

fn observe_whole_runtime(meter: &Meter, shared: &Arc<Shared<Sample>>) {
    macro_rules! observe {
        ($($row:ident: $field:ident),*) => {$(
            observe_whole(meter, &rows::$row, shared, |sample, observe| {
                observe(sample.$field, std::slice::from_ref(&sample.name));
            });
        )*};
    }
    observe!(WORKERS: workers, GLOBAL_QUEUE_DEPTH: queue, ALIVE_TASKS: tasks, STALLS: stalls);
    observe_float(meter, &rows::STALL_TIME, shared, |sample, observe| {
        observe(sample.stall_time.as_secs_f64(), std::slice::from_ref(&sample.name));
    });
    observe_float(meter, &rows::BUSY_RATIO, shared, |sample, observe| {
        for share in sample.busy_share.shares.into_iter().flatten() {
            observe(share, std::slice::from_ref(&sample.name));
        }
    });
}

fn observe_workers(meter: &Meter, shared: &Arc<Shared<Sample>>) {
    observe_whole(meter, &rows::WORKER_PARK_COUNT, shared, |sample, observe| {
        sample.each.iter().for_each(|worker| observe(worker.parks, &worker.labels));
    });
    observe_whole(meter, &rows::WORKER_BUSY_DURATION, shared, |sample, observe| {
        let milliseconds = |busy: Duration| u64::try_from(busy.as_millis()).unwrap_or(u64::MAX);
        sample.each.iter().for_each(|worker| observe(milliseconds(worker.busy), &worker.labels));
    });
}
