//! The loop that sends, which is the same for every signal. It takes items from the queue, and holds them until it
//! knows what became of them.
//!
//! | answer | the payload is |
//! | --- | --- |
//! | accepted | delivered, except for the items that the receiver rejects |
//! | later, absent | kept, and sent again after a pause |
//! | too large | halved; a single item is shortened |
//! | unacceptable | halved until the item is found that the receiver refuses |
//! | broken | sent again, then halved; a single item is dropped if others are accepted meanwhile. If the signal keeps
//! its order, it is only sent again |
//! | refused | dropped |
//! | unknown | dropped; if few receivers accept the signal, nothing more is sent |
//! | failed | dropped: the application's own exporter has had its one attempt |

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::disk::{Disk, Loaded, NoDisk};
use super::ledger::{Ledger, Loss, Origin};
use super::queue::{Amount, Load, Order, Queue};
use super::signal::{Payload, Signal};
use super::transport::{Answer, Backoff};
use crate::deadline;
use crate::settings::Batch;

/// How many receiver errors a payload may get before it is suspected to be the cause.
const ERRORS_BEFORE_SUSPICION: u32 = 3;

/// The smallest size, in bytes, that an item is shortened to. Below this, size is not why the receiver refuses it.
const SMALLEST_ITEM: usize = 1024;

/// Sends a payload within the given time, and returns the receiver's answer.
pub(crate) type Outlet<P> = Box<dyn FnMut(&mut P, Duration) -> Answer + Send>;

/// The state of the loop.
pub(crate) struct Sender<S: Signal, D: Disk<S::Payload> = NoDisk> {
    queue: Arc<Queue<S::Item, D::Record>>,
    ledger: Arc<Ledger>,
    limits: Batch,
    signal: S,
    outlet: Outlet<S::Payload>,
    disk: Option<D>,
    /// Payloads that were taken from the queue. They are sent before what is still in it.
    pending: VecDeque<ParcelOf<S, D>>,
    backoff: Backoff,
    /// When everything that waits is sent next, even if it does not fill a batch.
    next_sweep: Instant,
    /// How many requests the receiver has accepted.
    accepted: u64,
    /// Whether sending has been given up, because the receiver does not know this signal.
    is_given_up: bool,
}

/// A payload, and its history.
#[derive(Debug)]
struct Parcel<P, R> {
    payload: P,
    /// Its requests on disk, if it was read from there.
    receipt: Option<Arc<Receipt<R>>>,
    /// How many receiver errors it has got.
    errors: u32,
    /// How many requests the receiver had accepted before the first of these errors.
    accepted_before: u64,
}

type ParcelOf<S, D> = Parcel<<S as Signal>::Payload, <D as Disk<<S as Signal>::Payload>>::Record>;

/// What to do with a parcel that cannot be halved. The text is the cause.
type RuleForOne<S, D> = fn(&mut Sender<S, D>, ParcelOf<S, D>, &str);

/// The requests on disk that were read into a payload, which may have been divided since.
#[derive(Debug)]
struct Receipt<R> {
    records: Vec<R>,
    origin: Origin,
    /// Items whose fate is not known yet.
    open: AtomicU64,
}

impl<P: Payload, R> Parcel<P, R> {
    fn new(payload: P, receipt: Option<Receipt<R>>) -> Self {
        Parcel { payload, receipt: receipt.map(Arc::new), errors: 0, accepted_before: 0 }
    }

    fn items(&self) -> u64 {
        self.payload.items() as u64
    }

    fn origin(&self) -> Origin {
        self.receipt.as_ref().map_or(Origin::Here, |receipt| receipt.origin)
    }

    fn is_alone(&self) -> bool {
        self.payload.items() <= 1
    }
}

impl<S: Signal, D: Disk<S::Payload>> Sender<S, D> {
    pub(crate) fn new(
        queue: Arc<Queue<S::Item, D::Record>>,
        ledger: Arc<Ledger>,
        limits: Batch,
        signal: S,
        outlet: Outlet<S::Payload>,
        disk: Option<D>,
    ) -> Self {
        Sender {
            queue,
            ledger,
            limits,
            signal,
            outlet,
            disk,
            pending: VecDeque::new(),
            backoff: Backoff::default(),
            next_sweep: deadline::after(limits.delay),
            accepted: 0,
            is_given_up: false,
        }
    }

