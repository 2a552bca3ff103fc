//! Compares the loop with a simple model, for random sequences of items, states of the receiver, restarts and ends.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::disk::{MemoryDisk, OnDisk, disk, rig};
use super::*;

/// What the receiver does with every request, until its state changes.
#[derive(Clone, Copy, Debug)]
enum State {
    /// It accepts everything except requests with a bad item.
    Works,
    Absent,
    Unavailable,
    /// It answers 500.
    Breaks,
    /// It answers 400.
    Refuses,
    /// It answers 401.
    IsLocked,
}

/// Items with these numbers are refused for themselves.
fn is_bad(number: u32) -> bool {
    number % 11 == 5
}

impl State {
    fn answer(self, numbers: &[Number]) -> Answer {
        match self {
            State::Works if numbers.iter().any(|number| is_bad(number.0)) => unacceptable(),
            State::Works => Answer::accepted(),
            State::Absent => Answer::Absent { cause: cause() },
            State::Unavailable => Answer::Later { cause: cause(), after: None },
            State::Breaks => broken(),
            State::Refuses => unacceptable(),
            State::IsLocked => Answer::Refused { cause: cause() },
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Items are created.
    Create(u32),
    /// The receiver's state changes, and everything is sent that it takes, with this many pauses.
    Send(State, usize),
    /// The process ends in this state, and another begins.
    Restart(State),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let state = prop_oneof![
        3 => Just(State::Works),
        1 => Just(State::Absent),
        1 => Just(State::Unavailable),
        1 => Just(State::Breaks),
        1 => Just(State::Refuses),
        1 => Just(State::IsLocked),
    ];
    let step = prop_oneof![
        2 => (1..40_u32).prop_map(Step::Create),
        4 => (state.clone(), 1..30_usize).prop_map(|(state, pauses)| Step::Send(state, pauses)),
        1 => state.prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..25)
}

/// What the receiver has accepted, over all processes.
type Accepted = Arc<Mutex<Vec<u32>>>;

/// One process after the other, with the same disk or without one.
struct World {
    rig: Rig<Numbers, MemoryDisk>,
    state: Arc<Mutex<State>>,
    accepted: Accepted,
    has_disk: bool,
    /// The first item of this process, and the next one.
    first: u32,
    next: u32,
}

impl World {
    fn new(has_disk: bool) -> Self {
        let (state, accepted) = (Arc::new(Mutex::new(State::Works)), Accepted::default());
        let rig = Self::process(&state, &accepted, has_disk);
        World { rig, state, accepted, has_disk, first: 0, next: 0 }
    }

    fn process(state: &Arc<Mutex<State>>, accepted: &Accepted, has_disk: bool) -> Rig<Numbers, MemoryDisk> {
        let (state, accepted) = (state.clone(), accepted.clone());
        let mut rig = rig(move |numbers, _| {
            let answer = lock(&state).answer(numbers);
            if answer == Answer::accepted() {
                lock(&accepted).extend(numbers.iter().map(|number| number.0));
            }
            answer
        });
        if !has_disk {
            rig.sender.disk = None;
        }
        rig
    }

    fn create(&mut self, items: u32) {
        self.rig.push(self.next..self.next + items);
        self.next += items;
    }

    fn send(&mut self, state: State, pauses: usize) {
        *lock(&self.state) = state;
        self.rig.flush_for(pauses);
    }

    /// Ends the process, checks its account, and starts the next one with what it has left on disk.
    fn restart(&mut self, state: State) {
        *lock(&self.state) = state;
        self.rig.end();
        let delivery = self.rig.sender.ledger.delivery();
        assert_eq!(delivery.waiting(), 0, "{delivery}");
        assert_eq!(
            delivery.generated,
            delivery.delivered + delivery.spooled + delivery.dropped_total(),
            "{delivery}"
        );
        let mut left = Vec::new();
        if self.has_disk {
            left.append(&mut disk(&mut self.rig).written);
            left.retain(|record: &Arc<OnDisk>| record.done.load(Ordering::Relaxed) == 0);
        }
        self.rig = Self::process(&self.state, &self.accepted, self.has_disk);
        let left = left.iter().map(|record| OnDisk::new(record.numbers.clone(), Origin::Earlier));
        let left: Vec<_> = left.collect();
        if self.has_disk {
            let items = left.iter().map(|record| record.numbers.len() as u64).sum();
            self.rig.sender.ledger.recovered(items);
            let disk = disk(&mut self.rig);
            disk.recovered.extend(left.iter().cloned());
            disk.written = left;
        }
        self.first = self.next;
    }

    /// Checks the account of the process while it runs.
    fn check(&self) {
        let delivery = self.rig.sender.ledger.delivery();
        let created = self.first..self.next;
        assert_eq!(delivery.generated, created.len() as u64, "{delivery}");
        let accepted = lock(&self.accepted);
        let delivered = created.clone().filter(|number| accepted.contains(number)).count();
        assert_eq!(delivery.delivered, delivered as u64, "{delivery}");
        let bad = created.filter(|number| is_bad(*number)).count();
        assert!(
            delivery.dropped_total() <= bad as u64,
            "{delivery}: only what is bad is dropped while the process runs"
        );
        let reasons: Vec<_> =
            delivery.dropped.keys().copied().filter(|reason| *reason != Loss::Refused.reason()).collect();
        assert_eq!(reasons, Vec::<&str>::new());
    }
}

/// How many sequences are tried. More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

#[test]
fn a_bad_item_of_an_earlier_process_does_not_block_the_others() {
    let mut world = World::new(true);
    world.create(6);
    world.restart(State::Absent);
    world.create(1);
    world.restart(State::Absent);
    assert!(lock(&world.accepted).is_empty());
    world.send(State::Works, 20);
    let accepted: BTreeSet<_> = lock(&world.accepted).iter().copied().collect();
    assert_eq!(accepted, BTreeSet::from([0, 1, 2, 3, 4, 6]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    /// While a process runs, it loses nothing but what is refused for itself. When it ends, the rest is on its disk, if it
    /// has one, or is counted. The next one sends what is on the disk.
    #[test]
    fn nothing_is_lost_but_what_is_refused_for_itself(steps in steps(), has_disk in any::<bool>()) {
        let mut world = World::new(has_disk);
        for step in steps {
            match step {
                Step::Create(items) => world.create(items),
                Step::Send(state, pauses) => world.send(state, pauses),
                Step::Restart(state) => world.restart(state),
            }
            world.check();
        }
        // Each group has a good item, so that what is refused is found.
        for _ in 0..4 {
            world.create(2);
            world.send(State::Works, 1000);
            world.check();
        }
        let accepted: BTreeSet<_> = lock(&world.accepted).iter().copied().collect();
        let first = if has_disk { 0 } else { world.first };
        let missing: Vec<_> = (first..world.next).filter(|number| !accepted.contains(number)).collect();
        let bad: Vec<_> = (first..world.next).filter(|number| is_bad(*number)).collect();
        prop_assert_eq!(missing, bad);
    }
}
