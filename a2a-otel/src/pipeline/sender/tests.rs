//! Tests the rules of the loop with a closure as the outlet, without processes, sockets and real pauses.

mod disk;
mod model;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::lock::lock;
use crate::pipeline::signal::{self, Wording};
use crate::pipeline::weigh::Weigh;

/// The number of an item that cannot be shortened.
const STIFF: u32 = u32::MAX;

/// A test item: its number, and how many bytes its text takes.
#[derive(Clone, Debug, PartialEq)]
struct Number(u32, usize);

impl Weigh for Number {
    fn bytes(&self) -> usize {
        self.1
    }
}

struct Numbers;

/// A signal in which a later item may replace an earlier one.
struct OrderedNumbers;

impl Signal for OrderedNumbers {
    type Item = Number;
    type Payload = Vec<Number>;

    const KEEPS_ORDER: bool = true;

    fn pack(&mut self, items: Vec<Number>) -> Vec<Vec<Number>> {
        vec![items]
    }
}

impl Signal for Numbers {
    type Item = Number;
    type Payload = Vec<Number>;

    fn pack(&mut self, items: Vec<Number>) -> Vec<Vec<Number>> {
        vec![items]
    }
}

impl Payload for Vec<Number> {
    fn items(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.iter().map(Weigh::bytes).sum()
    }

    fn halve(mut self) -> Result<[Self; 2], Self> {
        if self.len() < 2 {
            return Err(self);
        }
        let back = self.split_off(self.len() / 2);
        Ok([self, back])
    }

    fn shorten(mut self, bytes: usize) -> Self {
        for number in self.iter_mut().filter(|number| number.0 != STIFF) {
            number.1 = number.1.min(bytes);
        }
        self
    }

    fn merge(mut self, back: Self) -> Result<Self, [Self; 2]> {
        self.extend(back);
        Ok(self)
    }

    fn name_of_first(&self) -> String {
        format!("{:?}", self.first())
    }
}

/// The requests that a receiver has seen.
type Requests = Arc<Mutex<Vec<Vec<Number>>>>;

/// A loop with a closure as its receiver. The closure also gets the number of earlier requests.
struct Rig<S: Signal = Numbers, D: Disk<S::Payload> = NoDisk> {
    sender: Sender<S, D>,
    requests: Requests,
    pauses: Rc<RefCell<Vec<Duration>>>,
}

const BATCH_SIZE: usize = 8;

/// The bytes with which a batch is full.
const BATCH_BYTES: usize = 1 << 16;

/// Creates a disk from the ledger and the queue.
type MakeDisk<D> = fn(&Arc<Ledger>, &Arc<Queue<Number, <D as Disk<Vec<Number>>>::Record>>) -> Option<D>;

impl<S: Signal<Item = Number, Payload = Vec<Number>>, D: Disk<Vec<Number>>> Rig<S, D> {
    fn of(
        signal: S,
        wording: &'static Wording,
        disk: MakeDisk<D>,
        mut answer: impl FnMut(&[Number], usize) -> Answer + Send + 'static,
    ) -> Self {
        let limits = Batch {
            delay: Duration::from_secs(3600),
            queue_bytes: 1 << 20,
            queue: None,
            size: BATCH_SIZE,
            bytes: BATCH_BYTES,
            timeout: Duration::from_secs(10),
        };
        let requests = Requests::default();
        let seen = requests.clone();
        let outlet: Outlet<Vec<Number>> = Box::new(move |numbers, _| {
            let before = lock(&seen).len();
            lock(&seen).push(numbers.clone());
            answer(numbers, before)
        });
        let queue = Arc::new(Queue::new(limits));
        let ledger = Arc::new(Ledger::new(wording, "the receiver".to_owned()));
        let disk = disk(&ledger, &queue);
        let sender = Sender::new(queue, ledger, limits, signal, outlet, disk);
        Rig { sender, requests, pauses: Rc::default() }
    }

