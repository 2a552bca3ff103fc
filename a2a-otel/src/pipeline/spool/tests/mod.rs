//! Tests the promises of the spool on a simulated disk.

mod disk;
mod model;

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::disk::{Fault, Process, SimulatedDisk};
use super::files::{Files, Kind, StdFiles};
use super::{Address, SEGMENT_BYTES as LARGEST_SEGMENT, SEGMENTS, Spool, StoredRecord, shared};
use crate::lock::lock;
use crate::pipeline::Delivery;
use crate::pipeline::ledger::{Ledger, Origin};
use crate::pipeline::scratch::Scratch;
use crate::pipeline::signal;
use crate::report::heard;
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

fn address(receiver: &str, identity: Option<&str>) -> Address {
    Address { receiver: receiver.to_owned(), identity: identity.map(str::to_owned) }
}

fn open(
    process: &Process,
    limits: &settings::Spool,
    segment_bytes: u64,
    ledger: Arc<Ledger>,
) -> io::Result<(Spool, Vec<StoredRecord>)> {
    Spool::open_on(Arc::new(process.clone()), limits, segment_bytes, &address(RECEIVER, None), ledger)
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
        Self::start_for(process, &address(RECEIVER, None), bytes)
    }

    fn start_for(process: Process, address: &Address, bytes: u64) -> io::Result<Self> {
        let limits = settings::Spool { folder: FOLDER.into(), bytes, age: AGE };
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let files = Arc::new(process.clone());
        // The queue took what is stored here.
        ledger.enter(1 << 40);
        let (spool, recovered) = Spool::open_on(files, &limits, SEGMENT_BYTES, address, ledger.clone())?;
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

fn path_of(record: &StoredRecord) -> PathBuf {
    lock(&record.file.segment).path().to_owned()
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
    agent.spool.check();
    assert_eq!(
        disk.below(&receiver()),
        Vec::<PathBuf>::new(),
        "nothing is left behind, even if the keeper is late"
    );
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
    assert!(disk.exists(&path_of(&first)));
    agent.spool.done(&first);
    (0..2).for_each(|_| drop(agent.store()));
    assert!(!disk.exists(&path_of(&first)));
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
fn many_segments_need_few_open_files() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let records: Vec<_> = (0..40).map(|_| agent.store()).collect();
    assert_eq!((disk.segments().len(), disk.open_files()), (20, 2), "the lock, and what is written to");
    for agent in (0..20).map(|_| Agent::start(&disk)) {
        agent.store();
        agent.process.kill();
    }
    for record in &records {
        agent.deliver(record);
    }
    agent.process.kill();
    drop((agent, records));
    let next = Agent::start(&disk);
    assert_eq!((next.recovered.len(), disk.open_files()), (20, 1), "the lock");
}

#[test]
fn the_limit_is_one_of_the_folder_for_all_processes() {
    let disk = SimulatedDisk::default();
    let start =
        |receiver, identity| Agent::start_for(disk.process(), &address(receiver, identity), 1000).unwrap();
    let agents = [start("a", None), start("a", Some("key")), start("b", None)];
    for _ in 0..10 {
        for agent in &agents {
            agent.store();
            assert!(disk.used() <= 1000, "{}", disk.used());
        }
    }
    let mut kept = 0;
    for agent in &agents {
        agent.spool.check();
        let delivery = agent.delivery();
        assert_eq!((delivery.spooled + delivery.dropped["spool full"], delivery.recovered), (10, 0));
        kept += delivery.spooled;
    }
    assert_eq!(kept, disk.segments().iter().map(|file| (file.length - 8) / 117).sum::<u64>());
    let [agent, others @ ..] = agents;
    let of_others: u64 = others.iter().map(|agent| agent.delivery().spooled).sum();
    for agent in &others {
        agent.process.kill();
    }
    drop(others);
    (0..20).for_each(|_| drop(agent.store()));
    let Delivery { recovered, recovered_dropped, spooled, .. } = agent.delivery();
    assert_eq!(
        (recovered, recovered_dropped["spool full"]),
        (of_others, of_others),
        "nobody else counts them"
    );
    assert_eq!(spooled, disk.segments().iter().map(|file| (file.length - 8) / 117).sum::<u64>());
    assert!(of_others > 0 && disk.used() <= 1000);
}

#[test]
fn an_eviction_at_the_start_is_counted() {
    let disk = SimulatedDisk::default();
    let ended = Agent::start(&disk);
    (0..20).for_each(|_| drop(ended.store()));
    ended.process.kill();
    let next = Agent::start_with(&disk, 700);
    let Delivery { recovered, recovered_dropped, .. } = next.delivery();
    assert_eq!((recovered, recovered_dropped["spool full"], next.recovered.len()), (20, 16, 4));
}

#[test]
fn a_deleted_folder_is_noticed_and_made_anew() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let [loaded, _, _] = [(); 3].map(|()| agent.store());
    assert!(agent.spool.load(&loaded).is_some());
    disk.delete_all(&PathBuf::from(FOLDER));
    agent.spool.check();
    let delivery = agent.delivery();
    assert_eq!(
        (delivery.spooled, delivery.dropped["spool deleted"]),
        (1, 2),
        "what is being sent is not lost"
    );
    let record = agent.store();
    assert_eq!(Agent::start(&disk).recovered.len(), 0, "the new folder is locked as well");
    agent.deliver(&record);
    agent.ledger.unspooled(1);
    agent.spool.leave();
    assert_eq!((agent.delivery().spooled, agent.delivery().dropped["spool deleted"]), (0, 3));
}

