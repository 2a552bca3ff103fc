//! Compares the spool with a model that knows what must be on disk, what may be, and what must not be.
//!
//! Two processes share a disk, and do in any order what the sender and the keeper do. In each step, one call may fail
//! or kill the process; between steps, bits flip, files are truncated, and the disk becomes full. After each step, the
//! whole disk and the ledger of each process are compared with the model. What one process deletes to make room for
//! itself, the others notice before they do anything else.

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
use super::{FOLDER, open, path_of};
use crate::lock::lock;
use crate::pipeline::Delivery;
use crate::pipeline::ledger::{Ledger, Origin, Whereabouts};
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
    /// Looks at the disk, as the keeper does now and then.
    Check,
    /// Ends the process normally.
    Leave,
    /// Kills the process.
    Kill,
    Flip(Index, Index, u8),
    CutOff(Index, Index),
    /// Somebody deletes the whole folder.
    Delete,
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
    // A request without items is never stored: nothing would be lost with it.
    let request = (4_usize..150, 1_u64..4);
    let any = any::<Index>;
    prop_oneof![
        3 => Just(Step::Start),
        8 => prop::collection::vec(request, 1..4).prop_map(Step::Save),
        6 => any().prop_map(Step::Load),
        6 => any().prop_map(Step::Done),
        1 => Just(Step::Check),
        1 => Just(Step::Leave),
        1 => Just(Step::Kill),
        1 => (any(), any(), 0..8_u8).prop_map(|(file, at, bit)| Step::Flip(file, at, bit)),
        1 => (any(), any()).prop_map(|(file, length)| Step::CutOff(file, length)),
        1 => Just(Step::Delete),
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
    waiting: Vec<(u32, StoredRecord)>,
    loaded: Vec<(u32, StoredRecord)>,
    /// What could not be read, and is left to the next process.
    unread: Vec<(u32, StoredRecord)>,
    /// The expected counts of the ledger.
    expected: Delivery,
    /// Items that could not be stored.
    in_memory: u64,
    /// Whether a call has failed, so that the disk may hold more than the spool knows.
    has_failed: bool,
}

/// A segment, as it was before a step.
struct Before {
    path: PathBuf,
    modified: SystemTime,
    /// Whether its process has ended.
    is_abandoned: bool,
    found: Vec<Found>,
}

