//! The loop that sends, which is the same for every signal. It takes items from the queue, and holds them until it
//! knows what became of them.
//!
//! What is refused by configuration waits; what is refused for itself is dropped, named and counted; everything else
//! waits.
//!
//! | answer | the payload is |
//! | --- | --- |
//! | accepted | delivered, except for the items that the receiver rejects |
//! | later, absent | kept, and sent again after a pause |
//! | too large | halved; a single item is shortened, and then treated as unacceptable |
//! | unacceptable | halved until the item is found that the receiver refuses. It is dropped if it is refused again while
//! others are accepted. Until others are, nobody knows whether the receiver refuses everything |
//! | broken | sent again, then treated like that, with pauses, and with more proof. If the signal keeps its order, it is
//! only sent again |
//! | refused | kept, and sent again after pauses of up to half a minute |
//! | unknown | as refused; if few receivers accept the signal, dropped, and nothing more is sent |
//! | failed | dropped: the application's own exporter has had its one attempt |
//!
//! What still waits at the end is on disk, or is counted as lost by the ledger.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::disk::{Disk, Loaded, NoDisk};
use super::ledger::{Ledger, Loss, Origin, Whereabouts, panic_text};
use super::queue::{Amount, Load, Order, Pause, Queue};
use super::signal::{Payload, Signal};
use super::transport::{Answer, Backoff};
use crate::deadline;
use crate::settings::Batch;

/// How many receiver errors a payload may get before it is suspected to be the cause.
const ERRORS_BEFORE_SUSPICION: u32 = 3;

/// How many items may be refused alone, one after the other, before the receiver is taken to refuse everything.
const REFUSALS_OF_ITEMS: u32 = 3;

/// How many batches the sender holds while it looks for something that the receiver accepts.
const BATCHES_ON_TRIAL: usize = 2;

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
    /// Single items that were refused while others were accepted, and are offered again when others are, or at this time.
    accused: VecDeque<ParcelOf<S, D>>,
    next_trial: Instant,
    backoff: Backoff,
    backoff_of_trials: Backoff,
    /// When everything that waits is sent next, even if it does not fill a batch.
    next_sweep: Instant,
    /// How many requests the receiver has accepted.
    accepted: u64,
    /// How many items it has refused alone since.
    refused_alone: u32,
    /// Whether the accused have had their last trial.
    trials_are_over: bool,
    /// Items in no place but the hands of this thread. If it panics, they are lost.
    in_hand: u64,
    /// Whether sending has been given up, because the receiver does not know this signal.
    is_given_up: bool,
}

/// A payload, and its history.
#[derive(Debug)]
struct Parcel<P, R> {
    payload: P,
    /// Its requests on disk, if it was read from there.
    receipt: Option<Arc<Receipt<R>>>,
    /// What is known about it from the parcel that it is a part of.
    part: Part,
    record: Record,
    /// Why it was refused when it was sent alone.
    verdict: Option<String>,
}

/// What is known about a parcel from the one that it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing.
    Any,
    /// It is the front half of a parcel that was refused. The other half comes next.
    Front,
    /// It is the back half, and waits for what becomes of the front half.
    Back,
    /// It is refused for sure: the receiver refused a parcel, and accepted its front half.
    Guilty,
}

/// What a parcel has been refused for.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// How many receiver errors it has got.
    errors: u32,
    /// How many requests the receiver had accepted when the parcel was last refused.
    accepted_before: Option<u64>,
    /// How often it was refused alone after the receiver had accepted something else since the last refusal.
    strikes: u32,
}

impl Record {
    /// Records a refusal. Returns whether others have been accepted since the last one.
    fn refuse(&mut self, accepted: u64) -> bool {
        let others_get_through = self.accepted_before.is_some_and(|before| before < accepted);
        self.accepted_before = Some(accepted);
        others_get_through
    }
}

/// What a refusal says about the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It has looked at the request, and does not want it.
    Verdict,
    /// It has failed, which may have any reason.
    Error,
}

impl Fault {
    /// How many strikes prove that an item is the cause.
    fn proof<S: Signal>(self) -> u32 {
        match self {
            Fault::Verdict if S::KEEPS_ORDER => 1,
            Fault::Verdict => 2,
            Fault::Error => 3,
        }
    }
}

