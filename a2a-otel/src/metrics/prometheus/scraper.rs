//! Collects metrics for a scrape, which never waits longer than it may.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::metrics::data::ResourceMetrics;

use super::format::{Format, accepts_gzip};
use super::writer::{Complaint, Order, write};
use crate::deadline;
use crate::lock::lock;
use crate::meter::exemplars;
use crate::report::report;

/// Reads what was collected.
pub(crate) type Visit = Box<dyn FnOnce(&ResourceMetrics) + Send>;

/// Collects metrics and shows them to a visit, which it does not call if there are none.
type Source = dyn Fn(Visit) + Send + Sync;

/// How long a scrape takes at most, unless the request says how long it waits: a little less than Prometheus does by
/// default.
const PATIENCE: Duration = Duration::from_millis(9_500);

/// How long a scrape takes at most, whatever the request says: a client does not hold a thread for longer.
pub(crate) const LONGEST_SCRAPE: Duration = Duration::from_secs(120);

/// The part of the time that a request has which is left for the answer's way.
const MARGIN: f64 = 0.05;

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    format: Format,
    gzip: bool,
    patience: Duration,
}

impl Asked {
    /// Reads the headers of a request.
    pub(crate) fn new<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Self {
        let seconds = header("x-prometheus-scrape-timeout-seconds").and_then(|text| text.trim().parse().ok());
        let seconds = seconds.filter(|seconds: &f64| *seconds > 0.0).map(|seconds| seconds * (1.0 - MARGIN));
        let patience = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self {
            format: header("accept").map_or(Format::Text, Format::accepted),
            gzip: COMPRESSES && header("accept-encoding").is_some_and(accepts_gzip),
            patience: patience.unwrap_or(PATIENCE).min(LONGEST_SCRAPE),
        }
    }
}

/// The answer to a scrape.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) format: Format,
    pub(crate) is_compressed: bool,
    pub(crate) body: Body,
}

/// The body of an answer, which answers may share.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Text(Arc<String>),
    #[cfg_attr(not(any(feature = "otlp", feature = "testing")), expect(dead_code, reason = "needs flate2"))]
    Compressed(Vec<u8>),
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Compressed(bytes) => bytes,
        }
    }
}

/// Nothing can be served: nothing was collected yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no metrics were collected")
    }
}

/// Collects metrics for scrapes, one after the other.
#[derive(Clone)]
pub(crate) struct Scraper(Arc<Shared>);

struct Shared {
    source: Box<Source>,
    state: Mutex<State>,
    /// A collection has ended.
    ended: Condvar,
    order: Mutex<Order>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct State {
    /// Whether a collection runs.
    is_collecting: bool,
    /// How many collections have ended.
    ended: u64,
    /// What was collected last, by format.
    texts: [Option<Arc<String>>; Format::ALL.len()],
}

/// What was reported already.
#[derive(Default)]
struct Told {
    complaints: BTreeSet<Complaint>,
    delay: bool,
    failure: bool,
}

impl fmt::Debug for Scraper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scraper").finish_non_exhaustive()
    }
}

impl Scraper {
    pub(crate) fn new(source: impl Fn(Visit) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            source: Box::new(source),
            state: Mutex::default(),
            ended: Condvar::new(),
            order: Mutex::default(),
            told: Mutex::default(),
        }))
    }

    /// Keeps exemplars from now on, because they will be scraped.
    pub(crate) fn keep_exemplars() {
        exemplars::keep();
    }

    /// Collects metrics and returns them as the request asks. If that takes too long, these are the ones that were
    /// collected last.
    pub(crate) fn scrape(&self, asked: Asked) -> Result<Page, Unavailable> {
        let deadline = deadline::after(asked.patience);
        if !self.collect(asked.format, deadline) {
            self.0.report_delay(asked.patience);
        }
        let state = lock(&self.0.state);
        let other = Format::ALL.into_iter().filter(|format| *format != asked.format);
        let mut formats = [asked.format].into_iter().chain(other);
        let found = formats.find_map(|format| Some((format, state.texts[format as usize].clone()?)));
        drop(state);
        let (format, text) = found.ok_or(Unavailable)?;
        Ok(if asked.gzip { compressed(format, text) } else { plain(format, text) })
    }

    /// Returns whether a collection that began after the call has ended before the deadline.
    fn collect(&self, format: Format, deadline: Instant) -> bool {
        let state = lock(&self.0.state);
        let Some(mut state) = self.wait(state, deadline, |state| !state.is_collecting) else { return false };
        let before = state.ended;
        state.is_collecting = true;
        drop(state);
        let shared = Arc::clone(&self.0);
        let collect = move || shared.collect(format);
        // On a thread of its own, because a callback may hang.
        if thread::Builder::new().name("a2a-otel scrape".to_owned()).spawn(collect).is_err() {
            lock(&self.0.state).is_collecting = false;
            return false;
        }
        self.wait(lock(&self.0.state), deadline, |state| state.ended > before).is_some()
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        deadline: Instant,
        is_over: impl Fn(&State) -> bool,
    ) -> Option<MutexGuard<'a, State>> {
        while !is_over(&state) {
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.0.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state)
    }
}

