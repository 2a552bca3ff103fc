//! An in-memory disk that several processes share, and that fails on request.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use super::super::files::{File, Files, Kind, Metadata};
use crate::lock::lock;

/// The content of the disk. It behaves like a POSIX file system: what a process has written survives its death, its
/// locks do not, and a deleted file takes space as long as it is open.
#[derive(Clone, Default)]
pub(super) struct SimulatedDisk(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    entries: BTreeMap<PathBuf, Entry>,
    /// All files that were ever created, including deleted files that are still open.
    created: Vec<Weak<Mutex<Inode>>>,
    capacity: Option<u64>,
    /// Since the epoch. Each call takes a millisecond.
    time: Duration,
    processes: u64,
    handles: u64,
    /// How many files are open.
    open: usize,
}

enum Entry {
    /// It has no content, but can be locked.
    Folder(Arc<Mutex<Inode>>),
    File(Arc<Mutex<Inode>>),
    Link,
}

impl Entry {
    fn kind(&self) -> Kind {
        match self {
            Entry::Folder(_) => Kind::Folder,
            Entry::File(_) => Kind::File,
            Entry::Link => Kind::Other,
        }
    }
}

struct Inode {
    content: Vec<u8>,
    modified: SystemTime,
    locked_by: Option<Holder>,
}

/// A file of a spool, as it is found on disk.
pub(super) struct SegmentFile {
    pub(super) path: PathBuf,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Holder {
    process: u64,
    handle: u64,
}

/// What goes wrong at a call. If the call is a write, this many of its bytes are written anyway.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Error {
        written: usize,
    },
    /// The process dies: this call and all later ones do nothing.
    Crash {
        written: usize,
    },
}

/// The disk as one process sees it.
#[derive(Clone)]
pub(super) struct Process {
    disk: SimulatedDisk,
    id: u64,
    course: Arc<Mutex<Course>>,
}

/// What happens to a process, and when.
#[derive(Default)]
struct Course {
    calls: usize,
    fault: Option<(usize, Fault)>,
    interruption: Option<(usize, Box<dyn FnOnce() + Send>)>,
    has_failed: bool,
    is_dead: bool,
}

struct Handle {
    process: Process,
    id: u64,
    inode: Arc<Mutex<Inode>>,
}

impl SimulatedDisk {
    pub(super) fn process(&self) -> Process {
        let mut content = lock(&self.0);
        content.processes += 1;
        Process { disk: self.clone(), id: content.processes, course: Arc::default() }
    }

    pub(super) fn wait(&self, time: Duration) {
        lock(&self.0).time += time;
    }

    /// Leaves this many free bytes; `None` removes the limit.
    pub(super) fn leave_free(&self, bytes: Option<u64>) {
        let used = self.used();
        lock(&self.0).capacity = bytes.map(|bytes| used + bytes);
    }

    /// The number of used bytes, including deleted files that are open.
    pub(super) fn used(&self) -> u64 {
        lock(&self.0).used()
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        lock(&self.0).entries.contains_key(path)
    }

    /// The spool files on the disk.
    pub(super) fn segments(&self) -> Vec<SegmentFile> {
        let content = lock(&self.0);
        let segments = content.entries.iter().filter_map(|(path, entry)| {
            let Entry::File(inode) = entry else { return None };
            let inode = lock(inode);
            let (length, modified) = (inode.content.len() as u64, inode.modified);
            let is_segment = path.extension().is_some_and(|extension| extension == "spool");
            is_segment.then(|| SegmentFile { path: path.clone(), length, modified })
        });
        segments.collect()
    }

    /// Whether it can become full.
    pub(super) fn is_limited(&self) -> bool {
        lock(&self.0).capacity.is_some()
    }

    /// How many files are open.
    pub(super) fn open_files(&self) -> usize {
        lock(&self.0).open
    }

    /// Deletes a folder with all that is in it, as an operator does.
    pub(super) fn delete_all(&self, folder: &Path) {
        lock(&self.0).entries.retain(|path, _| !path.starts_with(folder));
    }

    /// Puts a symbolic link somewhere.
    pub(super) fn link(&self, path: &Path) {
        lock(&self.0).entries.insert(path.to_owned(), Entry::Link);
    }

