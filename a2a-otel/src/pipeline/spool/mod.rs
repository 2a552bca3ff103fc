//! Requests on disk: what is not yet delivered outlives an outage of the receiver, and the end of the process.
//!
//! ```text
//! <folder>/<receiver>/<process>/lock             locked by the process, or by the one that adopted the folder
//! <folder>/<receiver>/<process>/00000001.spool   a segment: up to 8 MiB of requests, see `segment.rs`
//! ```
//!
//! A request is the body of one OTLP request of any signal, with the number of items in it. Only the owner of the
//! process can read the files. These are the promises; the names are those of the tests in `tests/mod.rs`, and
//! `tests/model.rs` checks all of them at once.
//!
//! **What survives.** A request that [`Spool::store`] has written is there after the process has ended, however it
//! ends (`a_stored_request_outlives_its_process`, `a_death_at_any_call_loses_nothing_that_was_stored`). The files are
//! not synchronised: when the machine loses power, the last requests may be lost, and the rest of their file is still
//! read. Damage costs the requests that it hits (`damage_costs_the_request_that_it_hits_and_is_counted`). Their number
//! is unknown to a later process, which reports the damaged bytes; a bit that flips in the mark for what is done is
//! not noticed. What cannot be read at the start of a process stays for the next one
//! (`what_cannot_be_read_at_the_start_stays_for_the_next_one`).
//!
//! **What is deleted, and when.** Only whole segments are deleted:
//! - when every request in them is done (`a_segment_is_deleted_when_all_in_it_is_done`), whatever number of items it
//!   has (`a_request_without_items_is_one_as_well`);
//! - the oldest, when a request is stored or the spool is opened and the limit on bytes would be exceeded
//!   (`the_oldest_segment_makes_room_and_is_counted`);
//! - when a request is stored or the spool is opened and they are older than the limit on age. A segment takes
//!   requests for an eighth of that time, so no request is deleted before seven eighths of it
//!   (`what_is_too_old_is_deleted_and_what_is_young_is_not`). The age of an adopted segment counts from when it was
//!   last written to.
//!
//! A segment of which a request is being sent stays (`a_segment_stays_while_a_request_in_it_is_sent`). So more than
//! the limit is on disk while all older segments are being sent, or if one request is larger than the limit; and each
//! of the processes that share a folder has the limit to itself. Every request of this process that is lost is
//! counted in the ledger, with the reason; what an earlier process has left and is lost is only reported.
//!
//! **What two processes may do to one another's folders.** Nothing, while both live
//! (`a_living_process_keeps_its_folder`). When a process has ended, the next one that starts adopts its folder, sends
//! what is in it, and deletes it. That holds as well when they start and end at the same moment
//! (`processes_that_start_and_end_at_once_do_not_disturb_each_other`).
//!
//! **A full disk.** A request that does not fit is not stored, in whole or in part, and what is there stays
//! (`a_full_disk_keeps_what_it_has_and_takes_nothing_in_part`). The caller keeps it in memory and tries again.
//!
//! **What is sent twice.** A request that was sent is found again only if its mark did not reach the disk: because
//! the process ended between the answer and [`Spool::done`], because writing failed, or because the mark was damaged
//! (`a_request_is_sent_again_only_if_it_could_not_be_marked`). The receiver knows spans by their ids. In the same
//! way, a later process may send what was taken back into memory, and what was counted as lost although its segment
//! could not be deleted.

mod files;
mod home;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use self::files::{Files, Metadata, StdFiles};
use self::home::Home;
use self::segment::{Extent, Segment, bytes_to_store};
use super::ledger::{Ledger, Loss, Origin};
use super::queue::Amount;
use crate::lock::lock;
use crate::report::report;
use crate::settings;

/// Disk space is freed a file at a time, so in steps of this size.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// A segment takes requests for this part of the age limit, so that none is deleted much earlier than the limit says.
const SHARE_OF_AGE: u32 = 8;

/// One request on disk.
#[derive(Clone, Debug)]
pub(crate) struct StoredRecord {
    file: Arc<SpoolFile>,
    extent: Extent,
}

impl StoredRecord {
    pub(crate) fn amount(&self) -> Amount {
        Amount { items: self.extent.items as usize, bytes: self.extent.length as usize }
    }

    /// Which process stored it.
    pub(crate) fn origin(&self) -> Origin {
        self.file.origin
    }

    fn items(&self) -> u64 {
        self.extent.items.into()
    }
}

/// A segment, and what is still to be done about it.
#[derive(Debug)]
struct SpoolFile {
    path: PathBuf,
    segment: Mutex<Segment>,
    written: SystemTime,
    origin: Origin,
    /// What is still to be sent. A request may have no items.
    requests_left: AtomicUsize,
    items_left: AtomicU64,
    /// Requests that are being sent. While there are any, the file is not evicted.
    pins: AtomicUsize,
    is_evicted: AtomicBool,
}

