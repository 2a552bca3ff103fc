//! The ledger of one exporter: what became of each item, and the state of the connection.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::Delivery;
use super::health::Condition;
use super::queue::Order;
use super::signal::Wording;
use crate::deadline;
use crate::lock::lock;
use crate::report::{announce, report};
use crate::semconv::opentelemetry::ERROR_TYPE;

/// Whether the receiver accepts items.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Connection {
    /// Nothing has been sent yet.
    Unused,
    Working,
    /// The last request failed, for this reason.
    Failing(String),
    /// The receiver does not accept the signal, which it was only offered.
    Declined,
}

/// Why an item is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Loss {
    /// The application's own exporter failed.
    ExportFailed,
    /// There is no exporter.
    NoExporter,
    QueueFull,
    /// It ended after shutdown.
    TooLate,
    /// The receiver refused it.
    Refused,
    /// The receiver rejected it, and accepted other items of the request.
    Rejected,
    /// It was still waiting at the end.
    NotSentInTime,
    /// Newer items needed its space on disk.
    SpoolFull,
    /// It was on disk for too long.
    SpoolTooOld,
    /// Its data on disk is not what was written.
    SpoolDamaged,
    /// Somebody deleted it from the disk.
    SpoolDeleted,
    /// It is larger than a request may be, even when it is cut.
    TooLarge,
    /// A later value contains it, so nothing is lost.
    Replaced,
}

/// Every reason with its name in a [`Delivery`], in the order of the variants.
const LOSSES: [(Loss, &str); 13] = [
    (Loss::ExportFailed, "export failed"),
    (Loss::NoExporter, "no exporter"),
    (Loss::QueueFull, "queue full"),
    (Loss::TooLate, "ended after shutdown"),
    (Loss::Refused, "refused by the receiver"),
    (Loss::Rejected, "rejected by the receiver"),
    (Loss::NotSentInTime, "not sent in time"),
    (Loss::SpoolFull, "spool full"),
    (Loss::SpoolTooOld, "spool too old"),
    (Loss::SpoolDamaged, "spool damaged"),
    (Loss::SpoolDeleted, "spool deleted"),
    (Loss::TooLarge, "too large"),
    (Loss::Replaced, "replaced by a later value"),
];

impl Loss {
    /// The name of the reason in a [`Delivery`].
    pub(crate) fn reason(self) -> &'static str {
        LOSSES[self as usize].1
    }
}

/// Where an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process.
    Here,
    /// An earlier process, which left it on disk.
    Earlier,
}

/// Which messages have been reported. Each is reported once, until the connection works again.
#[derive(Debug, Default)]
struct Reported {
    queue_full: AtomicBool,
    refused: AtomicBool,
    rejected: AtomicBool,
    shortened: AtomicBool,
    spool_lost: [AtomicBool; LOSSES.len()],
}

/// Counts every item of one exporter exactly once, and reports when the connection breaks and when it works again.
#[derive(Debug)]
pub(crate) struct Ledger {
    wording: &'static Wording,
    /// The receiver, as messages name it.
    pub(crate) target: String,
    generated: AtomicU64,
    delivered: AtomicU64,
    spooled: AtomicU64,
    /// Items of earlier processes that were found on disk, and those of them that are delivered.
    recovered: AtomicU64,
    replayed: AtomicU64,
    dropped: [AtomicU64; LOSSES.len()],
    /// Items of earlier processes that are lost.
    recovered_dropped: [AtomicU64; LOSSES.len()],
    connection: Mutex<Connection>,
    /// Why items cannot be written to disk, if they cannot.
    spool_trouble: Mutex<Option<String>>,
    /// Items in the current request.
    inflight: AtomicU64,
    /// The histogram of request durations, with the attributes that name the exporter.
    durations: OnceLock<(Histogram<f64>, Vec<KeyValue>)>,
    reported: Reported,
    closing: AtomicBool,
    ever_worked: AtomicBool,
    absent: AtomicBool,
    absent_while_closing: AtomicBool,
}

