//! The thread that sends: it takes spans from the queue, and does not let go of them before their fate is known.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::keeper::Keeper;
use super::ledger::{Ledger, Loss, Origin};
use super::otlp::{Batch, Packer};
use super::queue::{Amount, Load, Order, Queue};
use super::spool::{Record, Spool};
use super::transport::{Answer, Backoff, Transport};
use crate::lock::lock;
use crate::settings::Batch as Limits;

/// How often a batch may meet an error of the receiver before it is suspected to be the cause.
const PATIENCE_WITH_ERRORS: u32 = 3;

/// What is left of a span that no receiver takes: below this, its size is not the reason.
const SMALLEST_CUT: usize = 1024;

/// The disk behind the queue.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) keeper: Arc<Mutex<Keeper>>,
    pub(crate) spool: Arc<Spool>,
    /// What earlier processes have left. It is sent while nothing else is to be sent.
    pub(crate) recovered: VecDeque<Record>,
}

/// Everything that the thread works with.
#[derive(Debug)]
pub(crate) struct Sender {
    queue: Arc<Queue<Record>>,
    ledger: Arc<Ledger>,
    limits: Limits,
    transport: Box<dyn Transport>,
    packer: Packer,
    storage: Option<Storage>,
    /// Taken from the queue, and to be sent before what is still in it.
    pending: VecDeque<Parcel>,
    backoff: Backoff,
    /// When what waits is sent, be it a full batch or not.
    next_sweep: Instant,
    /// How many requests the receiver has accepted.
    accepted: u64,
}

/// A batch, and what it has been through.
#[derive(Debug)]
struct Parcel {
    batch: Batch,
    /// Where it lies on disk.
    receipt: Option<Arc<Receipt>>,
    /// How often the receiver answered it with an error of its own.
    errors: u32,
    /// How many requests the receiver had accepted when it first did so.
    accepted_before: u64,
}

impl Parcel {
    fn new(batch: Batch, receipt: Option<Arc<Receipt>>) -> Self {
        Parcel { batch, receipt, errors: 0, accepted_before: 0 }
    }

    fn stored(bodies: Vec<Vec<u8>>, records: Vec<Record>) -> Self {
        let batch = Batch::join(bodies.into_iter().zip(records.iter().map(|record| record.amount().spans)));
        let origin = records.first().map_or(Origin::Here, Record::origin);
        let open = AtomicU64::new(batch.len() as u64);
        Parcel::new(batch, Some(Arc::new(Receipt { records, origin, open })))
    }

    fn spans(&self) -> u64 {
        self.batch.len() as u64
    }

    fn origin(&self) -> Origin {
        self.receipt.as_ref().map_or(Origin::Here, |receipt| receipt.origin)
    }
}

/// Requests on disk that were read for a parcel, which may since have been divided.
#[derive(Debug)]
struct Receipt {
    records: Vec<Record>,
    origin: Origin,
    /// Spans of which the fate is not known yet.
    open: AtomicU64,
}

impl Sender {
    pub(crate) fn new(
        queue: Arc<Queue<Record>>,
        ledger: Arc<Ledger>,
        limits: Limits,
        transport: Box<dyn Transport>,
        packer: Packer,
        storage: Option<Storage>,
    ) -> Self {
        Sender {
            queue,
            ledger,
            limits,
            transport,
            packer,
            storage,
            pending: VecDeque::new(),
            backoff: Backoff::default(),
            next_sweep: Instant::now() + limits.delay,
            accepted: 0,
        }
    }

    /// Works until the queue is closed, and everything is sent or hope is lost.
    pub(crate) fn run(mut self) {
        loop {
            let patience = self.next_sweep.saturating_duration_since(Instant::now());
            let order = self.queue.wait(if self.has_recovered() { Duration::ZERO } else { patience });
            let order = self.send_what_is_due(order);
            if matches!(order, Order::Close(_)) {
                break;
            }
        }
        if let Some(storage) = &self.storage {
            lock(&storage.keeper).save_all();
            storage.spool.leave();
        }
        self.queue.finish();
    }