/// The spool of one receiver.
#[derive(Debug)]
pub(crate) struct Spool {
    limits: settings::Spool,
    segment_bytes: u64,
    ledger: Arc<Ledger>,
    home: Home,
    files: Arc<dyn Files>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest first.
    files: VecDeque<Arc<SpoolFile>>,
    /// The one of these that is written to.
    active: Option<Arc<SpoolFile>>,
    next_number: u32,
    /// Folders of processes that have ended. Each is deleted when it is empty.
    adopted: Vec<Home>,
}

impl Spool {
    /// Opens the spool of a receiver, with the requests that earlier processes have left for it.
    pub(crate) fn open(
        limits: &settings::Spool,
        receiver: &str,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, Vec<StoredRecord>)> {
        Self::open_on(Arc::new(StdFiles), limits, SEGMENT_BYTES, receiver, ledger)
    }

    fn open_on(
        files: Arc<dyn Files>,
        limits: &settings::Spool,
        segment_bytes: u64,
        receiver: &str,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, Vec<StoredRecord>)> {
        let folder = limits.folder.join(receiver);
        files.create_folder(&folder)?;
        let home = Home::create(&*files, &folder)?;
        let limits = limits.clone();
        let spool = Spool { limits, segment_bytes, ledger, home, files, state: Mutex::default() };
        let records = spool.adopt(&folder);
        Ok((spool, records))
    }

    /// Takes over what processes have left that have ended.
    fn adopt(&self, folder: &Path) -> Vec<StoredRecord> {
        let mut state = lock(&self.state);
        let mut found = Vec::new();
        for home in Home::adopt(&*self.files, folder) {
            let segments = home.segments(&*self.files).unwrap_or_default();
            found.extend(segments.iter().filter_map(|path| self.reopen(path)));
            state.adopted.push(home);
        }
        found.sort_by_key(|(file, _)| file.written);
        state.files.extend(found.iter().map(|(file, _)| file.clone()));
        // Only now is it known how many items are lost by that.
        self.evict(&mut state, 0);
        let mut records = Vec::new();
        for (file, extents) in found {
            if file.is_done() {
                state.remove(&*self.files, &file);
            } else if !file.is_evicted.load(Ordering::Relaxed) {
                records.extend(extents.into_iter().map(|extent| StoredRecord { file: file.clone(), extent }));
            }
        }
        state.delete_empty_homes(&*self.files);
        self.ledger.recovered(records.iter().map(StoredRecord::items).sum());
        records
    }

    /// Opens the file of another process, and finds what is still to be sent.
    fn reopen(&self, path: &Path) -> Option<(Arc<SpoolFile>, Vec<Extent>)> {
        let shown = path.display();
        let read = |(mut segment, metadata): (Segment, Metadata)| Ok((segment.scan()?, segment, metadata));
        let ((extents, damaged), segment, metadata) = match Segment::open(&*self.files, path).and_then(read) {
            Ok(found) => found,
            Err(error) => {
                report(&format_args!("cannot read {shown}: {error}; its spans stay there"));
                return None;
            }
        };
        if damaged > 0 {
            report(&format_args!(
                "{damaged} bytes of {shown} are damaged; the spans in them are lost, the rest is sent"
            ));
        }
        let file = SpoolFile::new(path.to_owned(), segment, metadata.modified, Origin::Earlier);
        for extent in &extents {
            file.add(extent.items);
        }
        Some((Arc::new(file), extents))
    }

    /// Writes a request to disk.
    pub(crate) fn store(&self, body: &[u8], items: usize) -> io::Result<StoredRecord> {
        let mut state = lock(&self.state);
        self.evict(&mut state, bytes_to_store(body));
        let file = self.active(&mut state)?;
        let items = u32::try_from(items).map_err(io::Error::other)?;
        let extent = lock(&file.segment).append(body, items)?;
        let record = StoredRecord { file, extent };
        record.file.add(extent.items);
        self.ledger.spooled(record.items());
        Ok(record)
    }

    /// Reads a request back, and keeps its file until [`Spool::done`]. Returns nothing if the request was evicted, or
    /// is not what was written; then it is counted as lost.
    pub(crate) fn load(&self, record: &StoredRecord) -> Option<Vec<u8>> {
        let file = &record.file;
        // Under the lock that evicting takes as well.
        let state = lock(&self.state);
        if file.is_evicted.load(Ordering::Relaxed) {
            return None;
        }
        file.pins.fetch_add(1, Ordering::Relaxed);
        drop(state);
        let body = lock(&file.segment).read(record.extent);
        if body.is_err() {
            self.ledger.lost_from_spool(file.origin, Loss::SpoolDamaged, record.items());
            self.done(record);
        }
        body.ok()
    }

    /// The request that was loaded is delivered, or given up. When all of a file is done, the file is deleted.
    pub(crate) fn done(&self, record: &StoredRecord) {
        let file = &record.file;
        // If this fails, the next process sends the request once more, and the receiver knows it by its ids.
        let _ = lock(&file.segment).mark_done(record.extent);
        // Under the lock that storing takes as well: more may have been stored in the file.
        let mut state = lock(&self.state);
        file.remove(record.extent.items);
        file.pins.fetch_sub(1, Ordering::Relaxed);
        if file.is_done() && !state.is_active(file) {
            state.remove(&*self.files, file);
        }
    }

