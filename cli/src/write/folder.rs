//! The folder of generated files: what is stale, and how it is brought up to date.
//!
//! Each file is written beside its place and then renamed, so that none is ever half-written. A file that this program
//! generated, and no longer does, is removed; other files are left alone.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{File, HEADER};
use crate::message::Failure;

/// How much of a file is read to find the header.
const FIRST_BYTES: usize = 1024;

/// A folder with generated files.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

/// A difference between a folder and what is generated.
#[derive(Debug, PartialEq)]
pub enum Change<'a> {
    /// The file is missing.
    Missing(&'a File),
    /// The file has another content.
    Stale(&'a File),
    /// This generated file is no longer generated.
    Leftover(PathBuf),
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(file) => write!(f, "missing: {}", file.path),
            Self::Stale(file) => write!(f, "stale: {}", file.path),
            Self::Leftover(path) => write!(f, "no longer generated: {}", path.display()),
        }
    }
}

impl Folder {
    /// The folder at this path, which need not exist.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Compares the folder with what is generated.
    ///
    /// ```
    /// use a2a_otel_cli::write::{Change, File, Folder, HEADER};
    ///
    /// let folder = Folder::new("no/such/folder");
    /// let files = [File { path: "metrics.md", content: format!("<!-- {HEADER} -->") }];
    /// assert_eq!(folder.changes(&files).unwrap(), [Change::Missing(&files[0])]);
    /// ```
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or a file of the user's own is in the way.
    pub fn changes<'a>(&self, files: &'a [File]) -> Result<Vec<Change<'a>>, Failure> {
        let mut changes = Vec::new();
        for file in files {
            let path = self.root.join(file.path);
            match fs::read(&path) {
                Ok(content) if content == file.content.as_bytes() => {}
                Ok(content) if is_ours(&content) => changes.push(Change::Stale(file)),
                Ok(_) => return Err(Failure::Foreign(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => changes.push(Change::Missing(file)),
                Err(error) => return Err(Failure::file(path)(error)),
            }
        }
        changes.extend(self.leftovers(files)?.into_iter().map(Change::Leftover));
        Ok(changes)
    }

    /// Makes these changes.
    ///
    /// # Errors
    ///
    /// If a file cannot be written or removed; every file is then as before or as generated.
    pub fn apply(&self, changes: &[Change<'_>]) -> Result<(), Failure> {
        // All contents are on disk before the first file is replaced.
        let mut written = Vec::new();
        for change in changes {
            if let Change::Missing(file) | Change::Stale(file) = change {
                let path = self.root.join(file.path);
                written.push((write_beside(&path, &file.content).map_err(Failure::file(&path))?, path));
            }
        }
        for (beside, path) in written {
            beside.persist(&path).map_err(|error| Failure::File { path, error: error.error })?;
        }
        for change in changes {
            if let Change::Leftover(path) = change {
                let path = self.root.join(path);
                fs::remove_file(&path).map_err(Failure::file(&path))?;
            }
        }
        Ok(())
    }

    /// Files of ours that are no longer generated, in the folders in which files are generated.
    fn leftovers(&self, files: &[File]) -> Result<Vec<PathBuf>, Failure> {
        let folders: BTreeSet<&Path> =
            files.iter().filter_map(|file| Path::new(file.path).parent()).collect();
        let mut leftovers = Vec::new();
        for folder in folders {
            let path = self.root.join(folder);
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Failure::file(path)(error)),
            };
            for entry in entries.filter_map(Result::ok) {
                let below = folder.join(entry.file_name());
                let is_generated = files.iter().any(|file| Path::new(file.path) == below);
                if !is_generated
                    && entry.path().is_file()
                    && fs::read(entry.path()).is_ok_and(|it| is_ours(&it))
                {
                    leftovers.push(below);
                }
            }
        }
        leftovers.sort();
        Ok(leftovers)
    }
}

/// Whether a file says in its first lines that this program has generated it.
fn is_ours(content: &[u8]) -> bool {
    let first = &content[..content.len().min(FIRST_BYTES)];
    String::from_utf8_lossy(first).contains(HEADER)
}

fn write_beside(path: &Path, content: &str) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut beside = tempfile::Builder::new();
    readable_by_all(&mut beside);
    let mut beside = beside.prefix(".a2a-otel-").tempfile_in(folder)?;
    beside.write_all(content.as_bytes())?;
    beside.as_file().sync_all()?;
    Ok(beside)
}

/// Temporary files are private by default, but these are for other programs. The umask still applies.
#[cfg(unix)]
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable_by_all(_builder: &mut tempfile::Builder<'_, '_>) {}
