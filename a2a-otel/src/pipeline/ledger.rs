//! The books of one exporter, and the state of the link behind it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::Delivery;
use super::health::Condition;
use super::queue::Order;
use crate::lock::lock;
use crate::report::{announce, report};
use crate::semconv::opentelemetry::ERROR_TYPE;

/// Whether an exporter gets its spans through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing was sent yet.
    Unused,
    Working,
    /// The last batch failed, for this reason.
    Failing(String),
}

/// What is sent, as messages call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Spans,
    Annotations,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Spans => "spans",
            Signal::Annotations => "annotations",
        })
    }
}

/// Why a span, or an annotation, is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Loss {
    /// An exporter of the user's failed.
    ExportFailed,
    /// Nobody takes spans.
    NoExporter,
    QueueFull,
    /// It ended after shutdown.
    TooLate,
    /// The receiver will not have it.
    Refused,
    /// The receiver took the others of the batch.
    Rejected,
    /// Time was over, or hope was lost.
    NotSentInTime,
    /// Others needed its place on disk.
    SpoolFull,
    /// It lay on disk for too long.
    SpoolTooOld,
    /// What is on disk is not what was written.
    SpoolDamaged,
}

/// Where a span comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process.
    Here,
    /// An earlier process, which left it on disk.
    Earlier,
}

/// As they read in a [`Delivery`], in the order of the losses.
pub(crate) const LOSSES: [&str; 10] = [
    "export failed",
    "no exporter",
    "queue full",
    "ended after shutdown",
    "refused by the receiver",
    "rejected by the receiver",
    "not sent in time",
    "spool full",
    "spool too old",
    "spool damaged",
];

/// What is said once, until the link works again.
#[derive(Debug, Default)]
struct Said {
    queue_full: AtomicBool,
    refused: AtomicBool,
    rejected: AtomicBool,
    cut: AtomicBool,
    spool_lost: AtomicBool,
}

/// Counts every span of one exporter exactly once, and reports when the link breaks and when it works again.
#[derive(Debug)]
pub(crate) struct Ledger {
    signal: Signal,
    /// Who is sent to, as the user should read it.
    pub(crate) target: String,
    generated: AtomicU64,
    delivered: AtomicU64,
    spooled: AtomicU64,
    /// Spans of earlier processes that were found on disk, and those of them that are delivered.
    recovered: AtomicU64,
    replayed: AtomicU64,
    dropped: [AtomicU64; LOSSES.len()],
    link: Mutex<Link>,
    /// Why spans cannot be written to disk.
    spool_trouble: Mutex<Option<String>>,
    /// Spans in the request under way.
    inflight: AtomicU64,
    /// How long requests take, with whose they are.
    durations: OnceLock<(Histogram<f64>, Vec<KeyValue>)>,
    said: Said,
    closing: AtomicBool,
    ever_worked: AtomicBool,
    absent: AtomicBool,
    absent_while_closing: AtomicBool,
}

