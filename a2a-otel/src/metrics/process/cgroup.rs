//! How much memory the control group of the process may take.
//!
//! Source: <https://docs.kernel.org/admin-guide/cgroup-v2.html> and `cgroup-v1/memory.html` there.

use std::fs;
use std::path::{Component, Path, PathBuf};

use procfs::process::{MountInfo, Process};

/// Version 1 writes the largest number of whole pages if there is no limit.
const UNLIMITED: u64 = 1 << 62;

/// One of the two versions of control groups. A system may have both.
struct Version {
    file_system: &'static str,
    /// The controller whose hierarchy has the limits. Version 2 has only one hierarchy.
    controller: Option<&'static str>,
    file: &'static str,
}

const VERSIONS: &[Version] = &[
    Version { file_system: "cgroup2", controller: None, file: "memory.max" },
    Version { file_system: "cgroup", controller: Some("memory"), file: "memory.limit_in_bytes" },
];

/// The limit of the group and of those around it, whichever is smallest.
pub(super) fn memory_limit(process: &Process) -> Option<u64> {
    let groups = process.cgroups().ok()?;
    let mounts = process.mountinfo().ok()?;
    let limits = VERSIONS.iter().filter_map(|version| {
        let group = groups.0.iter().find(|group| match version.controller {
            Some(controller) => group.controllers.iter().any(|one| one == controller),
            None => group.hierarchy == 0,
        })?;
        let mount = mounts.0.iter().find(|mount| version.is_at(mount))?;
        smallest(mount, &group.pathname, version.file)
    });
    limits.min()
}

impl Version {
    fn is_at(&self, mount: &MountInfo) -> bool {
        let has_controller = |name: &str| mount.super_options.contains_key(name);
        mount.fs_type == self.file_system && self.controller.is_none_or(has_controller)
    }
}

/// The smallest limit from the group up to where the groups are mounted.
fn smallest(mount: &MountInfo, group: &str, file: &str) -> Option<u64> {
    let top = mount.mount_point.as_path();
    let group = folder(mount, group);
    let groups = group.ancestors().take_while(|folder| folder.starts_with(top));
    groups.filter_map(|folder| limit(&folder.join(file))).min()
}

/// The folder of a group. A container may show only its own group, as if it were the outermost.
fn folder(mount: &MountInfo, group: &str) -> PathBuf {
    let below = Path::new(group).strip_prefix(&mount.root).unwrap_or(Path::new(""));
    let folder = mount.mount_point.join(below);
    let is_inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    if is_inside && folder.is_dir() { folder } else { mount.mount_point.clone() }
}

/// `None` if the group has no limit.
fn limit(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.trim().parse().ok().filter(|limit| *limit < UNLIMITED)
}
