//! Tests the rounds of the thread that saves, on a real disk, but without the thread and its pauses.

use std::fs;

use super::*;
use crate::pipeline::queue::Load;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::signal::{self, Payload, Signal};
use crate::pipeline::spool::Address;
use crate::pipeline::weigh::Weigh;
use crate::settings::{self, Batch};

pub(in crate::pipeline) const HOUR: Duration = Duration::from_secs(3600);

/// Bytes as items. Each is a request of its own on disk.
pub(in crate::pipeline) struct Texts;

impl Weigh for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Payload for Vec<Vec<u8>> {
    fn items(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.iter().map(Vec::len).sum()
    }

    fn halve(self) -> Result<[Self; 2], Self> {
        Err(self)
    }

    fn name_of_first(&self) -> String {
        format!("{:?}", self.first())
    }
}

impl Signal for Texts {
    type Item = Vec<u8>;
    type Payload = Vec<Vec<u8>>;

    fn pack(&mut self, items: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        items.into_iter().map(|item| vec![item]).collect()
    }
}

impl Durable for Texts {
    fn pack_borrowed(&mut self, items: &mut Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        self.pack(items.clone())
    }

    fn body(payload: &Vec<Vec<u8>>) -> Vec<u8> {
        payload.concat()
    }

    fn restore(requests: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Vec<Vec<u8>> {
        requests.into_iter().map(|(request, _)| request).collect()
    }
}

/// A spool in this folder.
pub(in crate::pipeline) fn spool_in(folder: &Scratch) -> settings::Spool {
    settings::Spool { folder: folder.0.clone(), bytes: 1 << 20, age: HOUR }
}

pub(in crate::pipeline) fn address() -> Address {
    Address { receiver: "receiver".to_owned(), identity: None }
}

pub(in crate::pipeline) fn limits() -> Batch {
    Batch { delay: HOUR, queue_bytes: 1 << 20, queue: None, size: 8, bytes: 1 << 16, timeout: HOUR }
}

pub(in crate::pipeline) fn ledger() -> Arc<Ledger> {
    let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
    ledger.enter(100);
    ledger
}

fn keeper(folder: &Scratch) -> (Keeper<Texts>, Arc<Queue<Vec<u8>, StoredRecord>>) {
    let (ledger, queue) = (ledger(), Arc::new(Queue::new(limits())));
    let (spool, _) = Spool::open(&spool_in(folder), &address(), ledger.clone()).unwrap();
    (Keeper::new(queue.clone(), Arc::new(spool), ledger, Texts), queue)
}

/// How many requests of the queue are on disk, of those that can be taken.
fn saved(queue: &Queue<Vec<u8>, StoredRecord>) -> usize {
    match queue.take() {
        Load::Saved(records) => records.len(),
        Load::Items(items) => {
            assert!(items.is_empty(), "{} items are not saved", items.len());
            0
        }
    }
}

#[test]
fn a_round_saves_what_waits() {
    let folder = Scratch::new();
    let (mut keeper, queue) = keeper(&folder);
    keeper.work();
    assert_eq!(saved(&queue), 0);
    queue.push(b"one".to_vec(), || {}).unwrap();
    queue.push(b"two".to_vec(), || {}).unwrap();
    keeper.work();
    assert_eq!(saved(&queue), 2);
}

#[test]
fn the_last_round_comes_after_the_end_of_the_queue() {
    let folder = Scratch::new();
    let (keeper, queue) = keeper(&folder);
    queue.push(b"last words".to_vec(), || {}).unwrap();
    queue.shut(Duration::ZERO);
    Keeper::run(&Mutex::new(keeper), &queue);
    assert_eq!(saved(&queue), 1);
}

#[test]
fn a_pause_follows_a_failure_alone() {
    let folder = Scratch::new();
    let (mut keeper, queue) = keeper(&folder);
    assert_eq!(keeper.pause(), None);
    keeper.next_attempt = Instant::now() + HOUR;
    assert_eq!(keeper.pause(), Some(CHECK));
    queue.push(b"one".to_vec(), || {}).unwrap();
    keeper.work();
    assert!(matches!(queue.take(), Load::Items(items) if items.len() == 1), "it rests");
}

#[test]
fn a_folder_that_somebody_deletes_is_missed_at_the_next_look() {
    let folder = Scratch::new();
    let (mut keeper, _queue) = keeper(&folder);
    fs::remove_dir_all(&folder.0).unwrap();
    keeper.next_check = Instant::now() + HOUR;
    keeper.work();
    assert!(!folder.0.exists());
    keeper.next_check = Instant::now();
    keeper.work();
    assert!(folder.0.exists());
}
