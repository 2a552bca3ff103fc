//! The thread that sends: it takes spans from the queue, and does not let go of them before their fate is known.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::answer::Answer;
use super::backoff::Backoff;
use super::batch::Batch;
use super::encode::Encoder;
use crate::pipeline::ledger::{Ledger, Loss};
use crate::pipeline::queue::{Order, Queue};
use crate::pipeline::sanitise::sanitise;
use crate::telemetry::settings;

/// How often a batch may meet an error of the receiver before it is suspected to be the cause.
const PATIENCE_WITH_ERRORS: u32 = 3;

/// What is left of a span that no receiver takes: below this, its size is not the reason.
const SMALLEST_CUT: usize = 1024;

/// What brings a request to a receiver.
pub(crate) trait Transport: Debug + Send + 'static {
    /// Sends an `ExportTraceServiceRequest`, and waits for the answer for so long.
    fn send(&mut self, body: Vec<u8>, patience: Duration) -> Answer;
}

/// Everything that the thread works with.
#[derive(Debug)]
pub(crate) struct Sender {
    queue: Arc<Queue>,
    ledger: Arc<Ledger>,
    limits: settings::Batch,
    transport: Box<dyn Transport>,
    encoder: Encoder,
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
    /// How often the receiver answered it with an error of its own.
    errors: u32,
    /// How many requests the receiver had accepted when it first did so.
    accepted_before: u64,
}

impl Parcel {
    fn new(batch: Batch) -> Self {
        Parcel { batch, errors: 0, accepted_before: 0 }
    }
}

impl Sender {
    pub(crate) fn new(
        queue: Arc<Queue>,
        ledger: Arc<Ledger>,
        limits: settings::Batch,
        transport: Box<dyn Transport>,
        resource: &Resource,
    ) -> Self {
        Sender {
            queue,
            ledger,
            limits,
            transport,
            encoder: Encoder::new(resource),
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
            let order = self.queue.wait(patience);
            let order = self.send_what_is_due(order);
            if matches!(order, Order::Close(_)) {
                break;
            }
        }
        self.queue.finish();
    }

    fn send_what_is_due(&mut self, mut order: Order) -> Order {
        while let Some(parcel) = self.next_parcel(order) {
            let Some(patience) = self.patience(order) else { break };
            order = match self.deliver(parcel, patience) {
                Some(pause) => self.queue.rest(Instant::now() + pause),
                None => self.queue.order(),
            };
        }
        order
    }

    /// How long the receiver may take; nothing where asking it again would only delay the end of the process.
    fn patience(&self, order: Order) -> Option<Duration> {
        let Order::Close(deadline) = order else { return Some(self.limits.timeout) };
        let left = deadline.saturating_duration_since(Instant::now());
        (!left.is_zero() && !self.ledger.is_hopeless()).then(|| left.min(self.limits.timeout))
    }

    fn next_parcel(&mut self, order: Order) -> Option<Parcel> {
        if self.pending.is_empty() {
            self.take(order);
        }
        self.pending.pop_front()
    }

    /// Takes a batch from the queue, if there is a full one or a lesser one has waited for long enough.
    fn take(&mut self, order: Order) {
        let is_time = order != Order::GoOn || Instant::now() >= self.next_sweep;
        if !is_time && !self.queue.has_batch() {
            return;
        }
        let spans = self.queue.take();
        if spans.len() < self.limits.size {
            self.next_sweep = Instant::now() + self.limits.delay;
        }
        if !spans.is_empty() {
            self.pack(spans);
        }
        self.settle();
    }

    fn pack(&mut self, mut spans: Vec<SpanData>) {
        spans.iter_mut().for_each(sanitise);
        let mut batch = self.encoder.batch(&spans);
        let cut = batch.cut(self.limits.bytes);
        if cut > 0 {
            self.ledger.cut(cut, self.limits.bytes);
        }
        self.pending.extend(batch.within(self.limits.bytes).into_iter().map(Parcel::new));
    }

    /// Sends it, does what the answer asks for, and says how long to rest before the next.
    fn deliver(&mut self, parcel: Parcel, patience: Duration) -> Option<Duration> {
        let answer = self.transport.send(parcel.batch.body(), patience);
        let spans = parcel.batch.len() as u64;
        let pause = match answer {
            Answer::Accepted { rejected, message } => {
                self.accept(spans, rejected, &message);
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
                self.divide(parcel, &cause, Self::give_up);
                None
            }
            Answer::Refused { cause } => {
                self.ledger.refused(spans, &cause);
                None
            }
            Answer::Broken { cause } => self.suspect(parcel, &cause),
        };
        self.settle();
        pause
    }

    fn accept(&mut self, spans: u64, rejected: u64, message: &str) {
        self.accepted += 1;
        self.backoff.reset();
        let rejected = rejected.min(spans);
        self.ledger.delivered(spans - rejected);
        if rejected > 0 {
            self.ledger.rejected(rejected, message);
        }
    }

    fn postpone(&mut self, parcel: Parcel, cause: &str, after: Option<Duration>) -> Duration {
        self.ledger.failing(cause);
        self.pending.push_front(parcel);
        let pause = self.backoff.next();
        after.map_or(pause, |after| after.max(pause))
    }

    /// Looks for the span that the receiver does not take.
    fn divide(&mut self, parcel: Parcel, cause: &str, alone: fn(&mut Self, Parcel, &str)) {
        if parcel.batch.len() == 1 {
            return alone(self, parcel, cause);
        }
        let Parcel { batch, errors, accepted_before } = parcel;
        let [front, back] = batch.halve().map(|batch| Parcel { batch, errors, accepted_before });
        self.pending.push_front(back);
        self.pending.push_front(front);
    }

    fn cut_in_half(&mut self, mut parcel: Parcel, cause: &str) {
        let before = parcel.batch.bytes();
        let bytes = before / 2;
        if bytes < SMALLEST_CUT || parcel.batch.cut(bytes) == 0 || parcel.batch.bytes() >= before {
            return self.give_up(parcel, cause);
        }
        self.ledger.cut(1, bytes);
        self.pending.push_front(parcel);
    }

    fn give_up(&mut self, parcel: Parcel, cause: &str) {
        self.ledger.lost_one(Loss::Refused, &parcel.batch.name_of_first(), cause);
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
            self.divide(parcel, cause, Self::give_up);
            return None;
        } else if others_get_through {
            self.give_up(parcel, cause);
            return None;
        } else {
            self.make_way(parcel);
        }
        Some(self.backoff.next())
    }

    /// Lets others go first: whether they get through tells whose fault it is.
    fn make_way(&mut self, parcel: Parcel) {
        if self.pending.is_empty() {
            let spans = self.queue.take();
            if !spans.is_empty() {
                self.pack(spans);
            }
        }
        self.pending.push_back(parcel);
    }

    fn settle(&self) {
        let spans = self.pending.iter().map(|parcel| parcel.batch.len()).sum();
        let bytes = self.pending.iter().map(|parcel| parcel.batch.bytes()).sum();
        self.queue.settle(spans, bytes);
    }
}