type ParcelOf<S, D> = Parcel<<S as Signal>::Payload, <D as Disk<<S as Signal>::Payload>>::Record>;

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
        Parcel {
            payload,
            receipt: receipt.map(Arc::new),
            part: Part::Any,
            record: Record::default(),
            verdict: None,
        }
    }

    fn items(&self) -> u64 {
        self.payload.items() as u64
    }

    fn whereabouts(&self) -> Whereabouts {
        let origin = self.receipt.as_ref().map_or(Origin::Here, |receipt| receipt.origin);
        Whereabouts { origin, is_on_disk: self.receipt.is_some() }
    }

    /// How many of the items are of this process.
    fn own(&self) -> usize {
        if self.whereabouts().origin == Origin::Here { self.payload.items() } else { 0 }
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
            accused: VecDeque::new(),
            next_trial: Instant::now(),
            backoff: Backoff::default(),
            backoff_of_trials: Backoff::default(),
            next_sweep: deadline::after(limits.delay),
            accepted: 0,
            refused_alone: 0,
            trials_are_over: false,
            in_hand: 0,
            is_given_up: false,
        }
    }

    /// Runs until the queue is closed and everything is sent, or no receiver can be expected to accept the rest.
    pub(crate) fn run(mut self) {
        loop {
            let order = self.queue.wait(self.until_work());
            let step = AssertUnwindSafe(|| self.send_what_is_due(order, Queue::rest));
            match catch_unwind(step) {
                Ok(Order::Close(_)) => break,
                Ok(_) => {}
                Err(panic) => self.recover(&*panic),
            }
        }
        self.name_the_accused();
        let Sender { queue, outlet, mut disk, .. } = self;
        // Code that panics must not keep those waiting who wait for the end.
        let _ = catch_unwind(AssertUnwindSafe(|| disk.iter_mut().for_each(Disk::close)));
        // This shuts down the application's own exporter, and `Telemetry::shutdown` waits for that.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(outlet)));
        queue.finish();
    }

    /// How long there is nothing to do unless a batch is full or somebody waits.
    fn until_work(&self) -> Duration {
        let has_recovered = self.disk.as_ref().is_some_and(Disk::has_recovered);
        if has_recovered {
            return Duration::ZERO;
        }
        let next =
            if self.accused.is_empty() { self.next_sweep } else { self.next_sweep.min(self.next_trial) };
        deadline::left(next)
    }

    /// Goes on after a panic. What this thread had in its hands is lost.
    fn recover(&mut self, panic: &(dyn Any + Send)) {
        self.ledger.restarted("sender", panic_text(panic));
        self.ledger.dropped(Loss::Panicked, std::mem::take(&mut self.in_hand));
        self.settle();
        let pause = Pause { time: self.backoff.next(None), is_asked_for: false };
        self.queue.rest(self.queue.order(), pause);
    }

    fn send_what_is_due(
        &mut self,
        mut order: Order,
        rest: impl Fn(&Queue<S::Item, D::Record>, Order, Pause) -> Order,
    ) -> Order {
        while let Some(parcel) = self.next_parcel(order) {
            let Some(patience) = self.patience(order) else {
                self.pending.push_front(parcel);
                break;
            };
            let pause = self.deliver(parcel, patience);
            self.in_hand = 0;
            self.settle();
            if self.ledger.is_hopeless() {
                self.queue.end_flushes();
            }
            order = match pause {
                Some(_) if self.is_over(order) => break,
                Some(pause) => rest(&self.queue, order, pause),
                None => self.queue.order(),
            };
        }
        order
    }

    /// How long the receiver may take. `None` if sending would only delay the end of the process.
    fn patience(&self, order: Order) -> Option<Duration> {
        let Order::Close(deadline) = order else { return Some(self.limits.timeout) };
        let left = deadline::left(deadline);
        (!left.is_zero() && !self.is_over(order)).then(|| left.min(self.limits.timeout))
    }

    /// Whether the receiver has had its last chance.
    fn is_over(&self, order: Order) -> bool {
        matches!(order, Order::Close(_)) && self.ledger.has_given_up()
    }

    fn next_parcel(&mut self, order: Order) -> Option<ParcelOf<S, D>> {
        let is_time = order != Order::Collect || Instant::now() >= self.next_sweep;
        if self.refused_alone > 0 && (is_time || self.queue.has_batch()) && self.has_room() {
            self.take_first(order);
        }
        loop {
            // Loading may return nothing, because the requests may be gone from the disk.
            while self.nothing_pends() && (is_time || self.queue.has_batch()) && self.take() {}
            if self.pending.is_empty() {
                self.take_recovered(order);
            }
            let Some(parcel) = self.pending.pop_front() else { break };
            let parcel = self.hold(parcel);
            if parcel.part == Part::Guilty && !parcel.is_alone() {
                self.divide(parcel);
            } else if self.is_overtaken(&parcel) {
                self.give_up(&parcel);
            } else {
                return Some(parcel);
            }
            self.in_hand = 0;
        }
        self.next_accused(order)
    }

    /// Whether an item was refused that must not be sent again, because later ones that may replace it were accepted.
    fn is_overtaken(&self, parcel: &ParcelOf<S, D>) -> bool {
        S::KEEPS_ORDER && parcel.verdict.is_some() && parcel.record.accepted_before < Some(self.accepted)
    }

    /// Notes what is only in the hands of this thread now.
    fn hold(&mut self, parcel: ParcelOf<S, D>) -> ParcelOf<S, D> {
        self.in_hand = if parcel.receipt.is_none() { parcel.items() } else { 0 };
        parcel
    }

    /// Takes an item that was refused while others were accepted, if others were accepted since, or if it is time. At the
    /// end, each has one more trial.
    fn next_accused(&mut self, order: Order) -> Option<ParcelOf<S, D>> {
        let has_proof = |parcel: &ParcelOf<S, D>| parcel.record.accepted_before < Some(self.accepted);
        let next = self.accused.iter().position(has_proof).or_else(|| {
            let is_time = match order {
                Order::Close(_) => !std::mem::replace(&mut self.trials_are_over, true),
                Order::Collect | Order::Flush => Instant::now() >= self.next_trial,
            };
            (is_time && !self.accused.is_empty()).then_some(0)
        });
        let next = next.and_then(|next| self.accused.remove(next)).map(|parcel| self.hold(parcel));
        if next.is_none() && !self.accused.is_empty() {
            // Nobody knows when others come, so nobody waits for that.
            self.queue.end_flushes();
        }
        next
    }

    /// Whether another batch may be taken while the receiver accepts nothing.
    fn has_room(&self) -> bool {
        let held = self.held();
        held.items < BATCHES_ON_TRIAL * self.limits.size && held.bytes < BATCHES_ON_TRIAL * self.limits.bytes
    }

    /// Takes a batch, and puts it before everything else: something untried is the best test of whether the receiver
    /// refuses everything.
    fn take_first(&mut self, order: Order) {
        let before = self.pending.len();
        if !self.take() {
            self.take_recovered(order);
        }
        self.pending.rotate_left(before);
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
                self.in_hand = items.len() as u64;
                let payloads = self.signal.pack(items);
                self.pending.extend(payloads.into_iter().map(|payload| Parcel::new(payload, None)));
                self.in_hand = 0;
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

    /// Takes requests of earlier processes, which are sent when there is nothing else to send, and never delay the end of
    /// this one.
    fn take_recovered(&mut self, order: Order) {
        let Some(disk) = self.disk.as_mut().filter(|_| !matches!(order, Order::Close(_))) else { return };
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
    fn deliver(&mut self, mut parcel: ParcelOf<S, D>, patience: Duration) -> Option<Pause> {
        if self.is_given_up {
            self.lose(&parcel, Loss::Refused);
            return None;
        }
        match self.send(&mut parcel, patience) {
            Answer::Accepted { rejected, message } => self.accept(&parcel, rejected, &message),
            Answer::Later { cause, after } => return Some(self.postpone(parcel, &cause, after)),
            Answer::Absent { cause } => {
                self.ledger.absent();
                return Some(self.postpone(parcel, &cause, None));
            }
            Answer::TooLarge { cause } if parcel.is_alone() => return self.shorten(parcel, &cause),
            Answer::TooLarge { .. } => self.divide(parcel),
            Answer::Unacceptable { cause } => return self.suspect(parcel, &cause, Fault::Verdict),
            Answer::Broken { cause } if S::KEEPS_ORDER => return Some(self.postpone(parcel, &cause, None)),
            Answer::Broken { cause } => return self.suspect(parcel, &cause, Fault::Error),
            Answer::Refused { cause } => return Some(self.wait_for_repair(parcel, &cause)),
            Answer::Unknown { cause } => {
                self.is_given_up = self.ledger.unknown(&cause);
                if !self.is_given_up {
                    return Some(self.wait_for_repair(parcel, &cause));
                }
                self.lose(&parcel, Loss::Refused);
            }
            Answer::Failed { cause } => {
                self.ledger.export_failed(&cause);
                self.lose(&parcel, Loss::ExportFailed);
            }
        }
        None
    }

    /// Sends a request. If our own code panics over it, the payload may be the cause, as if the receiver had failed.
    fn send(&mut self, parcel: &mut ParcelOf<S, D>, patience: Duration) -> Answer {
        let items = parcel.items();
        let send = || catch_unwind(AssertUnwindSafe(|| (self.outlet)(&mut parcel.payload, patience)));
        let failed = |answer: &Result<Answer, _>| answer.as_ref().map_or(Some("panic"), Answer::error);
        match self.ledger.request(items, send, failed) {
            Ok(answer) => answer,
            Err(panic) => {
                let cause = panic_text(&*panic);
                self.ledger.restarted("sender", cause);
                Answer::Broken { cause: format!("the sender panicked: {cause}") }
            }
        }
    }

    fn accept(&mut self, parcel: &ParcelOf<S, D>, rejected: u64, message: &str) {
        self.accepted += 1;
        self.refused_alone = 0;
        self.backoff.reset();
        if parcel.part == Part::Front
            && let Some(back) = self.pending.front_mut().filter(|next| next.part == Part::Back)
        {
            back.part = Part::Guilty;
        }
        let items = parcel.items();
        let rejected = rejected.min(items);
        if rejected > 0 {
            self.ledger.rejected(rejected, message);
            self.ledger.lost(parcel.whereabouts(), Loss::Rejected, rejected);
        }
        self.ledger.delivered(parcel.whereabouts(), items - rejected);
        self.check_off(parcel);
    }

    fn lose(&self, parcel: &ParcelOf<S, D>, loss: Loss) {
        self.ledger.lost(parcel.whereabouts(), loss, parcel.items());
        self.check_off(parcel);
    }

    /// Records that the parcel need not stay on disk. Its requests are done when no other part of them is left.
    fn check_off(&self, parcel: &ParcelOf<S, D>) {
        let (Some(disk), Some(receipt)) = (&self.disk, &parcel.receipt) else { return };
        let items = parcel.items();
        if receipt.open.fetch_sub(items, Ordering::Relaxed) == items {
            receipt.records.iter().for_each(|record| disk.done(record));
        }
    }

    fn postpone(&mut self, parcel: ParcelOf<S, D>, cause: &str, after: Option<Duration>) -> Pause {
        self.ledger.failing(cause);
        self.pending.push_front(parcel);
        Pause { time: self.backoff.next(after), is_asked_for: after.is_some() }
    }

    fn wait_for_repair(&mut self, parcel: ParcelOf<S, D>, cause: &str) -> Pause {
        self.pending.push_front(parcel);
        self.pause_of_refusal(cause)
    }

    fn pause_of_refusal(&mut self, cause: &str) -> Pause {
        self.ledger.refusing(cause);
        Pause { time: self.backoff.next_of_refusal(), is_asked_for: false }
    }

    /// Halves a parcel, whose first half is sent next. Whatever is known to be free of suspicion is put together again, so
    /// that finding one item takes as many requests as the parcel can be halved.
    fn divide(&mut self, parcel: ParcelOf<S, D>) {
        self.acquit_the_other_half(parcel.part);
        let Parcel { payload, receipt, record, .. } = parcel;
        let part = |payload, part| Parcel { payload, receipt: receipt.clone(), part, record, verdict: None };
        match payload.halve() {
            Ok([front, back]) => {
                self.pending.push_front(part(back, Part::Back));
                self.pending.push_front(part(front, Part::Front));
            }
            // It cannot be divided although it has several items. They stay together.
            Err(payload) => self.pending.push_back(part(payload, Part::Any)),
        }
    }

    /// If the front half was refused, the back half may be good. It is put together with what follows it.
    fn acquit_the_other_half(&mut self, part: Part) {
        let Some(back) =
            self.pending.front_mut().filter(|next| part == Part::Front && next.part == Part::Back)
        else {
            return;
        };
        back.part = Part::Any;
        if self.pending.get(1).is_some_and(|next| is_of_one_origin(&self.pending[0], next))
            && let Some((back, next)) = self.pending.pop_front().zip(self.pending.pop_front())
        {
            let Parcel { payload, receipt, record, .. } = back;
            let of = |payload| Parcel {
                payload,
                receipt: receipt.clone(),
                part: Part::Any,
                record,
                verdict: None,
            };
            match payload.merge(next.payload) {
                Ok(both) => self.pending.push_front(of(both)),
                Err([back, next]) => {
                    self.pending.push_front(of(next));
                    self.pending.push_front(of(back));
                }
            }
        }
    }

    fn shorten(&mut self, parcel: ParcelOf<S, D>, cause: &str) -> Option<Pause> {
        let before = parcel.payload.bytes();
        let bytes = before / 2;
        let parcel = Parcel { payload: parcel.payload.shorten(bytes), ..parcel };
        if bytes < SMALLEST_ITEM || parcel.payload.bytes() >= before {
            return self.suspect(parcel, cause, Fault::Verdict);
        }
        self.ledger.shortened(1, parcel.payload.bytes());
        self.pending.push_front(parcel);
        None
    }

    fn give_up(&self, parcel: &ParcelOf<S, D>) {
        let cause = parcel.verdict.as_deref().unwrap_or_default();
        self.ledger.refused_one(&parcel.payload.name_of_first(), cause);
        self.lose(parcel, Loss::Refused);
    }

    /// Handles a refusal that may have one item as its cause, or nothing that the parcel contains.
    fn suspect(&mut self, mut parcel: ParcelOf<S, D>, cause: &str, fault: Fault) -> Option<Pause> {
        let others_get_through = parcel.record.refuse(self.accepted);
        if fault == Fault::Error {
            self.ledger.failing(cause);
            parcel.record.errors += 1;
        }
        if fault == Fault::Error && parcel.record.errors <= ERRORS_BEFORE_SUSPICION {
            self.pending.push_front(parcel);
        } else if !parcel.is_alone() {
            self.divide(parcel);
        } else if others_get_through || parcel.record.strikes > 0 {
            parcel.record.strikes += u32::from(others_get_through);
            self.try_again(parcel, cause, fault);
            return None;
        } else {
            self.let_others_pass(parcel, cause);
            self.refused_alone += u32::from(fault == Fault::Verdict);
        }
        match fault {
            Fault::Error => Some(Pause { time: self.backoff.next(None), is_asked_for: false }),
            Fault::Verdict if self.refuses_everything() => Some(self.pause_of_refusal(cause)),
            Fault::Verdict => None,
        }
    }

    /// Whether the receiver accepts nothing, as far as it was tried.
    fn refuses_everything(&self) -> bool {
        let is_untried = |parcel: &ParcelOf<S, D>| parcel.verdict.is_none();
        self.refused_alone >= REFUSALS_OF_ITEMS
            || (self.refused_alone > 0 && !self.pending.iter().any(is_untried))
    }

    /// Gives an item that was refused while others were accepted another trial, or gives it up.
    fn try_again(&mut self, mut parcel: ParcelOf<S, D>, cause: &str, fault: Fault) {
        self.acquit_the_other_half(parcel.part);
        parcel.part = Part::Any;
        parcel.verdict = Some(cause.to_owned());
        if parcel.record.strikes >= fault.proof::<S>() {
            return self.give_up(&parcel);
        }
        if self.accused.is_empty() {
            self.backoff_of_trials.reset();
        }
        self.accused.push_back(parcel);
        self.next_trial = deadline::after(self.backoff_of_trials.next_of_refusal());
    }

    /// Sends others first: whether the receiver accepts them shows whether this parcel is the cause.
    fn let_others_pass(&mut self, mut parcel: ParcelOf<S, D>, cause: &str) {
        self.acquit_the_other_half(parcel.part);
        parcel.part = Part::Any;
        parcel.verdict = Some(cause.to_owned());
        self.pending.push_back(parcel);
        self.in_hand = 0;
        if self.pending.len() == 1 {
            self.take_first(self.queue.order());
        }
    }

    /// Names what was refused while others were accepted, if it is not on disk: it is lost at the end.
    fn name_the_accused(&mut self) {
        while let Some(parcel) = self.accused.pop_front() {
            if parcel.receipt.is_none() {
                self.give_up(&parcel);
            }
        }
    }

    fn held(&self) -> Amount {
        let mut held = Amount::default();
        for Parcel { payload, .. } in self.pending.iter().chain(&self.accused) {
            held.add(Amount { items: payload.items(), bytes: payload.bytes() });
        }
        held
    }

    /// Reports to the queue how much is still held.
    fn settle(&self) {
        let own = self.pending.iter().chain(&self.accused).map(Parcel::own).sum();
        self.queue.settle(self.held(), own);
    }
}

/// Whether two parcels are parts of the same requests, of which nothing else is known.
fn is_of_one_origin<P, R>(one: &Parcel<P, R>, other: &Parcel<P, R>) -> bool {
    let is_part = |of: &Parcel<P, R>| {
        of.part == Part::Any && of.verdict.is_none() && of.record.accepted_before.is_some()
    };
    let is_same = match (&one.receipt, &other.receipt) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    };
    is_same && is_part(one) && is_part(other)
}
