//! Python packages in virtual environments, each made once for all tests and kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::services::{Service, workshop};

/// Phoenix comes to 900 MB on disk; with a slow line or a busy machine that takes its time.
const INSTALLATION: Duration = Duration::from_secs(20 * 60);

/// Newest first after the machine's own: a name may be there for a version that is not.
const PYTHONS: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// What a Python says with its exit status: whether Phoenix runs on it, and whether it can make an environment.
const CHECK: &str = "import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))";

/// The Python of an environment with these packages in it, as pip names them: `"mcp==2.3.0"`.
///
/// # Errors
///
/// If there is no suitable Python on this machine, or the packages cannot be had; see
/// [`require`](crate::services::require).
pub fn python_environment(name: &str, requirements: &[&str]) -> Result<PathBuf, String> {
    let environment = workshop()?.join(name);
    // Test binaries run side by side: the first installs, and the others wait for it here.
    let _lock = lock(&workshop()?.join(format!("{name}.lock")))?;
    if !is_complete(&environment, requirements) {
        discard(&environment)?;
        install(&environment, requirements)?;
    }
    Ok(python_of(&environment))
}

/// File locks are younger than what the rest of the workspace asks for, but this package is not published.
fn lock(path: &Path) -> Result<File, String> {
    let described = |error| format!("{}: {error}", path.display());
    let file = File::create(path).map_err(described)?;
    file.lock().map_err(described)?;
    Ok(file)
}

/// Whether an installation of these came to its end, and the Python that it was made from is still there.
fn is_complete(environment: &Path, requirements: &[&str]) -> bool {
    let installed = fs::read_to_string(marker(environment));
    installed.is_ok_and(|installed| installed == requirements.join("\n"))
        && succeeds(&python_of(environment), "")
}

fn discard(environment: &Path) -> Result<(), String> {
    if environment.exists() {
        fs::remove_dir_all(environment).map_err(|error| format!("{}: {error}", environment.display()))?;
    }
    Ok(())
}

fn install(environment: &Path, requirements: &[&str]) -> Result<(), String> {
    let base = suitable_python()?;
    Service::start("venv", Command::new(base).args(["-m", "venv"]).arg(environment))?.finish(INSTALLATION)?;
    let mut pip = Command::new(python_of(environment));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]).args(requirements);
    Service::start("pip", &pip)?.finish(INSTALLATION)?;
    // Written last: an environment without it was interrupted.
    fs::write(marker(environment), requirements.join("\n"))
        .map_err(|error| format!("{}: {error}", environment.display()))
}

fn suitable_python() -> Result<&'static str, String> {
    PYTHONS
        .into_iter()
        .find(|python| succeeds(Path::new(python), CHECK))
        .ok_or_else(|| "no Python 3.11-3.14 with venv on the PATH".to_owned())
}

fn succeeds(python: &Path, program: &str) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", program]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn python_of(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn marker(environment: &Path) -> PathBuf {
    environment.join("complete")
}
