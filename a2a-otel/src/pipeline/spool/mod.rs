//! Keeps requests on disk, so that what is not yet delivered survives an outage of the receiver and the end of the
//! process.
//!
//! ```text
//! <folder>/<address>/<process>/lock             locked by the process, or by the one that takes its segments over
//! <folder>/<address>/<process>/00000001.spool   a segment: up to 8 MiB of requests, see `segment.rs`
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
//! cannot be read or moved when a process starts stays for the next process
//! (`what_cannot_be_read_at_the_start_stays_for_the_next_one`).
//!
//! **Who may send what.** An address is a receiver, a project, and the headers of the requests, such as a key. Requests
//! are only sent with the headers with which they were saved
//! (`requests_are_only_sent_with_the_headers_they_were_saved_with`); what waits for the same receiver with other headers
//! is reported. An operator who wants to send it with the present ones moves its folders. Without headers, the name of
//! the folder is that of versions that did not tell them apart.
//!
//! **What is deleted, and when.** Only whole segments are deleted:
//! - when every request in the segment is done (`a_segment_is_deleted_when_all_in_it_is_done`), even if a request has
//!   no items (`a_request_without_items_is_one_as_well`);
//! - when a request is stored, the disk is checked or the spool is opened, and the limit on bytes would be exceeded: the
//!   oldest segments in the folder (`the_oldest_segment_makes_room_and_is_counted`,
//!   `an_eviction_at_the_start_is_counted`);
//! - at the same times, if the segment is older than the limit on age. A segment accepts requests for an eighth of that
//!   time, so no request is deleted before seven eighths of it have passed
//!   (`what_is_too_old_is_deleted_and_what_is_young_is_not`). The age of another process's segment counts from its last
//!   write. This includes segments of other addresses whose processes have ended
//!   (`what_others_left_is_deleted_by_its_age_and_counted`).
//!
//! A process does not delete its own segment while one of its requests is being sent
//! (`a_segment_stays_while_a_request_in_it_is_sent`).
//!
//! **The limit is one of the folder**, for all addresses and all processes that share it, and one of the disk: deleted
//! files are closed (`the_limit_is_one_of_the_folder_for_all_processes`). It is exceeded while all older segments of the
//! only process are being sent, if a single request is larger than the limit, and for at most a second by one request
//! for each process that writes at the same moment. A process has one segment open, and its lock
//! (`many_segments_need_few_open_files`).
//!
//! **What is counted.** Every lost request of this process is counted in the ledger, with the reason. Lost requests of
//! earlier processes are counted apart: by the process that took them over or deleted them. If a process deletes a
//! segment of one that is alive, that one notices it in [`Spool::check`], counts what was in it, and goes on in a new
//! file. If somebody deletes the whole folder, it is made anew (`a_deleted_folder_is_noticed_and_made_anew`,
//! `a_folder_that_is_deleted_at_any_call_costs_no_request_that_is_stored_later`).
//!
//! **What processes may do to each other's folders.** While both are running, they only delete the oldest segments to
//! make room (`a_living_process_keeps_its_folder`). When a process has ended, the next one that starts moves its
//! segments to its own folder, and sends them. This also holds if processes start and end at the same moment
//! (`processes_that_start_and_end_at_once_do_not_disturb_each_other`).
//!
//! **Symbolic links** in the folder are not followed, as they may lead to any file of this user
//! (`symbolic_links_are_not_followed`, `the_real_disk_opens_nothing_through_a_link`). The folder itself may be one.
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
mod shared;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use self::files::{Files, Metadata, StdFiles};
use self::home::{Home, refuse_links};
use self::segment::{Extent, Segment, bytes_to_store};
use self::shared::{Foreign, Removal};
use super::ledger::{Ledger, Loss, Origin};
use super::queue::Amount;
use crate::lock::lock;
use crate::report::report;
use crate::settings;

/// The size of a segment. Disk space is freed one file at a time, and so in steps of this size.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// A folder with a small limit has smaller segments, at least this many, so that processes can share it.
const SEGMENTS: u64 = 8;