impl Shared {
    fn collect(self: &Arc<Self>, format: Format) {
        let (shared, is_read) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let reads = Arc::clone(&is_read);
        let visit = move |metrics: &ResourceMetrics| {
            reads.store(true, Ordering::Relaxed);
            shared.write(metrics, format);
        };
        let _ = catch_unwind(AssertUnwindSafe(|| (self.source)(Box::new(visit))));
        if !is_read.load(Ordering::Relaxed) && !std::mem::replace(&mut lock(&self.told).failure, true) {
            report(&format_args!(
                "metrics were not collected for a scrape, so that the last ones are served: telemetry has ended, or a callback \
                 of an observable instrument has panicked"
            ));
        }
        let mut state = lock(&self.state);
        state.is_collecting = false;
        state.ended += 1;
        drop(state);
        self.ended.notify_all();
    }

    fn write(&self, metrics: &ResourceMetrics, format: Format) {
        let former = lock(&self.state).texts[format as usize].as_ref().map_or(0, |text| text.len());
        let mut text = String::with_capacity(former + former / 8);
        let complaints = write(metrics, format, &mut lock(&self.order), &mut text);
        lock(&self.state).texts[format as usize] = Some(Arc::new(text));
        let mut told = lock(&self.told);
        told.delay = false;
        let new: Vec<_> =
            complaints.into_iter().filter(|complaint| told.complaints.insert(complaint.clone())).collect();
        // A message may be slow to print.
        drop(told);
        new.iter().for_each(Complaint::report);
    }

    fn report_delay(&self, patience: Duration) {
        if !std::mem::replace(&mut lock(&self.told).delay, true) {
            report(&format_args!(
                "metrics were not collected within {patience:.1?} for a scrape, so that the last ones are served: a callback \
                 of an observable instrument may hang"
            ));
        }
    }
}

impl Complaint {
    fn report(&self) {
        match self {
            Self::Conflict { first, other, name } => report(&format_args!(
                "the metrics {first:?} and {other:?} are both called {name} in Prometheus, but differ in type or unit: only \
                 the first is served; rename one of them"
            )),
            Self::SameLabels { metric } => report(&format_args!(
                "several series of the metric {metric:?} have the same labels in Prometheus: the first is served; use keys \
                 that differ in letters or digits, and one type of values for each"
            )),
            Self::NotACount { metric } => report(&format_args!(
                "the metric {metric:?} has a value that no counter of Prometheus can have, negative or NaN: it is not served; \
                 fix the callback that observes it"
            )),
        }
    }
}

fn plain(format: Format, text: Arc<String>) -> Page {
    Page { format, is_compressed: false, body: Body::Text(text) }
}

/// Whether the enabled features bring the compression.
const COMPRESSES: bool = cfg!(any(feature = "otlp", feature = "testing"));

#[cfg(any(feature = "otlp", feature = "testing"))]
fn compressed(format: Format, text: Arc<String>) -> Page {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    match encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) {
        Ok(bytes) => Page { format, is_compressed: true, body: Body::Compressed(bytes) },
        Err(_) => plain(format, text),
    }
}

#[cfg(not(any(feature = "otlp", feature = "testing")))]
fn compressed(format: Format, text: Arc<String>) -> Page {
    plain(format, text)
}
