//! The ledger of one exporter: what became of each item, and the state of the connection.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::Delivery;
use super::health::{Condition, Losses};
use super::losses::RecentLosses;
use super::signal::Wording;
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
    /// It had not ended when telemetry did.
    StillOpen,
    /// The code of the pipeline panicked while it had the item.
    Panicked,
}

/// Every reason with its name in a [`Delivery`], in the order of the variants.
const LOSSES: [(Loss, &str); 15] = [
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
    (Loss::StillOpen, "still open at shutdown"),
    (Loss::Panicked, "a thread of the pipeline panicked"),
];

impl Loss {
    /// The name of the reason in a [`Delivery`].
    pub(crate) fn reason(self) -> &'static str {
        LOSSES[self as usize].1
    }

    /// Whether something is wrong if items are lost like this.
    fn is_fault(self) -> bool {
        !matches!(self, Loss::NoExporter | Loss::Replaced)
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
    refused_one: AtomicBool,
    rejected: AtomicBool,
    shortened: AtomicBool,
    spool_lost: [AtomicBool; LOSSES.len()],
}

/// What became of the items that the queue took. One lock guards all of it, so that it is balanced whenever it is read.
#[derive(Debug, Default)]
struct Account {
    delivered: u64,
    spooled: u64,
    /// Items of earlier processes that were found on disk, and what became of them.
    recovered: u64,
    replayed: u64,
    recovered_dropped: [u64; LOSSES.len()],
    dropped: [u64; LOSSES.len()],
    /// How many items the queue had taken when the account was closed. Nothing is counted from then on.
    closed_at: Option<u64>,
}

impl Account {
    /// The items of this process whose fate is known.
    fn settled(&self) -> u64 {
        self.delivered + self.spooled + self.dropped.iter().sum::<u64>()
    }

    /// Counts items that are on disk no longer.
    fn leave_disk(&mut self, of: Whereabouts, items: u64) {
        if of == (Whereabouts { origin: Origin::Here, is_on_disk: true }) {
            debug_assert!(self.spooled >= items, "{items} of {self:?}");
            self.spooled = self.spooled.saturating_sub(items);
        }
    }

    fn dropped_of(&mut self, origin: Origin) -> &mut [u64; LOSSES.len()] {
        match origin {
            Origin::Here => &mut self.dropped,
            Origin::Earlier => &mut self.recovered_dropped,
        }
    }
}

/// Where items are, and whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    pub(crate) origin: Origin,
    pub(crate) is_on_disk: bool,
}

/// Counts every item of one exporter exactly once, and reports when the connection breaks and when it works again.
#[derive(Debug)]
pub(crate) struct Ledger {
    wording: &'static Wording,
    /// The receiver, as messages name it.
    pub(crate) target: String,
    /// Items that the queue took.
    entered: AtomicU64,
    /// Items that were lost without entering the queue. Each is also one that was generated.
    turned_away: [AtomicU64; LOSSES.len()],
    account: Mutex<Account>,
    losses: Mutex<RecentLosses>,
    /// How often a thread was started anew after a panic.
    restarts: AtomicU64,
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
    /// Whether the receiver refuses everything until somebody fixes the cause.
    refusing: AtomicBool,
    /// Whether it was so when a request was answered after the end had begun.
    hopeless_while_closing: AtomicBool,
}

impl Ledger {
    pub(crate) fn new(wording: &'static Wording, target: String) -> Self {
        Ledger {
            wording,
            target,
            entered: AtomicU64::new(0),
            turned_away: [const { AtomicU64::new(0) }; LOSSES.len()],
            account: Mutex::default(),
            losses: Mutex::default(),
            restarts: AtomicU64::new(0),
            connection: Mutex::new(Connection::Unused),
            spool_trouble: Mutex::default(),
            inflight: AtomicU64::new(0),
            durations: OnceLock::new(),
            reported: Reported::default(),
            closing: AtomicBool::new(false),
            ever_worked: AtomicBool::new(false),
            absent: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            hopeless_while_closing: AtomicBool::new(false),
        }
    }

