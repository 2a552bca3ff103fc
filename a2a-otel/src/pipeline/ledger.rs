//! The books of one exporter, and the state of the link behind it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Delivery;
use crate::lock::lock;
use crate::telemetry::{announce, report};

/// Whether an exporter gets its spans through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing was sent yet.
    Unused,
    Working,
    /// The last batch failed, for this reason.
    Failing(String),
}

/// Why a span is lost.
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
}

/// As they read in a [`Delivery`], in the order of the losses.
const LOSSES: [&str; 7] = [
    "export failed",
    "no exporter",
    "queue full",
    "ended after shutdown",
    "refused by the receiver",
    "rejected by the receiver",
    "not sent in time",
];

/// What is said once, until the link works again.
#[derive(Debug, Default)]
struct Said {
    queue_full: AtomicBool,
    refused: AtomicBool,
    rejected: AtomicBool,
    cut: AtomicBool,
}

/// Counts every span of one exporter exactly once, and reports when the link breaks and when it works again.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Who is sent to, as the user should read it.
    pub(crate) target: String,
    generated: AtomicU64,
    delivered: AtomicU64,
    dropped: [AtomicU64; LOSSES.len()],
    link: Mutex<Link>,
    said: Said,
    closing: AtomicBool,
    ever_worked: AtomicBool,
    absent: AtomicBool,
    absent_while_closing: AtomicBool,
}

impl Ledger {
    pub(crate) fn new(target: String) -> Self {
        Ledger {
            target,
            generated: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            dropped: [const { AtomicU64::new(0) }; LOSSES.len()],
            link: Mutex::new(Link::Unused),
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

    pub(crate) fn dropped(&self, loss: Loss, spans: u64) {
        self.dropped[loss as usize].fetch_add(spans, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, spans: u64) {
        self.delivered.fetch_add(spans, Ordering::Relaxed);
        self.ever_worked.store(true, Ordering::Relaxed);
        if let Link::Failing(_) = self.change_to(Link::Working) {
            announce(&format_args!("spans reach {} again", self.target));
            self.said.queue_full.store(false, Ordering::Relaxed);
            self.said.refused.store(false, Ordering::Relaxed);
        }
    }

    /// The spans wait until it works.
    pub(crate) fn failing(&self, cause: &str) {
        if !matches!(self.change_to(Link::Failing(cause.to_owned())), Link::Failing(_)) {
            report(&format_args!(
                "cannot send spans to {}: {} The agent goes on, spans wait until it answers",
                self.target,
                sentence(cause)
            ));
        }
    }

    /// The spans are lost, and those that come will be until somebody does something about it.
    pub(crate) fn refused(&self, spans: u64, cause: &str) {
        self.lost(Loss::Refused, spans, cause, &self.said.refused);
    }

    /// An exporter of the user's could not get rid of them.
    pub(crate) fn export_failed(&self, spans: u64, cause: &str) {
        self.absent();
        self.lost(Loss::ExportFailed, spans, cause, &self.said.refused);
    }

    fn lost(&self, loss: Loss, spans: u64, cause: &str, said: &AtomicBool) {
        self.dropped(loss, spans);
        self.change_to(Link::Failing(cause.to_owned()));
        if first(said) {
            report(&format_args!(
                "cannot send spans to {}: {} The agent goes on, spans are dropped until that is mended",
                self.target,
                sentence(cause)
            ));
        }
    }

    /// The receiver took a batch but for some spans, which it does not name.
    pub(crate) fn rejected(&self, spans: u64, message: &str) {
        self.dropped(Loss::Rejected, spans);
        if first(&self.said.rejected) {
            let target = &self.target;
            report(&format_args!("{target} took a batch but for {spans} spans: {}", sentence(message)));
        }
    }

    /// One span is lost, and it is known which one.
    pub(crate) fn lost_one(&self, loss: Loss, name: &str, cause: &str) {
        self.dropped(loss, 1);
        report(&format_args!("{} does not take the span {name}: {}", self.target, sentence(cause)));
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
            report(&format_args!(
                "the queue for {} is full, spans are dropped; give it more room with A2A_OTEL_QUEUE_BYTES, or a \
                 disk with A2A_OTEL_SPOOL_DIR",
                self.target
            ));
        }
    }

    /// Nobody waits any longer for what was not sent.
    pub(crate) fn write_off(&self) {
        let waiting = self.delivery().waiting();
        if waiting > 0 {
            self.dropped(Loss::NotSentInTime, waiting);
            report(&format_args!(
                "{waiting} spans for {} were not sent in time and are lost; with A2A_OTEL_SPOOL_DIR they would be \
                 kept for the next start",
                self.target
            ));
        }
    }

    fn change_to(&self, link: Link) -> Link {
        std::mem::replace(&mut *lock(&self.link), link)
    }

    pub(crate) fn link(&self) -> Link {
        lock(&self.link).clone()
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

    pub(crate) fn delivery(&self) -> Delivery {
        // What is generated is read last, so that a span under way counts as waiting and never as one too many.
        let dropped = LOSSES.iter().zip(&self.dropped);
        let dropped = dropped.map(|(reason, spans)| (*reason, spans.load(Ordering::Relaxed)));
        let dropped = dropped.filter(|(_, spans)| *spans > 0).collect();
        let delivered = self.delivered.load(Ordering::Relaxed);
        let generated = self.generated.load(Ordering::Relaxed);
        Delivery { dropped, delivered, spooled: 0, generated }
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