    fn push(&self, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            self.push_long(number, 10);
        }
    }

    fn push_long(&self, number: u32, bytes: usize) {
        let pushed = self.sender.queue.push(Number(number, bytes), || self.sender.ledger.enter(1));
        assert_eq!(pushed, Ok(()));
    }

    /// Sends everything, as a flush does, until no more requests are made. Pauses are recorded but not made.
    fn flush(&mut self) -> &Self {
        self.flush_for(1000);
        assert!(self.pauses() < 1000, "the loop does not end");
        self
    }

    /// Flushes, and waits for this many pauses.
    fn flush_for(&mut self, longest: usize) {
        let longest = self.pauses() + longest;
        let (mut before, mut requests) = (None, 0);
        while before.replace(requests) != Some(requests) && self.pauses() < longest {
            let pauses = self.pauses.clone();
            self.sender.send_what_is_due(Order::Flush, |_, _, pause| {
                pauses.borrow_mut().push(pause.time);
                // After this, nothing is sent.
                if pauses.borrow().len() < longest { Order::Flush } else { Order::Close(Instant::now()) }
            });
            requests = lock(&self.requests).len();
        }
    }

    /// Ends as `run` does, and closes the account.
    fn end(&mut self) {
        self.sender.ledger.close();
        self.sender.queue.shut(Duration::from_secs(3600));
        let (close, pauses) = (self.sender.queue.order(), Cell::new(0));
        self.sender.send_what_is_due(close, |_, _, _| {
            pauses.set(pauses.get() + 1);
            if pauses.get() < 50 { close } else { Order::Close(Instant::now()) }
        });
        self.sender.name_the_accused();
        self.sender.disk.iter_mut().for_each(Disk::close);
        self.sender.ledger.write_off();
    }

    /// The numbers of the items in each request.
    fn requests(&self) -> Vec<Vec<u32>> {
        let requests = lock(&self.requests);
        requests.iter().map(|request| request.iter().map(|number| number.0).collect()).collect()
    }

    fn pauses(&self) -> usize {
        self.pauses.borrow().len()
    }

    fn delivered(&self) -> u64 {
        self.sender.ledger.delivery().delivered
    }

    fn dropped(&self) -> BTreeMap<&'static str, u64> {
        self.sender.ledger.delivery().dropped
    }
}

impl Rig {
    fn new(
        wording: &'static Wording,
        answer: impl FnMut(&[Number], usize) -> Answer + Send + 'static,
    ) -> Self {
        Self::of(Numbers, wording, |_, _| None, answer)
    }

    /// A receiver that returns these answers in turn, and then accepts everything.
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::new(&signal::SPANS, move |_, _| answers.pop_front().unwrap_or_else(Answer::accepted))
    }
}

fn cause() -> String {
    "the cause".to_owned()
}

#[test]
fn what_is_accepted_is_delivered() {
    let mut rig = Rig::answering([]);
    rig.push(0..10);
    assert_eq!(rig.flush().requests(), [(0..8).collect::<Vec<_>>(), vec![8, 9]]);
    assert_eq!((rig.delivered(), rig.pauses()), (10, 0));
    assert_eq!(rig.sender.queue.held().items, 0);
}

#[test]
fn a_batch_that_is_not_full_waits_for_its_time() {
    let mut rig = Rig::answering([]);
    rig.push(0..7);
    rig.sender.send_what_is_due(Order::Collect, |_, _, _| unreachable!());
    assert_eq!(rig.requests(), Vec::<Vec<u32>>::new());
    rig.push(7..9);
    rig.sender.send_what_is_due(Order::Collect, |_, _, _| unreachable!());
    assert_eq!(rig.requests(), [(0..8).collect::<Vec<_>>()]);
}

#[test]
fn rejected_items_are_counted_and_the_others_delivered() {
    let mut rig = Rig::answering([Answer::Accepted { rejected: 2, message: cause() }]);
    rig.push(0..5);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped()), (3, BTreeMap::from([("rejected by the receiver", 2)])));
}

#[test]
fn a_receiver_cannot_reject_more_than_it_was_sent() {
    let mut rig = Rig::answering([Answer::Accepted { rejected: u64::MAX, message: cause() }]);
    rig.push(0..5);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped()), (0, BTreeMap::from([("rejected by the receiver", 5)])));
}