    fn has_recovered(&self) -> bool {
        self.storage.as_ref().is_some_and(|storage| !storage.recovered.is_empty())
    }

    fn send_what_is_due(&mut self, mut order: Order) -> Order {
        while let Some(parcel) = self.next_parcel(order) {
            let Some(patience) = self.ledger.patience(order, self.limits.timeout) else { break };
            order = match self.deliver(parcel, patience) {
                Some(pause) => self.queue.rest(Instant::now() + pause),
                None => self.queue.order(),
            };
        }
        order
    }

    fn next_parcel(&mut self, order: Order) -> Option<Parcel> {
        let is_time = order != Order::GoOn || Instant::now() >= self.next_sweep;
        if self.pending.is_empty() && (is_time || self.queue.has_batch()) {
            self.take();
        }
        if self.pending.is_empty() && !matches!(order, Order::Close(_)) {
            self.take_recovered();
        }
        self.pending.pop_front()
    }

    /// Takes a batch from the queue. Where there is a disk, it is written there first.
    fn take(&mut self) {
        if let Some(storage) = &self.storage {
            lock(&storage.keeper).save_all();
        }
        if !self.queue.has_batch() {
            self.next_sweep = Instant::now() + self.limits.delay;
        }
        match self.queue.take() {
            Load::Items(mut spans) if !spans.is_empty() => {
                let batches = self.packer.pack(&mut spans);
                self.pending.extend(batches.into_iter().map(|batch| Parcel::new(batch, None)));
            }
            Load::Items(_) => {}
            Load::Saved(records) => self.load(records),
        }
        self.settle();
    }

    /// Takes as much of what earlier processes have left as goes into a batch.
    fn take_recovered(&mut self) {
        let Some(storage) = &mut self.storage else { return };
        let (mut records, mut taken) = (Vec::new(), Amount::default());
        while let Some(record) = storage.recovered.front()
            && (records.is_empty() || taken.leaves_room_for(record.amount(), &self.limits))
        {
            taken.add(record.amount());
            records.extend(storage.recovered.pop_front());
        }
        if !records.is_empty() {
            self.load(records);
        }
    }

    fn load(&mut self, records: Vec<Record>) {
        let Some(storage) = &self.storage else { return };
        let load = |record: Record| Some((storage.spool.load(&record)?, record));
        let (bodies, records): (Vec<_>, Vec<_>) = records.into_iter().filter_map(load).unzip();
        if !records.is_empty() {
            self.pending.push_back(Parcel::stored(bodies, records));
        }
    }

    /// Sends it, does what the answer asks for, and says how long to rest before the next.
    fn deliver(&mut self, parcel: Parcel, patience: Duration) -> Option<Duration> {
        let body = parcel.batch.body();
        let answer =
            self.ledger.request(parcel.spans(), || self.transport.send(body, patience), Answer::error);
        let pause = match answer {
            Answer::Accepted { rejected, message } => {
                self.accept(&parcel, rejected, &message);
                None
            }
            Answer::Later { cause, after } => Some(self.postpone(parcel, &cause, after)),
            Answer::Absent { cause } => {
                self.ledger.absent();
                if self.ledger.is_absent() {
                    self.queue.disappoint();
                }
                Some(self.postpone(parcel, &cause, None))
            }
            Answer::TooLarge { cause } => {
                self.divide(parcel, &cause, Self::cut_in_half);
                None
            }
            Answer::Unacceptable { cause } => {
                self.divide(parcel, &cause, |sender, parcel, cause| sender.give_up(&parcel, cause));
                None
            }
            Answer::Refused { cause } | Answer::Unknown { cause } => {
                self.ledger.refused(&cause);
                self.lose(&parcel, Loss::Refused, parcel.spans());
                None
            }
            Answer::Broken { cause } => self.suspect(parcel, &cause),
        };
        self.settle();
        pause
    }