    /// Everything below a folder.
    pub(super) fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let content = lock(&self.0);
        content.entries.keys().filter(|path| *path != folder && path.starts_with(folder)).cloned().collect()
    }

    pub(super) fn is_locked(&self, path: &Path) -> bool {
        match lock(&self.0).entries.get(path) {
            Some(Entry::File(inode)) => lock(inode).locked_by.is_some(),
            _ => false,
        }
    }

    /// Changes a file without any process noticing.
    pub(super) fn change<T>(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let inode = lock(&self.0).file(path).unwrap();
        change(&mut lock(&inode).content)
    }

    fn release(&self, is_released: impl Fn(Holder) -> bool) {
        for inode in lock(&self.0).created.iter().filter_map(Weak::upgrade) {
            let mut inode = lock(&inode);
            if inode.locked_by.is_some_and(&is_released) {
                inode.locked_by = None;
            }
        }
    }
}

impl Content {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.time
    }

    fn used(&self) -> u64 {
        let inodes = self.created.iter().filter_map(Weak::upgrade);
        inodes.map(|inode| lock(&inode).content.len() as u64).sum()
    }

    fn file(&self, path: &Path) -> io::Result<Arc<Mutex<Inode>>> {
        match self.entries.get(path) {
            Some(Entry::File(inode)) => Ok(inode.clone()),
            Some(Entry::Folder(_)) => Err(ErrorKind::IsADirectory.into()),
            Some(Entry::Link) => Err(io::Error::other("a symbolic link")),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn create(&mut self, path: &Path) -> io::Result<Arc<Mutex<Inode>>> {
        let parent = path.parent().and_then(|parent| self.entries.get(parent));
        if !matches!(parent, Some(Entry::Folder(_))) {
            return Err(ErrorKind::NotFound.into());
        }
        let inode = self.inode();
        self.entries.insert(path.to_owned(), Entry::File(inode.clone()));
        Ok(inode)
    }

    fn inode(&mut self) -> Arc<Mutex<Inode>> {
        let inode = Inode { content: Vec::new(), modified: self.now(), locked_by: None };
        let inode = Arc::new(Mutex::new(inode));
        self.created.retain(|inode| inode.strong_count() > 0);
        self.created.push(Arc::downgrade(&inode));
        inode
    }
}

impl Process {
    /// Injects a fault at this call, counted from now on.
    pub(super) fn fail_at(&self, call: usize, fault: Fault) {
        let mut course = lock(&self.course);
        course.fault = Some((course.calls + call, fault));
        course.has_failed = false;
    }

    /// Runs code of another process before this call, counted from now on.
    pub(super) fn interrupt_at(&self, call: usize, other: impl FnOnce() + Send + 'static) {
        let mut course = lock(&self.course);
        course.interruption = Some((course.calls + call, Box::new(other)));
    }

    /// Whether the injected fault has happened.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.course).has_failed
    }

    /// Removes all faults.
    pub(super) fn recover(&self) {
        let mut course = lock(&self.course);
        course.fault = None;
        course.has_failed = false;
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.course).is_dead
    }

    /// The process ends without another call.
    pub(super) fn kill(&self) {
        lock(&self.course).is_dead = true;
        self.disk.release(|holder| holder.process == self.id);
    }

    fn interruption(&self) -> Option<Box<dyn FnOnce() + Send>> {
        let mut course = lock(&self.course);
        let calls = course.calls;
        course.interruption.take_if(|(at, _)| *at == calls).map(|(_, other)| other)
    }

    /// Begins a call. If it has to fail, returns how many bytes to write first.
    fn call(&self) -> Result<(), usize> {
        if let Some(other) = self.interruption() {
            other();
        }
        lock(&self.disk.0).time += Duration::from_millis(1);
        let mut course = lock(&self.course);
        if course.is_dead {
            return Err(0);
        }
        course.calls += 1;
        let calls = course.calls;
        let Some((_, fault)) = course.fault.take_if(|(at, _)| *at + 1 == calls) else { return Ok(()) };
        course.has_failed = true;
        drop(course);
        match fault {
            Fault::Error { written } => Err(written),
            Fault::Crash { written } => {
                self.kill();
                Err(written)
            }
        }
    }

    /// Runs a call that is not a write on the content of the disk.
    fn with<T>(&self, call: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        self.call().map_err(failed)?;
        call(&mut lock(&self.disk.0))
    }

    fn handle(&self, content: &mut Content, inode: Arc<Mutex<Inode>>) -> Box<dyn File> {
        content.handles += 1;
        content.open += 1;
        Box::new(Handle { process: self.clone(), id: content.handles, inode })
    }
}

fn failed(_written: usize) -> io::Error {
    io::Error::other("the disk fails")
}

