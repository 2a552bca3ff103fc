//! Spans on disk: what could not be sent yet, kept over the end of the process.
//!
//! ```text
//! <folder>/<receiver>/<process>/lock             held by the process, or by the one that adopted what it left
//! <folder>/<receiver>/<process>/00000001.spool   a segment; deleted when everything in it is done
//! ```

mod segment;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use self::segment::{Place, Segment};
use super::ledger::{Ledger, Loss, Origin};
use super::queue::Amount;
use crate::lock::lock;
use crate::report::report;
use crate::settings::Spool as Limits;

/// A file is deleted as a whole, so the disk is given back in steps of this size.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

const LOCK: &str = "lock";
const EXTENSION: &str = "spool";

/// One request on disk.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    file: Arc<Spooled>,
    place: Place,
}

impl Record {
    pub(crate) fn amount(&self) -> Amount {
        Amount { items: self.place.spans as usize, bytes: self.place.length as usize }
    }

    pub(crate) fn origin(&self) -> Origin {
        self.file.origin
    }
}

/// A segment and what is in it.
#[derive(Debug)]
struct Spooled {
    path: PathBuf,
    segment: Mutex<Segment>,
    written: SystemTime,
    /// Spans that are still to be sent.
    open: AtomicU64,
    origin: Origin,
    /// So many of its requests are on their way, for which it has to stay.
    pins: AtomicUsize,
    is_evicted: AtomicBool,
}

/// The spool of one receiver.
#[derive(Debug)]
pub(crate) struct Spool {
    limits: Limits,
    ledger: Arc<Ledger>,
    home: Home,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest first; the last one of this process is written to.
    files: VecDeque<Arc<Spooled>>,
    active: Option<Arc<Spooled>>,
    next_number: u32,
    /// What other processes have left; it goes when it is empty.
    adopted: Vec<Home>,
}

/// A folder that nobody else may touch.
#[derive(Debug)]
struct Home {
    path: PathBuf,
    _lock: File,
}

impl Spool {
    /// Opens the spool for a receiver, with what earlier processes have left for it.
    pub(crate) fn open(
        limits: &Limits,
        receiver: &str,
        ledger: Arc<Ledger>,
    ) -> io::Result<(Self, Vec<Record>)> {
        let folder = limits.folder.join(receiver);
        create_folder(&folder)?;
        let home = Home::new(&folder)?;
        let spool = Spool { limits: limits.clone(), ledger, home, state: Mutex::default() };
        let records = spool.adopt_orphans(&folder);
        Ok((spool, records))
    }

    fn adopt_orphans(&self, folder: &Path) -> Vec<Record> {
        let mut state = lock(&self.state);
        for orphan in subfolders(folder) {
            if let Some(home) = Home::adopt(&orphan) {
                state.files.extend(recovered(&home.path));
                state.adopted.push(home);
            }
        }
        state.files.make_contiguous().sort_by_key(|file| file.written);
        self.evict(&mut state, 0);
        let mut records = Vec::new();
        state.files.retain(|file| {
            let found = scan(file);
            let is_empty = found.is_empty();
            records.extend(found);
            if is_empty {
                let _ = fs::remove_file(&file.path);
            }
            !is_empty
        });
        state.leave_empty_homes();
        self.ledger.recovered(records.iter().map(|record| u64::from(record.place.spans)).sum());
        records
    }

    /// Writes a request down.
    pub(crate) fn store(&self, body: &[u8], spans: usize) -> io::Result<Record> {
        let mut state = lock(&self.state);
        self.evict(&mut state, body.len() as u64);
        let file = self.active(&mut state)?;
        let spans = u32::try_from(spans).map_err(io::Error::other)?;
        let place = lock(&file.segment).append(body, spans)?;
        file.open.fetch_add(spans.into(), Ordering::Relaxed);
        self.ledger.spooled(spans.into());
        Ok(Record { file, place })
    }

    /// Reads a request back, and holds on to it until [`Spool::done`]. There is none if it was evicted, or what is there
    /// is not what was written.
    pub(crate) fn load(&self, record: &Record) -> Option<Vec<u8>> {
        let file = &record.file;
        // Under the lock that evicting takes as well.
        let state = lock(&self.state);
        if file.is_evicted.load(Ordering::Relaxed) {
            return None;
        }
        file.pins.fetch_add(1, Ordering::Relaxed);
        drop(state);
        let body = lock(&file.segment).read(record.place);
        if body.is_err() {
            self.ledger.lost_from_spool(file.origin, Loss::SpoolDamaged, record.place.spans.into());
            self.done(record);
        }
        body.ok()
    }

    /// The request is with the receiver, or given up. A file of which all is done is deleted.
    pub(crate) fn done(&self, record: &Record) {
        let file = &record.file;
        // Where that fails, the request is sent once more after the next start, and the receiver knows it by its ids.
        let _ = lock(&file.segment).mark_done(record.place);
        let spans = u64::from(record.place.spans);
        let left = file.open.fetch_sub(spans, Ordering::Relaxed) - spans;
        file.pins.fetch_sub(1, Ordering::Relaxed);
        let mut state = lock(&self.state);
        if left == 0 && !state.is_active(file) {
            state.remove(file);
        }
    }

    /// Spans that were stored turn out to be kept elsewhere.
    pub(crate) fn take_back(&self, record: &Record) {
        record.file.pins.fetch_add(1, Ordering::Relaxed);
        self.ledger.unspooled(record.place.spans.into());
        self.done(record);
    }