/// A segment accepts requests for one eighth of the age limit, so that none is deleted much earlier than the limit
/// says.
const SHARE_OF_AGE: u32 = 8;

/// How often a request is written again because its file was deleted meanwhile.
const ATTEMPTS: usize = 3;

/// Whose requests a spool keeps.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The name of the receiver and the project.
    pub(crate) receiver: String,
    /// Stands for the headers of the requests, such as a key. `None` if there are none.
    pub(crate) identity: Option<String>,
}

impl Address {
    /// The name of the folder. Without an identity it is as in versions that had none.
    fn folder(&self) -> String {
        let identity = self.identity.iter().map(|identity| format!("-{identity}"));
        std::iter::once(self.receiver.clone()).chain(identity).collect()
    }

    /// Whether a folder is for the same receiver and project.
    fn is_related(&self, folder: &Path) -> bool {
        let name = folder.file_name().and_then(|name| name.to_str());
        let rest = name.and_then(|name| name.strip_prefix(&self.receiver));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

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
    segment: Mutex<Segment>,
    written: SystemTime,
    origin: Origin,
    /// Requests that remain to be sent. A request may have no items.
    requests_left: AtomicUsize,
    /// Items that wait on the disk, and those that are being sent.
    items_waiting: AtomicU64,
    items_loaded: AtomicU64,
    /// Requests that are being sent. The file is not evicted while there are any.
    pins: AtomicUsize,
    /// Why it is not on the disk any longer. What waited in it is counted as lost.
    lost: OnceLock<Loss>,
}

/// The spool of one receiver.
#[derive(Debug)]
pub(crate) struct Spool {
    limits: settings::Spool,
    segment_bytes: u64,
    ledger: Arc<Ledger>,
    files: Arc<dyn Files>,
    /// The folder that processes and receivers share.
    root: PathBuf,
    /// The folder of this receiver.
    folder: PathBuf,
    state: Mutex<State>,
    has_reported_unreadable: AtomicBool,
}

#[derive(Debug)]
struct State {
    home: Home,
    /// The oldest first.
    files: VecDeque<Arc<SpoolFile>>,
    /// The file that is written to.
    active: Option<Arc<SpoolFile>>,
    next_number: u32,
    /// Deleted by others while requests in them were being sent.
    gone: Vec<Arc<SpoolFile>>,
    /// Whether the spool is closed. Its folder may be deleted then.
    has_left: bool,
}

impl Spool {
    /// Opens the spool of a receiver, with the requests that earlier processes have left for it.
    pub(crate) fn open(
        limits: &settings::Spool,
        address: &Address,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, Vec<StoredRecord>)> {
        let segment_bytes = SEGMENT_BYTES.min(limits.bytes / SEGMENTS);
        Self::open_on(Arc::new(StdFiles), limits, segment_bytes, address, ledger)
    }

    fn open_on(
        files: Arc<dyn Files>,
        limits: &settings::Spool,
        segment_bytes: u64,
        address: &Address,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, Vec<StoredRecord>)> {
        files.create_folder(&limits.folder)?;
        let root = files.resolve(&limits.folder)?;
        let folder = root.join(address.folder());
        report_open_folder(&*files, &[&root, &folder]);
        let home = create_home(&*files, &folder)?;
        let limits = limits.clone();
        let spool = Spool {
            limits,
            segment_bytes,
            ledger,
            files,
            root,
            folder,
            state: Mutex::new(State::new(home)),
            has_reported_unreadable: AtomicBool::new(false),
        };
        let records = spool.adopt();
        spool.report_other_identities(address);
        Ok((spool, records))
    }

