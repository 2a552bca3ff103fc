//! External services: whether they are available to a test, and how they end.

use std::array;
use std::env;
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

/// If this variable is `1`, a test whose service is not available fails instead of being skipped.
pub const REQUIRE_SERVICES: &str = "A2A_OTEL_REQUIRE_SERVICES";

/// Returns the service, or prints why it is not available and returns `None`; the test then returns.
///
/// # Panics
///
/// If the service is not available although [`REQUIRE_SERVICES`] is set.
#[track_caller]
pub fn require<T>(what: &str, service: Result<T, impl Display>) -> Option<T> {
    match service {
        Ok(service) => Some(service),
        Err(reason) => {
            assert!(!services_are_required(), "{what} is required: {reason}");
            // Not `eprintln!`, whose output the test harness hides for tests that pass.
            let _ = writeln!(io::stderr(), "skipped: {what}: {reason}");
            None
        }
    }
}

fn services_are_required() -> bool {
    env::var_os(REQUIRE_SERVICES).is_some_and(|value| value == "1")
}

/// Returns a name that no other test and no other run uses: sessions and traces are global in Phoenix.
#[must_use]
pub fn unique(topic: &str) -> String {
    format!("{topic}-{:016x}", RandomState::new().hash_one(topic))
}

/// Returns different ports that were free a moment ago.
///
/// # Panics
///
/// If no port is free.
#[must_use]
pub fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    // All ports are bound before the first is released, because two of them could otherwise be the same.
    let listeners: [TcpListener; COUNT] = array::from_fn(|_| listen_anywhere());
    listeners.map(|listener| listener.local_addr().expect("a bound port has an address").port())
}

/// How often to try with new ports: they are free when they are chosen, but a service binds them later.
const ATTEMPTS: usize = 3;

/// Launches a service on ports that are free, and again on others if that fails.
///
/// # Errors
///
/// If the last attempt fails.
pub(crate) fn on_free_ports<const COUNT: usize, T>(
    launch: impl Fn([u16; COUNT]) -> Result<T, String>,
) -> Result<T, String> {
    let mut outcome = launch(free_ports());
    for _ in 1..ATTEMPTS {
        outcome = outcome.or_else(|_| launch(free_ports()));
    }
    outcome
}

/// An HTTP agent that connects to this machine without the environment's proxy. It keeps no connection: a server may close one in
/// the moment in which a test, which waited as long as the server does, uses it again.
pub(crate) fn local_agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .timeout_global(Some(timeout))
        .build()
        .into()
}

fn listen_anywhere() -> TcpListener {
    // Phoenix's gRPC server binds IPv4 and IPv6, whatever its configuration says.
    let both_families =
        [SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))];
    TcpListener::bind(&both_families[..]).expect("a free port")
}

/// Polls until there is an answer or the time is over, quickly at first.
pub fn eventually<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(20);
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
}

/// Returns the folder in cargo's target directory in which services are installed and write their logs.
///
/// # Errors
///
/// If it cannot be created.
pub fn workshop() -> Result<PathBuf, String> {
    let folder = target_directory().join("services");
    fs::create_dir_all(folder.join("logs")).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The directory of the running test, so that worktrees with one target directory share the services.
fn target_directory() -> PathBuf {
    let tagged = |folder: &Path| folder.join("CACHEDIR.TAG").is_file();
    env::current_exe()
        .ok()
        .and_then(|test| test.ancestors().find(|folder| tagged(folder)).map(Path::to_path_buf))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

/// How long a service may take to shut down.
const GRACE: Duration = Duration::from_secs(10);

/// How many lines at the end of a log are shown.
const LAST_WORDS: usize = 40;

/// Runs a service until it ends, or until the pipe on standard input closes.
///
/// A static is never dropped, and a killed process drops nothing, but the system closes the pipe in both cases. The
/// loop uses the shell's own `read`, so that no helper process outlives the service.
const WATCHER: &str = r#"
grace=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
service=$!
{
    while read -r _ <&3; do :; done
    kill -TERM "$service"
    while [ "$grace" -gt 0 ] && kill -0 "$service"; do sleep 0.1; grace=$((grace - 1)); done
    kill -KILL "$service"
} 2>/dev/null &
guard=$!
wait "$service"; status=$?
kill "$guard"
exit "$status"
"#;

/// A child process that ends when its owner ends in any way.
#[derive(Debug)]
pub struct Service {
    name: String,
    watcher: Child,
    log: PathBuf,
}

impl Service {
    /// Starts a command, with its output in a log file.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(name: &str, command: &Command) -> Result<Self, String> {
        let log = new_log(name)?;
        let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
        let watcher = watched(command)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        Ok(Self { name: name.to_owned(), watcher, log })
    }

    /// Waits until the service answers.
    ///
    /// # Errors
    ///
    /// If it ends early, or does not answer in time. The error shows the last lines of its log.
    pub fn wait_until(&mut self, patience: Duration, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let outcome = eventually(patience, || match self.exit_status() {
            Some(status) => Some(Err(self.complaint(&format!("ended early, {status}")))),
            None => ready().then_some(Ok(())),
        });
        outcome.unwrap_or_else(|| Err(self.complaint(&format!("was not ready after {patience:?}"))))
    }

    /// Waits for a command that ends by itself.
    ///
    /// # Errors
    ///
    /// If it fails, or does not end in time. The error shows the last lines of its log.
    pub fn finish(mut self, patience: Duration) -> Result<(), String> {
        match eventually(patience, || self.exit_status()) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.complaint(&format!("failed, {status}"))),
            None => Err(self.complaint(&format!("had not ended after {patience:?}"))),
        }
    }

    /// The last lines of the service's log.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.last_words_except(|_| false)
    }

    /// The last lines of the service's log, without irrelevant lines.
    pub fn last_words_except(&self, is_noise: impl Fn(&str) -> bool) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !is_noise(line)).collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.watcher.try_wait().ok().flatten()
    }

    fn complaint(&self, what_happened: &str) -> String {
        format!("{} {what_happened}; end of {}:\n{}", self.name, self.log.display(), self.last_words())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // The watching shell kills the service after the grace time, and then ends.
        if eventually(GRACE * 2, || self.exit_status()).is_none() {
            let _ = self.watcher.kill();
            let _ = self.watcher.wait();
        }
    }
}

/// The command in the watching shell. It runs in its own process group: Ctrl-C ends the test, which ends the service.
fn watched(command: &Command) -> Command {
    let grace_in_tenths = (GRACE.as_secs() * 10).to_string();
    let mut watcher = Command::new("sh");
    watcher
        .args(["-c", WATCHER, "watcher", &grace_in_tenths])
        .arg(command.get_program())
        .args(command.get_args())
        .process_group(0);
    if let Some(folder) = command.get_current_dir() {
        watcher.current_dir(folder);
    }
    for (key, value) in command.get_envs() {
        set_or_remove(&mut watcher, key, value);
    }
    watcher
}

fn set_or_remove(command: &mut Command, key: &OsStr, value: Option<&OsStr>) {
    match value {
        Some(value) => command.env(key, value),
        None => command.env_remove(key),
    };
}

fn new_log(name: &str) -> Result<PathBuf, String> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    Ok(workshop()?.join("logs").join(format!("{name}-{}-{number}.log", process::id())))
}
