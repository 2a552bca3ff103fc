//! Tests the rules of the loop with a disk, which is a list in memory.

use proptest::prelude::*;

use super::*;

/// Keeps each request, and checks that none is done twice.
pub(super) struct MemoryDisk {
    ledger: Arc<Ledger>,
    queue: Arc<Queue<Number, Arc<OnDisk>>>,
    pub(super) recovered: VecDeque<Arc<OnDisk>>,
    /// Everything that was ever written.
    pub(super) written: Vec<Arc<OnDisk>>,
}

/// A request on the disk.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) numbers: Vec<Number>,
    origin: Origin,
    pub(super) done: AtomicU64,
}

/// A request with this number cannot be read back.
const DAMAGED: u32 = 1_000_000;

impl OnDisk {
    pub(super) fn new(numbers: Vec<Number>, origin: Origin) -> Arc<Self> {
        Arc::new(OnDisk { numbers, origin, done: AtomicU64::new(0) })
    }

    fn is_damaged(&self) -> bool {
        self.numbers.iter().any(|number| number.0 == DAMAGED)
    }
}

impl Disk<Vec<Number>> for MemoryDisk {
    type Record = Arc<OnDisk>;

    fn save_waiting(&mut self) {
        loop {
            let numbers = self.queue.take_to_save();
            if numbers.is_empty() {
                return;
            }
            self.ledger.spooled(numbers.len() as u64);
            let amount = Amount { items: numbers.len(), bytes: Payload::bytes(&numbers) };
            let record = OnDisk::new(numbers, Origin::Here);
            self.written.push(record.clone());
            self.queue.saved([(amount, record)]);
        }
    }

    fn has_recovered(&self) -> bool {
        !self.recovered.is_empty()
    }

    fn take_recovered(&mut self, _limits: &Batch) -> Vec<Arc<OnDisk>> {
        self.recovered.pop_front().into_iter().collect()
    }

    fn load(&self, mut records: Vec<Arc<OnDisk>>) -> Option<Loaded<Vec<Number>, Arc<OnDisk>>> {
        for damaged in records.extract_if(.., |record| record.is_damaged()) {
            let items = damaged.numbers.len() as u64;
            self.ledger.lost_from_spool(damaged.origin, Loss::SpoolDamaged, items);
        }
        let origin = records.first()?.origin;
        let payload = records.iter().flat_map(|record| record.numbers.clone()).collect();
        Some(Loaded { payload, records, origin })
    }

    fn done(&self, record: &Arc<OnDisk>) {
        assert_eq!(record.done.fetch_add(1, Ordering::Relaxed), 0, "{record:?} is done twice");
    }

    fn close(&mut self) {
        self.save_waiting();
    }
}

pub(super) fn rig(
    answer: impl FnMut(&[Number], usize) -> Answer + Send + 'static,
) -> Rig<Numbers, MemoryDisk> {
    let disk: MakeDisk<MemoryDisk> = |ledger, queue| {
        Some(MemoryDisk {
            ledger: ledger.clone(),
            queue: queue.clone(),
            recovered: VecDeque::new(),
            written: Vec::new(),
        })
    };
    Rig::of(Numbers, &signal::SPANS, disk, answer)
}

pub(super) fn disk(rig: &mut Rig<Numbers, MemoryDisk>) -> &mut MemoryDisk {
    rig.sender.disk.as_mut().expect("it has a disk")
}

#[test]
fn a_request_is_done_once_if_all_of_it_is_rejected() {
    let mut rig = rig(|_, _| Answer::Accepted { rejected: 1, message: cause() });
    rig.push(0..1);
    rig.flush();
    let delivery = rig.sender.ledger.delivery();
    assert_eq!((delivery.spooled, delivery.dropped_total(), delivery.waiting()), (0, 1, 0), "{delivery}");
}

#[test]
fn a_bad_item_on_disk_is_found_by_halving() {
    for bad in 0..8 {
        let mut rig = rig(move |numbers, _| {
            if numbers.iter().any(|number| number.0 == bad) { unacceptable() } else { Answer::accepted() }
        });
        rig.push(0..8);
        rig.flush();
        let delivery = rig.sender.ledger.delivery();
        let kept = delivery.spooled + delivery.dropped_total();
        assert_eq!((delivery.delivered, kept), (7, 1), "{bad}: {delivery}");
        assert!(rig.requests().len() <= 7, "{bad}: {:?}", rig.requests());
    }
}

#[test]
fn what_an_earlier_process_left_is_sent_last_and_counted_apart() {
    let mut rig = rig(|_, _| Answer::accepted());
    let left = OnDisk::new(vec![Number(7, 1)], Origin::Earlier);
    disk(&mut rig).recovered.push_back(left.clone());
    rig.push(0..2);
    rig.flush();
    let delivery = rig.sender.ledger.delivery();
    assert_eq!(rig.requests(), [vec![0, 1], vec![7]]);
    assert_eq!((delivery.generated, delivery.delivered, delivery.replayed), (2, 2, 1));
    assert_eq!(left.done.load(Ordering::Relaxed), 1);
}

#[test]
fn what_an_earlier_process_left_may_show_which_item_is_refused() {
    let mut rig = rig(never(&[0]));
    disk(&mut rig).recovered.push_back(OnDisk::new(vec![Number(7, 1)], Origin::Earlier));
    rig.push(0..1);
    rig.flush_for(1);
    assert_eq!(rig.requests()[..2], [[0], [7]]);
}

#[test]
fn what_cannot_be_read_back_does_not_end_the_work() {
    let mut rig = rig(|_, _| Answer::accepted());
    rig.push([DAMAGED, 1, 2, 3, 4, 5, 6, 7]);
    disk(&mut rig).save_waiting();
    rig.push(8..10);
    let close = Order::Close(Instant::now() + Duration::from_secs(3600));
    rig.sender.send_what_is_due(close, |_, _, _| close);
    assert_eq!(rig.requests(), [vec![8, 9]]);
    assert_eq!(rig.dropped(), BTreeMap::from([("spool damaged", 8)]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// For any answers of the receiver, nothing stays on disk, and each request is done once.
    #[test]
    fn every_item_on_disk_has_one_fate(
        answers in answers(),
        arrivals in prop::collection::vec(1..30_u32, 1..5),
    ) {
        let mut scripted: VecDeque<Answer> = answers.into();
        let mut rig = rig(move |_, _| scripted.pop_front().unwrap_or_else(Answer::accepted));
        let two = |number| OnDisk::new(vec![Number(number, 10), Number(number, 10)], Origin::Earlier);
        let left: Vec<_> = (500..503).map(two).collect();
        disk(&mut rig).recovered.extend(left.iter().cloned());
        let mut next = 0;
        for arrival in arrivals {
            rig.push(next..next + arrival);
            next += arrival;
            rig.flush();
            let delivery = rig.sender.ledger.delivery();
            let held = rig.sender.accused.iter().map(Parcel::own).sum::<usize>() as u64;
            prop_assert_eq!((delivery.spooled, delivery.waiting()), (held, 0), "{}", delivery);
            prop_assert_eq!(delivery.delivered + held + delivery.dropped_total(), u64::from(next), "{}", delivery);
        }
        let are_done = left.iter().all(|request| request.done.load(Ordering::Relaxed) == 1);
        prop_assert!(are_done || !rig.sender.accused.is_empty());
    }
}
