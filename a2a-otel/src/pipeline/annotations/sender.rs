//! The thread that posts annotations to Phoenix's own interface, as JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Annotator, Entry, Subject};
use crate::pipeline::ledger::{Ledger, Loss, Origin, Signal};
use crate::pipeline::queue::{Amount, Load, Order, Queue, Weigh};
use crate::pipeline::transport::{Answer, Backoff, Http};
use crate::settings::{Batch as Limits, Endpoint, Exporter, Settings};

/// An explanation is a few sentences, so these are thousands.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// What goes into one request.
const BATCH_SIZE: usize = 100;
const BATCH_BYTES: usize = 1024 * 1024;

/// Opens the way to the Phoenix that spans are sent to, if they are sent.
pub(crate) fn annotator(settings: &Settings) -> Option<Annotator> {
    let endpoint = settings.endpoint.as_ref().filter(|_| settings.exporter == Exporter::Otlp)?;
    let server = endpoint.server();
    let limits = Limits {
        queue_bytes: QUEUE_BYTES,
        queue: None,
        size: BATCH_SIZE,
        bytes: BATCH_BYTES,
        timeout: settings.timeout.min(settings.batch.timeout),
        ..settings.batch
    };
    let queue = Arc::new(Queue::new(limits));
    let target = server.as_ref().unwrap_or(endpoint).to_string();
    let ledger = Arc::new(Ledger::new(Signal::Annotations, target));
    let sender = Sender {
        queue: queue.clone(),
        ledger: ledger.clone(),
        limits,
        http: Http::plain(settings, endpoint, "application/json"),
        server: server.clone(),
        pending: VecDeque::new(),
        backoff: Backoff::default(),
        is_given_up: false,
    };
    Some(Annotator::new(server, queue, ledger, move || sender.run()))
}

/// Annotations of one kind of subject, in one request.
#[derive(Debug)]
struct Batch {
    subject: Subject,
    entries: Vec<Entry>,
}

impl Batch {
    fn body(&self) -> Vec<u8> {
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.json.as_str()).collect();
        format!(r#"{{"data":[{}]}}"#, entries.join(",")).into_bytes()
    }

    fn amount(&self) -> Amount {
        let bytes = self.entries.iter().map(Weigh::bytes).sum();
        Amount { spans: self.entries.len(), bytes }
    }

    fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// Batches in the order of the entries. What replaces an entry goes into a later one: within a request, Phoenix does not
/// say which of two it keeps.
fn batches(entries: Vec<Entry>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for entry in entries {
        let last = batches.iter_mut().rfind(|batch| batch.subject == entry.subject);
        match last {
            Some(batch) if batch.entries.iter().all(|other| other.key != entry.key) => {
                batch.entries.push(entry);
            }
            _ => batches.push(Batch { subject: entry.subject, entries: vec![entry] }),
        }
    }
    batches
}

struct Sender {
    queue: Arc<Queue<(), Entry>>,
    ledger: Arc<Ledger>,
    limits: Limits,
    http: Http,
    /// The Phoenix; without one, no annotation gets into the queue.
    server: Option<Endpoint>,
    /// Taken from the queue, and to be sent before what is still in it.
    pending: VecDeque<Batch>,
    backoff: Backoff,
    /// The server has turned out to be no Phoenix.
    is_given_up: bool,
}

impl Sender {
    /// Works until the queue is closed, and everything is sent or hope is lost.
    fn run(mut self) {
        loop {
            let order = self.queue.wait(self.limits.delay);
            if matches!(self.send(order), Order::Close(_)) {
                break;
            }
        }
        self.queue.finish();
    }

    /// Sends all there is.
    fn send(&mut self, mut order: Order) -> Order {
        while let Some(batch) = self.next() {
            let Some(patience) = self.ledger.patience(order, self.limits.timeout) else { break };
            order = match self.deliver(batch, patience) {
                Some(pause) => self.queue.rest(Instant::now() + pause),
                None => self.queue.order(),
            };
        }
        order
    }