#[test]
fn what_is_postponed_is_sent_again_before_anything_else_after_a_pause() {
    let after = Duration::from_secs(60);
    let mut rig = Rig::answering([
        Answer::Later { cause: cause(), after: Some(after) },
        Answer::Later { cause: cause(), after: None },
        Answer::Absent { cause: cause() },
    ]);
    rig.push(0..10);
    let first: Vec<_> = (0..8).collect();
    assert_eq!(rig.flush().requests(), [first.clone(), first.clone(), first.clone(), first, vec![8, 9]]);
    let pauses = rig.pauses.borrow();
    assert!(pauses[0] >= after && pauses[1] < after, "{pauses:?}");
    assert_eq!((pauses.len(), rig.delivered()), (3, 10));
}

#[test]
fn a_request_that_is_too_large_is_halved() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| match numbers.len() {
        0..=2 => Answer::accepted(),
        _ => Answer::TooLarge { cause: cause() },
    });
    rig.push(0..8);
    let requests = rig.flush().requests();
    assert_eq!(requests[1..3], [vec![0, 1, 2, 3], vec![0, 1]]);
    assert_eq!((rig.delivered(), rig.pauses()), (8, 0));
}

#[test]
fn only_an_item_on_its_own_is_shortened() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| match numbers.len() {
        0..=2 => Answer::accepted(),
        _ => Answer::TooLarge { cause: cause() },
    });
    rig.push_long(0, 30_000);
    rig.push(1..8);
    rig.flush();
    assert!(lock(&rig.requests).iter().flatten().all(|number| number.0 > 0 || number.1 == 30_000));
}

#[test]
fn an_item_that_is_too_large_on_its_own_is_shortened() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| match numbers.iter().map(Weigh::bytes).sum() {
        0..=3000 => Answer::accepted(),
        _ => Answer::TooLarge { cause: cause() },
    });
    rig.push_long(1, 10_000);
    rig.flush();
    let sizes: Vec<_> = lock(&rig.requests).iter().map(Payload::bytes).collect();
    assert_eq!((sizes, rig.delivered()), (vec![10_000, 5_000, 2_500], 1));
}

#[test]
fn an_item_that_cannot_be_shortened_is_not_sent_again_and_again() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| match numbers {
        [Number(STIFF, _), ..] => Answer::TooLarge { cause: cause() },
        _ => Answer::accepted(),
    });
    rig.push_long(STIFF, 10_000);
    rig.flush_for(2);
    assert!(rig.requests().len() <= 4, "{:?}", rig.requests());
    for number in 0..2 {
        rig.push([number]);
        rig.flush();
    }
    assert_eq!((rig.delivered(), rig.dropped()), (2, BTreeMap::from([("refused by the receiver", 1)])));
}

#[test]
fn an_item_that_no_length_makes_acceptable_is_dropped() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| match numbers {
        [Number(1, _), ..] => Answer::TooLarge { cause: cause() },
        _ => Answer::accepted(),
    });
    rig.push_long(1, 10_000);
    rig.flush_for(2);
    let sizes: Vec<_> = lock(&rig.requests).iter().map(Payload::bytes).collect();
    assert_eq!(sizes[..4], [10_000, 5_000, 2_500, 1_250], "its length may be the reason");
    assert_eq!(rig.dropped(), BTreeMap::new(), "the receiver may refuse everything");
    for number in 2..4 {
        rig.push([number]);
        rig.flush();
    }
    assert_eq!((rig.delivered(), rig.dropped()), (2, BTreeMap::from([("refused by the receiver", 1)])));
    assert!(lock(&rig.requests).iter().all(|request| request.len() == 1 || request.bytes() >= SMALLEST_ITEM));
}

#[test]
fn while_nothing_is_accepted_few_batches_are_held() {
    let mut rig = Rig::new(&signal::SPANS, |_, _| unacceptable());
    rig.push(0..100);
    rig.flush_for(20);
    assert_eq!(rig.sender.held().items, BATCHES_ON_TRIAL * BATCH_SIZE);
    assert_eq!(rig.sender.queue.held().items, 100);
}

#[test]
fn a_single_item_that_is_refused_is_sent_with_pauses() {
    let mut rig = Rig::new(&signal::SPANS, |_, _| unacceptable());
    rig.push([1]);
    rig.flush_for(5);
    assert_eq!((rig.pauses(), rig.requests().len()), (5, 5));
}