    /// Runs until the queue is closed and everything is sent, or no receiver can be expected to accept the rest.
    pub(crate) fn run(mut self) {
        loop {
            let until_sweep = deadline::left(self.next_sweep);
            let has_recovered = self.disk.as_ref().is_some_and(Disk::has_recovered);
            let order = self.queue.wait(if has_recovered { Duration::ZERO } else { until_sweep });
            if let Order::Close(_) = self.send_what_is_due(order, Queue::rest) {
                break;
            }
        }
        let Sender { queue, outlet, mut disk, .. } = self;
        disk.iter_mut().for_each(Disk::close);
        // This shuts down the application's own exporter, and `Telemetry::shutdown` waits for that. If its code panics,
        // the queue is still finished.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(outlet)));
        queue.finish();
    }

    fn send_what_is_due(
        &mut self,
        mut order: Order,
        rest: impl Fn(&Queue<S::Item, D::Record>, Duration) -> Order,
    ) -> Order {
        while let Some(parcel) = self.next_parcel(order) {
            let Some(patience) = self.ledger.patience(order, self.limits.timeout) else {
                self.pending.push_front(parcel);
                break;
            };
            let pause = self.deliver(parcel, patience);
            self.settle();
            order = match pause {
                Some(pause) => rest(&self.queue, pause),
                None => self.queue.order(),
            };
        }
        order
    }

    fn next_parcel(&mut self, order: Order) -> Option<ParcelOf<S, D>> {
        let is_time = order != Order::Collect || Instant::now() >= self.next_sweep;
        // Loading may return nothing, because the requests may be gone from the disk.
        while self.nothing_pends() && (is_time || self.queue.has_batch()) && self.take() {}
        // Requests of earlier processes are sent when there is nothing else to send, and never delay the end of this
        // one.
        if self.pending.is_empty() && !matches!(order, Order::Close(_)) {
            self.take_recovered();
        }
        self.pending.pop_front()
    }

    /// Whether no payload is left that has to be sent. Those that a later one replaces are not.
    fn nothing_pends(&mut self) -> bool {
        while let Some(parcel) = self.pending.pop_front() {
            if !self.signal.is_replaced(&parcel.payload) {
                self.pending.push_front(parcel);
                return false;
            }
            self.lose(&parcel, Loss::Replaced);
            self.settle();
        }
        true
    }

    /// Takes a batch from the queue. With a disk, waiting items are written there first. Returns false if nothing was
    /// waiting.
    fn take(&mut self) -> bool {
        self.disk.iter_mut().for_each(Disk::save_waiting);
        if !self.queue.has_batch() {
            self.next_sweep = deadline::after(self.limits.delay);
        }
        let has_taken = match self.queue.take() {
            Load::Items(items) if items.is_empty() => false,
            Load::Items(items) => {
                let payloads = self.signal.pack(items);
                self.pending.extend(payloads.into_iter().map(|payload| Parcel::new(payload, None)));
                true
            }
            Load::Saved(records) => {
                self.load(records);
                true
            }
        };
        self.settle();
        has_taken
    }

    fn take_recovered(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        let records = disk.take_recovered(&self.limits);
        if !records.is_empty() {
            self.load(records);
        }
    }

    fn load(&mut self, records: Vec<D::Record>) {
        let Some(disk) = &self.disk else { return };
        let Some(Loaded { payload, records, origin }) = disk.load(records) else { return };
        let open = AtomicU64::new(payload.items() as u64);
        self.pending.push_back(Parcel::new(payload, Some(Receipt { records, origin, open })));
    }

    /// Sends a parcel, and acts on the answer. Returns the pause before the next request, if one is needed.
    fn deliver(&mut self, mut parcel: ParcelOf<S, D>, patience: Duration) -> Option<Duration> {
        if self.is_given_up {
            self.lose(&parcel, Loss::Refused);
            return None;
        }
        let items = parcel.items();
        let send = || (self.outlet)(&mut parcel.payload, patience);
        match self.ledger.request(items, send, Answer::error) {
            Answer::Accepted { rejected, message } => self.accept(&parcel, items, rejected, &message),
            Answer::Later { cause, after } => return Some(self.postpone(parcel, &cause, after)),
            Answer::Absent { cause } => {
                self.ledger.absent();
                if self.ledger.is_absent() {
                    self.queue.receiver_absent();
                }
                return Some(self.postpone(parcel, &cause, None));
            }
            Answer::TooLarge { cause } => self.divide(parcel, &cause, Self::shorten),
            Answer::Unacceptable { cause } => self.divide(parcel, &cause, Self::give_up),
            Answer::Broken { cause } if S::KEEPS_ORDER => return Some(self.postpone(parcel, &cause, None)),
            Answer::Broken { cause } => return self.suspect(parcel, &cause),
            Answer::Refused { cause } => {
                self.ledger.refused(&cause);
                self.lose(&parcel, Loss::Refused);
            }
            Answer::Unknown { cause } => {
                self.is_given_up = self.ledger.unknown(&cause);
                self.lose(&parcel, Loss::Refused);
            }
            Answer::Failed { cause } => {
                self.ledger.export_failed(&cause);
                self.lose(&parcel, Loss::ExportFailed);
            }
        }
        None
    }

