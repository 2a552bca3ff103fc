//! Programs from packages of Debian, each of which is unpacked once for all tests and kept. Nothing is installed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::python::lock;
use crate::services::{Service, workshop};

/// The time limit for a download.
const DOWNLOAD: Duration = Duration::from_secs(10 * 60);

/// Returns the folder into which packages of a suite are unpacked, in apt's notation: `"victoria-metrics=1.112.0*"`.
///
/// # Errors
///
/// If this machine has no `apt-get`, or the packages cannot be downloaded; see [`require`](crate::services::require).
pub fn unpacked(name: &str, suite: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = workshop()?.join(name);
    // Test binaries run in parallel: the first one downloads, and the others wait for it here.
    let _lock = lock(&workshop()?.join(format!("{name}.lock")))?;
    // Other tests may have unpacked another part of these packages there.
    let is_complete = fs::read_to_string(folder.join("complete"))
        .is_ok_and(|unpacked| unpacked.split_whitespace().eq(packages.iter().copied()));
    if !is_complete {
        let script = workshop()?.join(format!("{name}.sh"));
        fs::write(&script, include_str!("debian/get.sh"))
            .map_err(|error| format!("{}: {error}", script.display()))?;
        let mut get = Command::new("bash");
        get.arg(&script).arg(&folder).arg(suite).args(packages);
        Service::start("apt", &get)?.finish(DOWNLOAD)?;
    }
    Ok(folder)
}