#[test]
fn at_the_end_each_suspect_has_one_more_trial() {
    // Nothing is accepted after it, so it is not proved that it is to blame.
    let mut rig = refusing(7, unacceptable);
    rig.push(0..8);
    rig.flush();
    let before = rig.requests().len();
    rig.end();
    assert_eq!(rig.requests()[before..], [vec![7]]);
    assert_eq!((rig.delivered(), rig.dropped()), (7, BTreeMap::from([("refused by the receiver", 1)])));
}

/// A receiver that refuses requests with this number.
fn refusing(bad: u32, answer: fn() -> Answer) -> Rig {
    Rig::new(&signal::SPANS, move |numbers, _| {
        let is_good = numbers.iter().all(|number| number.0 != bad);
        if is_good { Answer::accepted() } else { answer() }
    })
}

fn unacceptable() -> Answer {
    Answer::Unacceptable { cause: cause() }
}

fn broken() -> Answer {
    Answer::Broken { cause: cause() }
}

#[test]
fn the_one_item_that_is_not_acceptable_is_found_and_dropped() {
    for bad in 0..8 {
        let mut rig = refusing(bad, unacceptable);
        rig.push(0..8);
        rig.flush();
        assert_eq!(rig.delivered(), 7, "{bad}");
        rig.push(8..9);
        rig.flush();
        let dropped = BTreeMap::from([("refused by the receiver", 1)]);
        assert_eq!((rig.delivered(), rig.dropped(), rig.pauses()), (8, dropped, 0), "{bad}");
        // One to see that something is wrong, one for each time that the batch is halved, one for the good ones, one for
        // the next batch, and two that prove it.
        let most = 1 + BATCH_SIZE.ilog2() as usize + 4;
        assert!(rig.requests().len() <= most, "{bad}: {:?}", rig.requests());
    }
}

#[test]
fn the_one_item_that_breaks_the_receiver_is_found_and_dropped() {
    for bad in 0..8 {
        let mut rig = refusing(bad, broken);
        rig.push(0..8);
        rig.flush();
        assert_eq!((rig.delivered(), rig.dropped()), (7, BTreeMap::new()), "{bad}");
        for number in 8..12 {
            rig.push([number]);
            rig.flush();
        }
        assert_eq!((rig.delivered(), rig.dropped()), (11, BTreeMap::from([("refused by the receiver", 1)])));
    }
}

#[test]
fn an_item_that_is_refused_is_lost_and_named_at_the_end() {
    for answer in [unacceptable, broken] {
        let mut rig = refusing(3, answer);
        rig.push(0..8);
        rig.end();
        assert_eq!((rig.delivered(), rig.dropped()), (7, BTreeMap::from([("refused by the receiver", 1)])));
    }
}

#[test]
fn a_receiver_that_accepts_nothing_gets_what_waits_when_it_is_repaired() {
    for answer in [unacceptable(), Answer::Refused { cause: cause() }, Answer::Unknown { cause: cause() }] {
        let mut rig = Rig::new(
            &signal::SPANS,
            move |_, before| {
                if before < 30 { answer.clone() } else { Answer::accepted() }
            },
        );
        rig.push(0..100);
        rig.flush_for(10);
        assert_eq!((rig.delivered(), rig.dropped()), (0, BTreeMap::new()));
        assert!(rig.sender.ledger.is_hopeless(), "so that nobody waits for it");
        assert!(rig.sender.held().items <= 3 * BATCH_SIZE, "the others wait in the queue");
        rig.flush();
        assert_eq!((rig.delivered(), rig.dropped()), (100, BTreeMap::new()));
        assert!(!rig.sender.ledger.is_hopeless());
        let longest = rig.pauses.borrow().iter().max().copied();
        assert!(
            Some(Duration::from_secs(10)) < longest && longest <= Some(Duration::from_secs(30)),
            "{longest:?}"
        );
    }
}