impl Files for Process {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.with(|content| {
            for path in path.ancestors() {
                if !content.entries.contains_key(path) {
                    let inode = content.inode();
                    content.entries.insert(path.to_owned(), Entry::Folder(inode));
                }
            }
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.with(|content| {
            if content.entries.contains_key(path) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let inode = content.create(path)?;
            Ok(self.handle(content, inode))
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.with(|content| {
            let inode = content.file(path)?;
            Ok(self.handle(content, inode))
        })
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.with(|content| {
            let inode = content.file(path).or_else(|_| content.create(path))?;
            Ok(self.handle(content, inode))
        })
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.with(|content| match content.entries.get(path) {
            Some(Entry::Folder(inode)) => {
                let inode = inode.clone();
                Ok(self.handle(content, inode))
            }
            _ => Err(ErrorKind::NotFound.into()),
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.with(|content| {
            let entry = content.entries.remove(from).ok_or(ErrorKind::NotFound)?;
            content.entries.insert(to.to_owned(), entry);
            Ok(())
        })
    }

    fn look(&self, path: &Path) -> io::Result<Metadata> {
        self.with(|content| {
            let entry = content.entries.get(path).ok_or(ErrorKind::NotFound)?;
            let (length, modified) = match entry {
                Entry::Folder(inode) | Entry::File(inode) => {
                    let inode = lock(inode);
                    (inode.content.len() as u64, inode.modified)
                }
                Entry::Link => (0, content.now()),
            };
            Ok(Metadata { kind: entry.kind(), length, modified, is_open_to_others: false })
        })
    }

    fn resolve(&self, folder: &Path) -> io::Result<PathBuf> {
        Ok(folder.to_owned())
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        self.with(|content| {
            content.file(path)?;
            content.entries.remove(path);
            Ok(())
        })
    }

    fn delete_folder(&self, path: &Path) -> io::Result<()> {
        self.with(|content| {
            if content.entries.keys().any(|entry| entry.parent() == Some(path)) {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            content.entries.remove(path).map(drop).ok_or(ErrorKind::NotFound.into())
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.with(|content| {
            if !content.entries.contains_key(folder) {
                return Err(ErrorKind::NotFound.into());
            }
            Ok(content.entries.keys().filter(|entry| entry.parent() == Some(folder)).cloned().collect())
        })
    }

    fn now(&self) -> SystemTime {
        lock(&self.disk.0).now()
    }
}

impl File for Handle {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.process.with(|_| {
            let inode = lock(&self.inode);
            let offset = usize::try_from(offset).unwrap();
            let found = inode.content.get(offset..offset + buffer.len());
            buffer.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let allowed = self.process.call();
        let bytes = allowed.map_or_else(|written| &bytes[..written.min(bytes.len())], |()| bytes);
        let content = lock(&self.process.disk.0);
        let now = content.now();
        let free = content.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(content.used()));
        let mut inode = lock(&self.inode);
        let length = inode.content.len() as u64;
        let end = (offset + bytes.len() as u64).min(length.saturating_add(free));
        let fitting = usize::try_from(end.saturating_sub(offset)).unwrap();
        if fitting > 0 {
            let (offset, end) = (usize::try_from(offset).unwrap(), usize::try_from(end).unwrap());
            let length = inode.content.len().max(end);
            inode.content.resize(length, 0);
            inode.content[offset..end].copy_from_slice(&bytes[..fitting]);
            inode.modified = now;
        }
        allowed.map_err(failed)?;
        if fitting < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.process.with(|content| {
            let mut inode = lock(&self.inode);
            inode.content.resize(usize::try_from(length).unwrap(), 0);
            inode.modified = content.now();
            Ok(())
        })
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.process.with(|_| {
            let inode = lock(&self.inode);
            let (length, modified) = (inode.content.len() as u64, inode.modified);
            Ok(Metadata { kind: Kind::File, length, modified, is_open_to_others: false })
        })
    }

    fn try_lock(&self) -> io::Result<()> {
        let holder = Holder { process: self.process.id, handle: self.id };
        self.process.with(|_| {
            let mut inode = lock(&self.inode);
            if inode.locked_by.is_some_and(|other| other != holder) {
                return Err(ErrorKind::WouldBlock.into());
            }
            inode.locked_by = Some(holder);
            Ok(())
        })
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.process.with(|content| Ok(Arc::ptr_eq(&content.file(path)?, &self.inode)))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let holder = Holder { process: self.process.id, handle: self.id };
        let mut inode = lock(&self.inode);
        if inode.locked_by == Some(holder) {
            inode.locked_by = None;
        }
        drop(inode);
        lock(&self.process.disk.0).open -= 1;
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.id)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {} of {:?}", self.id, self.process)
    }
}
