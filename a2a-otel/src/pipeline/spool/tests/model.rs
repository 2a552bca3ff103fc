//! Compares the spool with a model that knows what must be on disk, what may be, and what must not be.
//!
//! Two processes share a disk, and do in any order what the sender and the keeper do. In each step, one call may fail
//! or kill the process; between steps, bits flip, files are truncated, and the disk becomes full. After each step, the
//! whole disk and the ledger of each process are compared with the model.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::files::Files;
use super::super::segment::{Extent, HEADER, Segment};
use super::super::{SHARE_OF_AGE, Spool, SpoolFile, StoredRecord};
use super::disk::{Fault, Process, SegmentFile, SimulatedDisk};
use super::{FOLDER, open, receiver};
use crate::lock::lock;
use crate::pipeline::Delivery;
use crate::pipeline::ledger::{Ledger, Origin};
use crate::pipeline::signal;
use crate::settings;

const SEGMENT_BYTES: u64 = 256;
/// The content of bodies, which looks like the beginning of a record.
const FILLER: &[u8] = b"a2rc\0\x01\0";
/// Bytes for the mark of a new file, which may be needed.
const ROUNDING: u64 = 8;
const AGE: Duration = Duration::from_secs(1000);

#[derive(Clone, Debug)]
enum Step {
    /// Starts a process, unless it is running.
    Start,
    /// Saves requests as the keeper does: if one cannot be stored, all are taken back.
    Save(Vec<(usize, u64)>),
    /// Loads the oldest request, or another one.
    Load(Index),
    Done(Index),
    /// Ends the process normally.
    Leave,
    /// Kills the process.
    Kill,
    Flip(Index, Index, u8),
    CutOff(Index, Index),
    LeaveFree(Option<u64>),
    Wait(u64),
}

#[derive(Clone, Debug)]
struct Event {
    process: usize,
    step: Step,
    fault: Option<(usize, Fault)>,
}

fn steps() -> impl Strategy<Value = Step> {
    let request = (4_usize..150, 0_u64..4);
    let any = any::<Index>;
    prop_oneof![
        3 => Just(Step::Start),
        8 => prop::collection::vec(request, 1..4).prop_map(Step::Save),
        6 => any().prop_map(Step::Load),
        6 => any().prop_map(Step::Done),
        1 => Just(Step::Leave),
        1 => Just(Step::Kill),
        1 => (any(), any(), 0..8_u8).prop_map(|(file, at, bit)| Step::Flip(file, at, bit)),
        1 => (any(), any()).prop_map(|(file, length)| Step::CutOff(file, length)),
        1 => prop::option::of(0..300_u64).prop_map(Step::LeaveFree),
        1 => prop::sample::select(vec![1, 300, 700, 1100]).prop_map(Step::Wait),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let fault = prop_oneof![
        (0..200_usize).prop_map(|written| Fault::Error { written }),
        (0..200_usize).prop_map(|written| Fault::Crash { written }),
    ];
    // Starting makes more calls than the other steps.
    let call = prop_oneof![3 => 0..4_usize, 2 => 0..30_usize];
    let fault = prop::option::weighted(0.2, (call, fault));
    (0..2_usize, steps(), fault).prop_map(|(process, step, fault)| Event { process, step, fault })
}

/// Whether a request is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It must be there.
    Kept,
    /// Nothing is promised.
    Open,
    /// It must not be there.
    Gone,
}

#[derive(Debug)]
struct Request {
    body: Vec<u8>,
    items: u64,
    fate: Fate,
    is_damaged: bool,
    stored: SystemTime,
    /// Its position, once that is known.
    place: Option<(PathBuf, Range<u64>)>,
}

/// A request that was found on disk.
struct Found {
    path: PathBuf,
    extent: Extent,
    body: Vec<u8>,
}