    fn next(&mut self) -> Option<Batch> {
        if self.pending.is_empty()
            && let Load::Items(entries) = self.queue.take()
        {
            self.pending.extend(batches(entries));
        }
        self.pending.pop_front()
    }

    /// Sends it, does what the answer asks for, and says how long to rest before the next.
    fn deliver(&mut self, batch: Batch, patience: Duration) -> Option<Duration> {
        let pause = match self.post(&batch, patience) {
            Answer::Accepted { .. } => {
                self.backoff.reset();
                self.ledger.delivered(Origin::Here, batch.count());
                None
            }
            Answer::Later { cause, after } => Some(self.postpone(batch, &cause, after)),
            Answer::Broken { cause } => Some(self.postpone(batch, &cause, None)),
            Answer::Absent { cause } => {
                self.ledger.absent();
                if self.ledger.is_absent() {
                    self.queue.disappoint();
                }
                Some(self.postpone(batch, &cause, None))
            }
            Answer::TooLarge { cause } | Answer::Unacceptable { cause } => {
                self.divide(batch, &cause);
                None
            }
            Answer::Refused { cause } => {
                self.ledger.refused(&cause);
                self.lose(&batch);
                None
            }
            Answer::Unknown { cause } => {
                self.give_up(&batch, &cause);
                None
            }
        };
        self.settle();
        pause
    }

    fn post(&mut self, batch: &Batch, patience: Duration) -> Answer {
        if self.is_given_up {
            return Answer::Unknown { cause: String::new() };
        }
        let server = self.server.as_ref().map_or("", Endpoint::as_str);
        let url = format!("{server}{}", batch.subject.path());
        let accepted = |_| Answer::Accepted { rejected: 0, message: String::new() };
        self.http.post(&url, batch.body(), patience).map_or_else(|answer| answer, accepted)
    }

    fn lose(&self, batch: &Batch) {
        self.ledger.dropped(Loss::Refused, batch.count());
    }

    fn give_up(&mut self, batch: &Batch, cause: &str) {
        if !self.is_given_up {
            self.is_given_up = true;
            self.ledger.not_taken(cause);
        }
        self.lose(batch);
    }

    fn postpone(&mut self, batch: Batch, cause: &str, after: Option<Duration>) -> Duration {
        self.ledger.failing(cause);
        self.pending.push_front(batch);
        self.backoff.next(after)
    }

    /// Looks for the annotation that Phoenix does not take.
    fn divide(&mut self, mut batch: Batch, cause: &str) {
        if let [entry] = &*batch.entries {
            self.ledger.refused_one(&format!("{:?}", entry.key[1]), cause);
            return self.lose(&batch);
        }
        let entries = batch.entries.split_off(batch.entries.len() / 2);
        self.pending.push_front(Batch { entries, ..batch });
        self.pending.push_front(batch);
    }

    /// Says how much is still held.
    fn settle(&self) {
        let mut held = Amount::default();
        self.pending.iter().for_each(|batch| held.add(batch.amount()));
        self.queue.settle(held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_another_goes_into_a_later_request() {
        let entry = |subject, id: &str, json: &str| Entry {
            subject,
            key: [id.to_owned(), "name".to_owned(), String::new()],
            json: json.to_owned(),
        };
        let entries = vec![
            entry(Subject::Span, "a", "1"),
            entry(Subject::Trace, "a", "2"),
            entry(Subject::Span, "b", "3"),
            entry(Subject::Span, "a", "4"),
            entry(Subject::Span, "b", "5"),
            entry(Subject::Span, "a", "6"),
            entry(Subject::Trace, "b", "7"),
        ];
        let bodies = batches(entries);
        let bodies: Vec<_> =
            bodies.iter().map(|batch| (batch.subject, String::from_utf8(batch.body()).unwrap())).collect();
        let body = |subject, list: &str| (subject, format!(r#"{{"data":[{list}]}}"#));
        assert_eq!(
            bodies,
            [
                body(Subject::Span, "1,3"),
                body(Subject::Trace, "2,7"),
                body(Subject::Span, "4,5"),
                body(Subject::Span, "6"),
            ]
        );
    }
}