    /// Counts items that the queue takes. Call this before anything can become of them.
    #[inline]
    pub(crate) fn enter(&self, items: u64) {
        self.entered.fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that are lost without entering the queue.
    pub(crate) fn turn_away(&self, loss: Loss, items: u64) {
        self.turned_away[loss as usize].fetch_add(items, Ordering::Relaxed);
        self.note(loss, items);
    }

    fn note(&self, loss: Loss, items: u64) {
        if items > 0 && loss.is_fault() {
            lock(&self.losses).note(Instant::now(), items);
        }
    }

    /// Changes the account, unless it is closed. It is balanced after each change.
    fn change(&self, change: impl FnOnce(&mut Account)) {
        let mut account = lock(&self.account);
        if account.closed_at.is_none() {
            change(&mut account);
            let entered = self.entered.load(Ordering::Relaxed);
            debug_assert!(account.settled() <= entered, "{account:?} of {entered}");
        }
    }

    /// Counts items that the queue took, and that are lost.
    pub(crate) fn dropped(&self, loss: Loss, items: u64) {
        self.lost(Whereabouts { origin: Origin::Here, is_on_disk: false }, loss, items);
    }

    /// Counts lost items. Those of an earlier process are counted apart.
    pub(crate) fn lost(&self, of: Whereabouts, loss: Loss, items: u64) {
        self.change(|account| {
            account.leave_disk(of, items);
            account.dropped_of(of.origin)[loss as usize] += items;
        });
        self.note(loss, items);
    }

    /// Counts items that the receiver accepted.
    pub(crate) fn delivered(&self, of: Whereabouts, items: u64) {
        self.change(|account| {
            account.leave_disk(of, items);
            match of.origin {
                Origin::Here => account.delivered += items,
                Origin::Earlier => account.replayed += items,
            }
        });
        self.works();
    }

    /// Records that the receiver accepted a request.
    fn works(&self) {
        self.ever_worked.store(true, Ordering::Relaxed);
        self.refusing.store(false, Ordering::Relaxed);
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

    /// Records that the receiver refuses everything until somebody fixes the cause. The items wait for that.
    pub(crate) fn refusing(&self, cause: &str) {
        self.refusing.store(true, Ordering::Relaxed);
        self.note_hope();
        self.refuses(cause, "wait until that is fixed");
    }

    /// Whether the receiver refuses everything until somebody fixes the cause.
    pub(crate) fn is_refused(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    /// Records that items are refused until somebody fixes the cause, and do not wait for that.
    pub(crate) fn refused(&self, cause: &str) {
        self.refuses(cause, "are dropped until that is fixed");
    }

    fn refuses(&self, cause: &str, consequence: &str) {
        self.change_to(Connection::Failing(cause.to_owned()));
        if is_first(&self.reported.refused) {
            self.report_failure(cause, consequence);
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
            self.refusing(cause);
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

    /// Reports which item was refused. While items are being lost, further ones are only counted.
    pub(crate) fn refused_one(&self, name: &str, cause: &str) {
        if lock(&self.losses).now(Instant::now()).is_none() {
            self.reported.refused_one.store(false, Ordering::Relaxed);
        }
        if is_first(&self.reported.refused_one) {
            let Wording { one, counted, .. } = self.wording;
            let (target, cause) = (&self.target, sentence(cause));
            report(&format_args!(
                "{target} does not accept the {one} {name}: {cause} It is dropped; further {counted} of this kind are only \
                 counted"
            ));
        }
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
        self.turn_away(Loss::QueueFull, items);
        if is_first(&self.reported.queue_full) {
            let Wording { many, when_full, .. } = self.wording;
            report(&format_args!("the queue for {} is full, so {many} are dropped{when_full}", self.target));
        }
    }

    /// Counts items that were written to disk.
    pub(crate) fn spooled(&self, items: u64) {
        self.change(|account| account.spooled += items);
        if lock(&self.spool_trouble).take().is_some() {
            announce(&format_args!("{} for {} are saved to disk again", self.wording.many, self.target));
        }
    }

    /// Counts items on disk that wait in memory again.
    pub(crate) fn unspooled(&self, items: u64) {
        self.change(|account| account.spooled = account.spooled.saturating_sub(items));
    }

    /// Counts items of an earlier process that were found on disk.
    pub(crate) fn recovered(&self, items: u64) {
        self.change(|account| account.recovered += items);
    }

    /// Counts items on disk that are lost.
    pub(crate) fn lost_from_spool(&self, origin: Origin, loss: Loss, items: u64) {
        self.lost(Whereabouts { origin, is_on_disk: true }, loss, items);
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
        self.change(|account| {
            debug_assert!(account.dropped[loss as usize] >= items, "{items} of {account:?}");
            account.dropped[loss as usize] = account.dropped[loss as usize].saturating_sub(items);
        });
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

    /// Closes the account: counts everything that still waits as lost, because no caller waits for it any longer.
    pub(crate) fn write_off(&self) {
        let is_refused = self.is_refused();
        let loss = if is_refused { Loss::Refused } else { Loss::NotSentInTime };
        let mut waiting = 0;
        self.change(|account| {
            let entered = self.entered.load(Ordering::Relaxed);
            waiting = entered.saturating_sub(account.settled());
            account.dropped[loss as usize] += waiting;
            account.closed_at = Some(entered);
        });
        if waiting > 0 {
            self.note(loss, waiting);
            self.report_written_off(waiting, is_refused);
        }
    }

    fn report_written_off(&self, waiting: u64, is_refused: bool) {
        let (Wording { counted, when_late, .. }, target) = (self.wording, &self.target);
        if is_refused {
            report(&format_args!(
                "{waiting} {counted} for {target} were refused until the end and are lost{when_late}"
            ));
        } else {
            report(&format_args!(
                "{waiting} {counted} for {target} were not sent in time and are lost{when_late}"
            ));
        }
    }

    /// Counts items that had not ended when telemetry did: of those that have started, all that were not generated.
    pub(crate) fn close_open(&self, started: u64) {
        let open = started.saturating_sub(self.delivery().generated);
        if open > 0 {
            self.turn_away(Loss::StillOpen, open);
            let Wording { counted, .. } = self.wording;
            report(&format_args!(
                "{open} {counted} for {} were still open at shutdown and are lost; end them before",
                self.target
            ));
        }
    }

    /// Records that code of the pipeline panicked, and that its thread goes on.
    pub(crate) fn restarted(&self, thread: &str, panic: &str) {
        if self.restarts.fetch_add(1, Ordering::Relaxed) == 0 {
            report(&format_args!(
                "the {thread} of {} for {} panicked and was started anew: {}; report this to the authors of a2a-otel",
                self.wording.many, self.target, panic
            ));
        }
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
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

    /// Whether items are delivered, and none were lost within the last minute.
    pub(crate) fn health(&self) -> Condition {
        match (self.condition(), self.losses()) {
            (Condition::Good, Some(losses)) => Condition::Failing(losses.to_string()),
            (condition, _) => condition,
        }
    }

    /// Begins the end: a receiver that never answered, or that refuses everything, is asked once more.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the end has begun.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Records that nothing answers at the address.
    pub(crate) fn absent(&self) {
        self.absent.store(true, Ordering::Relaxed);
        self.note_hope();
    }

    fn note_hope(&self) {
        if self.is_closing() && self.is_hopeless() {
            self.hopeless_while_closing.store(true, Ordering::Relaxed);
        }
    }

    /// Whether waiting for the receiver would not help: nothing answers now, and nothing ever did, or it refuses
    /// everything. A receiver that has worked before may return soon.
    pub(crate) fn is_hopeless(&self) -> bool {
        let is_absent = self.absent.load(Ordering::Relaxed) && !self.ever_worked.load(Ordering::Relaxed);
        is_absent || self.is_refused()
    }

    /// Whether a last attempt was made after the end had begun, and trying again would only delay it.
    pub(crate) fn has_given_up(&self) -> bool {
        self.hopeless_while_closing.load(Ordering::Relaxed) && self.is_hopeless()
    }

    /// The items that were lost within the last minute, if any were.
    pub(crate) fn losses(&self) -> Option<Losses> {
        lock(&self.losses).now(Instant::now())
    }

    pub(crate) fn delivery(&self) -> Delivery {
        let turned_away = self.turned_away.each_ref().map(|items| items.load(Ordering::Relaxed));
        let account = lock(&self.account);
        // Read last, so that the parts never exceed the total.
        let entered = account.closed_at.unwrap_or_else(|| self.entered.load(Ordering::Relaxed));
        let dropped = std::array::from_fn(|loss| turned_away[loss] + account.dropped[loss]);
        Delivery {
            generated: entered + turned_away.iter().sum::<u64>(),
            delivered: account.delivered,
            spooled: account.spooled,
            dropped: by_reason(&dropped),
            recovered: account.recovered,
            replayed: account.replayed,
            recovered_dropped: by_reason(&account.recovered_dropped),
            ..Delivery::default()
        }
    }
}

fn by_reason(lost: &[u64; LOSSES.len()]) -> BTreeMap<&'static str, u64> {
    let lost = LOSSES.iter().zip(lost).map(|((_, reason), items)| (*reason, *items));
    lost.filter(|(_, items)| *items > 0).collect()
}

/// Whether a message has not been reported yet; marks it as reported.
fn is_first(reported: &AtomicBool) -> bool {
    !reported.swap(true, Ordering::Relaxed)
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it does not say why")
}

fn sentence(cause: &str) -> String {
    let stop = if cause.ends_with(['?', '.', '!']) { "" } else { "." };
    format!("{cause}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::signal;
    use crate::report::heard;

    #[test]
    fn the_reasons_stand_in_the_order_of_the_variants() {
        for (index, (loss, reason)) in LOSSES.into_iter().enumerate() {
            assert_eq!((loss as usize, loss.reason()), (index, reason));
        }
    }

    fn ledger(target: &str) -> Ledger {
        assert!(heard(target).is_empty());
        Ledger::new(&signal::SPANS, target.to_owned())
    }

    #[test]
    fn what_is_lost_on_disk_is_told_once_and_nothing_is_no_loss() {
        let ledger = ledger("losses.example");
        let lose = |items| ledger.lost_from_spool(Origin::Earlier, Loss::SpoolFull, items);
        lose(0);
        assert!(heard("losses.example").is_empty() && ledger.losses().is_none());
        lose(1);
        lose(1);
        assert_eq!(heard("losses.example").len(), 1);
        assert!(ledger.losses().is_some());
    }

    #[test]
    fn a_panic_is_told_once() {
        let ledger = ledger("panics.example");
        for _ in 0..2 {
            ledger.restarted("sender", "why");
            assert_eq!(heard("panics.example").len(), 1);
        }
    }

    #[test]
    fn only_an_attempt_after_the_end_has_begun_is_the_last() {
        let ledger = ledger("absent.example");
        ledger.absent();
        assert!(ledger.is_hopeless() && !ledger.has_given_up());
        ledger.close();
        ledger.absent();
        assert!(ledger.has_given_up());
    }

    #[cfg(feature = "metrics")]
    #[test]
    fn a_request_in_flight_can_be_seen() {
        let ledger = ledger("flight.example");
        assert_eq!((ledger.request(3, || ledger.inflight(), |_| None), ledger.inflight()), (3, 0));
    }

    #[test]
    fn a_disk_that_fails_can_be_seen_until_it_works() {
        let ledger = ledger("disk.example");
        ledger.enter(1);
        ledger.spool_failed(&std::io::Error::other("no room"));
        assert_eq!(ledger.spool_trouble().as_deref(), Some("no room"));
        ledger.spooled(1);
        assert_eq!(ledger.spool_trouble(), None);
    }

    #[test]
    fn a_panic_has_a_text_or_does_not_say_why() {
        assert_eq!(panic_text(&"a constant"), "a constant");
        assert_eq!(panic_text(&"a text".to_owned()), "a text");
        assert_eq!(panic_text(&5), "it does not say why");
    }
}
