//! Where metrics go by themselves: at each interval, on request, and at the end.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};

use super::collect::Collector;
use super::reader::MetricsSnapshot;
use crate::deadline;
use crate::lock::lock;
use crate::pipeline::metrics::Pusher;
use crate::report::report;
use crate::semconv::opentelemetry::METRIC_OVERFLOW;
use crate::settings::{MetricsExporter, Settings};

/// Everything that gets metrics without asking.
#[derive(Debug)]
pub(super) struct Exports {
    values: Collector,
    /// What has changed since the last export, if the receiver wants that.
    changes: Option<Collector>,
    pub(super) pusher: Option<Pusher>,
    /// The title of the table that is printed, if one is.
    title: Option<String>,
    interval: Duration,
    timeout: Duration,
    overflows: Overflows,
    /// Exports come one after the other.
    exporting: Mutex<()>,
}

impl Exports {
    /// Exports to nobody.
    pub(super) fn none(values: Collector, limit: usize) -> Self {
        let overflows = Overflows { limit, reported: Mutex::default() };
        let minute = Duration::from_secs(60);
        Exports {
            values,
            changes: None,
            pusher: None,
            title: None,
            interval: minute,
            timeout: minute,
            overflows,
            exporting: Mutex::default(),
        }
    }

    pub(super) fn new(
        values: Collector,
        changes: Option<Collector>,
        settings: &Settings,
        pusher: Option<Pusher>,
    ) -> Self {
        let is_printed = settings.metrics.exporters.contains(&MetricsExporter::Console);
        Exports {
            changes,
            pusher,
            title: is_printed.then(|| format!("metrics of {}", settings.service_name)),
            interval: settings.metrics.interval,
            timeout: settings.metrics.timeout,
            ..Self::none(values, settings.cardinality_limit)
        }
    }

    /// Whether anything is sent or printed.
    pub(super) fn has_takers(&self) -> bool {
        self.pusher.is_some() || self.title.is_some()
    }

    /// Exports at each interval until the sender is dropped.
    pub(super) fn start(self: &Arc<Self>) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel();
        let exports = self.clone();
        let run = move || {
            let mut due = deadline::after(exports.interval);
            while ended.recv_timeout(deadline::left(due)) == Err(mpsc::RecvTimeoutError::Timeout) {
                exports.export(exports.timeout);
                due = deadline::later(due, exports.interval).max(Instant::now());
            }
        };
        // Without a thread, metrics are exported on request and at the end.
        let _ = thread::Builder::new().name("a2a-otel-metrics".to_owned()).spawn(run);
        end
    }

    /// Collects and exports. A receiver's answer is not waited for.
    pub(super) fn export(&self, timeout: Duration) {
        let _one_at_a_time = lock(&self.exporting);
        let deadline = deadline::after(timeout);
        if let Some(collected) = self.values.collect(timeout) {
            self.overflows.report(&collected);
            self.print(&collected);
            if self.changes.is_none() {
                self.push(&collected);
            }
        }
        if let Some(changes) = &self.changes {
            let left = deadline::left(deadline);
            changes.take(left).iter().for_each(|collected| self.push(collected));
        }
    }

    fn push(&self, collected: &ResourceMetrics) {
        self.pusher.iter().for_each(|pusher| pusher.push(collected));
    }

    fn print(&self, collected: &ResourceMetrics) {
        if let Some(title) = &self.title {
            // Standard output may be closed, which must not disturb the agent.
            let _ = writeln!(io::stdout(), "{title}\n{}", MetricsSnapshot::of(collected));
        }
    }

    /// Reports metrics that have reached the limit of different sets of attributes.
    pub(super) fn report_overflows(&self, collected: &ResourceMetrics) {
        self.overflows.report(collected);
    }
}

/// The metrics that have exceeded the limit, which was reported.
struct Overflows {
    limit: usize,
    reported: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Overflows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overflows").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Overflows {
    fn report(&self, collected: &ResourceMetrics) {
        let metrics = collected.scope_metrics().flat_map(ScopeMetrics::metrics);
        let overflowed = metrics.filter(|metric| overflows(metric)).map(Metric::name);
        let is_new = |name: &&str| lock(&self.reported).insert((*name).to_owned());
        // A message may be slow to print, so nothing is locked then.
        for name in overflowed.filter(is_new) {
            let limit = self.limit;
            report(&format_args!(
                "the metric {name:?} has more than {limit} different sets of attributes: further ones are counted together, \
                 with the attribute {METRIC_OVERFLOW}; use attributes with fewer different values, or raise \
                 A2A_OTEL_CARDINALITY_LIMIT"
            ));
        }
    }
}

fn overflows(metric: &Metric) -> bool {
    match metric.data() {
        AggregatedMetrics::F64(data) => has_overflow(data),
        AggregatedMetrics::U64(data) => has_overflow(data),
        AggregatedMetrics::I64(data) => has_overflow(data),
    }
}

fn has_overflow<T: Copy>(data: &MetricData<T>) -> bool {
    let is_overflow = |attribute: &opentelemetry::KeyValue| attribute.key.as_str() == METRIC_OVERFLOW;
    match data {
        MetricData::Gauge(data) => data.data_points().any(|it| it.attributes().any(is_overflow)),
        MetricData::Sum(data) => data.data_points().any(|it| it.attributes().any(is_overflow)),
        MetricData::Histogram(data) => data.data_points().any(|it| it.attributes().any(is_overflow)),
        MetricData::ExponentialHistogram(data) => {
            data.data_points().any(|it| it.attributes().any(is_overflow))
        }
    }
}