/// A process, with the state of its sender and its keeper.
struct Running {
    process: Process,
    spool: Spool,
    ledger: Arc<Ledger>,
    home: PathBuf,
    waiting: Vec<(u32, StoredRecord)>,
    loaded: Vec<(u32, StoredRecord)>,
    /// The expected counts of the ledger.
    expected: Delivery,
    /// Items that could not be stored, and those of them that are also counted as lost.
    in_memory: u64,
    counted_twice: u64,
    /// Whether a call has failed, so that the disk may hold more than the spool knows.
    has_failed: bool,
}

struct World {
    disk: SimulatedDisk,
    limits: settings::Spool,
    requests: BTreeMap<u32, Request>,
    running: [Option<Running>; 2],
}

impl World {
    fn new(bytes: u64) -> Self {
        let limits = settings::Spool { folder: FOLDER.into(), bytes, age: AGE };
        World { disk: SimulatedDisk::default(), limits, requests: BTreeMap::new(), running: [None, None] }
    }

    fn run(&mut self, Event { process: index, step, fault }: Event) {
        let mut running = self.running[index].take();
        match step {
            Step::Start if running.is_none() => running = self.start(fault),
            Step::Flip(file, at, bit) => self.damage(file, |content| {
                let at = at.index(content.len());
                content[at] ^= 1 << bit;
                at..at + 1
            }),
            Step::CutOff(file, length) => self.damage(file, |content| {
                let end = content.len();
                content.truncate(length.index(end));
                content.len()..end
            }),
            Step::LeaveFree(bytes) => self.disk.leave_free(bytes),
            Step::Wait(seconds) => self.disk.wait(Duration::from_secs(seconds)),
            step => {
                running = running.and_then(|mut agent| self.work(&mut agent, &step, fault).then_some(agent));
            }
        }
        self.running[index] = running;
        self.check_disk();
        self.check_owners();
        self.running.iter().flatten().for_each(Running::check_account);
    }

    /// Does a step, and returns whether the process is still running.
    fn work(&mut self, agent: &mut Running, step: &Step, fault: Option<(usize, Fault)>) -> bool {
        if let Some((call, fault)) = fault {
            agent.process.fail_at(call, fault);
        }
        match step {
            Step::Save(requests) => self.save(agent, requests),
            Step::Load(which) if !agent.waiting.is_empty() => {
                let (id, record) = agent.waiting.remove(which.index(agent.waiting.len()));
                self.load(agent, id, record);
            }
            Step::Done(which) if !agent.loaded.is_empty() => {
                let (id, record) = agent.loaded.remove(which.index(agent.loaded.len()));
                self.done(agent, id, &record);
            }
            Step::Leave => {
                self.leave(agent);
                return false;
            }
            Step::Kill => agent.process.kill(),
            _ => {}
        }
        agent.has_failed |= agent.process.has_failed();
        agent.process.recover();
        !agent.process.is_dead()
    }

