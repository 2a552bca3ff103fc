//! The folder of one process, and the lock that protects it.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use super::files::{File, Files, Kind};

const LOCK: &str = "lock";
const EXTENSION: &str = "spool";

/// How often a process tries to create its own folder.
const ATTEMPTS: usize = 5;

/// A folder with a lock that this process holds.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    /// Kept open, because closing it would release the lock.
    lock: Box<dyn File>,
}

impl Home {
    /// Creates a folder for this process. Before it is locked, another process may mistake it for an abandoned one and
    /// delete it; then another one is created.
    pub(super) fn create(files: &dyn Files, receiver: &Path) -> io::Result<Self> {
        let mut last = io::Error::other("no folder of its own");
        for _ in 0..ATTEMPTS {
            let random = RandomState::new().hash_one(());
            let path = receiver.join(format!("{}-{random:016x}", std::process::id()));
            match files.create_folder(&path).and_then(|()| Self::of_ended(files, &path)) {
                Ok(home) => return Ok(home),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Takes over the folder of a process that has ended. Fails if its process is alive.
    pub(super) fn of_ended(files: &dyn Files, path: &Path) -> io::Result<Self> {
        refuse_links(files, path)?;
        let lock_path = path.join(LOCK);
        let lock = files.open_lock(&lock_path)?;
        lock.try_lock()?;
        // The previous holder of the lock may have deleted the folder since this process opened the file.
        if !lock.is_at(&lock_path)? {
            return Err(io::Error::other("its folder was deleted"));
        }
        Ok(Home { path: path.to_owned(), lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody has deleted the folder.
    pub(super) fn is_gone(&self) -> bool {
        let is_here = self.lock.is_at(&self.path.join(LOCK));
        !is_here.unwrap_or_else(|error| error.kind() != io::ErrorKind::NotFound)
    }

    /// The path of the segment with this number.
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:08}.{EXTENSION}"))
    }

    /// The existing segments, the oldest first.
    pub(super) fn segments(&self, files: &dyn Files) -> io::Result<Vec<PathBuf>> {
        segments(files, &self.path)
    }

    /// Deletes the folder if it contains no segment, and returns whether it did.
    pub(super) fn delete_if_empty(&self, files: &dyn Files) -> bool {
        let is_empty = self.segments(files).is_ok_and(|segments| segments.is_empty());
        if is_empty {
            let _ = files.delete(&self.path.join(LOCK));
            let _ = files.delete_folder(&self.path);
        }
        is_empty
    }
}

/// The segments in the folder of a process, the oldest first.
pub(super) fn segments(files: &dyn Files, home: &Path) -> io::Result<Vec<PathBuf>> {
    let mut segments = files.list(home)?;
    segments.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    segments.sort();
    Ok(segments)
}

/// Fails unless there is a folder at the path: a symbolic link may lead anywhere.
pub(super) fn refuse_links(files: &dyn Files, path: &Path) -> io::Result<()> {
    match files.look(path)?.kind {
        Kind::Folder => Ok(()),
        Kind::File | Kind::Other => {
            let shown = path.display();
            Err(io::Error::other(format!(
                "{shown} is not a folder; symbolic links in the spool are not followed"
            )))
        }
    }
}
