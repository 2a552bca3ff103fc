//! The books of one exporter, and the state of the link behind it.

use std::collections::BTreeMap;
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

/// Counts every span of one exporter exactly once, and reports when the link breaks and when it works again.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Who is sent to, as the user should read it.
    pub(crate) target: String,
    generated: AtomicU64,
    delivered: AtomicU64,
    /// Spans that were generated where no exporter takes them.
    uncollected: AtomicU64,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
    link: Mutex<Link>,
    closing: AtomicBool,
    failed_while_closing: AtomicBool,
}

impl Ledger {
    pub(crate) fn new(target: String) -> Self {
        Ledger {
            target,
            generated: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            uncollected: AtomicU64::new(0),
            dropped: Mutex::default(),
            link: Mutex::new(Link::Unused),
            closing: AtomicBool::new(false),
            failed_while_closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn generated(&self) {
        self.generated.fetch_add(1, Ordering::Relaxed);
    }

    /// A span was generated, and dropped for want of an exporter.
    pub(crate) fn uncollected(&self) {
        self.uncollected.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, reason: &'static str, spans: u64) {
        *lock(&self.dropped).entry(reason).or_default() += spans;
    }

    pub(crate) fn delivered(&self, spans: u64) {
        self.delivered.fetch_add(spans, Ordering::Relaxed);
        let before = std::mem::replace(&mut *lock(&self.link), Link::Working);
        if matches!(before, Link::Failing(_)) {
            announce(&format_args!("spans reach {} again", self.target));
        }
    }

    pub(crate) fn failed(&self, spans: u64, cause: &str) {
        self.dropped("export failed", spans);
        self.failed_while_closing.fetch_or(self.closing.load(Ordering::Relaxed), Ordering::Relaxed);
        let before = std::mem::replace(&mut *lock(&self.link), Link::Failing(cause.to_owned()));
        if !matches!(before, Link::Failing(_)) {
            let stop = if cause.ends_with('?') { "" } else { "." };
            report(&format_args!(
                "cannot send spans to {}: {cause}{stop} The agent goes on, spans are dropped until it answers",
                self.target
            ));
        }
    }

    pub(crate) fn link(&self) -> Link {
        lock(&self.link).clone()
    }

    /// From now on one failure is enough to give up, so that the process can end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether trying to send would only delay the end of the process.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.failed_while_closing.load(Ordering::Relaxed)
    }

    pub(crate) fn delivery(&self) -> Delivery {
        // What is generated is read last, so that a span under way counts as waiting and never as one too many.
        let mut dropped = lock(&self.dropped).clone();
        let delivered = self.delivered.load(Ordering::Relaxed);
        let uncollected = self.uncollected.load(Ordering::Relaxed);
        if uncollected > 0 {
            dropped.insert("no exporter", uncollected);
        }
        let generated = self.generated.load(Ordering::Relaxed) + uncollected;
        Delivery { dropped, delivered, spooled: 0, generated }
    }
}
