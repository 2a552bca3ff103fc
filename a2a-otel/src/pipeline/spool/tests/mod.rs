//! Tests the promises of the spool on a simulated disk.

mod disk;
mod model;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::disk::{Fault, Process, SimulatedDisk};
use super::files::{Files, StdFiles};
use super::{Spool, StoredRecord};
use crate::lock::lock;
use crate::pipeline::Delivery;
use crate::pipeline::ledger::{Ledger, Origin};
use crate::pipeline::signal;
use crate::settings;

const FOLDER: &str = "/spool";
const RECEIVER: &str = "receiver";

/// Two requests fill a segment.
const SEGMENT_BYTES: u64 = 200;
const BODY: &[u8] = &[7; 100];
const AGE: Duration = Duration::from_secs(1000);

fn receiver() -> PathBuf {
    PathBuf::from(FOLDER).join(RECEIVER)
}

fn open(
    process: &Process,
    limits: &settings::Spool,
    segment_bytes: u64,
    ledger: Arc<Ledger>,
) -> io::Result<(Spool, Vec<StoredRecord>)> {
    Spool::open_on(Arc::new(process.clone()), limits, segment_bytes, RECEIVER, ledger)
}

/// A process that uses the spool.
struct Agent {
    process: Process,
    ledger: Arc<Ledger>,
    spool: Spool,
    recovered: Vec<StoredRecord>,
}

impl Agent {
    fn start(disk: &SimulatedDisk) -> Self {
        Self::start_with(disk, 10_000)
    }

    fn start_with(disk: &SimulatedDisk, bytes: u64) -> Self {
        Self::start_as(disk.process(), bytes)
    }

    fn start_as(process: Process, bytes: u64) -> Self {
        Self::try_start(process, bytes).unwrap()
    }

    fn try_start(process: Process, bytes: u64) -> io::Result<Self> {
        let limits = settings::Spool { folder: FOLDER.into(), bytes, age: AGE };
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let (spool, recovered) = open(&process, &limits, SEGMENT_BYTES, ledger.clone())?;
        Ok(Agent { process, ledger, spool, recovered })
    }

    fn store(&self) -> StoredRecord {
        self.spool.store(BODY, 1).unwrap()
    }

    fn deliver(&self, record: &StoredRecord) {
        assert_eq!(self.spool.load(record).as_deref(), Some(BODY));
        self.spool.done(record);
    }

    fn delivery(&self) -> Delivery {
        self.ledger.delivery()
    }
}

#[test]
fn a_stored_request_outlives_its_process() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    agent.store();
    agent.process.kill();
    let next = Agent::start(&disk);
    assert_eq!((next.recovered.len(), next.delivery().recovered), (1, 1));
    assert_eq!(next.recovered[0].origin(), Origin::Earlier);
    next.deliver(&next.recovered[0]);
    assert_eq!(disk.segments().len(), 0);
}

#[test]
fn a_death_at_any_call_loses_nothing_that_was_stored() {
    for call in 0.. {
        let disk = SimulatedDisk::default();
        let agent = Agent::start(&disk);
        let delivered = agent.store();
        agent.process.fail_at(call, Fault::Crash { written: 50 });
        let stored = [(); 2].map(|()| agent.spool.store(BODY, 1));
        if agent.spool.load(&delivered).is_some() {
            agent.spool.done(&delivered);
        }
        if !agent.process.is_dead() {
            break;
        }
        drop(agent);
        let found = Agent::start(&disk).recovered.len();
        assert!(found >= stored.iter().flatten().count(), "{found} after call {call}");
    }
}

#[test]
fn a_segment_is_deleted_when_all_in_it_is_done() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let records = [(); 3].map(|()| agent.store());
    assert_eq!(disk.segments().len(), 2);
    agent.deliver(&records[0]);
    assert_eq!(disk.segments().len(), 2);
    agent.deliver(&records[1]);
    assert_eq!(disk.segments().len(), 1);
    agent.deliver(&records[2]);
    agent.spool.leave();
    assert_eq!(disk.below(&receiver()), Vec::<PathBuf>::new(), "nothing is left behind");
}