    fn start(&mut self, fault: Option<(usize, Fault)>) -> Option<Running> {
        let is_abandoned = |path: &Path| !self.disk.is_locked(&path.with_file_name("lock"));
        let segments = self.disk.segments();
        let abandoned: Vec<_> = segments.into_iter().filter(|segment| is_abandoned(&segment.path)).collect();
        let bytes: u64 = abandoned.iter().map(|segment| segment.length).sum();
        let mut found: Vec<_> = abandoned.iter().flat_map(|segment| self.read(&segment.path)).collect();
        let homes = self.disk.below(&receiver());

        let process = self.disk.process();
        if let Some((call, fault)) = fault {
            process.fail_at(call, fault);
        }
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let opened = open(&process, &self.limits, SEGMENT_BYTES, ledger.clone());
        let has_failed = process.has_failed();
        process.recover();
        assert!(has_failed || opened.is_ok(), "nothing is wrong with the disk");

        let is_full = bytes > self.limits.bytes;
        for SegmentFile { path, modified, .. } in abandoned {
            let is_too_old = modified + AGE < process.now();
            if self.disk.exists(&path) {
                continue;
            }
            for Found { body, .. } in found.extract_if(.., |found| found.path == path) {
                assert!(is_full || is_too_old, "{path:?} was deleted without a reason");
                self.request(id_of(&body)).fate = Fate::Gone;
            }
        }
        let (spool, records) = opened.ok().filter(|_| !process.is_dead())?;
        let mut waiting = Vec::new();
        for record in records {
            let is_it = |found: &&Found| found.path == record.file.path && found.extent == record.extent;
            let id = id_of(&found.iter().find(is_it).expect("only what was abandoned is adopted").body);
            self.keep(id, &record);
            waiting.push((id, record));
        }
        let adopted: BTreeSet<_> = waiting.iter().map(|(id, _)| *id).collect();
        assert_eq!(adopted.len(), waiting.len(), "a request is adopted twice");
        let expected: BTreeSet<_> = found.iter().map(|found| id_of(&found.body)).collect();
        assert!(has_failed || adopted == expected, "{adopted:?} are adopted, and not {expected:?}");

        let recovered = adopted.iter().map(|id| self.requests[id].items).sum();
        let is_new = |path: &PathBuf| !homes.contains(path) && path.parent() == Some(&receiver());
        let home = self.disk.below(&receiver()).into_iter().find(is_new).unwrap();
        Some(Running {
            process,
            spool,
            ledger,
            home,
            waiting,
            loaded: Vec::new(),
            expected: Delivery { recovered, ..Delivery::default() },
            in_memory: 0,
            counted_twice: 0,
            has_failed,
        })
    }

    fn save(&mut self, agent: &mut Running, requests: &[(usize, u64)]) {
        let first = agent.waiting.len();
        for &(size, items) in requests {
            let id = u32::try_from(self.requests.len()).unwrap();
            let body: Vec<u8> =
                id.to_le_bytes().into_iter().chain(FILLER.iter().copied().cycle()).take(size).collect();
            let request = Request {
                body: body.clone(),
                items,
                fate: Fate::Gone,
                is_damaged: false,
                stored: agent.process.now(),
                place: None,
            };
            self.requests.insert(id, request);
            (0..items).for_each(|_| agent.ledger.generated());
            agent.expected.generated += items;

            let before = agent.files();
            let stored = agent.spool.store(&body, usize::try_from(items).unwrap());
            self.check_evicted(agent, &before, HEADER as u64 + size as u64);
            if agent.process.is_dead() {
                self.request(id).fate = Fate::Open;
                return;
            }
            match stored {
                Ok(record) => {
                    self.keep(id, &record);
                    agent.expected.spooled += items;
                    agent.check_bound(&record, self.limits.bytes);
                    agent.waiting.push((id, record));
                }
                Err(error) => {
                    assert!(agent.process.has_failed() || self.disk.is_limited(), "{error}");
                    agent.in_memory += items;
                    for (id, record) in agent.waiting.split_off(first) {
                        self.take_back(agent, id, &record);
                    }
                    return;
                }
            }
        }
    }

    fn take_back(&mut self, agent: &mut Running, id: u32, record: &StoredRecord) {
        let items = self.requests[&id].items;
        let was_evicted = record.file.is_evicted.load(Ordering::Relaxed);
        agent.spool.take_back(record);
        agent.in_memory += items;
        if was_evicted {
            agent.counted_twice += items;
        } else {
            agent.expected.spooled -= items;
            self.finish(agent, id);
        }
    }

    fn load(&mut self, agent: &mut Running, id: u32, record: StoredRecord) {
        let was_evicted = record.file.is_evicted.load(Ordering::Relaxed);
        let body = agent.spool.load(&record);
        let Request { items, is_damaged, .. } = self.requests[&id];
        match body {
            Some(body) => {
                assert!(!was_evicted && body == self.requests[&id].body, "a wrong body");
                agent.loaded.push((id, record));
            }
            None if was_evicted || agent.process.is_dead() => {}
            None => {
                assert!(agent.process.has_failed() || is_damaged, "request {id} cannot be read");
                if record.origin() == Origin::Here {
                    agent.expected.spooled -= items;
                    agent.count_lost("spool damaged", items);
                }
                self.request(id).fate = if is_damaged { Fate::Open } else { Fate::Gone };
            }
        }
    }

