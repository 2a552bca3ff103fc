//! Tests the queue by itself: when a batch is full, what fits, and who is woken.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::*;

/// An item that takes this many bytes.
#[derive(Debug, PartialEq)]
struct Bytes(usize);

impl Weigh for Bytes {
    fn bytes(&self) -> usize {
        self.0
    }
}

const LIMITS: Batch = Batch {
    delay: Duration::from_secs(3600),
    queue_bytes: 1000,
    queue: None,
    size: 4,
    bytes: 100,
    timeout: Duration::from_secs(10),
};

const HOUR: Duration = Duration::from_secs(3600);

type Tested = Queue<Bytes, &'static str>;

fn queue() -> Arc<Tested> {
    Arc::new(Queue::new(LIMITS))
}

fn push(queue: &Tested, bytes: impl IntoIterator<Item = usize>) -> Vec<Refusal> {
    bytes.into_iter().filter_map(|bytes| queue.push(Bytes(bytes), || ()).err()).collect()
}

/// Runs this in a thread that has probably begun to wait when this returns.
fn waiting<R: Send + 'static>(
    queue: &Arc<Tested>,
    wait: impl FnOnce(&Tested) -> R + Send + 'static,
) -> Receiver<R> {
    let (returned, has_returned) = mpsc::channel();
    let queue = queue.clone();
    thread::spawn(move || returned.send(wait(&queue)));
    thread::sleep(Duration::from_millis(50));
    has_returned
}

#[track_caller]
fn woken<R>(has_returned: &Receiver<R>) -> R {
    has_returned.recv_timeout(Duration::from_secs(30)).expect("it should be woken")
}

#[test]
fn a_batch_is_full_by_its_items_or_by_their_bytes() {
    for (before, last) in [(vec![10; 3], 1), (vec![60], 40), (vec![99], 1)] {
        let queue = queue();
        assert_eq!(push(&queue, before.clone()), []);
        assert!(!queue.has_batch(), "{before:?}");
        assert_eq!(push(&queue, [last]), []);
        assert!(queue.has_batch(), "{before:?} and {last}");
    }
}

#[test]
fn a_full_batch_wakes_the_thread_that_sends() {
    for (before, last) in [(vec![10; 3], 1), (vec![60], 40), (vec![], 300)] {
        let queue = queue();
        push(&queue, before);
        let wait = waiting(&queue, |queue| queue.wait(HOUR));
        push(&queue, [last]);
        assert_eq!(woken(&wait), Order::Collect);
    }
}

#[test]
fn a_fourth_of_the_queue_wakes_the_thread_that_saves() {
    let queue = queue();
    push(&queue, [200]);
    let wait = waiting(&queue, |queue| queue.wait_to_save(HOUR));
    push(&queue, [50]);
    assert!(!woken(&wait), "the queue is not closed");
}

#[test]
fn the_queue_takes_what_fits_and_counts_it_until_it_is_settled() {
    let queue = queue();
    assert_eq!(push(&queue, [600, 400, 1]), [Refusal::Full]);
    assert_eq!((queue.held().items, queue.held().bytes), (2, 1000));
    let Load::Items(taken) = queue.take() else { panic!("nothing is saved") };
    assert_eq!(taken, [Bytes(600)], "a batch is full by its bytes");
    assert_eq!(push(&queue, [1]), [Refusal::Full], "it is still held");
    queue.settle(Amount::default(), 0);
    assert_eq!(push(&queue, [600, 1]), [Refusal::Full]);
    queue.shut(HOUR);
    assert_eq!(push(&queue, [0]), [Refusal::Closed]);
}

#[test]
fn the_number_of_places_is_a_limit_if_it_is_set() {
    let queue = Tested::new(Batch { queue: Some(2), ..LIMITS });
    assert_eq!(push(&queue, [1, 1, 1]), [Refusal::Full]);
}

#[test]
fn saved_records_are_taken_while_they_fit_into_one_batch() {
    let amount = |items, bytes| Amount { items, bytes };
    for (saved, taken) in [
        (vec![amount(2, 10), amount(2, 10), amount(1, 10)], 2),
        (vec![amount(1, 60), amount(1, 40), amount(1, 1)], 2),
        (vec![amount(3, 10), amount(2, 10)], 1),
        (vec![amount(1, 60), amount(1, 41)], 1),
        (vec![amount(9, 500), amount(1, 1)], 1),
    ] {
        let queue = queue();
        queue.saved(saved.iter().map(|amount| (*amount, "record")));
        assert!(queue.has_batch(), "{saved:?}");
        let Load::Saved(records) = queue.take() else { panic!("{saved:?} is saved") };
        assert_eq!(records.len(), taken, "{saved:?}");
        assert!(!queue.has_batch(), "the rest of {saved:?} is small");
        let bytes: usize = saved[..taken].iter().map(|amount| amount.bytes).sum();
        assert_eq!(queue.held().bytes, bytes, "{saved:?}");
    }
}

