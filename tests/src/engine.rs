//! A real Docker engine with Compose, from packages of Debian that are unpacked and not installed.
//!
//! It changes nothing on the machine but what it needs while it runs: bridges for networks, mounts below its own folders, and a
//! group for the processor time of its containers.

mod share;
mod stand_ins;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::debian::unpacked;
use crate::python::lock;
use crate::services::{Service, unique, workshop};
use share::Share;

/// The version of the engine, and the packages of its suite that it consists of.
const VERSION: &str = "20.10.24";
const SUITE: &str = "bookworm";
const PACKAGES: [&str; 13] = [
    "docker.io=20.10.24*",
    "containerd=1.6.20*",
    "runc=1.1.5*",
    "tini=0.19.0*",
    // Containers find each other by name with it, in their own network. The machine's rules are left alone.
    "iptables=1.8.9*",
    "libxtables12",
    "libip4tc2",
    "libip6tc2",
    "libnftnl11",
    "libmnl0",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libseccomp2",
];

/// The version of Compose, and the suite that has it.
const COMPOSE: &str = "2.26.1";
const SUITE_OF_COMPOSE: &str = "trixie";

/// The time limit for a start, on a busy machine.
const START: Duration = Duration::from_secs(5 * 60);

/// A running engine. Its images are kept for the next run; its containers, networks and volumes go with this.
#[derive(Debug)]
pub struct Engine {
    service: Option<Service>,
    /// Its packages, unpacked.
    tools: PathBuf,
    compose: PathBuf,
    /// Images and volumes.
    data: PathBuf,
    /// Sockets, whose paths have to be short.
    runtime: PathBuf,
    share: Option<Share>,
    /// One engine at a time uses the data.
    _lock: File,
}

