//! A real `PostgreSQL` from Debian's package, in which Phoenix keeps its data.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::python::python_environment;
use crate::services::{Service, on_free_ports, unique};

/// Where Debian's packages put the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user of a server that root starts, because `PostgreSQL` refuses to run as root: nobody.
const NOBODY: u32 = 65534;

/// The time limits for the creation of a database, and for a start.
const CREATION: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(60);

/// The driver with which Phoenix reaches `PostgreSQL`, which is not among its requirements.
const DRIVER: &str = "asyncpg==0.32.0";

/// A running `PostgreSQL` with an empty database. It ends when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Postgres {
    // Fields are dropped in this order: the server ends before its folder is removed.
    _service: Service,
    folder: Folder,
    programs: PathBuf,
    port: u16,
}

/// The folder of the data, which goes with this.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Postgres {
    /// Starts an instance.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn start() -> Result<Self, String> {
        let programs = newest_programs()?;
        on_free_ports(|[port]| Self::launch(&programs, port))
    }

    fn launch(programs: &Path, port: u16) -> Result<Self, String> {
        let folder = data_folder()?;
        let mut create = unprivileged(&programs.join("initdb"), &folder.0);
        create.arg("--pgdata").arg(&folder.0).args([
            "--username=phoenix",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        Service::start("initdb", &create)?.finish(CREATION)?;
        let mut serve = unprivileged(&programs.join("postgres"), &folder.0);
        serve.arg("-D").arg(&folder.0).args(["-c", "listen_addresses=127.0.0.1"]);
        serve.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories="]);
        let mut service = Service::start("postgres", &serve)?;
        let mut ready = Command::new(programs.join("pg_isready"));
        ready.args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")]);
        service.wait_until(START, || ready.status().is_ok_and(|status| status.success()))?;
        Ok(Self { _service: service, folder, programs: programs.to_owned(), port })
    }

    /// The variables of a Phoenix that keeps its data here.
    ///
    /// # Errors
    ///
    /// If the driver is not available on this machine.
    pub fn for_phoenix(&self) -> Result<[(&'static str, String); 2], String> {
        let url = format!("postgresql://phoenix@127.0.0.1:{}/postgres", self.port);
        Ok([("PHOENIX_SQL_DATABASE_URL", url), ("PYTHONPATH", driver()?)])
    }

    /// The result of a query that gives one value.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[must_use]
    #[track_caller]
    pub fn ask(&self, query: &str) -> String {
        let mut client = Command::new(self.programs.join("psql"));
        client.args(["--no-psqlrc", "--tuples-only", "--no-align", "--host=127.0.0.1", "--username=phoenix"]);
        client.args([&format!("--port={}", self.port), "--command", query, "postgres"]);
        let answer = client.output().expect("psql runs");
        assert!(answer.status.success(), "{query}: {}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    /// The folder of its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }
}

fn newest_programs() -> Result<PathBuf, String> {
    let versions = fs::read_dir(VERSIONS).map_err(|error| {
        format!("{VERSIONS}: {error}; install Debian's package with `apt-get install postgresql`")
    })?;
    versions
        .flatten()
        .filter(|version| version.path().join("bin/postgres").exists())
        .max_by_key(|version| {
            version.file_name().to_str().and_then(|name| name.parse::<u32>().ok()).unwrap_or_default()
        })
        .map(|version| version.path().join("bin"))
        .ok_or_else(|| {
            format!("{VERSIONS} has no server; install Debian's package with `apt-get install postgresql`")
        })
}

/// A new folder that belongs to the server's user. It is not below cargo's target directory, which that user may not see.
fn data_folder() -> Result<Folder, String> {
    let folder = Folder(env::temp_dir().join(unique("a2a-otel-postgres")));
    let described = |error| format!("{}: {error}", folder.0.display());
    fs::create_dir(&folder.0).map_err(described)?;
    if is_root() {
        chown(&folder.0, Some(NOBODY), Some(NOBODY)).map_err(described)?;
    }
    Ok(folder)
}

/// The command, as nobody if this is root.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The folder with the driver's modules.
fn driver() -> Result<String, String> {
    let python = python_environment(&DRIVER.replace("==", "-"), &[DRIVER])?;
    let mut ask = Command::new(python);
    ask.args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]);
    let answer = ask.output().map_err(|error| format!("python: {error}"))?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}