impl Ledger {
    pub(crate) fn new(wording: &'static Wording, target: String) -> Self {
        Ledger {
            wording,
            target,
            generated: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            spooled: AtomicU64::new(0),
            recovered: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            dropped: [const { AtomicU64::new(0) }; LOSSES.len()],
            recovered_dropped: [const { AtomicU64::new(0) }; LOSSES.len()],
            connection: Mutex::new(Connection::Unused),
            spool_trouble: Mutex::default(),
            inflight: AtomicU64::new(0),
            durations: OnceLock::new(),
            reported: Reported::default(),
            closing: AtomicBool::new(false),
            ever_worked: AtomicBool::new(false),
            absent: AtomicBool::new(false),
            absent_while_closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn generated(&self) {
        self.generate(1);
    }

    pub(crate) fn generate(&self, items: u64) {
        self.generated.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, loss: Loss, items: u64) {
        self.dropped[loss as usize].fetch_add(items, Ordering::Relaxed);
    }

    /// Counts lost items. Those of an earlier process are counted apart.
    pub(crate) fn lost(&self, origin: Origin, loss: Loss, items: u64) {
        match origin {
            Origin::Here => self.dropped(loss, items),
            Origin::Earlier => {
                self.recovered_dropped[loss as usize].fetch_add(items, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn delivered(&self, origin: Origin, items: u64) {
        let count = match origin {
            Origin::Here => &self.delivered,
            Origin::Earlier => &self.replayed,
        };
        count.fetch_add(items, Ordering::Relaxed);
        self.ever_worked.store(true, Ordering::Relaxed);
        if let Connection::Failing(_) = self.change_to(Connection::Working) {
            announce(&format_args!("{} reach {} again", self.wording.many, self.target));
            self.reported.queue_full.store(false, Ordering::Relaxed);
            self.reported.refused.store(false, Ordering::Relaxed);
        }
    }

    /// Records that a request failed, and its items wait to be sent again.
    pub(crate) fn failing(&self, cause: &str) {
        if !matches!(self.change_to(Connection::Failing(cause.to_owned())), Connection::Failing(_)) {
            self.report_failure(cause, "wait until the receiver answers");
        }
    }

    /// Records that the receiver refuses items until somebody fixes the cause.
    pub(crate) fn refused(&self, cause: &str) {
        self.change_to(Connection::Failing(cause.to_owned()));
        if is_first(&self.reported.refused) {
            self.report_failure(cause, "are dropped until that is fixed");
        }
    }

    fn report_failure(&self, cause: &str, consequence: &str) {
        let (many, target, cause) = (self.wording.many, &self.target, sentence(cause));
        report(&format_args!(
            "cannot send {many} to {target}: {cause} The agent continues; {many} {consequence}"
        ));
    }

    /// Records that the receiver does not know the path of the signal. Returns true if this is final, because few
    /// receivers accept the signal, or nobody asked for it.
    pub(crate) fn unknown(&self, cause: &str) -> bool {
        let Wording { only_taken_by, is_offered, many, .. } = self.wording;
        let target = &self.target;
        if *is_offered {
            self.change_to(Connection::Declined);
            report(&format_args!(
                "{target} does not accept {many}, as Phoenix does not: {} From now on, {many} are dropped; everything else \
                 is still sent",
                sentence(cause)
            ));
            return true;
        }
        let Some(taker) = only_taken_by else {
            self.refused(cause);
            return false;
        };
        self.change_to(Connection::Failing(cause.to_owned()));
        report(&format_args!(
            "{target} does not accept {many}, only {taker} does: {} From now on, {many} are dropped; everything else is \
             still sent",
            sentence(cause)
        ));
        true
    }

    /// Records that the application's own exporter failed.
    pub(crate) fn export_failed(&self, cause: &str) {
        self.absent();
        self.refused(cause);
    }

    /// Records that the receiver rejected items of a request without naming them.
    pub(crate) fn rejected(&self, items: u64, message: &str) {
        if is_first(&self.reported.rejected) {
            let (counted, target, message) = (self.wording.counted, &self.target, sentence(message));
            report(&format_args!("{target} rejected {items} {counted} of a batch: {message}"));
        }
    }

    /// Reports which item was refused.
    pub(crate) fn refused_one(&self, name: &str, cause: &str) {
        let (one, target, cause) = (self.wording.one, &self.target, sentence(cause));
        report(&format_args!("{target} does not accept the {one} {name}: {cause} It is dropped"));
    }

    /// Records that items are sent with shortened texts.
    pub(crate) fn shortened(&self, items: u64, bytes: usize) {
        if is_first(&self.reported.shortened) {
            let (many, target) = (self.wording.many, &self.target);
            report(&format_args!(
                "{items} {many} for {target} were shortened to {bytes} bytes; to choose what is kept, `skip` arguments or \
                 set OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"
            ));
        }
    }

    /// Counts an item that cannot be cut to the size of a request, and reports which one it is.
    pub(crate) fn too_large(&self, name: &str, bytes: usize) {
        self.dropped(Loss::TooLarge, 1);
        let (one, target) = (self.wording.one, &self.target);
        report(&format_args!(
            "the {one} {name} for {target} takes more than {bytes} bytes even when it is cut, and is dropped; record less \
             in it"
        ));
    }

    pub(crate) fn queue_full(&self, items: u64) {
        self.dropped(Loss::QueueFull, items);
        if is_first(&self.reported.queue_full) {
            let Wording { many, when_full, .. } = self.wording;
            report(&format_args!("the queue for {} is full, so {many} are dropped{when_full}", self.target));
        }
    }

    /// Counts items that were written to disk.
    pub(crate) fn spooled(&self, items: u64) {
        self.spooled.fetch_add(items, Ordering::Relaxed);
        if lock(&self.spool_trouble).take().is_some() {
            announce(&format_args!("{} for {} are saved to disk again", self.wording.many, self.target));
        }
    }

    /// Counts items on disk that were sent or given up.
    pub(crate) fn unspooled(&self, items: u64) {
        self.spooled.fetch_sub(items, Ordering::Relaxed);
    }

    /// Counts items of an earlier process that were found on disk.
    pub(crate) fn recovered(&self, items: u64) {
        self.recovered.fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items on disk that are lost.
    pub(crate) fn lost_from_spool(&self, origin: Origin, loss: Loss, items: u64) {
        if origin == Origin::Here {
            self.unspooled(items);
        }
        self.lost(origin, loss, items);
        if items > 0 && is_first(&self.reported.spool_lost[loss as usize]) {
            let (many, target, reason) = (self.wording.many, &self.target, loss.reason());
            let advice = if loss == Loss::SpoolFull { "; see A2A_OTEL_SPOOL_BYTES" } else { "" };
            report(&format_args!(
                "{items} {many} for {target} that were saved to disk are lost: {reason}{advice}"
            ));
        }
    }

    /// Takes back that items on disk are lost, because they are still in memory.
    pub(crate) fn found_again(&self, loss: Loss, items: u64) {
        self.dropped[loss as usize].fetch_sub(items, Ordering::Relaxed);
    }

    /// Records that items cannot be written to disk, and stay in memory.
    pub(crate) fn spool_failed(&self, cause: &std::io::Error) {
        if lock(&self.spool_trouble).replace(cause.to_string()).is_none() {
            report(&format_args!(
                "{} for {} cannot be saved to disk: {cause}. They stay in memory",
                self.wording.many, self.target
            ));
        }
    }

    /// Records the duration of requests from now on.
    #[cfg(feature = "metrics")]
    pub(crate) fn time_requests(&self, durations: Histogram<f64>, component: Vec<KeyValue>) {
        let _ = self.durations.set((durations, component));
    }

    /// Sends a request with this many items.
    pub(crate) fn request<A>(
        &self,
        items: u64,
        request: impl FnOnce() -> A,
        error: fn(&A) -> Option<&'static str>,
    ) -> A {
        self.inflight.store(items, Ordering::Relaxed);
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

    /// Counts everything that still waits as lost, because no caller waits for it any longer.
    pub(crate) fn write_off(&self) {
        let waiting = self.delivery().waiting();
        if waiting > 0 {
            self.dropped(Loss::NotSentInTime, waiting);
            let Wording { counted, when_late, .. } = self.wording;
            report(&format_args!(
                "{waiting} {counted} for {} were not sent in time and are lost{when_late}",
                self.target
            ));
        }
    }

    fn change_to(&self, connection: Connection) -> Connection {
        std::mem::replace(&mut *lock(&self.connection), connection)
    }

    pub(crate) fn condition(&self) -> Condition {
        match &*lock(&self.connection) {
            Connection::Unused | Connection::Working => Condition::Good,
            Connection::Declined => Condition::Disabled,
            Connection::Failing(cause) => Condition::Failing(cause.clone()),
        }
    }

    /// Stops waiting for a receiver that never answered, so that the process can end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Records that nothing answers at the address.
    pub(crate) fn absent(&self) {
        self.absent.store(true, Ordering::Relaxed);
        self.absent_while_closing.fetch_or(self.closing.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether nothing answers now, and nothing ever did. A receiver that has worked before may return soon.
    pub(crate) fn is_absent(&self) -> bool {
        self.absent.load(Ordering::Relaxed) && !self.ever_worked.load(Ordering::Relaxed)
    }

    /// Whether trying to send would only delay the end of the process.
    fn is_hopeless(&self) -> bool {
        self.absent_while_closing.load(Ordering::Relaxed) && self.is_absent()
    }

    /// How long the receiver may take. `None` if sending would only delay the end of the process.
    pub(crate) fn patience(&self, order: Order, longest: Duration) -> Option<Duration> {
        let Order::Close(deadline) = order else { return Some(longest) };
        let left = deadline::left(deadline);
        (!left.is_zero() && !self.is_hopeless()).then(|| left.min(longest))
    }

    pub(crate) fn delivery(&self) -> Delivery {
        // Read `generated` last, so that an item in transit counts as waiting, and the parts never exceed the total.
        let dropped = by_reason(&self.dropped);
        let recovered_dropped = by_reason(&self.recovered_dropped);
        let delivered = self.delivered.load(Ordering::Relaxed);
        let generated = self.generated.load(Ordering::Relaxed);
        let [spooled, recovered, replayed] =
            [&self.spooled, &self.recovered, &self.replayed].map(|items| items.load(Ordering::Relaxed));
        Delivery {
            generated,
            delivered,
            spooled,
            dropped,
            recovered,
            replayed,
            recovered_dropped,
            ..Delivery::default()
        }
    }
}

fn by_reason(lost: &[AtomicU64; LOSSES.len()]) -> BTreeMap<&'static str, u64> {
    let lost = LOSSES.iter().zip(lost);
    let lost = lost.map(|((_, reason), items)| (*reason, items.load(Ordering::Relaxed)));
    lost.filter(|(_, items)| *items > 0).collect()
}

/// Whether a message has not been reported yet; marks it as reported.
fn is_first(reported: &AtomicBool) -> bool {
    !reported.swap(true, Ordering::Relaxed)
}

fn sentence(cause: &str) -> String {
    let stop = if cause.ends_with(['?', '.', '!']) { "" } else { "." };
    format!("{cause}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_stand_in_the_order_of_the_variants() {
        for (index, (loss, reason)) in LOSSES.into_iter().enumerate() {
            assert_eq!((loss as usize, loss.reason()), (index, reason));
        }
    }
}
