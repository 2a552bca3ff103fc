//! What the spool needs from a file system, so that tests can replace the disk with one that fails on request.

use std::fmt::Debug;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file system and its clock. Each method is one step, and a process may die between any two steps.
pub(super) trait Files: Debug + Send + Sync {
    /// Creates a folder and its parents, readable only by the owner.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Creates a file that only its owner can read. Fails if the file exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file for locking, and creates it if it does not exist.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn File>>;

    fn delete(&self, path: &Path) -> io::Result<()>;

    /// Deletes an empty folder.
    fn delete_folder(&self, path: &Path) -> io::Result<()>;

    /// Lists the contents of a folder, in no particular order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// The current time, by the clock that [`Metadata::modified`] uses.
    fn now(&self) -> SystemTime;
}

/// An open file.
pub(super) trait File: Debug + Send + Sync {
    /// Fills the whole buffer.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes. After an error, some of the first bytes may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    fn set_length(&mut self, length: u64) -> io::Result<()>;

    fn metadata(&self) -> io::Result<Metadata>;

    /// Locks the file, or fails if another process holds the lock. The lock is released when the file is closed or the
    /// process ends in any way.
    fn try_lock(&self) -> io::Result<()>;

    /// Whether the path still leads to this file.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata {
    pub(super) length: u64,
    pub(super) modified: SystemTime,
}

/// The file system of this machine.
#[derive(Debug)]
pub(super) struct StdFiles;

impl Files for StdFiles {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // The files contain prompts and answers.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(OpenOptions::new().write(true).create(true).truncate(false).open(path)?))
    }

    fn delete(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn delete_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl File for fs::File {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        let metadata = fs::File::metadata(self)?;
        Ok(Metadata { length: metadata.len(), modified: metadata.modified()? })
    }

    fn try_lock(&self) -> io::Result<()> {
        Ok(fs::File::try_lock(self)?)
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (ours, found) = (fs::File::metadata(self)?, fs::metadata(path)?);
        Ok((ours.dev(), ours.ino()) == (found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }
}