#[test]
fn a_request_without_items_is_one_as_well() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    agent.spool.store(BODY, 0).unwrap();
    agent.spool.leave();
    drop(agent);
    assert_eq!(Agent::start(&disk).recovered.len(), 1);
}

#[test]
fn the_oldest_segment_makes_room_and_is_counted() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start_with(&disk, 700);
    let records: Vec<_> = (0..8).map(|_| agent.store()).collect();
    let delivery = agent.delivery();
    assert_eq!((delivery.spooled, delivery.dropped["spool full"]), (4, 4));
    let is_kept: Vec<_> = records.iter().map(|record| agent.spool.load(record).is_some()).collect();
    assert_eq!(is_kept, [false, false, false, false, true, true, true, true]);
    assert!(disk.used() <= 700, "what was deleted takes no space, though its records are held");
}

#[test]
fn a_segment_stays_while_a_request_in_it_is_sent() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start_with(&disk, 700);
    let first = agent.store();
    assert!(agent.spool.load(&first).is_some());
    (0..8).for_each(|_| drop(agent.store()));
    assert!(disk.exists(&first.file.path));
    agent.spool.done(&first);
    (0..2).for_each(|_| drop(agent.store()));
    assert!(!disk.exists(&first.file.path));
}

#[test]
fn what_is_too_old_is_deleted_and_what_is_young_is_not() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let old = agent.store();
    disk.wait(AGE / 2);
    let young = agent.store();
    disk.wait(AGE / 2 + AGE / 8);
    agent.store();
    assert_eq!(agent.delivery().dropped["spool too old"], 1);
    assert_eq!(agent.spool.load(&old), None);
    agent.deliver(&young);
}

#[test]
fn a_living_process_keeps_its_folder() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let record = agent.store();
    let other = Agent::start(&disk);
    assert_eq!(other.recovered.len(), 0);
    other.spool.leave();
    agent.deliver(&record);
    agent.store();
    agent.process.kill();
    assert_eq!(Agent::start(&disk).recovered.len(), 1);
}

/// Another process acts between any two calls.
#[test]
fn processes_that_start_and_end_at_once_do_not_disturb_each_other() {
    for call in 0..40 {
        let disk = SimulatedDisk::default();
        let ended = Agent::start(&disk);
        ended.store();
        ended.process.kill();

        let (process, other) = (disk.process(), Arc::new(Mutex::new(None)));
        let (shared, slot) = (disk.clone(), other.clone());
        process.interrupt_at(call, move || *lock(&slot) = Some(Agent::start(&shared)));
        let agent = Agent::start_as(process, 10_000);
        let Some(other) = lock(&other).take() else { break };
        assert_eq!(agent.recovered.len() + other.recovered.len(), 1, "adopted once, at call {call}");
        for agent in [&agent, &other] {
            let record = agent.spool.store(BODY, 1).expect("each has a folder of its own");
            agent.recovered.iter().chain([&record]).for_each(|record| agent.deliver(record));
        }

        let shared = disk.clone();
        let late = Arc::new(Mutex::new(None));
        let slot = late.clone();
        agent.process.interrupt_at(call, move || *lock(&slot) = Some(Agent::start(&shared)));
        agent.spool.leave();
        other.spool.leave();
        let late = lock(&late).take();
        if let Some(late) = late {
            let record = late.spool.store(BODY, 1).expect("it has a folder of its own");
            late.deliver(&record);
            late.spool.leave();
        }
        assert_eq!(disk.below(&receiver()), Vec::<PathBuf>::new(), "nothing is left behind");
    }
}

