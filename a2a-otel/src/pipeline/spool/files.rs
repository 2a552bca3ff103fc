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

    /// Creates a file that only its owner can read. Fails if there is anything at the path.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file for reading and writing, but not through a symbolic link.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file for locking, but not through a symbolic link, and creates it if it does not exist.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a folder for locking. Not every system can do this.
    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Moves a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn delete(&self, path: &Path) -> io::Result<()>;

    /// Deletes an empty folder.
    fn delete_folder(&self, path: &Path) -> io::Result<()>;

    /// Lists the contents of a folder, in no particular order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// What is at a path. A symbolic link is not followed.
    fn look(&self, path: &Path) -> io::Result<Metadata>;

    /// The path of a folder without symbolic links.
    fn resolve(&self, folder: &Path) -> io::Result<PathBuf>;

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

    /// Whether the path still leads to this file, without symbolic links.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata {
    pub(super) kind: Kind,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
    /// Whether other users may write to it.
    pub(super) is_open_to_others: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link, a device, or anything else that is neither a file nor a folder.
    Other,
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
        Ok(Box::new(not_through_links(OpenOptions::new().read(true).write(true)).open(path)?))
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(not_through_links(&mut options).open(path)?))
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
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

    fn look(&self, path: &Path) -> io::Result<Metadata> {
        Metadata::of(&fs::symlink_metadata(path)?)
    }

    fn resolve(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(folder)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Makes opening fail if the file is a symbolic link, which may lead to any file of this user.
fn not_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW);
    options
}

impl Metadata {
    fn of(metadata: &fs::Metadata) -> io::Result<Self> {
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        #[cfg(unix)]
        let is_open_to_others = std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0;
        #[cfg(not(unix))]
        let is_open_to_others = false;
        Ok(Metadata { kind, length: metadata.len(), modified: metadata.modified()?, is_open_to_others })
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
        Metadata::of(&fs::File::metadata(self)?)
    }

    fn try_lock(&self) -> io::Result<()> {
        Ok(fs::File::try_lock(self)?)
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (ours, found) = (fs::File::metadata(self)?, fs::symlink_metadata(path)?);
        Ok((ours.dev(), ours.ino()) == (found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }
}