    /// Reports what was saved with other headers: it may belong to somebody else, so it is not sent with these.
    fn report_other_identities(&self, address: &Address) {
        let folders = shared::folders(&*self.files, &self.root);
        let others = folders.iter().filter(|folder| address.is_related(folder) && **folder != self.folder);
        for other in others.filter(|folder| self.has_abandoned_requests(folder)) {
            report(&format_args!(
                "{} has spans for this receiver that were saved with other headers, for example another key: they are \
                 not sent with the present ones. Start once with the earlier headers, or, if the present ones may send \
                 these spans, move the folders in it to {}",
                other.display(),
                self.folder.display()
            ));
        }
    }

    fn has_abandoned_requests(&self, folder: &Path) -> bool {
        let has_segments =
            |home: &Home| home.segments(&*self.files).is_ok_and(|segments| !segments.is_empty());
        let homes = shared::folders(&*self.files, folder);
        homes.iter().any(|home| Home::of_ended(&*self.files, home).is_ok_and(|home| has_segments(&home)))
    }

    /// Takes over the requests of processes that have ended, by moving their files to this process's folder.
    fn adopt(&self) -> Vec<StoredRecord> {
        let mut state = lock(&self.state);
        let mut found = Vec::new();
        for path in self.files.list(&self.folder).unwrap_or_default() {
            let Ok(home) = Home::of_ended(&*self.files, &path) else { continue };
            let segments = home.segments(&*self.files).unwrap_or_default();
            found.extend(segments.iter().filter_map(|path| self.take_over(&mut state, path)));
            home.delete_if_empty(&*self.files);
        }
        found.sort_by_key(|(file, _)| file.written);
        state.files.extend(found.iter().map(|(file, _)| file.clone()));
        let records = found
            .into_iter()
            .flat_map(|(file, extents)| extents.into_iter().map(move |extent| (file.clone(), extent)))
            .map(|(file, extent)| StoredRecord { file, extent });
        let mut records: Vec<_> = records.collect();
        self.ledger.recovered(records.iter().map(StoredRecord::items).sum());
        self.make_room(&mut state, 0);
        records.retain(|record| record.file.lost.get().is_none());
        records
    }

    /// Takes over the file of another process, and finds the requests that remain to be sent.
    fn take_over(&self, state: &mut State, path: &Path) -> Option<(Arc<SpoolFile>, Vec<Extent>)> {
        let files = &*self.files;
        let shown = path.display();
        let read = |(mut segment, metadata): (Segment, Metadata)| {
            let (extents, damaged) = segment.scan(files)?;
            if !extents.is_empty() {
                segment.move_to(files, state.next_path())?;
            }
            Ok((extents, damaged, segment, metadata))
        };
        let (extents, damaged, segment, metadata) = match Segment::open(files, path).and_then(read) {
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
        if extents.is_empty() {
            let _ = files.delete(path);
            return None;
        }
        let file = SpoolFile::new(segment, metadata.modified, Origin::Earlier);
        for extent in &extents {
            file.add(extent.items);
        }
        Some((Arc::new(file), extents))
    }

    /// Writes a request to disk.
    pub(crate) fn store(&self, body: &[u8], items: usize) -> io::Result<StoredRecord> {
        let items = u32::try_from(items).map_err(io::Error::other)?;
        let mut state = lock(&self.state);
        self.make_room(&mut state, bytes_to_store(body));
        for _ in 0..ATTEMPTS {
            let file = self.active(&mut state)?;
            let mut segment = lock(&file.segment);
            let extent = segment.append(&*self.files, body, items)?;
            let is_gone = segment.is_gone(&*self.files);
            drop(segment);
            if is_gone {
                self.miss(&mut state, &file);
                continue;
            }
            let record = StoredRecord { file, extent };
            record.file.add(extent.items);
            self.ledger.spooled(record.items());
            return Ok(record);
        }
        Err(io::Error::other("its file is deleted whenever it is written"))
    }

    /// Reads a request back, and keeps its file until [`Spool::done`] is called. Returns `None` if the request was
    /// evicted, if it is damaged, in which case it is counted as lost, or if it cannot be read now, in which case it
    /// stays for the next process.
    pub(crate) fn load(&self, record: &StoredRecord) -> Option<Vec<u8>> {
        let file = &record.file;
        // Eviction takes the same lock.
        let state = lock(&self.state);
        if file.lost.get().is_some() {
            return None;
        }
        file.pin(record.items());
        drop(state);
        let body = lock(&file.segment).read(&*self.files, record.extent);
        match body {
            Ok(body) => return Some(body),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                self.ledger.lost_from_spool(file.origin, Loss::SpoolDamaged, record.items());
                self.done(record);
            }
            Err(error) => self.leave_unread(record, &error),
        }
        None
    }