#[test]
fn a_receiver_that_works_now_and_then_costs_nothing() {
    for answer in [unacceptable, broken] {
        let mut rig = Rig::new(&signal::SPANS, move |_, before| match before {
            20 | 40.. => Answer::accepted(),
            _ => answer(),
        });
        rig.push(0..100);
        rig.flush();
        assert_eq!((rig.delivered(), rig.dropped()), (100, BTreeMap::new()));
    }
}

#[test]
fn the_end_waits_for_one_answer_of_a_receiver_that_refuses_everything() {
    let mut rig = Rig::new(&signal::SPANS, |_, _| Answer::Refused { cause: cause() });
    rig.push(0..20);
    rig.end();
    assert_eq!((rig.requests().len(), rig.dropped()), (1, BTreeMap::from([("refused by the receiver", 20)])));
}

#[test]
fn nothing_changes_after_the_account_is_closed() {
    let mut rig = Rig::answering([]);
    rig.push(0..20);
    rig.sender.ledger.write_off();
    rig.flush();
    let delivery = rig.sender.ledger.delivery();
    assert_eq!((delivery.delivered, delivery.dropped_total(), delivery.waiting()), (0, 20, 0));
}

#[test]
fn a_panic_while_sending_costs_nothing_and_is_counted() {
    let mut rig = Rig::new(&signal::SPANS, |_, before| {
        assert!(before != 1, "on purpose");
        Answer::accepted()
    });
    rig.push(0..20);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped(), rig.sender.ledger.restarts()), (20, BTreeMap::new(), 1));
}

#[test]
fn a_panic_that_an_item_causes_costs_that_item() {
    let mut rig = Rig::new(&signal::SPANS, |numbers, _| {
        assert!(numbers.iter().all(|number| number.0 != 3), "on purpose");
        Answer::accepted()
    });
    rig.push(0..20);
    rig.end();
    assert_eq!((rig.delivered(), rig.dropped()), (19, BTreeMap::from([("refused by the receiver", 1)])));
}

#[test]
fn a_receiver_that_breaks_over_everything_loses_nothing() {
    let mut rig = Rig::new(&signal::SPANS, |_, before| {
        if before < 60 { Answer::Broken { cause: cause() } } else { Answer::accepted() }
    });
    rig.push(0..20);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped()), (20, BTreeMap::new()));
}

#[test]
fn a_signal_that_few_receivers_take_is_offered_once() {
    let mut rig = Rig::new(&signal::ANNOTATIONS, |_, _| Answer::Unknown { cause: cause() });
    rig.push(0..20);
    rig.flush();
    assert_eq!(rig.dropped(), BTreeMap::from([("refused by the receiver", 20)]));
    assert_eq!(rig.requests().len(), 1);
}

#[test]
fn an_exporter_of_the_applications_own_gets_each_batch_once() {
    let mut rig = Rig::answering([Answer::Failed { cause: cause() }]);
    rig.push(0..20);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped()), (12, BTreeMap::from([("export failed", 8)])));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let mut rig = Rig::answering([]);
    rig.push(0..20);
    rig.sender.send_what_is_due(Order::Close(Instant::now()), |_, _, _| unreachable!());
    assert_eq!(rig.requests(), Vec::<Vec<u32>>::new());
    rig.sender.ledger.write_off();
    assert_eq!(rig.dropped(), BTreeMap::from([("not sent in time", 20)]));
}

#[test]
fn a_receiver_that_never_answered_is_asked_once_while_closing() {
    let mut rig = Rig::new(&signal::SPANS, |_, _| Answer::Absent { cause: cause() });
    rig.push(0..20);
    rig.sender.ledger.close();
    let close = Order::Close(Instant::now() + Duration::from_secs(3600));
    rig.sender.send_what_is_due(close, |_, _, _| unreachable!());
    assert_eq!(rig.requests().len(), 1);
}

#[test]
fn large_items_fill_a_batch_by_their_bytes() {
    let mut rig = Rig::answering([]);
    (0..5).for_each(|number| rig.push_long(number, BATCH_BYTES / 2));
    rig.sender.send_what_is_due(Order::Collect, |_, _, _| unreachable!());
    assert_eq!(rig.requests(), [[0, 1], [2, 3]]);
}