    /// The request that was stored, and not loaded since, stays in memory instead.
    pub(crate) fn take_back(&self, record: &StoredRecord) {
        let state = lock(&self.state);
        if record.file.is_evicted.load(Ordering::Relaxed) {
            // It was counted as lost, so it is no longer counted as spooled.
            return;
        }
        record.file.pins.fetch_add(1, Ordering::Relaxed);
        drop(state);
        self.ledger.unspooled(record.items());
        self.done(record);
    }

    /// Ends the work. If nothing is left to be sent, nothing is left on disk.
    pub(crate) fn leave(&self) {
        let mut state = lock(&self.state);
        if state.files.iter().all(|file| file.is_done()) {
            state.active = None;
            while let Some(file) = state.files.front().cloned() {
                state.remove(&*self.files, &file);
            }
            self.home.delete_if_empty(&*self.files);
        }
    }

    /// The file to write to: a new one if that is full, or has been written to for long.
    fn active(&self, state: &mut State) -> io::Result<Arc<SpoolFile>> {
        if let Some(active) = state.active.take() {
            let is_full = lock(&active.segment).length() >= self.segment_bytes;
            if !is_full && active.age(self.files.now()) <= self.limits.age / SHARE_OF_AGE {
                state.active = Some(active.clone());
                return Ok(active);
            }
            if active.is_done() {
                state.remove(&*self.files, &active);
            }
        }
        state.next_number += 1;
        let path = self.home.segment(state.next_number);
        let segment = Segment::create(&*self.files, &path)?;
        let file = Arc::new(SpoolFile::new(path, segment, self.files.now(), Origin::Here));
        state.files.push_back(file.clone());
        state.active = Some(file.clone());
        Ok(file)
    }

    /// Deletes the oldest files until there is room for so many bytes, and those that are too old.
    fn evict(&self, state: &mut State, bytes: u64) {
        while let Some((oldest, loss)) = state.to_evict(&self.limits, bytes, self.files.now()) {
            if state.is_active(&oldest) {
                state.active = None;
            }
            oldest.is_evicted.store(true, Ordering::Relaxed);
            self.ledger.lost_from_spool(oldest.origin, loss, oldest.items_left.load(Ordering::Relaxed));
            state.remove(&*self.files, &oldest);
        }
    }
}

impl State {
    fn is_active(&self, file: &Arc<SpoolFile>) -> bool {
        self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, file))
    }

    /// The next file to evict, and why. One of which a request is being sent stays.
    fn to_evict(
        &self,
        limits: &settings::Spool,
        bytes: u64,
        now: SystemTime,
    ) -> Option<(Arc<SpoolFile>, Loss)> {
        let oldest = self.files.iter().find(|file| file.pins.load(Ordering::Relaxed) == 0)?;
        let is_too_old = oldest.age(now) > limits.age;
        let is_full = self.bytes() + bytes > limits.bytes;
        let loss = is_too_old.then_some(Loss::SpoolTooOld).or(is_full.then_some(Loss::SpoolFull));
        loss.map(|loss| (oldest.clone(), loss))
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| lock(&file.segment).length()).sum()
    }

    fn remove(&mut self, files: &dyn Files, file: &Arc<SpoolFile>) {
        lock(&file.segment).close();
        let _ = files.delete(&file.path);
        self.files.retain(|other| !Arc::ptr_eq(other, file));
        if file.origin == Origin::Earlier {
            self.delete_empty_homes(files);
        }
    }

    fn delete_empty_homes(&mut self, files: &dyn Files) {
        self.adopted.retain(|home| !home.delete_if_empty(files));
    }
}

impl SpoolFile {
    fn new(path: PathBuf, segment: Segment, written: SystemTime, origin: Origin) -> Self {
        SpoolFile {
            path,
            segment: Mutex::new(segment),
            written,
            origin,
            requests_left: AtomicUsize::new(0),
            items_left: AtomicU64::new(0),
            pins: AtomicUsize::new(0),
            is_evicted: AtomicBool::new(false),
        }
    }

    fn add(&self, items: u32) {
        self.requests_left.fetch_add(1, Ordering::Relaxed);
        self.items_left.fetch_add(items.into(), Ordering::Relaxed);
    }

    fn remove(&self, items: u32) {
        self.requests_left.fetch_sub(1, Ordering::Relaxed);
        self.items_left.fetch_sub(items.into(), Ordering::Relaxed);
    }

    fn is_done(&self) -> bool {
        self.requests_left.load(Ordering::Relaxed) == 0
    }

    fn age(&self, now: SystemTime) -> Duration {
        // A clock that was set back says nothing about the age.
        now.duration_since(self.written).unwrap_or_default()
    }
}