    fn done(&mut self, agent: &mut Running, id: u32, record: &StoredRecord) {
        let items = self.requests[&id].items;
        if record.origin() == Origin::Here {
            agent.ledger.unspooled(items);
            agent.expected.spooled -= items;
            agent.expected.delivered += items;
        } else {
            agent.expected.replayed += items;
        }
        agent.ledger.delivered(record.origin(), items);
        agent.spool.done(record);
        self.finish(agent, id);
    }

    /// The request need not be on disk any longer, and comes back only if it could not be marked.
    fn finish(&mut self, agent: &Running, id: u32) {
        let is_certain = !agent.process.has_failed() && !self.requests[&id].is_damaged;
        self.request(id).fate = if is_certain { Fate::Gone } else { Fate::Open };
    }

    fn leave(&mut self, agent: &mut Running) {
        agent.spool.leave();
        let records = agent.waiting.iter().chain(&agent.loaded);
        let is_left = records.into_iter().any(|(_, record)| !record.file.is_evicted.load(Ordering::Relaxed));
        let has_failed = agent.has_failed || agent.process.has_failed();
        assert!(is_left || has_failed || !self.disk.exists(&agent.home), "something is left behind");
    }

    fn damage(&mut self, file: Index, change: impl FnOnce(&mut Vec<u8>) -> Range<usize>) {
        let mut segments = self.disk.segments();
        segments.retain(|segment| segment.length > 0);
        if segments.is_empty() {
            return;
        }
        let path = file.get(&segments).path.clone();
        let damaged = self.disk.change(&path, change);
        let (start, end) = (damaged.start as u64, damaged.end as u64);
        for request in self.requests.values_mut() {
            if let Some((place, range)) = &request.place
                && (place, start < range.end, range.start < end) == (&path, true, true)
            {
                (request.fate, request.is_damaged) = (Fate::Open, true);
            }
        }
    }

    fn request(&mut self, id: u32) -> &mut Request {
        self.requests.get_mut(&id).unwrap()
    }

    fn keep(&mut self, id: u32, record: &StoredRecord) {
        let place = Some((record.file.path.clone(), record.extent.range()));
        let request = self.request(id);
        (request.fate, request.is_damaged, request.place) = (Fate::Kept, false, place);
    }

    /// The requests in a file that remain to be sent, as any process would read them.
    fn read(&self, path: &Path) -> Vec<Found> {
        let (mut segment, _) = Segment::open(&self.disk.process(), path).unwrap();
        let (extents, _) = segment.scan().unwrap();
        let read = |extent| Found { path: path.to_owned(), extent, body: segment.read(extent).unwrap() };
        extents.into_iter().map(read).collect()
    }

    fn check_disk(&self) {
        let segments = self.disk.segments();
        let found: Vec<_> = segments.iter().flat_map(|segment| self.read(&segment.path)).collect();
        let mut kept: BTreeSet<_> = self
            .requests
            .iter()
            .filter(|(_, request)| request.fate == Fate::Kept)
            .map(|(id, _)| *id)
            .collect();
        let mut ids = BTreeSet::new();
        for Found { path, extent, body } in found {
            let id = id_of(&body);
            let request = &self.requests[&id];
            assert_eq!((&body, u64::from(extent.items)), (&request.body, request.items), "a wrong body");
            assert_ne!(request.fate, Fate::Gone, "request {id} came back in {path:?}");
            assert!(ids.insert(id), "request {id} is there twice");
            kept.remove(&id);
        }
        assert!(kept.is_empty(), "{kept:?} are lost");
        let bytes: u64 = segments.iter().map(|segment| segment.length).sum();
        assert_eq!(self.disk.used(), bytes, "deleted files take space");
    }

