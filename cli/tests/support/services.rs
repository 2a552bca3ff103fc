//! Programs that tests need: from Debian's packages and npm, each installed once below cargo's target directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use a2a_otel_tests::debian::unpacked;
#[allow(unused_imports, reason = "each test uses a part")]
pub(crate) use a2a_otel_tests::services::require;
use a2a_otel_tests::services::workshop;
use a2a_otel_tests::{alertmanager, prometheus};

/// The suite of Debian whose packages are used.
const SUITE: &str = "trixie";

/// The path of promtool.
pub(crate) fn promtool() -> Result<PathBuf, String> {
    debian("promtool", prometheus::VERSION, "promtool")
}

/// The path of amtool.
pub(crate) fn amtool() -> Result<PathBuf, String> {
    debian("prometheus-alertmanager", alertmanager::VERSION, "amtool")
}

/// A program of one of Debian's packages, which is unpacked and not installed.
fn debian(package: &str, version: &str, program: &str) -> Result<PathBuf, String> {
    let folder = unpacked(&format!("{package}-{version}"), SUITE, &[&format!("{package}={version}*")])?;
    Ok(folder.join("usr/bin").join(program))
}

/// A folder with the packages of a lock file of npm.
pub(crate) fn npm(name: &str, package: &str, lock: &str) -> Result<PathBuf, String> {
    installed(name, lock, |folder| {
        fs::write(folder.join("package.json"), package).map_err(|error| error.to_string())?;
        fs::write(folder.join("package-lock.json"), lock).map_err(|error| error.to_string())?;
        finish(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(folder),
        )
    })
}

/// Fills a folder once for all tests. `what` says what is in it: with something else, it is filled again.
fn installed(
    name: &str,
    what: &str,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let services = workshop()?;
    let folder = services.join(name);
    let described = |error: io::Error| format!("{}: {error}", folder.display());
    // Test binaries run in parallel: the first one installs, and the others wait for it here.
    let lock = File::create(services.join(format!("{name}.lock"))).map_err(described)?;
    lock.lock().map_err(described)?;
    let complete = folder.join("installed");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == what) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(described)?;
    }
    fs::create_dir_all(&folder).map_err(described)?;
    install(&folder)?;
    // Written last: without it, the installation was interrupted.
    fs::write(complete, what).map_err(described)?;
    Ok(folder)
}

fn finish(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