impl Engine {
    /// Starts an engine with the images of [`stand_ins`](self) loaded.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn start() -> Result<Self, String> {
        let engine = Self::launch()?;
        stand_ins::load(&engine)?;
        Ok(engine)
    }

    fn launch() -> Result<Self, String> {
        if !is_root() {
            return Err("an engine can only be started by root".to_owned());
        }
        let tools = unpacked(&format!("docker-{VERSION}"), SUITE, &PACKAGES)?;
        let compose = compose()?;
        let lock = lock(&workshop()?.join("docker-data.lock"))?;
        // Without symbolic links, which programs that start containers refuse.
        let data = fs::canonicalize(workshop()?)
            .map_err(|error| format!("the workshop: {error}"))?
            .join("docker-data");
        let runtime = env::temp_dir().join(unique("docker"));
        let mut engine =
            Self { service: None, tools, compose, data, runtime, share: Share::take(), _lock: lock };
        let failed = |error: io::Error| format!("the folders of the engine: {error}");
        fs::create_dir_all(engine.runtime.join("config")).map_err(failed)?;
        link_iptables(&engine.tools).map_err(failed)?;
        engine.service = Some(Service::start("dockerd", &engine.daemon())?);
        let ready = engine.command("docker", ["info"]);
        if let Some(service) = &mut engine.service {
            service.wait_until(START, || succeeds(&ready))?;
        }
        // A run that was killed may have left something.
        engine.sweep();
        Ok(engine)
    }

    fn daemon(&self) -> Command {
        let mut command = self.command("dockerd", Vec::<String>::new());
        let (data, runtime) = (self.data.display(), self.runtime.display());
        command
            .arg(format!("--data-root={data}"))
            .arg(format!("--exec-root={runtime}/exec"))
            .arg(format!("--pidfile={runtime}/pid"))
            .arg(format!("--host=unix://{}", self.socket().display()))
            .args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--shutdown-timeout=5"])
            .args(self.share.as_ref().map(|share| format!("--cgroup-parent={}", share.group())));
        command
    }

    fn socket(&self) -> PathBuf {
        self.runtime.join("socket")
    }

    /// One of its programs, with the environment that it needs and nothing of the tester's own engine.
    fn command(&self, program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let found = ["usr/bin", "usr/sbin"].map(|folder| self.tools.join(folder).join(program));
        let program = found.iter().find(|path| path.exists()).map_or(Path::new(program), PathBuf::as_path);
        let mut command = Command::new(program);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        let libraries = self.tools.join("usr/lib").join(format!("{}-linux-gnu", env::consts::ARCH));
        let own = ["links", "usr/sbin", "usr/bin"].map(|folder| self.tools.join(folder));
        let inherited = env::var_os("PATH").unwrap_or_default();
        let paths = own.into_iter().chain(env::split_paths(&inherited));
        for (name, _) in env::vars_os() {
            let foreign =
                ["DOCKER_", "COMPOSE_", "OPENAI_", "PHOENIX_", "OTEL_", "A2A_OTEL_", "MARKETPLACE_"];
            if name.to_str().is_some_and(|name| foreign.iter().any(|prefix| name.starts_with(prefix))) {
                command.env_remove(name);
            }
        }
        command
            .env("PATH", env::join_paths(paths).unwrap_or(inherited.clone()))
            .env("XTABLES_LIBDIR", libraries.join("xtables"))
            .env("LD_LIBRARY_PATH", libraries)
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.runtime.join("config"))
            // BuildKit's frontend cannot be pulled.
            .env("DOCKER_BUILDKIT", "0");
    }

    /// Runs `docker` with these arguments, and returns what it prints.
    ///
    /// # Errors
    ///
    /// What it prints, if it fails.
    pub fn docker(&self, arguments: &[&str]) -> Result<String, String> {
        printed(&mut self.command("docker", arguments))
    }

    /// What a container has printed, on standard output and standard error.
    ///
    /// # Errors
    ///
    /// If there is no such container.
    pub fn logs(&self, container: &str) -> Result<String, String> {
        let mut command = Command::new("sh");
        command.args(["-c", "docker logs \"$1\" 2>&1", "sh", container]);
        self.prepare(&mut command);
        printed(&mut command)
    }

    /// Compose without an engine, which checks files.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine.
    pub fn compose_alone() -> Result<Command, String> {
        Ok(Command::new(compose()?))
    }

    /// `docker compose` with these variables, to which arguments are added.
    #[must_use]
    pub fn compose(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.compose);
        self.prepare(&mut command);
        command.envs(variables.iter().copied());
        command
    }

    /// What the engine itself has said last.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.service.as_ref().map(Service::last_words).unwrap_or_default()
    }

    /// Removes containers, networks and volumes.
    fn sweep(&self) {
        let containers = self.docker(&["ps", "--all", "--quiet"]).unwrap_or_default();
        for container in containers.split_whitespace() {
            let _ = self.docker(&["rm", "--force", "--volumes", container]);
        }
        let _ = self.docker(&["network", "prune", "--force"]);
        let volumes = self.docker(&["volume", "ls", "--quiet"]).unwrap_or_default();
        for volume in volumes.split_whitespace() {
            let _ = self.docker(&["volume", "rm", "--force", volume]);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.sweep();
        drop(self.service.take());
        // The engine mounts its folder on itself.
        let _ = Command::new("umount").arg("--quiet").arg(&self.data).status();
        let _ = fs::remove_dir_all(&self.runtime);
    }
}

/// The program of Compose.
fn compose() -> Result<PathBuf, String> {
    let package = format!("docker-compose={COMPOSE}*");
    let folder = unpacked(&format!("docker-compose-{COMPOSE}"), SUITE_OF_COMPOSE, &[&package])?;
    Ok(folder.join("usr/libexec/docker/cli-plugins/docker-compose"))
}

/// Runs a command, and returns what it prints.
///
/// # Errors
///
/// What it prints, if it fails.
pub fn printed(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() {
        Ok(text(&stdout))
    } else {
        Err(format!("{command:?}: {status}\n{}{}", text(&stdout), text(&stderr)))
    }
}

fn succeeds(command: &Command) -> bool {
    let mut again = Command::new(command.get_program());
    again.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => again.env(name, value),
            None => again.env_remove(name),
        };
    }
    again.output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The package leaves it to its installation to name the program `iptables`.
fn link_iptables(tools: &Path) -> io::Result<()> {
    let links = tools.join("links");
    fs::create_dir_all(&links)?;
    match symlink("../usr/sbin/xtables-nft-multi", links.join("iptables")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