    /// Leaves a request on the disk that cannot be read, unless it is not there any longer.
    fn leave_unread(&self, record: &StoredRecord, error: &io::Error) {
        let mut state = lock(&self.state);
        record.file.unpin(record.items());
        if error.kind() == ErrorKind::NotFound {
            self.miss(&mut state, &record.file);
        } else if !self.has_reported_unreadable.swap(true, Ordering::Relaxed) {
            let segment = lock(&record.file.segment);
            report(&format_args!("cannot read {}: {error}; its spans stay there", segment.path().display()));
        }
    }

    /// Marks a loaded request as delivered or given up. Deletes its file if all requests in it are done.
    pub(crate) fn done(&self, record: &StoredRecord) {
        let file = &record.file;
        // If this fails, the next process sends the request again, and the receiver recognises the ids.
        let _ = lock(&file.segment).mark_done(&*self.files, record.extent);
        // Storing takes the same lock, because it may add requests to this file.
        let mut state = lock(&self.state);
        file.remove(record.items());
        if file.lost.get().is_some() {
            state.gone.retain(|gone| gone.pins.load(Ordering::Relaxed) > 0);
        } else if file.is_done() && !state.is_active(file) {
            state.remove(&*self.files, file);
        }
    }

    /// Removes a request that was stored and not loaded since, because it stays in memory instead.
    pub(crate) fn take_back(&self, record: &StoredRecord) {
        let state = lock(&self.state);
        if let Some(loss) = record.file.lost.get() {
            // It was counted as lost, and is not.
            self.ledger.found_again(*loss, record.items());
            return;
        }
        record.file.pin(record.items());
        drop(state);
        self.ledger.unspooled(record.items());
        self.done(record);
    }

    /// Notices what others have deleted, and makes the folder anew if it is gone. Deletes what is too old.
    pub(crate) fn check(&self) {
        let mut state = lock(&self.state);
        if state.has_left {
            return;
        }
        self.miss_deleted(&mut state);
        if state.home.is_gone()
            && let Err(error) = self.renew(&mut state)
        {
            self.ledger.spool_failed(&error);
        }
        self.make_room(&mut state, 0);
    }

    /// Closes the spool. If nothing remains to be sent, nothing remains on disk.
    pub(crate) fn leave(&self) {
        let mut state = lock(&self.state);
        state.has_left = true;
        self.miss_deleted(&mut state);
        self.make_room(&mut state, 0);
        for file in std::mem::take(&mut state.gone) {
            let loss = file.lost.get().copied().unwrap_or(Loss::SpoolDeleted);
            self.ledger.lost_from_spool(file.origin, loss, file.items_loaded.load(Ordering::Relaxed));
        }
        if state.files.iter().all(|file| file.is_done()) {
            state.active = None;
            while let Some(file) = state.files.front().cloned() {
                state.remove(&*self.files, &file);
            }
            state.home.delete_if_empty(&*self.files);
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
            lock(&active.segment).close();
            if active.is_done() {
                state.remove(&*self.files, &active);
            }
        }
        let segment = match Segment::create(&*self.files, &state.next_path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.miss_deleted(state);
                self.renew(state)?;
                Segment::create(&*self.files, &state.next_path())?
            }
            created => created?,
        };
        let file = Arc::new(SpoolFile::new(segment, self.files.now(), Origin::Here));
        state.files.push_back(file.clone());
        state.active = Some(file.clone());
        Ok(file)
    }