    fn accept(&mut self, parcel: &Parcel, rejected: u64, message: &str) {
        self.accepted += 1;
        self.backoff.reset();
        let rejected = rejected.min(parcel.spans());
        if rejected > 0 {
            self.ledger.rejected(rejected, message);
            self.lose(parcel, Loss::Rejected, rejected);
        }
        let delivered = parcel.spans() - rejected;
        self.check_off(parcel, delivered);
        self.ledger.delivered(parcel.origin(), delivered);
    }

    fn lose(&self, parcel: &Parcel, loss: Loss, spans: u64) {
        self.check_off(parcel, spans);
        self.ledger.lost(parcel.origin(), loss, spans);
    }

    /// So many spans of it need not be on disk any longer.
    fn check_off(&self, parcel: &Parcel, spans: u64) {
        let (Some(storage), Some(receipt)) = (&self.storage, &parcel.receipt) else { return };
        if receipt.origin == Origin::Here {
            self.ledger.unspooled(spans);
        }
        if receipt.open.fetch_sub(spans, Ordering::Relaxed) == spans {
            receipt.records.iter().for_each(|record| storage.spool.done(record));
        }
    }

    fn postpone(&mut self, parcel: Parcel, cause: &str, after: Option<Duration>) -> Duration {
        self.ledger.failing(cause);
        self.pending.push_front(parcel);
        self.backoff.next(after)
    }

    /// Looks for the span that the receiver does not take.
    fn divide(&mut self, parcel: Parcel, cause: &str, alone: fn(&mut Self, Parcel, &str)) {
        let Parcel { batch, receipt, errors, accepted_before } = parcel;
        let part = |batch| Parcel { batch, receipt: receipt.clone(), errors, accepted_before };
        match batch.halve() {
            Ok(halves) => {
                let [front, back] = halves.map(part);
                self.pending.push_front(back);
                self.pending.push_front(front);
            }
            Err(batch) => alone(self, part(batch), cause),
        }
    }

    fn cut_in_half(&mut self, parcel: Parcel, cause: &str) {
        let before = parcel.batch.bytes();
        let bytes = before / 2;
        let (batch, _) = parcel.batch.cut(bytes);
        let parcel = Parcel { batch, ..parcel };
        if bytes < SMALLEST_CUT || parcel.batch.bytes() >= before {
            return self.give_up(&parcel, cause);
        }
        self.ledger.cut(1, bytes);
        self.pending.push_front(parcel);
    }

    fn give_up(&mut self, parcel: &Parcel, cause: &str) {
        self.ledger.refused_one(&parcel.batch.name_of_first(), cause);
        self.lose(parcel, Loss::Refused, parcel.spans());
    }

    /// An error of the receiver may pass, or be one span's doing: that is so if others get through meanwhile.
    fn suspect(&mut self, mut parcel: Parcel, cause: &str) -> Option<Duration> {
        if parcel.errors == 0 {
            parcel.accepted_before = self.accepted;
        }
        parcel.errors += 1;
        self.ledger.failing(cause);
        let is_alone = parcel.batch.len() == 1;
        let others_get_through = self.accepted > parcel.accepted_before;
        if parcel.errors <= PATIENCE_WITH_ERRORS {
            self.pending.push_front(parcel);
        } else if !is_alone {
            // From now on each half has one attempt before it is halved itself.
            self.divide(parcel, cause, |sender, parcel, cause| sender.give_up(&parcel, cause));
            return None;
        } else if others_get_through {
            self.give_up(&parcel, cause);
            return None;
        } else {
            self.make_way(parcel);
        }
        Some(self.backoff.next(None))
    }

    /// Lets others go first: whether they get through tells whose fault it is.
    fn make_way(&mut self, parcel: Parcel) {
        if self.pending.is_empty() {
            self.take();
        }
        self.pending.push_back(parcel);
    }

    fn settle(&self) {
        let mut taken = Amount::default();
        for Parcel { batch, .. } in &self.pending {
            taken.add(Amount { spans: batch.len(), bytes: batch.bytes() });
        }
        self.queue.settle(taken);
    }
}
