//! Python packages in virtual environments, each of which is created once for all tests and kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::services::{Service, workshop};

/// The time limit for an installation. Phoenix takes 900 MB on disk, which takes long with a slow connection.
const INSTALLATION: Duration = Duration::from_secs(20 * 60);

/// The machine's default first, then the newest first. A command may exist although its version is not installed.
const PYTHONS: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// A script whose exit status says whether Phoenix runs on this Python, and whether it can create an environment.
const CHECK: &str = "import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))";

const A2A_SDK: &[&str] = &[
    "a2a-sdk[http-server]==1.3.0",
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-instrumentation-asgi==0.66b2",
    "opentelemetry-instrumentation-httpx==0.66b2",
    "uvicorn==0.54.0",
];

/// Returns the Python of an environment with these packages, in pip's notation: `"mcp==2.3.0"`.
///
/// # Errors
///
/// If there is no suitable Python on this machine, or the packages cannot be installed; see
/// [`require`](crate::services::require).
pub fn python_environment(name: &str, requirements: &[&str]) -> Result<PathBuf, String> {
    let environment = workshop()?.join(name);
    // Test binaries run in parallel: the first one installs, and the others wait for it here.
    let _lock = lock(&workshop()?.join(format!("{name}.lock")))?;
    if !is_complete(&environment, requirements) {
        discard(&environment)?;
        install(&environment, requirements)?;
    }
    Ok(python_of(&environment))
}

/// Returns the Python of the environment with A2A's SDK and OpenTelemetry.
///
/// # Errors
///
/// As [`python_environment`].
pub fn a2a_sdk() -> Result<PathBuf, String> {
    python_environment("a2a-sdk-1.3.0", A2A_SDK)
}

/// File locks need a newer Rust than the rest of the workspace, but this package is not published.
pub(crate) fn lock(path: &Path) -> Result<File, String> {
    let described = |error| format!("{}: {error}", path.display());
    let file = File::create(path).map_err(described)?;
    file.lock().map_err(described)?;
    Ok(file)
}

/// Whether these packages were installed completely, and the Python of the environment still exists.
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
    // Written last: without it, the installation was interrupted.
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
