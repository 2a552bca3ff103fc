//! The measurements of docs/scaling.md. They take many minutes, so they only run when they are asked for:
//!
//! `cargo test --workspace --all-features --test scaling -- --ignored --nocapture --test-threads 1`
//!
//! A measurement fails if a span is lost. How long it takes is printed, not judged.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::testing::Receiver;
use a2a_otel_tests::phoenix::{Phoenix, Project};
use a2a_otel_tests::postgres::Postgres;
use a2a_otel_tests::services::{eventually, require, unique};
use serde_json::Value;

/// The spans of a run of the program `load`.
const SPANS: u64 = 7;

/// How long spans may take until they are stored.
const PATIENCE: Duration = Duration::from_secs(900);

/// Where Phoenix keeps its data.
enum Database {
    Sqlite(PathBuf),
    Postgres(Box<Postgres>, [(&'static str, String); 2]),
}

impl Database {
    fn sqlite() -> Self {
        let folder = env::temp_dir().join(unique("a2a-otel-scaling"));
        fs::create_dir(&folder).expect("a folder");
        Self::Sqlite(folder)
    }

    fn postgres() -> Result<Self, String> {
        let postgres = Postgres::start()?;
        let variables = postgres.for_phoenix()?;
        Ok(Self::Postgres(Box::new(postgres), variables))
    }

    fn both() -> Vec<Self> {
        let postgres = require("PostgreSQL", Self::postgres());
        [Self::sqlite()].into_iter().chain(postgres).collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(..) => "PostgreSQL",
        }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite(folder) => {
                vec![("PHOENIX_SQL_DATABASE_URL", format!("sqlite:///{}/phoenix.db", folder.display()))]
            }
            Self::Postgres(_, variables) => variables.to_vec(),
        }
    }

    /// What is on the disk, in bytes.
    fn bytes(&self) -> u64 {
        match self {
            Self::Sqlite(folder) => size_of_files(folder),
            Self::Postgres(postgres, _) => {
                postgres.ask("select pg_database_size(current_database())").parse().expect("a number")
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Sqlite(folder) = self {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn size_of_files(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| entry.metadata().map_or(0, |it| it.len())).sum()
}

fn phoenix(database: &Database, more: &[(&'static str, &str)]) -> Option<Phoenix> {
    let variables = database.variables();
    let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
    let variables: Vec<_> = variables.chain(more.iter().copied()).collect();
    require("Phoenix", Phoenix::start_with(&variables))
}

/// Processes that make traces, with a common spool.
struct Agents {
    children: Vec<Child>,
    spool: PathBuf,
}

impl Agents {
    fn start(url: &str, project: &str, processes: u64, arguments: &[String]) -> Self {
        let spool = env::temp_dir().join(unique("a2a-otel-scaling-spool"));
        let start = |_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
            command.env("PHOENIX_COLLECTOR_ENDPOINT", url).env("PHOENIX_PROJECT", project);
            command.env("A2A_OTEL_SPOOL_DIR", &spool).spawn().expect("the agent starts")
        };
        Self { children: (0..processes).map(start).collect(), spool }
    }

    /// Waits until all have delivered everything, and returns how much that is.
    fn finish(self) -> u64 {
        let mut delivered = 0;
        for child in self.children {
            let output = child.wait_with_output().expect("the agent ends");
            let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
            assert_eq!(report["dropped"], 0, "{report}");
            assert_eq!(report["delivered"], report["made"], "{report}");
            delivered += report["delivered"].as_u64().expect("a number");
        }
        let _ = fs::remove_dir_all(&self.spool);
        delivered
    }
}

fn arguments(pairs: &[(&str, u64)]) -> Vec<String> {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Waits until this many spans are stored, and asserts that there are not more.
#[track_caller]
fn await_stored(project: &Project<'_>, spans: u64) {
    let stored = || project.count("latency_ms >= 0");
    let all = eventually(PATIENCE, || (stored() >= spans).then_some(()));
    assert!(all.is_some(), "{} of {spans} are stored", stored());
    assert_eq!(stored(), spans);
}

/// Spans, divided by the time, which is long enough for a whole number to be exact enough.
fn rate(spans: u64, time: Duration) -> u128 {
    u128::from(spans) * 1000 / time.as_millis().max(1)
}

/// What the system does otherwise, which explains figures that are worse than usual.
fn load_average() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "takes minutes; see the head of the file"]
fn what_a_phoenix_stores_in_a_second_and_what_it_takes() {
    for database in Database::both() {
        let Some(phoenix) = phoenix(&database, &[]) else { return };
        let project = phoenix.project("intake");
        let before = database.bytes();
        let start = Instant::now();
        let runs = 300;
        let delivered =
            Agents::start(phoenix.url(), project.name(), 1, &arguments(&[("runs", runs)])).finish();
        let accepted = start.elapsed();
        assert_eq!(delivered, runs * SPANS);
        await_stored(&project, delivered);
        let stored = start.elapsed();
        drop(phoenix);
        println!(
            "{}: {delivered} spans accepted in {accepted:.1?}, stored in {stored:.1?}: {} spans/s, {} bytes a span on \
             disk; load average {}",
            database.name(),
            rate(delivered, stored),
            database.bytes().saturating_sub(before) / delivered,
            load_average(),
        );
    }
}

#[test]
#[ignore = "takes minutes; see the head of the file"]
fn what_happens_past_the_capacity() {
    let database = Database::sqlite();
    // A queue that is full after some seconds of what follows, instead of minutes.
    let Some(phoenix) = phoenix(&database, &[("PHOENIX_MAX_SPANS_QUEUE_SIZE", "500")]) else { return };
    let project = phoenix.project("overload");
    let start = Instant::now();
    let runs = 150;
    let delivered = Agents::start(phoenix.url(), project.name(), 2, &arguments(&[("runs", runs)])).finish();
    let accepted = start.elapsed();
    await_stored(&project, 2 * runs * SPANS);
    println!(
        "a queue of 500 spans: {delivered} spans accepted in {accepted:.1?}, stored in {:.1?}; load average {}",
        start.elapsed(),
        load_average()
    );
}

#[test]
#[ignore = "takes minutes; see the head of the file"]
fn agents_share_a_phoenix() {
    for database in Database::both() {
        let Some(phoenix) = phoenix(&database, &[]) else { return };
        for processes in [1, 2, 4, 8] {
            let project = phoenix.project("processes");
            let start = Instant::now();
            let runs = 160 / processes;
            let agents =
                Agents::start(phoenix.url(), project.name(), processes, &arguments(&[("runs", runs)]));
            let delivered = agents.finish();
            let accepted = start.elapsed();
            assert_eq!(delivered, 160 * SPANS);
            await_stored(&project, delivered);
            println!(
                "{}, {processes} processes: {delivered} spans, accepted at {} spans/s, stored at {} spans/s; load \
                 average {}",
                database.name(),
                rate(delivered, accepted),
                rate(delivered, start.elapsed()),
                load_average()
            );
        }
    }
}

#[test]
#[ignore = "takes minutes; see the head of the file"]
fn a_spool_empties_after_an_outage() {
    let outage = Duration::from_secs(60);
    for database in Database::both() {
        let variables = database.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let Some(phoenix) = phoenix(&database, &[]) else { return };
        let name = unique("outage");
        // Four processes with 14 spans a second each, a few seconds before the outage, and after it.
        let pace = arguments(&[("runs", 140), ("per_second", 2)]);
        let agents = Agents::start(phoenix.url(), &name, 4, &pace);
        let _ =
            phoenix.project_named(&name).with_patience(PATIENCE).wait_for_spans(|spans| !spans.is_empty());
        let stopped = phoenix.stop();
        thread::sleep(outage);
        let waiting = size_of_spool(&agents.spool);
        let phoenix = stopped.start(&variables).expect("Phoenix comes back");
        let back = Instant::now();
        let delivered = agents.finish();
        let emptied = back.elapsed();
        let project = phoenix.project_named(&name);
        await_stored(&project, delivered);
        println!(
            "{}: {waiting} bytes in the spools after {outage:?}; {delivered} spans, all accepted {emptied:.1?} after \
             Phoenix was back, stored after {:.1?}; load average {}",
            database.name(),
            back.elapsed(),
            load_average()
        );
    }
}

fn size_of_spool(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_of_spool(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[test]
#[ignore = "see the head of the file"]
fn what_spans_take_on_the_network() {
    for compression in ["gzip", "none"] {
        let receiver = Receiver::start();
        let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
        command.arg("runs=200").env("PHOENIX_COLLECTOR_ENDPOINT", receiver.endpoint());
        command.env("OTEL_EXPORTER_OTLP_COMPRESSION", compression).env_remove("A2A_OTEL_SPOOL_DIR");
        assert!(command.stdout(Stdio::null()).status().expect("the agent runs").success());
        let spans = u64::try_from(receiver.spans().len()).expect("a few");
        assert_eq!(spans, 200 * SPANS);
        let length =
            |headers: &std::collections::BTreeMap<String, String>| headers["content-length"].parse::<u64>();
        let bytes: u64 = receiver.requests().iter().map(|it| length(&it.headers).expect("a number")).sum();
        println!("{compression}: {} bytes a span", bytes / spans);
    }
}