#[test]
fn no_item_overtakes_another_that_it_may_replace() {
    let answer = |numbers: &[Number], before: usize| match numbers {
        [Number(0, _), ..] if before < 20 => Answer::Broken { cause: cause() },
        _ => Answer::accepted(),
    };
    let mut rig = ordered(answer);
    rig.push(0..20);
    rig.flush();
    let requests = rig.requests();
    assert!(requests[..20].iter().all(|request| request[0] == 0), "{requests:?}");
    assert_eq!((rig.delivered(), rig.dropped()), (20, BTreeMap::new()));
}

/// A loop for items of which a later one may replace an earlier one.
fn ordered(answer: impl FnMut(&[Number], usize) -> Answer + Send + 'static) -> Rig<OrderedNumbers> {
    Rig::of(OrderedNumbers, &signal::ANNOTATIONS, |_, _| None, answer)
}

#[test]
fn what_was_refused_is_not_sent_after_what_may_replace_it() {
    let mut rig =
        ordered(
            |numbers, _| {
                if numbers[0].0 == 0 { Answer::Unacceptable { cause: cause() } } else { Answer::accepted() }
            },
        );
    rig.push(0..2);
    assert_eq!(rig.flush().requests(), [vec![0, 1], vec![0], vec![1]]);
    assert_eq!((rig.delivered(), rig.dropped()), (1, BTreeMap::from([("refused by the receiver", 1)])));
}

#[test]
fn what_was_refused_is_sent_again_if_nothing_else_was() {
    let mut rig =
        ordered(
            |_, before| {
                if before < 3 { Answer::Unacceptable { cause: cause() } } else { Answer::accepted() }
            },
        );
    rig.push(0..1);
    rig.flush();
    assert_eq!((rig.delivered(), rig.dropped()), (1, BTreeMap::new()));
}

#[test]
fn what_the_thread_had_in_its_hands_when_it_panicked_is_lost_and_counted() {
    let mut rig = Rig::answering([]);
    rig.push(0..3);
    let Load::Items(items) = rig.sender.queue.take() else { panic!("three wait") };
    rig.sender.in_hand = items.len() as u64;
    // At the end, it makes no pause.
    rig.sender.queue.shut(Duration::ZERO);
    rig.sender.recover(&"on purpose");
    assert_eq!(rig.dropped(), BTreeMap::from([("a thread of the pipeline panicked", 3)]));
    let sender = &rig.sender;
    assert_eq!((sender.ledger.restarts(), sender.in_hand, sender.queue.held().items), (1, 0, 0));
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        (0..4_u64).prop_map(|rejected| Answer::Accepted { rejected, message: cause() }),
        Just(Answer::Later { cause: cause(), after: None }),
        Just(Answer::Absent { cause: cause() }),
        Just(Answer::TooLarge { cause: cause() }),
        Just(Answer::Unacceptable { cause: cause() }),
        Just(Answer::Broken { cause: cause() }),
        Just(Answer::Refused { cause: cause() }),
        Just(Answer::Unknown { cause: cause() }),
        Just(Answer::Failed { cause: cause() }),
    ];
    prop::collection::vec(answer, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// For any answers and any order of items, each item has exactly one outcome. The last answers are `accepted`.
    #[test]
    fn every_item_has_one_fate(
        answers in answers(),
        arrivals in prop::collection::vec(1..30_u32, 1..5),
        is_optional in any::<bool>(),
    ) {
        let wording = if is_optional { &signal::ANNOTATIONS } else { &signal::SPANS };
        let mut scripted: VecDeque<Answer> = answers.into();
        let mut rig = Rig::new(wording, move |_, _| scripted.pop_front().unwrap_or_else(Answer::accepted));
        let mut next = 0;
        for arrival in arrivals {
            rig.push(next..next + arrival);
            next += arrival;
            rig.flush();
            let delivery = rig.sender.ledger.delivery();
            prop_assert_eq!(delivery.generated, u64::from(next));
            prop_assert_eq!(delivery.waiting(), rig.sender.queue.held().items as u64, "{}", delivery);
            prop_assert_eq!(delivery.waiting(), rig.sender.accused.len() as u64, "{}", delivery);
        }
        rig.end();
        let delivery = rig.sender.ledger.delivery();
        prop_assert_eq!(delivery.delivered + delivery.dropped_total(), delivery.generated, "{}", delivery);
    }

    /// An item that the receiver accepted is not sent again, and no item is forgotten.
    #[test]
    fn an_accepted_item_is_sent_once(answers in answers(), count in 1..40_u32) {
        let mut scripted: VecDeque<Answer> = answers.into();
        let accepted = Arc::new(Mutex::new(Vec::new()));
        let noted = accepted.clone();
        let mut rig = Rig::new(&signal::SPANS, move |numbers, _| {
            let answer = scripted.pop_front().unwrap_or_else(Answer::accepted);
            if let Answer::Accepted { .. } = answer {
                lock(&noted).extend(numbers.iter().map(|number| number.0));
            }
            answer
        });
        rig.push(0..count);
        rig.flush();
        rig.end();
        let mut accepted = lock(&accepted).clone();
        let all = accepted.len();
        accepted.sort_unstable();
        accepted.dedup();
        prop_assert_eq!(accepted.len(), all);
        let refused = rig.dropped();
        let given_up: u64 = ["refused by the receiver", "export failed"].iter().filter_map(|reason| refused.get(reason)).sum();
        prop_assert_eq!(accepted.len() as u64 + given_up, u64::from(count));
    }
}