    /// Leaves nothing behind where nothing is left to be sent.
    pub(crate) fn leave(&self) {
        let mut state = lock(&self.state);
        if state.files.iter().all(|file| file.open.load(Ordering::Relaxed) == 0) {
            state.active = None;
            state.files.drain(..).for_each(|file| drop(fs::remove_file(&file.path)));
            self.home.leave_if_empty();
        }
    }

    /// The file that is written to; another one where that is full.
    fn active(&self, state: &mut State) -> io::Result<Arc<Spooled>> {
        if let Some(active) = &state.active {
            if lock(&active.segment).length() < SEGMENT_BYTES {
                return Ok(active.clone());
            }
            let full = active.clone();
            state.active = None;
            if full.open.load(Ordering::Relaxed) == 0 {
                state.remove(&full);
            }
        }
        state.next_number += 1;
        let path = self.home.path.join(format!("{:08}.{EXTENSION}", state.next_number));
        let segment = Segment::create(&path)?;
        let file = Arc::new(Spooled::new(path, segment, SystemTime::now(), Origin::Here));
        state.files.push_back(file.clone());
        state.active = Some(file.clone());
        Ok(file)
    }

    /// Deletes the oldest files until there is room for so many bytes, and those that are too old.
    fn evict(&self, state: &mut State, bytes: u64) {
        while let Some((oldest, loss)) = state.to_evict(&self.limits, bytes) {
            if state.is_active(&oldest) {
                state.active = None;
            }
            oldest.is_evicted.store(true, Ordering::Relaxed);
            self.ledger.lost_from_spool(oldest.origin, loss, oldest.open.load(Ordering::Relaxed));
            state.remove(&oldest);
        }
    }
}

impl State {
    fn is_active(&self, file: &Arc<Spooled>) -> bool {
        self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, file))
    }

    /// The next file that has to go, and why. One of which something is on its way stays.
    fn to_evict(&self, limits: &Limits, bytes: u64) -> Option<(Arc<Spooled>, Loss)> {
        let is_full = self.bytes() + bytes > limits.bytes;
        let is_too_old = |file: &Spooled| file.written.elapsed().unwrap_or_default() > limits.age;
        let mut free = self.files.iter().filter(|file| file.pins.load(Ordering::Relaxed) == 0);
        let oldest = free.next()?;
        if is_too_old(oldest) {
            Some((oldest.clone(), Loss::SpoolTooOld))
        } else {
            is_full.then(|| (oldest.clone(), Loss::SpoolFull))
        }
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| lock(&file.segment).length()).sum()
    }

    fn remove(&mut self, file: &Arc<Spooled>) {
        let _ = fs::remove_file(&file.path);
        self.files.retain(|other| !Arc::ptr_eq(other, file));
        if file.origin == Origin::Earlier {
            self.leave_empty_homes();
        }
    }

    fn leave_empty_homes(&mut self) {
        self.adopted.retain(|home| !home.leave_if_empty());
    }
}

impl Spooled {
    fn new(path: PathBuf, segment: Segment, written: SystemTime, origin: Origin) -> Self {
        Spooled {
            path,
            segment: Mutex::new(segment),
            written,
            open: AtomicU64::new(0),
            origin,
            pins: AtomicUsize::new(0),
            is_evicted: AtomicBool::new(false),
        }
    }
}

impl Home {
    /// A folder of our own. Another process may take it for an orphan before it is locked, so it is tried again.
    fn new(folder: &Path) -> io::Result<Self> {
        let mut last = io::Error::other("no folder of its own");
        for _ in 0..5 {
            let random = RandomState::new().hash_one(());
            let path = folder.join(format!("{}-{random:016x}", std::process::id()));
            match create_folder(&path).and_then(|()| Self::lock(&path)) {
                Ok(home) => return Ok(home),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What a process has left that does not live any more.
    fn adopt(path: &Path) -> Option<Self> {
        Self::lock(path).ok()
    }

    fn lock(path: &Path) -> io::Result<Self> {
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK))?;
        lock.try_lock()?;
        Ok(Home { path: path.to_owned(), _lock: lock })
    }

    fn leave_if_empty(&self) -> bool {
        let is_empty = segments(&self.path).is_empty();
        if is_empty {
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
        is_empty
    }
}

/// The files of a process that does not live any more.
fn recovered(home: &Path) -> Vec<Arc<Spooled>> {
    let open = |path: PathBuf| {
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
        match (Segment::open(&path), written) {
            (Ok(segment), Ok(written)) => {
                Some(Arc::new(Spooled::new(path, segment, written, Origin::Earlier)))
            }
            (Err(error), _) | (_, Err(error)) => {
                report(&format_args!("cannot read {}: {error}; its spans stay there", path.display()));
                None
            }
        }
    };
    segments(home).into_iter().filter_map(open).collect()
}

fn scan(file: &Arc<Spooled>) -> Vec<Record> {
    let (places, damaged) = match lock(&file.segment).scan() {
        Ok(found) => found,
        Err(error) => {
            report(&format_args!("cannot read {}: {error}; its spans are lost", file.path.display()));
            return Vec::new();
        }
    };
    if damaged > 0 {
        let path = file.path.display();
        report(&format_args!(
            "{damaged} bytes of {path} are damaged; the spans in them are lost, the rest is sent"
        ));
    }
    let spans = places.iter().map(|place| u64::from(place.spans)).sum();
    file.open.store(spans, Ordering::Relaxed);
    places.into_iter().map(|place| Record { file: file.clone(), place }).collect()
}

fn segments(home: &Path) -> Vec<PathBuf> {
    let mut segments = entries(home);
    segments.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    segments.sort();
    segments
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut folders = entries(folder);
    folders.retain(|path| path.is_dir());
    folders
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
