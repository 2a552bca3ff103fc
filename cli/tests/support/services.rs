//! Programs that tests need: from Debian's packages and npm, each installed once below cargo's target directory.

use std::env;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The suite of Debian whose packages are used, and their versions.
const SUITE: &str = "trixie";
const PROMETHEUS: &str = "2.53.3";
const ALERTMANAGER: &str = "0.28.1";

/// If this variable is `1`, a test whose program is not available fails instead of being skipped.
const REQUIRE_SERVICES: &str = "A2A_OTEL_REQUIRE_SERVICES";

/// Returns the program, or prints why it is not available and returns `None`; the test then returns.
#[track_caller]
pub(crate) fn require<T>(what: &str, service: Result<T, impl Display>) -> Option<T> {
    match service {
        Ok(service) => Some(service),
        Err(reason) => {
            let required = env::var_os(REQUIRE_SERVICES).is_some_and(|value| value == "1");
            assert!(!required, "{what} is required: {reason}");
            // Not `eprintln!`, whose output the test harness hides for tests that pass.
            let _ = writeln!(io::stderr(), "skipped: {what}: {reason}");
            None
        }
    }
}

/// The path of promtool.
pub(crate) fn promtool() -> Result<PathBuf, String> {
    debian("promtool", PROMETHEUS, "promtool")
}

/// The path of Prometheus.
pub(crate) fn prometheus() -> Result<PathBuf, String> {
    debian("prometheus", PROMETHEUS, "prometheus")
}

/// The path of amtool.
pub(crate) fn amtool() -> Result<PathBuf, String> {
    debian("prometheus-alertmanager", ALERTMANAGER, "amtool")
}

/// A program of one of Debian's packages, which is unpacked and not installed.
fn debian(package: &str, version: &str, program: &str) -> Result<PathBuf, String> {
    let folder = installed(&format!("{package}-{version}"), "", |folder| {
        let script = folder.join("get.sh");
        fs::write(&script, include_str!("../../../tests/src/debian/get.sh"))
            .map_err(|error| error.to_string())?;
        let mut get = Command::new("bash");
        get.arg(&script).arg(folder).arg(SUITE).arg(format!("{package}={version}*"));
        finish(&mut get)
    })?;
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
    let services = target_directory().join("services");
    let folder = services.join(name);
    let described = |error: io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&services).map_err(described)?;
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

/// The directory of the running test, so that worktrees with one target directory share the programs.
fn target_directory() -> PathBuf {
    let tagged = |folder: &Path| folder.join("CACHEDIR.TAG").is_file();
    let test = env::current_exe().ok();
    let found = test.and_then(|test| test.ancestors().find(|folder| tagged(folder)).map(Path::to_path_buf));
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

fn finish(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