/// A request that is written to a deleted file is written again.
#[test]
fn a_folder_that_is_deleted_at_any_call_costs_no_request_that_is_stored_later() {
    for call in 0..12 {
        let disk = SimulatedDisk::default();
        let agent = Agent::start(&disk);
        agent.store();
        let shared = disk.clone();
        agent.process.interrupt_at(call, move || shared.delete_all(&PathBuf::from(FOLDER)));
        let stored = [(); 3].map(|()| agent.spool.store(BODY, 1).ok());
        (0..2).for_each(|_| agent.spool.check());
        let kept: u64 = disk.segments().iter().map(|file| (file.length - 8) / 117).sum();
        let Delivery { spooled, dropped, .. } = agent.delivery();
        assert_eq!(spooled, kept, "after call {call}");
        let counted = spooled + dropped.values().sum::<u64>();
        assert_eq!(counted, 1 + stored.iter().flatten().count() as u64, "after call {call}");
    }
}

#[test]
fn requests_are_only_sent_with_the_headers_they_were_saved_with() {
    let disk = SimulatedDisk::default();
    let start = |identity| Agent::start_for(disk.process(), &address(RECEIVER, identity), 10_000).unwrap();
    for identity in [None, Some("a"), Some("b")] {
        let agent = start(identity);
        assert_eq!(agent.recovered.len(), 0, "{identity:?}");
        agent.store();
        agent.process.kill();
    }
    for identity in [None, Some("a"), Some("b")] {
        let agent = start(identity);
        assert_eq!(agent.recovered.len(), 1, "{identity:?}");
        agent.process.kill();
    }
}

#[test]
fn what_was_saved_with_other_headers_is_told() {
    assert!(heard("/spool/quiet").is_empty());
    let disk = SimulatedDisk::default();
    let start =
        |receiver, identity| Agent::start_for(disk.process(), &address(receiver, identity), 10_000).unwrap();
    start("quiet", None).process.kill();
    let elsewhere = start("elsewhere", None);
    elsewhere.store();
    elsewhere.process.kill();
    start("quiet", Some("key"));
    assert_eq!((heard("/spool/quiet"), heard("/spool/elsewhere")), (vec![], vec![]));
    let agent = start("quiet", None);
    agent.store();
    agent.process.kill();
    start("quiet", Some("other"));
    assert_eq!(heard("/spool/quiet").len(), 1);
}

#[test]
fn what_others_left_is_deleted_by_its_age_and_counted() {
    let disk = SimulatedDisk::default();
    let start = |receiver| Agent::start_for(disk.process(), &address(receiver, None), 10_000).unwrap();
    let (ended, alive) = (start("a"), start("b"));
    ended.store();
    alive.store();
    ended.process.kill();
    disk.wait(AGE + Duration::from_secs(1));
    let agent = start("c");
    let Delivery { recovered, recovered_dropped, .. } = agent.delivery();
    assert_eq!((recovered, recovered_dropped["spool too old"]), (1, 1));
    assert!(!disk.exists(&PathBuf::from(FOLDER).join("a")), "its folder as well");
    assert_eq!(alive.delivery().spooled, 1, "a living process does so by itself");
    alive.spool.check();
    assert_eq!(alive.delivery().dropped["spool too old"], 1);
}

#[test]
fn what_is_still_in_memory_is_not_lost_with_its_file() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let record = agent.store();
    disk.wait(AGE + Duration::from_secs(1));
    agent.spool.check();
    assert_eq!(agent.delivery().dropped["spool too old"], 1);
    agent.spool.take_back(&record);
    let Delivery { dropped, spooled, .. } = agent.delivery();
    assert_eq!((dropped.len(), spooled), (0, 0), "{dropped:?}");
}