    fn accept(&mut self, parcel: &ParcelOf<S, D>, items: u64, rejected: u64, message: &str) {
        self.accepted += 1;
        self.backoff.reset();
        let rejected = rejected.min(items);
        if rejected > 0 {
            self.ledger.rejected(rejected, message);
            self.ledger.lost(parcel.origin(), Loss::Rejected, rejected);
        }
        self.check_off(parcel);
        self.ledger.delivered(parcel.origin(), items - rejected);
    }

    fn lose(&self, parcel: &ParcelOf<S, D>, loss: Loss) {
        self.check_off(parcel);
        self.ledger.lost(parcel.origin(), loss, parcel.items());
    }

    /// Records that the parcel need not stay on disk. Its requests are done when no other part of them is left.
    fn check_off(&self, parcel: &ParcelOf<S, D>) {
        let items = parcel.items();
        let (Some(disk), Some(receipt)) = (&self.disk, &parcel.receipt) else { return };
        if receipt.origin == Origin::Here {
            self.ledger.unspooled(items);
        }
        if receipt.open.fetch_sub(items, Ordering::Relaxed) == items {
            receipt.records.iter().for_each(|record| disk.done(record));
        }
    }

    fn postpone(&mut self, parcel: ParcelOf<S, D>, cause: &str, after: Option<Duration>) -> Duration {
        self.ledger.failing(cause);
        self.pending.push_front(parcel);
        self.backoff.next(after)
    }

    /// Halves a parcel. If it cannot be halved, applies the rule for a single item.
    fn divide(&mut self, parcel: ParcelOf<S, D>, cause: &str, alone: RuleForOne<S, D>) {
        let Parcel { payload, receipt, errors, accepted_before } = parcel;
        let part = |payload| Parcel { payload, receipt: receipt.clone(), errors, accepted_before };
        match payload.halve() {
            Ok(halves) => {
                let [front, back] = halves.map(part);
                self.pending.push_front(back);
                self.pending.push_front(front);
            }
            Err(payload) => alone(self, part(payload), cause),
        }
    }

    fn shorten(&mut self, parcel: ParcelOf<S, D>, cause: &str) {
        let before = parcel.payload.bytes();
        let bytes = before / 2;
        let parcel = Parcel { payload: parcel.payload.shorten(bytes), ..parcel };
        if bytes < SMALLEST_ITEM || parcel.payload.bytes() >= before {
            return self.give_up(parcel, cause);
        }
        self.ledger.shortened(1, parcel.payload.bytes());
        self.pending.push_front(parcel);
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is a `RuleForOne`, as `shorten` is")]
    fn give_up(&mut self, parcel: ParcelOf<S, D>, cause: &str) {
        self.ledger.refused_one(&parcel.payload.name_of_first(), cause);
        self.lose(&parcel, Loss::Refused);
    }

    /// Handles a receiver error, which may be temporary or caused by one item. If others are accepted meanwhile, the
    /// item is the cause.
    fn suspect(&mut self, mut parcel: ParcelOf<S, D>, cause: &str) -> Option<Duration> {
        if parcel.errors == 0 {
            parcel.accepted_before = self.accepted;
        }
        parcel.errors += 1;
        self.ledger.failing(cause);
        let others_get_through = self.accepted > parcel.accepted_before;
        if parcel.errors <= ERRORS_BEFORE_SUSPICION {
            self.pending.push_front(parcel);
        } else if !parcel.is_alone() {
            // From now on, each half has one attempt before it is halved again.
            self.divide(parcel, cause, Self::give_up);
            return None;
        } else if others_get_through {
            self.give_up(parcel, cause);
            return None;
        } else {
            self.let_others_pass(parcel);
        }
        Some(self.backoff.next(None))
    }

    /// Sends others first: whether the receiver accepts them shows whether this parcel is the cause.
    fn let_others_pass(&mut self, parcel: ParcelOf<S, D>) {
        if self.pending.is_empty() {
            self.take();
        }
        self.pending.push_back(parcel);
    }

    /// Reports to the queue how much is still held.
    fn settle(&self) {
        let mut held = Amount::default();
        for Parcel { payload, .. } in &self.pending {
            held.add(Amount { items: payload.items(), bytes: payload.bytes() });
        }
        self.queue.settle(held);
    }
}