    /// Makes the folder of this process anew, after somebody has deleted it.
    fn renew(&self, state: &mut State) -> io::Result<()> {
        state.home = create_home(&*self.files, &self.folder)?;
        report(&format_args!(
            "the folder {} was deleted while it was in use: spans that were saved there are lost and counted; it is made \
             anew",
            self.folder.display()
        ));
        Ok(())
    }

    /// Counts what was in files that others have deleted.
    fn miss_deleted(&self, state: &mut State) {
        let is_gone = |file: &&Arc<SpoolFile>| lock(&file.segment).is_gone(&*self.files);
        let gone: Vec<_> = state.files.iter().filter(is_gone).cloned().collect();
        for file in &gone {
            self.miss(state, file);
        }
    }

    /// Counts what was in a file that was deleted. Processes that share the folder do so to make room; if the folder of
    /// this process is gone as well, it was somebody else.
    fn miss(&self, state: &mut State, file: &Arc<SpoolFile>) {
        let loss = if state.home.is_gone() { Loss::SpoolDeleted } else { Loss::SpoolFull };
        if file.pins.load(Ordering::Relaxed) > 0 && file.lost.get().is_none() {
            state.gone.push(file.clone());
        }
        self.lose(state, file, loss);
    }

    /// Gives up a file, and counts what waits in it.
    fn lose(&self, state: &mut State, file: &Arc<SpoolFile>, loss: Loss) {
        if file.lost.set(loss).is_err() {
            return;
        }
        if state.is_active(file) {
            state.active = None;
        }
        self.ledger.lost_from_spool(file.origin, loss, file.items_waiting.load(Ordering::Relaxed));
        state.remove(&*self.files, file);
    }

    /// Deletes the oldest files of the folder until there is room for this many bytes, and all files that are too old.
    fn make_room(&self, state: &mut State, bytes: u64) {
        let now = self.files.now();
        // If others make room now, this process does so when it next stores something or checks.
        let Ok(_guard) = shared::lock(&*self.files, &self.root) else { return };
        let foreign = shared::foreign(&*self.files, &self.root, state.home.path());
        let mut others = Others::new(foreign);
        while let Some((oldest, loss, is_full)) = self.to_evict(state, &mut others, bytes, now) {
            match oldest {
                Victim::Own(file) => self.lose(state, &file, loss),
                Victim::Foreign(segment) => self.evict(&segment, loss, is_full, &mut others),
            }
        }
    }

    /// Returns the next file to evict, the reason, and whether there is no room. A file stays while one of its requests is
    /// being sent.
    fn to_evict(
        &self,
        state: &State,
        others: &mut Others,
        bytes: u64,
        now: SystemTime,
    ) -> Option<(Victim, Loss, bool)> {
        let own = state.files.iter().find(|file| file.pins.load(Ordering::Relaxed) == 0);
        let foreign = others.oldest_first.front();
        let is_own = match (own, foreign) {
            (Some(own), Some(foreign)) => own.written <= foreign.written,
            (own, _) => own.is_some(),
        };
        let written = if is_own { own?.written } else { foreign?.written };
        let is_too_old = age(written, now) > self.limits.age;
        let is_full = state.bytes() + others.bytes + bytes > self.limits.bytes;
        let loss = is_too_old.then_some(Loss::SpoolTooOld).or(is_full.then_some(Loss::SpoolFull))?;
        let victim = if is_own {
            Victim::Own(own?.clone())
        } else {
            Victim::Foreign(others.oldest_first.pop_front()?)
        };
        Some((victim, loss, is_full))
    }

    /// Deletes a file of another process, and counts what was in it if nobody else does. A process that is running deletes
    /// its own if they are too old, unless there is no room until then.
    fn evict(&self, segment: &Foreign, loss: Loss, is_full: bool, others: &mut Others) {
        let removal = segment.remove(&*self.files, is_full);
        if removal != Removal::Stays {
            others.bytes -= segment.length;
        }
        if let Removal::Ended { items } = removal {
            self.ledger.recovered(items);
            self.ledger.lost_from_spool(Origin::Earlier, loss, items);
        }
    }
}

