//! Figures of the process: CPU, memory, threads, files, disks, and their limits.
//!
//! On Linux, all of them. Other Unixes tell the CPU time, context switches, page faults and the limit of files. On other
//! systems, there are none.

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod linux;
mod sample;
#[cfg(unix)]
mod unix;

use std::thread::available_parallelism;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use self::sample::Sample;
use super::sample::{Share, Shared, observe_float, observe_whole};
use crate::semconv::metrics::process as rows;

/// Adds the figures of this process to a meter: CPU time and utilisation, memory, threads, file descriptors, disk input
/// and output, context switches, page faults, the time since its start, and the limits of memory and of file descriptors.
///
/// [`init`](crate::init) does this with its own meter provider, unless `A2A_OTEL_PERFORMANCE` is `false`. Call it for a
/// meter provider of your own, once for each. [`docs/metrics.md`](crate::guide::metrics) lists the figures, and what other systems than Linux have of them.
///
/// ```
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use a2a_otel::opentelemetry::metrics::MeterProvider as _;
///
/// let provider = SdkMeterProvider::builder().build();
/// a2a_otel::metrics::observe_process(&provider.meter("shop"));
/// ```
///
/// Source: <https://opentelemetry.io/docs/specs/semconv/system/process-metrics/>, version 1.42.
pub fn observe_process(meter: &Meter) {
    let cpus = available_parallelism().map_or(1, std::num::NonZero::get);
    let shared = Shared::new(move |last| take(last, cpus));
    observe_cpu(meter, &shared);
    observe_amounts(meter, &shared);
    observe_counts(meter, &shared);
}

fn take(last: Option<&Sample>, cpus: usize) -> Sample {
    let mut sample = Sample::default();
    #[cfg(unix)]
    unix::fill(&mut sample);
    #[cfg(target_os = "linux")]
    linux::fill(&mut sample);
    let last_share = last.and_then(|last| last.cpu_share.as_ref());
    sample.cpu_share = sample.cpu_time.map(|used| Share::next(last_share, used, cpus));
    sample
}

type SharedSample = std::sync::Arc<Shared<Sample>>;

fn observe_cpu(meter: &Meter, shared: &SharedSample) {
    observe_float(meter, &rows::CPU_TIME, shared, |sample, observe| {
        let seconds = sample.cpu_time.map(|times| times.map(|time| time.as_secs_f64()));
        each(seconds, rows::CPU_MODE, MODES, observe);
    });
    observe_float(meter, &rows::CPU_UTILIZATION, shared, |sample, observe| {
        each(sample.cpu_share.and_then(|share| share.shares), rows::CPU_MODE, MODES, observe);
    });
}

fn observe_amounts(meter: &Meter, shared: &SharedSample) {
    macro_rules! observe {
        ($($row:ident: $field:ident),*) => {$(
            observe_whole(meter, &rows::$row, shared, |sample, observe| {
                sample.$field.into_iter().for_each(|value| observe(value, &[]));
            });
        )*};
    }
    observe!(
        MEMORY_USAGE: memory,
        MEMORY_VIRTUAL: memory_virtual,
        MEMORY_LIMIT: memory_limit,
        MEMORY_VIRTUAL_LIMIT: memory_virtual_limit,
        THREAD_COUNT: threads,
        FILE_DESCRIPTOR_COUNT: files,
        FILE_DESCRIPTOR_LIMIT: files_limit
    );
    observe_float(meter, &rows::UPTIME, shared, |sample, observe| {
        sample.uptime.into_iter().for_each(|seconds| observe(seconds, &[]));
    });
}

fn observe_counts(meter: &Meter, shared: &SharedSample) {
    observe_whole(meter, &rows::DISK_IO, shared, |sample, observe| {
        each(sample.disk, rows::DISK_IO_DIRECTION, ["read", "write"], observe);
    });
    observe_whole(meter, &rows::CONTEXT_SWITCHES, shared, |sample, observe| {
        each(sample.switches, rows::CONTEXT_SWITCH_TYPE, ["voluntary", "involuntary"], observe);
    });
    observe_whole(meter, &rows::PAGING_FAULTS, shared, |sample, observe| {
        each(sample.faults, rows::PAGING_FAULT_TYPE, ["major", "minor"], observe);
    });
}

const MODES: [&str; 2] = ["user", "system"];

fn each<N>(
    values: Option<[N; 2]>,
    key: &'static str,
    labels: [&'static str; 2],
    observe: &mut dyn FnMut(N, &[KeyValue]),
) {
    for (value, label) in values.into_iter().flatten().zip(labels) {
        observe(value, &[KeyValue::new(key, label)]);
    }
}
