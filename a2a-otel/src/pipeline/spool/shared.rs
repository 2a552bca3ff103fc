//! The folder that processes share, whatever they send to which receiver: what is in it besides the segments of this
//! process.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::files::{File, Files, Kind};
use super::home::{Home, segments};
use super::segment::Segment;

/// How often a process tries to be the one that makes room, and the time between two attempts.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// A segment of another process.
#[derive(Debug)]
pub(super) struct Foreign {
    pub(super) path: PathBuf,
    /// The folder of its process.
    pub(super) home: PathBuf,
    pub(super) length: u64,
    pub(super) written: SystemTime,
}

/// What became of a segment of another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// It is deleted. Its process has ended, so nobody else counts these items.
    Ended { items: u64 },
    /// It is deleted. Its process is alive, notices it, and counts what is lost.
    Alive,
    /// It stays, because its process is alive.
    Stays,
    /// It cannot be deleted.
    Impossible,
}

/// The folders in a folder. Symbolic links are left out, as they may lead anywhere.
pub(super) fn folders(files: &dyn Files, folder: &Path) -> Vec<PathBuf> {
    let mut folders = files.list(folder).unwrap_or_default();
    folders.retain(|path| files.look(path).is_ok_and(|found| found.kind == Kind::Folder));
    folders.sort();
    folders
}

/// All segments that are not in this process's own folder, the oldest first.
pub(super) fn foreign(files: &dyn Files, root: &Path, own: &Path) -> Vec<Foreign> {
    let homes = folders(files, root).into_iter().flat_map(|receiver| folders(files, &receiver));
    let mut found: Vec<_> =
        homes.filter(|home| home != own).flat_map(|home| segments_of(files, &home)).collect();
    found.sort_by_key(|segment| segment.written);
    found
}

fn segments_of(files: &dyn Files, home: &Path) -> Vec<Foreign> {
    let look = |path: PathBuf| {
        let found = files.look(&path).ok().filter(|found| found.kind == Kind::File)?;
        Some(Foreign { path, home: home.to_owned(), length: found.length, written: found.modified })
    };
    segments(files, home).unwrap_or_default().into_iter().filter_map(look).collect()
}

/// Locks the folder for the one process that makes room, so that each deleted segment is counted once. `Err` if another
/// process makes room now. `Ok(None)` if the folder cannot be locked at all.
pub(super) fn lock(files: &dyn Files, root: &Path) -> Result<Option<Box<dyn File>>, io::Error> {
    let Ok(folder) = files.open_folder(root) else { return Ok(None) };
    for _ in 0..ATTEMPTS {
        match folder.try_lock() {
            Ok(()) => return Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return Ok(None),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

impl Foreign {
    /// Deletes the segment. That of a process that is alive is only deleted if its room is needed.
    pub(super) fn remove(&self, files: &dyn Files, is_room_needed: bool) -> Removal {
        match Home::of_ended(files, &self.home) {
            Ok(home) => self.remove_of_ended(files, &home),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Removal::Impossible,
            Err(_) if !is_room_needed => Removal::Stays,
            Err(_) if files.delete(&self.path).is_ok() => Removal::Alive,
            Err(_) => Removal::Impossible,
        }
    }

    fn remove_of_ended(&self, files: &dyn Files, home: &Home) -> Removal {
        let scanned = Segment::open(files, &self.path).and_then(|(mut segment, _)| segment.scan(files));
        let Ok((extents, _)) = scanned else { return Removal::Impossible };
        if files.delete(&self.path).is_err() {
            return Removal::Impossible;
        }
        if home.delete_if_empty(files)
            && let Some(receiver) = self.home.parent()
        {
            // Only an empty folder can be deleted.
            let _ = files.delete_folder(receiver);
        }
        Removal::Ended { items: extents.iter().map(|extent| u64::from(extent.items)).sum() }
    }
}