/// Warns about a folder in which other users could replace or delete spans.
fn report_open_folder(files: &dyn Files, folders: &[&Path]) {
    let is_open = |path: &&&Path| files.look(path).is_ok_and(|found| found.is_open_to_others);
    if let Some(path) = folders.iter().find(is_open) {
        report(&format_args!(
            "other users can write to {}, and so delete or replace spans that are saved there; take the permission away \
             with chmod go-w",
            path.display()
        ));
    }
}

fn create_home(files: &dyn Files, folder: &Path) -> io::Result<Home> {
    files.create_folder(folder)?;
    refuse_links(files, folder)?;
    Home::create(files, folder)
}

/// The segments of other processes that could be evicted.
struct Others {
    oldest_first: VecDeque<Foreign>,
    /// The bytes of all of them that are on the disk.
    bytes: u64,
}

impl Others {
    fn new(segments: Vec<Foreign>) -> Self {
        let bytes = segments.iter().map(|segment| segment.length).sum();
        Others { oldest_first: segments.into(), bytes }
    }
}

enum Victim {
    Own(Arc<SpoolFile>),
    Foreign(Foreign),
}

impl State {
    fn new(home: Home) -> Self {
        State {
            home,
            files: VecDeque::new(),
            active: None,
            next_number: 0,
            gone: Vec::new(),
            has_left: false,
        }
    }

    fn is_active(&self, file: &Arc<SpoolFile>) -> bool {
        self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, file))
    }

    /// The path of the next segment.
    fn next_path(&mut self) -> PathBuf {
        self.next_number += 1;
        self.home.segment(self.next_number)
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| lock(&file.segment).length()).sum()
    }

    fn remove(&mut self, files: &dyn Files, file: &Arc<SpoolFile>) {
        let mut segment = lock(&file.segment);
        segment.close();
        let _ = files.delete(segment.path());
        self.files.retain(|other| !Arc::ptr_eq(other, file));
    }
}

impl SpoolFile {
    fn new(mut segment: Segment, written: SystemTime, origin: Origin) -> Self {
        if origin == Origin::Earlier {
            segment.close();
        }
        SpoolFile {
            segment: Mutex::new(segment),
            written,
            origin,
            requests_left: AtomicUsize::new(0),
            items_waiting: AtomicU64::new(0),
            items_loaded: AtomicU64::new(0),
            pins: AtomicUsize::new(0),
            lost: OnceLock::new(),
        }
    }

    fn add(&self, items: u32) {
        self.requests_left.fetch_add(1, Ordering::Relaxed);
        self.items_waiting.fetch_add(items.into(), Ordering::Relaxed);
    }

    /// Begins to send a request.
    fn pin(&self, items: u64) {
        self.pins.fetch_add(1, Ordering::Relaxed);
        self.items_waiting.fetch_sub(items, Ordering::Relaxed);
        self.items_loaded.fetch_add(items, Ordering::Relaxed);
    }

    /// Gives up sending a request, which stays.
    fn unpin(&self, items: u64) {
        self.items_loaded.fetch_sub(items, Ordering::Relaxed);
        self.items_waiting.fetch_add(items, Ordering::Relaxed);
        self.pins.fetch_sub(1, Ordering::Relaxed);
    }

    /// Removes a request that was being sent.
    fn remove(&self, items: u64) {
        self.requests_left.fetch_sub(1, Ordering::Relaxed);
        self.items_loaded.fetch_sub(items, Ordering::Relaxed);
        self.pins.fetch_sub(1, Ordering::Relaxed);
    }

    fn is_done(&self) -> bool {
        self.requests_left.load(Ordering::Relaxed) == 0
    }

    fn age(&self, now: SystemTime) -> Duration {
        age(self.written, now)
    }
}

/// The age is unknown if the clock was set back.
fn age(written: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(written).unwrap_or_default()
}
