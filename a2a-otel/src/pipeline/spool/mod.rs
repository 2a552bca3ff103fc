//! Keeps requests on disk, so that what is not yet delivered survives an outage of the receiver and the end of the
//! process.
//!
//! ```text
//! <folder>/<receiver>/<process>/lock             locked by the process, or by the one that adopted the folder
//! <folder>/<receiver>/<process>/00000001.spool   a segment: up to 8 MiB of requests, see `segment.rs`
//! ```
//!
//! A request is the body of one OTLP request of any signal, with the number of items in it. Only the owner of the
//! process can read the files. The spool makes the following promises. The names in parentheses are tests in
//! `tests/mod.rs`; `tests/model.rs` checks all promises together.
//!
//! **What survives.** A request that [`Spool::store`] has written survives the process, however it ends
//! (`a_stored_request_outlives_its_process`, `a_death_at_any_call_loses_nothing_that_was_stored`). The files are not
//! synchronised to the disk: if the machine loses power, the last requests may be lost, and the rest of their file can
//! still be read. Damage loses only the requests that it hits
//! (`damage_costs_the_request_that_it_hits_and_is_counted`). A later process does not know how many items these had,
//! and reports the damaged bytes instead. A flipped bit in the mark for a finished request is not noticed. A file that
//! cannot be read when a process starts stays for the next process
//! (`what_cannot_be_read_at_the_start_stays_for_the_next_one`).
//!
//! **What is deleted, and when.** Only whole segments are deleted:
//! - when every request in the segment is done (`a_segment_is_deleted_when_all_in_it_is_done`), even if a request has
//!   no items (`a_request_without_items_is_one_as_well`);
//! - when a request is stored or the spool is opened, and the limit on bytes would be exceeded: the oldest segments
//!   (`the_oldest_segment_makes_room_and_is_counted`);
//! - when a request is stored or the spool is opened, and the segment is older than the limit on age. A segment accepts
//!   requests for an eighth of that time, so no request is deleted before seven eighths of it have passed
//!   (`what_is_too_old_is_deleted_and_what_is_young_is_not`). The age of an adopted segment counts from its last write.
//!
//! A segment stays while one of its requests is being sent (`a_segment_stays_while_a_request_in_it_is_sent`). So the
//! limit is exceeded while all older segments are being sent, or if a single request is larger than the limit. If
//! several processes share a folder, the limit applies to each of them. Every lost request of this process is counted
//! in the ledger, with the reason; lost requests of earlier processes are only reported.
//!
//! **What processes may do to each other's folders.** Nothing while both are running
//! (`a_living_process_keeps_its_folder`). When a process has ended, the next one that starts adopts its folder, sends
//! its contents, and deletes it. This also holds if processes start and end at the same moment
//! (`processes_that_start_and_end_at_once_do_not_disturb_each_other`).
//!
//! **A full disk.** A request that does not fit is not stored, not even in part, and what is already stored stays
//! (`a_full_disk_keeps_what_it_has_and_takes_nothing_in_part`). The caller keeps the request in memory and tries again.
//!
//! **What is sent twice.** A request that was sent is found again only if its mark did not reach the disk: because the
//! process ended between the answer and [`Spool::done`], because writing failed, or because the mark was damaged
//! (`a_request_is_sent_again_only_if_it_could_not_be_marked`). The receiver identifies spans by their ids. In the same
//! way, a later process may send requests that were taken back into memory, or that were counted as lost although
//! their segment could not be deleted.

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

/// The size of a segment. Disk space is freed one file at a time, and so in steps of this size.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// A segment accepts requests for one eighth of the age limit, so that none is deleted much earlier than the limit
/// says.
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

/// A segment, and what remains to be sent from it.
#[derive(Debug)]
struct SpoolFile {
    path: PathBuf,
    segment: Mutex<Segment>,
    written: SystemTime,
    origin: Origin,
    /// Requests that remain to be sent. A request may have no items.
    requests_left: AtomicUsize,
    items_left: AtomicU64,
    /// Requests that are being sent. The file is not evicted while there are any.
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
    /// The file that is written to.
    active: Option<Arc<SpoolFile>>,
    next_number: u32,
    /// Folders of processes that have ended. Each is deleted once it is empty.
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

    /// Takes over the requests of processes that have ended.
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
        // Evicting has to come now, when it is known how many items it loses.
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

    /// Opens the file of another process, and finds the requests that remain to be sent.
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

    /// Reads a request back, and keeps its file until [`Spool::done`] is called. Returns `None` if the request was
    /// evicted, or if it is damaged, in which case it is counted as lost.
    pub(crate) fn load(&self, record: &StoredRecord) -> Option<Vec<u8>> {
        let file = &record.file;
        // Eviction takes the same lock.
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

    /// Marks a loaded request as delivered or given up. Deletes its file if all requests in it are done.
    pub(crate) fn done(&self, record: &StoredRecord) {
        let file = &record.file;
        // If this fails, the next process sends the request again, and the receiver recognises the ids.
        let _ = lock(&file.segment).mark_done(record.extent);
        // Storing takes the same lock, because it may add requests to this file.
        let mut state = lock(&self.state);
        file.remove(record.extent.items);
        file.pins.fetch_sub(1, Ordering::Relaxed);
        if file.is_done() && !state.is_active(file) {
            state.remove(&*self.files, file);
        }
    }

    /// Removes a request that was stored and not loaded since, because it stays in memory instead.
    pub(crate) fn take_back(&self, record: &StoredRecord) {
        let state = lock(&self.state);
        if record.file.is_evicted.load(Ordering::Relaxed) {
            // It was already counted as lost, and is no longer counted as spooled.
            return;
        }
        record.file.pins.fetch_add(1, Ordering::Relaxed);
        drop(state);
        self.ledger.unspooled(record.items());
        self.done(record);
    }

    /// Closes the spool. If nothing remains to be sent, nothing remains on disk.
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

    /// Returns the file to write to: a new one if the current one is full, or has been in use for too long.
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

    /// Deletes the oldest files until there is room for this many bytes, and all files that are too old.
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

    /// Returns the next file to evict, and the reason. A file stays while one of its requests is being sent.
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
        // The age is unknown if the clock was set back.
        now.duration_since(self.written).unwrap_or_default()
    }
}