impl Ledger {
    pub(crate) fn new(signal: Signal, target: String) -> Self {
        Ledger {
            signal,
            target,
            generated: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            spooled: AtomicU64::new(0),
            recovered: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            dropped: [const { AtomicU64::new(0) }; LOSSES.len()],
            link: Mutex::new(Link::Unused),
            spool_trouble: Mutex::default(),
            inflight: AtomicU64::new(0),
            durations: OnceLock::new(),
            said: Said::default(),
            closing: AtomicBool::new(false),
            ever_worked: AtomicBool::new(false),
            absent: AtomicBool::new(false),
            absent_while_closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn generated(&self) {
        self.generated.fetch_add(1, Ordering::Relaxed);
    }

    /// Spans of this process are lost. Those of an earlier one are not on its books.
    pub(crate) fn lost(&self, origin: Origin, loss: Loss, spans: u64) {
        if origin == Origin::Here {
            self.dropped(loss, spans);
        }
    }

    pub(crate) fn dropped(&self, loss: Loss, spans: u64) {
        self.dropped[loss as usize].fetch_add(spans, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, origin: Origin, spans: u64) {
        let count = match origin {
            Origin::Here => &self.delivered,
            Origin::Earlier => &self.replayed,
        };
        count.fetch_add(spans, Ordering::Relaxed);
        self.ever_worked.store(true, Ordering::Relaxed);
        if let Link::Failing(_) = self.change_to(Link::Working) {
            announce(&format_args!("{} reach {} again", self.signal, self.target));
            self.said.queue_full.store(false, Ordering::Relaxed);
            self.said.refused.store(false, Ordering::Relaxed);
        }
    }

    /// The spans wait until it works.
    pub(crate) fn failing(&self, cause: &str) {
        if !matches!(self.change_to(Link::Failing(cause.to_owned())), Link::Failing(_)) {
            report(&format_args!(
                "cannot send {signal} to {}: {} The agent goes on, {signal} wait until it answers",
                self.target,
                sentence(cause),
                signal = self.signal
            ));
        }
    }

    /// The receiver takes no spans until somebody does something about it.
    pub(crate) fn refused(&self, cause: &str) {
        self.change_to(Link::Failing(cause.to_owned()));
        if first(&self.said.refused) {
            report(&format_args!(
                "cannot send {signal} to {}: {} The agent goes on, {signal} are dropped until that is mended",
                self.target,
                sentence(cause),
                signal = self.signal
            ));
        }
    }

    /// The receiver has no place for what is sent, and never will have.
    pub(crate) fn not_taken(&self, cause: &str) {
        self.change_to(Link::Failing(cause.to_owned()));
        report(&format_args!(
            "{} takes no {signal}, as only Phoenix does: {} From now on {signal} are dropped, spans are sent as before",
            self.target,
            sentence(cause),
            signal = self.signal
        ));
    }

    /// An exporter of the user's could not get rid of them.
    pub(crate) fn export_failed(&self, spans: u64, cause: &str) {
        self.absent();
        self.dropped(Loss::ExportFailed, spans);
        self.refused(cause);
    }

    /// The receiver took a batch but for some spans, which it does not name.
    pub(crate) fn rejected(&self, spans: u64, message: &str) {
        if first(&self.said.rejected) {
            let target = &self.target;
            report(&format_args!("{target} took a batch but for {spans} spans: {}", sentence(message)));
        }
    }

    /// One span is lost, and it is known which one.
    pub(crate) fn refused_one(&self, name: &str, cause: &str) {
        let one = match self.signal {
            Signal::Spans => "span",
            Signal::Annotations => "annotation",
        };
        report(&format_args!("{} does not take the {one} {name}: {}", self.target, sentence(cause)));
    }

    /// Spans are sent without all of their text.
    pub(crate) fn cut(&self, spans: u64, bytes: usize) {
        if first(&self.said.cut) {
            report(&format_args!(
                "{spans} spans for {} were cut to {bytes} bytes; `skip` arguments or set \
                 OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT to choose what is kept",
                self.target
            ));
        }
    }

    pub(crate) fn queue_full(&self) {
        self.dropped(Loss::QueueFull, 1);
        if first(&self.said.queue_full) {
            let advice = match self.signal {
                Signal::Spans => {
                    "; give it more room with A2A_OTEL_QUEUE_BYTES, or a disk with A2A_OTEL_SPOOL_DIR"
                }
                Signal::Annotations => "",
            };
            report(&format_args!(
                "the queue for {} is full, {} are dropped{advice}",
                self.target, self.signal
            ));
        }
    }

    /// Spans were written to disk.
    pub(crate) fn spooled(&self, spans: u64) {
        self.spooled.fetch_add(spans, Ordering::Relaxed);
        if lock(&self.spool_trouble).take().is_some() {
            announce(&format_args!("spans for {} are saved to disk again", self.target));
        }
    }

    /// Spans on disk have been sent, or given up.
    pub(crate) fn unspooled(&self, spans: u64) {
        self.spooled.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Spans were found that an earlier process has left.
    pub(crate) fn recovered(&self, spans: u64) {
        self.recovered.store(spans, Ordering::Relaxed);
    }

    /// Spans on disk are lost.
    pub(crate) fn lost_from_spool(&self, origin: Origin, loss: Loss, spans: u64) {
        if origin == Origin::Here {
            self.unspooled(spans);
            self.dropped(loss, spans);
        }
        if spans > 0 && first(&self.said.spool_lost) {
            report(&format_args!(
                "{spans} spans for {} that were saved to disk are lost: {}; see A2A_OTEL_SPOOL_BYTES",
                self.target, LOSSES[loss as usize]
            ));
        }
    }

    /// Spans cannot be written to disk, and stay in memory.
    pub(crate) fn spool_failed(&self, cause: &std::io::Error) {
        if lock(&self.spool_trouble).replace(cause.to_string()).is_none() {
            report(&format_args!(
                "spans for {} cannot be saved to disk: {cause}. They stay in memory",
                self.target
            ));
        }
    }

    /// From now on, requests are timed.
    #[cfg(feature = "metrics")]
    pub(crate) fn time_requests(&self, durations: Histogram<f64>, component: Vec<KeyValue>) {
        let _ = self.durations.set((durations, component));
    }

    /// Makes a request, with so many spans.
    pub(crate) fn request<A>(
        &self,
        spans: u64,
        request: impl FnOnce() -> A,
        error: fn(&A) -> Option<&'static str>,
    ) -> A {
        self.inflight.store(spans, Ordering::Relaxed);
        let start = Instant::now();
        let answer = request();
        self.inflight.store(0, Ordering::Relaxed);
        if let Some((durations, component)) = self.durations.get() {
            let error = error(&answer).map(|error| KeyValue::new(ERROR_TYPE, error));
            let attributes: Vec<_> = component.iter().cloned().chain(error).collect();
            durations.record(start.elapsed().as_secs_f64(), &attributes);
        }
        answer
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn inflight(&self) -> u64 {
        self.inflight.load(Ordering::Relaxed)
    }

    pub(crate) fn spool_trouble(&self) -> Option<String> {
        lock(&self.spool_trouble).clone()
    }

    /// Nobody waits any longer for what was not sent.
    pub(crate) fn write_off(&self) {
        let waiting = self.delivery().waiting();
        if waiting > 0 {
            self.dropped(Loss::NotSentInTime, waiting);
            let advice = match self.signal {
                Signal::Spans => "; with A2A_OTEL_SPOOL_DIR they would be kept for the next start",
                Signal::Annotations => "",
            };
            report(&format_args!(
                "{waiting} {} for {} were not sent in time and are lost{advice}",
                self.signal, self.target
            ));
        }
    }

    fn change_to(&self, link: Link) -> Link {
        std::mem::replace(&mut *lock(&self.link), link)
    }

    pub(crate) fn condition(&self) -> Condition {
        match &*lock(&self.link) {
            Link::Unused | Link::Working => Condition::Good,
            Link::Failing(cause) => Condition::Failing(cause.clone()),
        }
    }

    /// From now on nobody waits for a receiver that was never there, so that the process can end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Nobody answers.
    pub(crate) fn absent(&self) {
        self.absent.store(true, Ordering::Relaxed);
        self.absent_while_closing.fetch_or(self.closing.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether nobody answers, and never did. A receiver that has worked before may be about to come back.
    pub(crate) fn is_absent(&self) -> bool {
        self.absent.load(Ordering::Relaxed) && !self.ever_worked.load(Ordering::Relaxed)
    }

    /// Whether trying to send would only delay the end of the process.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.absent_while_closing.load(Ordering::Relaxed) && self.is_absent()
    }

    /// How long the receiver may take; nothing where asking it again would only delay the end of the process.
    pub(crate) fn patience(&self, order: Order, longest: Duration) -> Option<Duration> {
        let Order::Close(deadline) = order else { return Some(longest) };
        let left = deadline.saturating_duration_since(Instant::now());
        (!left.is_zero() && !self.is_hopeless()).then(|| left.min(longest))
    }

    pub(crate) fn delivery(&self) -> Delivery {
        // What is generated is read last, so that a span under way counts as waiting and never as one too many.
        let dropped = LOSSES.iter().zip(&self.dropped);
        let dropped = dropped.map(|(reason, spans)| (*reason, spans.load(Ordering::Relaxed)));
        let dropped = dropped.filter(|(_, spans)| *spans > 0).collect();
        let delivered = self.delivered.load(Ordering::Relaxed);
        let generated = self.generated.load(Ordering::Relaxed);
        let [spooled, recovered, replayed] =
            [&self.spooled, &self.recovered, &self.replayed].map(|spans| spans.load(Ordering::Relaxed));
        Delivery { generated, delivered, spooled, dropped, recovered, replayed, ..Delivery::default() }
    }
}

/// Whether it is said for the first time.
fn first(said: &AtomicBool) -> bool {
    !said.swap(true, Ordering::Relaxed)
}

fn sentence(cause: &str) -> String {
    let stop = if cause.ends_with(['?', '.', '!']) { "" } else { "." };
    format!("{cause}{stop}")
}