#[test]
fn what_could_not_be_saved_is_the_oldest_again() {
    let queue = queue();
    push(&queue, [1, 2, 3]);
    let items = queue.take_to_save();
    push(&queue, [4]);
    assert_eq!(queue.held().items, 4);
    queue.give_back(items);
    assert_eq!((queue.held().items, queue.held().bytes), (4, 10));
    let Load::Items(taken) = queue.take() else { panic!("nothing is saved") };
    assert_eq!(taken, [Bytes(1), Bytes(2), Bytes(3), Bytes(4)]);
}

#[test]
fn a_flush_ends_a_pause_unless_the_receiver_has_asked_for_it() {
    let short = Duration::from_millis(200);
    for (known, is_asked_for, ends) in
        [(Order::Collect, false, true), (Order::Flush, false, false), (Order::Collect, true, false)]
    {
        let queue = queue();
        push(&queue, [1]);
        let time = if ends { HOUR } else { short };
        let flush = waiting(&queue, |queue| queue.flush(HOUR));
        let start = Instant::now();
        assert_eq!(queue.rest(known, Pause { time, is_asked_for }), Order::Flush);
        assert!(ends || start.elapsed() >= short, "{known:?}, {is_asked_for}");
        queue.finish();
        assert!(woken(&flush));
    }
}

#[test]
fn the_end_is_more_urgent_than_any_pause() {
    let queue = queue();
    let pause = Pause { time: HOUR, is_asked_for: true };
    let rest = waiting(&queue, move |queue| queue.rest(Order::Collect, pause));
    queue.shut(HOUR);
    assert!(matches!(woken(&rest), Order::Close(_)));
}

#[test]
fn a_flush_waits_for_what_was_there_and_for_nothing_else() {
    let queue = queue();
    push(&queue, [1, 1]);
    let flush = waiting(&queue, |queue| queue.flush(HOUR));
    push(&queue, [1, 1, 1]);
    let Load::Items(taken) = queue.take() else { panic!("nothing is saved") };
    assert_eq!(taken.len(), 4);
    assert!(flush.try_recv().is_err(), "the two are still being sent");
    queue.settle(Amount { items: 2, bytes: 2 }, 2);
    assert!(woken(&flush), "three are left, as many as came later");
    assert_eq!(queue.order(), Order::Collect, "nobody waits for these");
}

#[test]
fn a_flush_waits_for_what_is_being_saved_and_for_what_is_saved() {
    let queue = queue();
    push(&queue, [1, 1]);
    let items = queue.take_to_save();
    assert!(!queue.flush(Duration::ZERO), "two are being saved");
    queue.saved(items.iter().map(|item| (Amount { items: 1, bytes: item.bytes() }, "record")));
    assert!(!queue.flush(Duration::ZERO), "two are saved and not sent");
    let Load::Saved(_) = queue.take() else { panic!("two are saved") };
    assert!(!queue.flush(Duration::ZERO), "two are being sent");
    queue.settle(Amount::default(), 0);
    assert!(queue.flush(Duration::ZERO));
}

#[test]
fn the_thread_that_saves_waits_until_there_is_much_or_the_end() {
    type Wait = fn(&Tested) -> bool;
    let waits: [(Wait, bool); 2] =
        [(|queue| queue.wait_to_save(HOUR), true), (|queue| queue.rest_from_saving(HOUR), false)];
    for (wait, is_woken_by_items) in waits {
        let queue = queue();
        push(&queue, [249]);
        let has_returned = waiting(&queue, wait);
        assert!(has_returned.try_recv().is_err(), "there is little");
        push(&queue, [1]);
        if is_woken_by_items {
            assert!(!woken(&has_returned), "the queue is not closed");
        }
        queue.shut(HOUR);
        assert!(wait(&queue), "the queue is closed");
        if !is_woken_by_items {
            assert!(woken(&has_returned), "only the end ends a pause");
        }
    }
}

#[test]
fn no_pause_is_longer_than_the_end() {
    let queue = queue();
    let end = Duration::from_millis(100);
    queue.shut(end);
    let order = queue.order();
    let rest = waiting(&queue, move |queue| queue.rest(order, Pause { time: HOUR, is_asked_for: true }));
    assert_eq!(woken(&rest), order);
}

#[cfg(feature = "metrics")]
#[test]
fn what_is_replaced_is_taken_out() {
    let queue = queue();
    push(&queue, [400, 600]);
    assert_eq!(queue.clear(), [Bytes(400), Bytes(600)]);
    assert_eq!((queue.held().items, queue.held().bytes), (0, 0));
    assert_eq!(push(&queue, [1000]), [], "its place is free");
    assert!(!queue.flush(Duration::ZERO), "and what came later is waited for");
}
