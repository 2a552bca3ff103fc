//! The processor time of containers.

use std::fs;
use std::path::{Path, PathBuf};

use crate::services::unique;

/// Where the kernel has its groups, a folder for each resource.
const GROUPS: &str = "/sys/fs/cgroup";

/// As much as this many programs have: containers are a dozen.
const PROGRAMS: u32 = 8;
const PER_PROGRAM: u32 = 1024;

/// A group for all containers of an engine.
///
/// The engine's own group has as much time as one program outside of it. Beside four compilers, all containers together would
/// have a fifth of the machine, and time out. Where the groups are of version 2, nothing is changed.
#[derive(Debug)]
pub(super) struct Share {
    name: String,
}

impl Share {
    /// A new group, or nothing where this machine does not allow one.
    pub(super) fn take() -> Option<Self> {
        let share = Self { name: unique("a2a-otel-engine") };
        let folder = Path::new(GROUPS).join("cpu").join(&share.name);
        fs::create_dir(&folder).ok()?;
        fs::write(folder.join("cpu.shares"), (PROGRAMS * PER_PROGRAM).to_string()).ok()?;
        Some(share)
    }

    /// The name of the group, as the engine wants it.
    pub(super) fn group(&self) -> String {
        format!("/{}", self.name)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // The engine has added it for the other resources.
        let resources = fs::read_dir(GROUPS).into_iter().flatten().flatten();
        let folders: Vec<PathBuf> = resources.map(|resource| resource.path().join(&self.name)).collect();
        for folder in folders {
            let _ = fs::remove_dir(folder);
        }
    }
}