#[test]
fn symbolic_links_are_not_followed() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    agent.store();
    let file = lock(&agent.spool.state).home.path().join("00000009.spool");
    agent.process.kill();
    disk.link(&file);
    disk.link(&receiver().join("1-abc"));
    let next = Agent::start(&disk);
    assert_eq!(next.recovered.len(), 1, "the link to a file and the link to a folder are left alone");
    assert!(disk.exists(&file) && disk.exists(&receiver().join("1-abc")));
    let elsewhere = SimulatedDisk::default();
    elsewhere.link(&receiver());
    assert!(Agent::try_start(elsewhere.process(), 10_000).is_err(), "the folder of the receiver is a link");
    assert_eq!(elsewhere.segments().len(), 0);
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
fn no_more_makes_room_than_must() {
    for is_alive in [true, false] {
        let disk = SimulatedDisk::default();
        let start = |receiver| Agent::start_for(disk.process(), &address(receiver, None), 1000).unwrap();
        let (other, agent) = (start("a"), start("b"));
        (0..8).for_each(|_| drop(other.store()));
        if !is_alive {
            other.process.kill();
        }
        assert_eq!((disk.segments().len(), disk.used()), (4, 968));
        agent.store();
        assert_eq!(disk.segments().len(), 4, "three of the other's, and its own");
        let Delivery { recovered_dropped, .. } = agent.delivery();
        if is_alive {
            other.spool.check();
            assert_eq!((other.delivery().dropped["spool full"], recovered_dropped.len()), (2, 0));
        } else {
            assert_eq!(recovered_dropped["spool full"], 2);
        }
    }
}

#[test]
fn what_is_deleted_of_an_ended_process_is_counted_whatever_fails() {
    for call in 0.. {
        let disk = SimulatedDisk::default();
        let start = |receiver| Agent::start_for(disk.process(), &address(receiver, None), 1000).unwrap();
        let (ended, agent) = (start("a"), start("b"));
        (0..8).for_each(|_| drop(ended.store()));
        ended.process.kill();
        agent.process.fail_at(call, Fault::Error { written: 0 });
        let _ = agent.spool.store(BODY, 1);
        let left = disk.segments().iter().filter(|file| file.path.starts_with("/spool/a")).count() as u64;
        let counted = agent.delivery().recovered_dropped.get("spool full").copied().unwrap_or_default();
        assert_eq!(counted, 2 * (4 - left), "after call {call}");
        if !agent.process.has_failed() {
            break;
        }
    }
}

#[test]
fn one_process_at_a_time_makes_room() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start_with(&disk, 700);
    let other = disk.process().open_folder(&PathBuf::from(FOLDER)).unwrap();
    other.try_lock().unwrap();
    (0..8).for_each(|_| drop(agent.store()));
    assert_eq!(disk.segments().len(), 4, "the other one makes room");
    drop(other);
    agent.spool.check();
    assert_eq!(disk.segments().len(), 2);
}

#[test]
fn what_cannot_be_read_for_now_stays_and_grows_old() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let record = agent.store();
    let path = path_of(&record).display().to_string();
    assert!(heard(&path).is_empty());
    for _ in 0..2 {
        agent.process.fail_at(0, Fault::Error { written: 0 });
        assert_eq!(agent.spool.load(&record), None);
        assert_eq!(heard(&path).len(), 1, "it is told once");
    }
    let Delivery { dropped, spooled, .. } = agent.delivery();
    assert_eq!((dropped.len(), spooled), (0, 1), "{dropped:?}");
    disk.wait(AGE + Duration::from_secs(1));
    agent.spool.check();
    assert_eq!(agent.delivery().dropped["spool too old"], 1);
}

#[test]
fn what_is_not_there_when_it_is_read_is_lost_at_once() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let [record, _, _] = [(); 3].map(|()| agent.store());
    disk.delete_all(&path_of(&record));
    assert_eq!(agent.spool.load(&record), None);
    assert_eq!(agent.delivery().dropped["spool full"], 2);
}

#[test]
fn what_is_being_sent_from_a_deleted_file_is_counted_until_it_is_done() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let [one, other] = [(); 2].map(|()| agent.store());
    assert!(agent.spool.load(&one).is_some() && agent.spool.load(&other).is_some());
    disk.delete_all(&PathBuf::from(FOLDER));
    agent.spool.check();
    assert_eq!(agent.delivery().dropped.len(), 0);
    agent.spool.done(&one);
    agent.spool.leave();
    assert_eq!(agent.delivery().dropped["spool deleted"], 1, "the other one is lost");
}