/// What a process knows, and what others have on the disk, before a call.
struct BeforeCall {
    files: Vec<File>,
    foreign: u64,
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
        let before = self.segments_before();
        let (is_start, is_delete) = (matches!(step, Step::Start), matches!(step, Step::Delete));
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
            Step::Delete => self.disk.delete_all(FOLDER.as_ref()),
            Step::LeaveFree(bytes) => self.disk.leave_free(bytes),
            Step::Wait(seconds) => self.disk.wait(Duration::from_secs(seconds)),
            step => {
                running = running.and_then(|mut agent| self.work(&mut agent, &step, fault).then_some(agent));
            }
        }
        if !is_start {
            self.expect_evicted(running.as_mut().filter(|_| !is_delete), &before);
        }
        self.running[index] = running;
        // A process that notices something may delete files of another to make room, which then notices that.
        let all = 0..self.running.len();
        for other in all.clone().chain(all) {
            let Some(mut agent) = self.running[other].take() else { continue };
            self.notice(&mut agent);
            self.running[other] = Some(agent);
        }
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
            Step::Check => {
                let before = self.before_call(agent);
                agent.spool.check();
                self.check_evicted(agent, &before, 0);
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
        let bytes: u64 = self.disk.segments().iter().map(|segment| segment.length).sum();
        let abandoned: Vec<_> =
            self.segments_before().into_iter().filter(|segment| segment.is_abandoned).collect();

        let process = self.disk.process();
        if let Some((call, fault)) = fault {
            process.fail_at(call, fault);
        }
        let ledger = Arc::new(Ledger::new(&signal::SPANS, "the receiver".to_owned()));
        let opened = open(&process, &self.limits, SEGMENT_BYTES, ledger.clone());
        let has_failed = process.has_failed();
        process.recover();
        assert!(has_failed || opened.is_ok(), "nothing is wrong with the disk");

        let mut expected = Delivery::default();
        let mut expected_ids = BTreeSet::new();
        let on_disk = self.ids_on_disk();
        let is_full = bytes > self.limits.bytes;
        for Found { body, extent, .. } in abandoned.iter().flat_map(|segment| &segment.found) {
            expected.recovered += u64::from(extent.items);
            if on_disk.contains(&id_of(body)) {
                expected_ids.insert(id_of(body));
            }
        }
        for Before { modified, found, .. } in &abandoned {
            let is_too_old = *modified + AGE < process.now();
            for Found { body, extent, .. } in
                found.iter().filter(|found| !on_disk.contains(&id_of(&found.body)))
            {
                assert!(is_full || is_too_old, "it was deleted without a reason");
                count(&mut expected.recovered_dropped, reason(is_too_old), extent.items.into());
                self.request(id_of(body)).fate = Fate::Gone;
            }
        }
        let (spool, records) = opened.ok().filter(|_| !process.is_dead())?;
        let mut waiting = Vec::new();
        for record in records {
            let found = self.read(&path_of(&record));
            let found = found.iter().find(|found| found.extent == record.extent).expect("it is there");
            let id = id_of(&found.body);
            assert!(expected_ids.contains(&id), "only what was abandoned is adopted");
            self.keep(id, &record);
            waiting.push((id, record));
        }
        let adopted: BTreeSet<_> = waiting.iter().map(|(id, _)| *id).collect();
        assert_eq!(adopted.len(), waiting.len(), "a request is adopted twice");
        assert!(has_failed || adopted == expected_ids, "{adopted:?} are adopted, and not {expected_ids:?}");
        if has_failed {
            let Delivery { recovered, recovered_dropped, .. } = ledger.delivery();
            expected = Delivery { recovered, recovered_dropped, ..expected };
        }
        Some(Running {
            process,
            spool,
            ledger,
            waiting,
            loaded: Vec::new(),
            unread: Vec::new(),
            expected,
            in_memory: 0,
            has_failed,
        })
    }

    fn segments_before(&self) -> Vec<Before> {
        let segments = self.disk.segments().into_iter();
        let before = segments.map(|SegmentFile { path, modified, .. }| {
            let is_abandoned = !self.disk.is_locked(&path.with_file_name("lock"));
            Before { found: self.read(&path), path, modified, is_abandoned }
        });
        before.collect()
    }

    fn ids_on_disk(&self) -> BTreeSet<u32> {
        let segments = self.disk.segments();
        segments.iter().flat_map(|segment| self.read(&segment.path)).map(|found| id_of(&found.body)).collect()
    }

    /// What was abandoned and is gone was deleted by the process that has just acted, which counts it.
    fn expect_evicted(&mut self, mut actor: Option<&mut Running>, before: &[Before]) {
        let is_gone = |segment: &&Before| segment.is_abandoned && !self.disk.exists(&segment.path);
        let gone: Vec<_> = before.iter().filter(is_gone).collect();
        for Before { modified, found, .. } in gone {
            for Found { body, extent, .. } in found {
                self.request(id_of(body)).fate = Fate::Gone;
                if let Some(actor) = &mut actor {
                    let is_too_old = *modified + AGE < actor.process.now();
                    actor.expected.recovered += u64::from(extent.items);
                    count(&mut actor.expected.recovered_dropped, reason(is_too_old), extent.items.into());
                }
            }
        }
        if let Some(actor) = actor
            && actor.has_failed
        {
            let Delivery { recovered, recovered_dropped, .. } = actor.ledger.delivery();
            (actor.expected.recovered, actor.expected.recovered_dropped) = (recovered, recovered_dropped);
        }
    }

    /// Lets a process look at the disk if files of it are gone, and expects it to count what was in them.
    fn notice(&mut self, agent: &mut Running) {
        let files = agent.files();
        let is_gone = |file: &File| !self.disk.exists(lock(&file.inner.segment).path());
        let is_home_gone = !self.disk.exists(&agent.home().join("lock"));
        if !is_home_gone && !files.iter().any(is_gone) {
            return;
        }
        let (gone, rest): (Vec<_>, Vec<_>) = files.into_iter().partition(is_gone);
        let reason = if is_home_gone { "spool deleted" } else { "spool full" };
        let foreign = self.foreign_bytes(agent);
        agent.spool.check();
        for file in gone {
            let in_file = |record: &StoredRecord| Arc::ptr_eq(&record.file, &file.inner);
            let waiting: Vec<_> = agent.on_disk().filter(|(_, record)| in_file(record)).cloned().collect();
            for (id, record) in waiting {
                agent.expect_lost(record.origin(), reason, self.requests[&id].items);
                self.request(id).fate = Fate::Gone;
            }
            let loaded: Vec<_> =
                agent.loaded.iter().filter(|(_, record)| in_file(record)).map(|(id, _)| *id).collect();
            for id in loaded {
                self.request(id).fate = Fate::Gone;
            }
        }
        if is_home_gone {
            self.requests
                .values_mut()
                .filter(|request| request.place.as_ref().is_some_and(|(path, _)| !self.disk.exists(path)))
                .for_each(|request| request.fate = Fate::Gone);
        }
        let before = BeforeCall { files: rest, foreign };
        self.check_evicted(agent, &before, 0);
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
            agent.ledger.enter(items);
            agent.expected.generated += items;

            let before = self.before_call(agent);
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
                    self.check_bound(agent, &record);
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
        let lost = record.file.lost.get();
        agent.spool.take_back(record);
        agent.in_memory += items;
        if let Some(loss) = lost {
            let dropped = agent.expected.dropped.get_mut(loss.reason());
            *dropped.expect("it was counted as lost") -= items;
            agent.expected.dropped.retain(|_, lost| *lost > 0);
        } else {
            agent.expected.spooled -= items;
            self.finish(agent, id);
        }
    }

    fn load(&mut self, agent: &mut Running, id: u32, record: StoredRecord) {
        let was_lost = is_lost(&record.file);
        let before = agent.ledger.delivery();
        let body = agent.spool.load(&record);
        let Request { items, is_damaged, .. } = self.requests[&id];
        match body {
            Some(body) => {
                assert!(!was_lost && body == self.requests[&id].body, "a wrong body");
                agent.loaded.push((id, record));
            }
            None if was_lost || agent.process.is_dead() => {}
            None if agent.process.has_failed() && agent.ledger.delivery() == before => {
                agent.unread.push((id, record));
            }
            None => {
                assert!(is_damaged, "request {id} cannot be read");
                agent.expect_lost(record.origin(), "spool damaged", items);
                self.request(id).fate = Fate::Open;
            }
        }
    }

    fn done(&mut self, agent: &mut Running, id: u32, record: &StoredRecord) {
        let items = self.requests[&id].items;
        if record.origin() == Origin::Here {
            agent.expected.spooled -= items;
            agent.expected.delivered += items;
        } else {
            agent.expected.replayed += items;
        }
        let of = Whereabouts { origin: record.origin(), is_on_disk: true };
        agent.ledger.delivered(of, items);
        agent.spool.done(record);
        self.finish(agent, id);
    }

    /// The request need not be on disk any longer, and comes back only if it could not be marked.
    fn finish(&mut self, agent: &Running, id: u32) {
        let is_certain = !agent.process.has_failed() && !self.requests[&id].is_damaged;
        self.request(id).fate = if is_certain { Fate::Gone } else { Fate::Open };
    }

    fn leave(&mut self, agent: &mut Running) {
        let home = agent.home();
        let (before, segments) = (self.before_call(agent), self.segments_before());
        agent.spool.leave();
        self.check_evicted(agent, &before, 0);
        self.expect_evicted(Some(agent), &segments);
        let gone: Vec<_> = agent.loaded.extract_if(.., |(_, record)| is_lost(&record.file)).collect();
        for (id, record) in gone {
            let loss = record.file.lost.get().expect("it is lost").reason();
            agent.expect_lost(record.origin(), loss, self.requests[&id].items);
        }
        let has_failed = agent.has_failed || agent.process.has_failed();
        if !has_failed {
            agent.check_account();
        }
        let is_left = agent.on_disk().chain(&agent.loaded).any(|(_, record)| !is_lost(&record.file));
        assert!(is_left || has_failed || !self.disk.exists(&home), "something is left behind");
    }

    fn damage(&mut self, file: Index, change: impl FnOnce(&mut Vec<u8>) -> Range<usize>) {
        let mut segments = self.disk.segments();
        segments.retain(|segment| segment.length > 0);
        if segments.is_empty() {
            return;
        }
        let path = file.get(&segments).path.clone();
        let found = self.read(&path);
        let damaged = self.disk.change(&path, change);
        let (start, end) = (damaged.start as u64, damaged.end as u64);
        let is_hit = |range: &Range<u64>| start < range.end && range.start < end;
        // A process that was killed while it started may have moved a request, and one that is done is not found.
        let moved =
            found.iter().filter(|found| is_hit(&found.extent.range())).map(|found| id_of(&found.body));
        let moved: BTreeSet<_> = moved.collect();
        for (id, request) in &mut self.requests {
            let is_there = |(place, range): &(PathBuf, Range<u64>)| *place == path && is_hit(range);
            if moved.contains(id) || request.place.as_ref().is_some_and(is_there) {
                (request.fate, request.is_damaged) = (Fate::Open, true);
            }
        }
    }

    fn request(&mut self, id: u32) -> &mut Request {
        self.requests.get_mut(&id).unwrap()
    }

    fn keep(&mut self, id: u32, record: &StoredRecord) {
        let place = Some((path_of(record), record.extent.range()));
        let request = self.request(id);
        (request.fate, request.is_damaged, request.place) = (Fate::Kept, false, place);
    }

    /// The requests in a file that remain to be sent, as any process would read them.
    fn read(&self, path: &Path) -> Vec<Found> {
        let process = self.disk.process();
        let (mut segment, _) = Segment::open(&process, path).unwrap();
        let (extents, _) = segment.scan(&process).unwrap();
        let read =
            |extent| Found { path: path.to_owned(), extent, body: segment.read(&process, extent).unwrap() };
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
            for (id, record) in agent.on_disk().chain(&agent.loaded) {
                if !is_lost(&record.file) {
                    let path = path_of(record);
                    assert!(self.disk.is_locked(&path.with_file_name("lock")), "{path:?} is not locked");
                    assert!(owned.insert(id), "request {id} belongs to two processes");
                }
            }
        }
    }

    /// Compares what a call has evicted with what it should have evicted to make room for this many bytes.
    fn check_evicted(&mut self, agent: &mut Running, before: &BeforeCall, needed: u64) {
        let files = &before.files;
        let evicted: Vec<_> = files.iter().filter(|file| is_lost(&file.inner)).collect();
        let foreign = self.foreign_bytes(agent);
        let kept: u64 = foreign + agent.files().iter().map(|file| file.length).sum::<u64>();
        // What was deleted last, or more than that.
        let of_others = before.foreign.saturating_sub(foreign);
        let last = evicted.iter().map(|file| file.length).chain([of_others]).max().unwrap_or_default();
        for file in &evicted {
            assert!(!file.is_pinned, "a file is deleted while a request in it is sent");
            let older = |other: &&File| other.inner.written < file.inner.written;
            let spared = files.iter().filter(older).find(|older| !older.is_pinned && !is_lost(&older.inner));
            assert!(spared.is_none(), "an older file stays");
            let is_too_old = file.inner.written + AGE < agent.process.now();
            let was_full = kept + last + needed + ROUNDING > self.limits.bytes;
            assert!(is_too_old || was_full, "there was room");
            let in_file = |record: &StoredRecord| Arc::ptr_eq(&record.file, &file.inner);
            let waiting: Vec<_> =
                agent.on_disk().filter(|(_, record)| in_file(record)).map(|(id, _)| *id).collect();
            for id in waiting {
                let Request { items, stored, .. } = self.requests[&id];
                let is_young = stored + AGE - AGE / SHARE_OF_AGE > agent.process.now();
                assert!(!is_too_old || !is_young, "request {id} was not too old");
                agent.expect_lost(file.inner.origin, reason(is_too_old), items);
                if !self.disk.exists(lock(&file.inner.segment).path()) {
                    self.request(id).fate = Fate::Gone;
                } else if !agent.process.is_dead() {
                    self.request(id).fate = Fate::Open;
                }
            }
        }
    }

    fn before_call(&self, agent: &Running) -> BeforeCall {
        BeforeCall { files: agent.files(), foreign: self.foreign_bytes(agent) }
    }

    /// The bytes that others have on the disk.
    fn foreign_bytes(&self, agent: &Running) -> u64 {
        let home = agent.home();
        let segments = self.disk.segments();
        segments.iter().filter(|segment| !segment.path.starts_with(&home)).map(|segment| segment.length).sum()
    }

    /// Checks that after a request was stored, nothing remains that could be evicted to respect the limit.
    fn check_bound(&self, agent: &Running, record: &StoredRecord) {
        let segments = self.disk.segments();
        let bytes: u64 = segments.iter().map(|segment| segment.length).sum();
        let could_go = |file: &File| !file.is_pinned && !Arc::ptr_eq(&file.inner, &record.file);
        let is_foreign = |segment: &SegmentFile| !segment.path.starts_with(agent.home());
        let is_bounded = !agent.files().iter().any(could_go) && !segments.iter().any(is_foreign);
        let has_failed = agent.has_failed || agent.process.has_failed();
        let limit = self.limits.bytes;
        assert!(bytes <= limit || is_bounded || has_failed, "{bytes} bytes are more than {limit}");
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

    fn home(&self) -> PathBuf {
        lock(&self.spool.state).home.path().to_owned()
    }

    /// The requests that wait on the disk.
    fn on_disk(&self) -> impl Iterator<Item = &(u32, StoredRecord)> {
        self.waiting.iter().chain(&self.unread)
    }

    fn expect_lost(&mut self, origin: Origin, reason: &'static str, items: u64) {
        match origin {
            Origin::Here => {
                self.expected.spooled -= items;
                count(&mut self.expected.dropped, reason, items);
            }
            Origin::Earlier => count(&mut self.expected.recovered_dropped, reason, items),
        }
    }

    fn check_account(&self) {
        let delivery = self.ledger.delivery();
        assert_eq!(delivery, self.expected);
        let Delivery { generated, delivered, spooled, .. } = delivery;
        let accounted = delivered + spooled + self.expected.dropped_total() + self.in_memory;
        assert_eq!(generated, accounted, "the account is not balanced");
    }
}

fn is_lost(file: &SpoolFile) -> bool {
    file.lost.get().is_some()
}

fn reason(is_too_old: bool) -> &'static str {
    if is_too_old { "spool too old" } else { "spool full" }
}

fn count(lost: &mut BTreeMap<&'static str, u64>, reason: &'static str, items: u64) {
    if items > 0 {
        *lost.entry(reason).or_default() += items;
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