#[test]
fn a_full_disk_keeps_what_it_has_and_takes_nothing_in_part() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let records = [agent.store(), agent.store()];
    let used = disk.used();
    // Too little for the mark of a new file or for a request.
    for free in [0, 50, 50] {
        disk.leave_free(Some(free));
        assert_eq!(agent.spool.store(BODY, 1).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(disk.used() <= used + 8, "at most an empty segment");
        assert!(disk.segments().len() <= 2);
    }
    for record in &records {
        agent.deliver(record);
    }
    disk.leave_free(None);
    let record = agent.store();
    agent.deliver(&record);
}

#[test]
fn a_request_is_sent_again_only_if_it_could_not_be_marked() {
    for (fault, found) in
        [(None, 0), (Some(Fault::Error { written: 0 }), 1), (Some(Fault::Crash { written: 0 }), 1)]
    {
        let disk = SimulatedDisk::default();
        let agent = Agent::start(&disk);
        let [first, _second] = [agent.store(), agent.store()];
        assert!(agent.spool.load(&first).is_some());
        if let Some(fault) = fault {
            agent.process.fail_at(0, fault);
        }
        agent.spool.done(&first);
        agent.process.kill();
        assert_eq!(Agent::start(&disk).recovered.len(), 1 + found, "{fault:?}");
    }
}

#[test]
fn damage_costs_the_request_that_it_hits_and_is_counted() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let [hit, spared] = [agent.store(), agent.store()];
    disk.change(&hit.file.path, |content| content[50] ^= 1);
    assert_eq!(agent.spool.load(&hit), None);
    agent.deliver(&spared);
    assert_eq!(agent.delivery().dropped["spool damaged"], 1);
}

#[test]
fn what_cannot_be_read_at_the_start_stays_for_the_next_one() {
    for call in 0..40 {
        let disk = SimulatedDisk::default();
        let ended = Agent::start(&disk);
        ended.store();
        ended.process.kill();
        let process = disk.process();
        process.fail_at(call, Fault::Error { written: 0 });
        let opened = Agent::try_start(process.clone(), 10_000);
        process.kill();
        drop(opened);
        assert_eq!(Agent::start(&disk).recovered.len(), 1, "after call {call}");
        let has_failed = process.has_failed();
        if !has_failed {
            break;
        }
    }
}

#[test]
fn the_real_disk_does_what_the_simulated_one_does() {
    let unique = RandomState::new().hash_one(());
    let folder = std::env::temp_dir().join(format!("a2a-otel-files-{unique:016x}"));
    let path = folder.join("file");
    for files in [&StdFiles as &dyn Files, &SimulatedDisk::default().process()] {
        assert_eq!(files.open_lock(&path).unwrap_err().kind(), ErrorKind::NotFound, "{files:?}");
        assert_eq!(files.list(&folder).unwrap_err().kind(), ErrorKind::NotFound, "{files:?}");
        files.create_folder(&folder).unwrap();
        let [first, second] = [(); 2].map(|()| files.open_lock(&path).unwrap());
        first.try_lock().unwrap();
        assert!(second.try_lock().is_err(), "{files:?}");
        drop(first);
        second.try_lock().unwrap();
        assert!(second.is_at(&path).unwrap(), "{files:?}");
        files.delete(&path).unwrap();
        assert!(!second.is_at(&path).unwrap_or_default(), "{files:?}");

        let mut file = files.create(&path).unwrap();
        assert_eq!(files.create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists, "{files:?}");
        assert!(!second.is_at(&path).unwrap(), "{files:?}");
        file.write_at(0, b"abcdef").unwrap();
        file.write_at(2, b"x").unwrap();
        file.set_length(4).unwrap();
        let mut content = [0; 4];
        files.open(&path).unwrap().read_at(0, &mut content).unwrap();
        assert_eq!((&content, file.metadata().unwrap().length), (b"abxd", 4), "{files:?}");
        assert!(file.read_at(2, &mut content).is_err(), "{files:?}");
        assert_eq!(files.list(&folder).unwrap().len(), 1, "{files:?}");
        assert!(files.delete_folder(&folder).is_err(), "{files:?}");
        files.delete(&path).unwrap();
        files.delete_folder(&folder).unwrap();
    }
}