#[test]
fn a_request_may_be_stored_before_anyone_notices_that_the_folder_is_gone() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    agent.store();
    disk.delete_all(&PathBuf::from(FOLDER));
    let record = agent.store();
    agent.deliver(&record);
}

#[test]
fn a_full_disk_keeps_what_it_has_and_takes_nothing_in_part() {
    let disk = SimulatedDisk::default();
    let agent = Agent::start(&disk);
    let records = [agent.store(), agent.store()];
    let used = disk.used();
    let home = || lock(&agent.spool.state).home.path().to_owned();
    let first_home = home();
    // Too little for the mark of a new file or for a request.
    for free in [0, 50, 50] {
        disk.leave_free(Some(free));
        assert_eq!(agent.spool.store(BODY, 1).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(disk.used() <= used + 8, "at most an empty segment");
        assert!(disk.segments().len() <= 2);
        assert_eq!(home(), first_home);
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
    disk.change(&path_of(&hit), |content| content[50] ^= 1);
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
    let scratch = Scratch::new();
    let folder = scratch.0.clone();
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
        assert_eq!(files.look(&path).unwrap().kind, Kind::File, "{files:?}");
        assert_eq!(files.look(&folder).unwrap().kind, Kind::Folder, "{files:?}");
        let other = folder.join("other");
        files.rename(&path, &other).unwrap();
        assert_eq!(files.look(&path).unwrap_err().kind(), ErrorKind::NotFound, "{files:?}");
        assert!(files.open(&path).is_err() && file.is_at(&other).unwrap(), "{files:?}");
        files.rename(&other, &path).unwrap();
        let [first, second] = [(); 2].map(|()| files.open_folder(&folder).unwrap());
        first.try_lock().unwrap();
        assert_eq!(second.try_lock().unwrap_err().kind(), ErrorKind::WouldBlock, "{files:?}");
        drop((first, second));
        assert!(file.read_at(2, &mut content).is_err(), "{files:?}");
        assert_eq!(files.list(&folder).unwrap().len(), 1, "{files:?}");
        assert!(files.delete_folder(&folder).is_err(), "{files:?}");
        files.delete(&path).unwrap();
        files.delete_folder(&folder).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_folder_in_which_others_may_write_is_known() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new();
    let folder = scratch.0.clone();
    StdFiles.create_folder(&folder).unwrap();
    for (mode, is_open) in [(0o700, false), (0o755, false), (0o720, true), (0o702, true)] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(StdFiles.look(&folder).unwrap().is_open_to_others, is_open, "{mode:o}");
    }
    StdFiles.delete_folder(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn the_real_disk_opens_nothing_through_a_link() {
    let scratch = Scratch::new();
    let folder = scratch.0.clone();
    StdFiles.create_folder(&folder).unwrap();
    let [target, link] = ["target", "link"].map(|name| folder.join(name));
    for is_dangling in [true, false] {
        if !is_dangling {
            std::fs::write(&target, "untouched").unwrap();
        }
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(StdFiles.open(&link).is_err() && StdFiles.open_lock(&link).is_err());
        assert!(StdFiles.create(&link).is_err());
        assert_eq!(StdFiles.look(&link).unwrap().kind, Kind::Other);
        assert_ne!(target.exists(), is_dangling, "nothing was created through the link");
        std::fs::remove_file(&link).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "untouched");
}

#[test]
fn the_limit_of_a_small_folder_is_divided_into_segments() {
    for (bytes, expected) in [(1 << 20, (1 << 20) / SEGMENTS), (1 << 40, LARGEST_SEGMENT)] {
        let folder = Scratch::new();
        let limits = settings::Spool { folder: folder.0.clone(), bytes, age: AGE };
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let (spool, _) = Spool::open(&limits, &address(RECEIVER, None), ledger).unwrap();
        assert_eq!(spool.segment_bytes, expected);
    }
}

#[test]
fn folders_that_cannot_be_locked_are_used_without_a_lock() {
    let disk = SimulatedDisk::default();
    let process = disk.process();
    process.create_folder(FOLDER.as_ref()).unwrap();
    assert!(shared::lock(&process, FOLDER.as_ref()).unwrap().is_some());
    // The folder is opened, and then cannot be locked.
    process.fail_at(1, Fault::Error { written: 0 });
    assert!(shared::lock(&process, FOLDER.as_ref()).unwrap().is_none());
}