/// A receiver that never accepts these.
fn never(bad: &'static [u32]) -> impl FnMut(&[Number], usize) -> Answer + Send + 'static {
    |numbers, _| {
        if numbers.iter().any(|number| bad.contains(&number.0)) { unacceptable() } else { Answer::accepted() }
    }
}

#[test]
fn an_item_that_was_refused_alone_is_not_put_together_with_others() {
    let mut rig = Rig::new(&signal::SPANS, never(&[1, 3]));
    rig.push(1..5);
    rig.flush_for(2);
    let requests = rig.requests();
    assert!(
        !requests[1..].iter().any(|request| request.contains(&1) && request.contains(&4)),
        "{requests:?}"
    );
}

#[test]
fn what_keeps_its_order_is_not_sent_after_what_came_later() {
    let mut rig = ordered(never(&[1]));
    rig.push([1]);
    rig.flush_for(2);
    assert!(rig.requests().len() > 1 && rig.dropped().is_empty(), "the receiver may refuse everything");
    let before = rig.requests().len();
    rig.push([2]);
    assert_eq!(rig.flush().requests()[before..], [[2]]);
    assert_eq!((rig.delivered(), rig.dropped()), (1, BTreeMap::from([("refused by the receiver", 1)])));
}

#[test]
fn what_keeps_its_order_has_one_trial_beside_others() {
    let mut rig = ordered(never(&[4]));
    rig.push(1..5);
    assert_eq!(rig.flush().requests(), [vec![1, 2, 3, 4], vec![1, 2], vec![3], vec![4]]);
    assert_eq!(rig.dropped(), BTreeMap::from([("refused by the receiver", 1)]));
}

/// Parts may be sent together again only if both were refused, and came from the same place.
#[test]
fn only_parts_of_one_origin_are_joined() {
    let parcel = |receipt: Option<&Arc<Receipt<()>>>, has_been_refused: bool| Parcel {
        receipt: receipt.cloned(),
        record: Record { accepted_before: has_been_refused.then_some(0), ..Record::default() },
        ..Parcel::new(vec![Number(1, 1)], None)
    };
    let receipt = || Arc::new(Receipt { records: vec![()], origin: Origin::Here, open: AtomicU64::new(1) });
    let (one, other) = (receipt(), receipt());
    let cases = [
        (parcel(None, true), parcel(None, true), true),
        (parcel(Some(&one), true), parcel(Some(&one), true), true),
        (parcel(Some(&one), true), parcel(Some(&other), true), false),
        (parcel(Some(&one), true), parcel(None, true), false),
        (parcel(None, false), parcel(None, true), false),
        (parcel(None, true), parcel(None, false), false),
    ];
    for (one, other, expected) in cases {
        assert_eq!(is_of_one_origin(&one, &other), expected, "{one:?} and {other:?}");
    }
}
