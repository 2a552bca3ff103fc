//! Tests what a process takes over from the ones before it.

use super::*;
use crate::pipeline::keeper::tests::{Texts, address, ledger, limits, spool_in};
use crate::pipeline::scratch::Scratch;

/// Leaves these requests on disk, as an earlier process does.
fn leave(folder: &Scratch, requests: &[&[u8]]) {
    let (spool, _) = Spool::open(&spool_in(folder), &address(), ledger()).unwrap();
    for request in requests {
        spool.store(request, 1).unwrap();
    }
    spool.leave();
}

fn storage(folder: &Scratch, queue: &Arc<Queue<Vec<u8>, StoredRecord>>) -> Storage<Texts> {
    Storage::open(&spool_in(folder), &address(), queue, &ledger(), Texts).unwrap()
}

/// How many requests are taken over together, until there are none.
fn taken(storage: &mut Storage<Texts>) -> Vec<usize> {
    let mut taken = Vec::new();
    while storage.has_recovered() {
        taken.push(storage.take_recovered(&limits()).len());
        assert!(taken.len() < 100, "it has no end");
    }
    taken
}

#[test]
fn requests_of_earlier_processes_are_joined_up_to_a_batch() {
    let whole = vec![7; limits().bytes + 1];
    let cases: [(&[&[u8]], &[usize]); 4] = [
        (&[], &[]),
        (&[b"one", b"two", b"three"], &[3]),
        (&[b"one".as_slice(); 9], &[8, 1]),
        (&[b"one", &whole, b"two"], &[1, 1, 1]),
    ];
    for (requests, expected) in cases {
        let (folder, queue) = (Scratch::new(), Arc::new(Queue::new(limits())));
        leave(&folder, requests);
        let mut storage = storage(&folder, &queue);
        assert_eq!(taken(&mut storage), expected, "{} requests", requests.len());
        assert!(storage.take_recovered(&limits()).is_empty());
        queue.shut(std::time::Duration::ZERO);
    }
}