    /// Checks that each request belongs to one process, which holds the lock of its folder.
    fn check_owners(&self) {
        let mut owned = BTreeSet::new();
        for agent in self.running.iter().flatten() {
            for (id, record) in agent.waiting.iter().chain(&agent.loaded) {
                if !record.file.is_evicted.load(Ordering::Relaxed) {
                    let path = &record.file.path;
                    assert!(self.disk.is_locked(&path.with_file_name("lock")), "{path:?} is not locked");
                    assert!(owned.insert(id), "request {id} belongs to two processes");
                }
            }
        }
    }

    /// Compares what a call has evicted with what it should have evicted to make room for this many bytes.
    fn check_evicted(&mut self, agent: &mut Running, before: &[File], needed: u64) {
        let evicted: Vec<_> =
            before.iter().filter(|file| file.inner.is_evicted.load(Ordering::Relaxed)).collect();
        let mut bytes: u64 = before.iter().map(|file| file.length).sum();
        for file in &evicted {
            assert!(!file.is_pinned, "a file is deleted while a request in it is sent");
            let older = |other: &&File| other.inner.written < file.inner.written;
            let spared = before
                .iter()
                .filter(older)
                .find(|older| !older.is_pinned && !older.inner.is_evicted.load(Ordering::Relaxed));
            assert!(spared.is_none(), "an older file stays");
            let is_too_old = file.inner.written + AGE < agent.process.now();
            assert!(is_too_old || bytes + needed + ROUNDING > self.limits.bytes, "there was room");
            bytes -= file.length;
            let requests: Vec<_> = agent
                .waiting
                .iter()
                .filter(|(_, record)| Arc::ptr_eq(&record.file, &file.inner))
                .map(|(id, _)| *id)
                .collect();
            for id in requests {
                let Request { items, stored, .. } = self.requests[&id];
                let is_young = stored + AGE - AGE / SHARE_OF_AGE > agent.process.now();
                assert!(!is_too_old || !is_young, "request {id} was not too old");
                if file.inner.origin == Origin::Here {
                    agent.expected.spooled -= items;
                    agent.count_lost(if is_too_old { "spool too old" } else { "spool full" }, items);
                }
                if !self.disk.exists(&file.inner.path) {
                    self.request(id).fate = Fate::Gone;
                } else if !agent.process.is_dead() {
                    self.request(id).fate = Fate::Open;
                }
            }
        }
    }
}

/// What a spool knows about one of its files.
struct File {
    inner: Arc<SpoolFile>,
    length: u64,
    is_pinned: bool,
}

impl Running {
    fn files(&self) -> Vec<File> {
        let state = lock(&self.spool.state);
        let files = state.files.iter().map(|inner| File {
            inner: inner.clone(),
            length: lock(&inner.segment).length(),
            is_pinned: inner.pins.load(Ordering::Relaxed) > 0,
        });
        files.collect()
    }

    fn count_lost(&mut self, reason: &'static str, items: u64) {
        if items > 0 {
            *self.expected.dropped.entry(reason).or_default() += items;
        }
    }

    fn check_account(&self) {
        let delivery = self.ledger.delivery();
        assert_eq!(delivery, self.expected);
        let Delivery { generated, delivered, spooled, .. } = delivery;
        let accounted = delivered + spooled + self.expected.dropped_total() + self.in_memory;
        assert_eq!(generated + self.counted_twice, accounted, "the account is not balanced");
    }

    /// Checks that after a request was stored, nothing remains that could be evicted to respect the limit.
    fn check_bound(&self, record: &StoredRecord, limit: u64) {
        let files = self.files();
        let bytes: u64 = files.iter().map(|file| file.length).sum();
        let could_go = |file: &File| !file.is_pinned && !Arc::ptr_eq(&file.inner, &record.file);
        assert!(bytes <= limit || !files.iter().any(could_go), "{bytes} bytes are more than {limit}");
    }
}

fn id_of(body: &[u8]) -> u32 {
    u32::from_le_bytes(*body.first_chunk().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_disk_holds_what_the_model_says(limit in 300..3000_u64, events in prop::collection::vec(events(), 1..60)) {
        let mut world = World::new(limit);
        for event in events {
            world.run(event);
        }
    }
}
