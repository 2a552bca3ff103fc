//! Random faults for as long as somebody wants: the receiver changes between all that it may do, agents are killed or
//! ended and started again, the disk is full now and then, and two agents share one folder.
//!
//! ```text
//! A2A_OTEL_FAULTS_SECONDS=3600 A2A_OTEL_FAULTS_SEED=7 \
//!     cargo test --workspace --all-features --test reliability -- --ignored --nocapture random_faults
//! ```

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use a2a_otel::testing::{Behaviour, Receiver};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::agent::limited;
use crate::spool::{Folder, absent, agent};

/// What may be lost before a kill: the keeper saves every 100 ms.
const BEFORE_A_KILL: Duration = Duration::from_millis(200);

/// How long a slow receiver takes.
const SLOW: Duration = Duration::from_millis(100);

/// What happens for a while.
#[derive(Clone, Debug)]
struct Phase {
    /// `None` if nothing listens.
    receiver: Option<Behaviour>,
    milliseconds: u64,
    /// What then happens to one of the two agents.
    fate: Fate,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    LivesOn,
    IsKilled,
    /// It ends, and the next one cannot write to the disk after a while.
    EndsAndDiskIsFull,
}

fn phases() -> impl Strategy<Value = Phase> {
    let says = |status, kind: &str, body: &str| Behaviour::Says(status, kind.to_owned(), body.to_owned());
    let poison = || "poison".to_owned();
    let faults = vec![
        None,
        Some(Behaviour::Status(503)),
        Some(Behaviour::Status(500)),
        Some(Behaviour::Status(400)),
        Some(Behaviour::Status(401)),
        Some(Behaviour::Status(404)),
        Some(Behaviour::RetryAfter(429, 1)),
        Some(Behaviour::Slow(SLOW)),
        Some(Behaviour::Hang),
        Some(Behaviour::Reset),
        Some(Behaviour::AtMost(30_000)),
        Some(Behaviour::Refuse(400, poison())),
        Some(Behaviour::Refuse(500, poison())),
        Some(Behaviour::Reject(poison())),
        Some(Behaviour::WebPage),
        Some(says(200, "application/json", r#"{"error":"no"}"#)),
    ];
    let receiver = prop_oneof![1 => Just(Some(Behaviour::Accept)), 2 => prop::sample::select(faults)];
    let fate = prop_oneof![
        4 => Just(Fate::LivesOn),
        3 => Just(Fate::IsKilled),
        1 => Just(Fate::EndsAndDiskIsFull),
    ];
    (receiver, 300..6000_u64, fate).prop_map(|(receiver, milliseconds, fate)| Phase {
        receiver,
        milliseconds,
        fate,
    })
}

/// What an agent wrote down.
#[derive(Default)]
struct Journal {
    /// When each span had ended, and its id.
    spans: Vec<(Duration, String)>,
    account: Value,
    kilobytes: Vec<u64>,
}

impl Journal {
    fn note(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Value::Array(span)) => {
                let time = Duration::from_micros(span[0].as_u64().unwrap_or_default());
                self.spans.push((time, span[1].as_str().unwrap_or_default().to_owned()));
            }
            Ok(account) => {
                self.kilobytes.extend(account["kilobytes"].as_u64());
                self.account = account;
            }
            Err(error) => panic!("an unreadable line: {line}: {error}"),
        }
    }

    fn counts(&self, name: &str) -> impl Iterator<Item = (&String, u64)> {
        let counts = self.account[name].as_object().into_iter().flatten();
        counts.map(|(reason, spans)| (reason, spans.as_u64().unwrap_or_default()))
    }
}

/// A running agent.
struct Process {
    child: Child,
    reader: JoinHandle<Journal>,
}

/// An agent that has ended.
struct Life {
    journal: Journal,
    killed_at: Option<Duration>,
}

impl Process {
    /// Starts an agent, which can only write files of this many kilobytes.
    fn start(endpoint: &str, folder: &Folder, kilobytes: Option<u64>) -> Self {
        let limit = kilobytes.map_or("unlimited".to_owned(), |kilobytes| kilobytes.to_string());
        let mut child = limited(&limit)
            .args([env!("CARGO_BIN_EXE_journal"), "per_second=50", "timeout=3"])
            .env("PHOENIX_COLLECTOR_ENDPOINT", endpoint)
            .env("A2A_OTEL_SPOOL_DIR", folder.text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the agent should start");
        let stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let reader = thread::spawn(move || {
            let mut journal = Journal::default();
            stdout.lines().map_while(Result::ok).for_each(|line| journal.note(&line));
            journal
        });
        Process { child, reader }
    }

    fn kill(mut self) -> Life {
        let killed_at = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        self.child.kill().expect("the agent should still work");
        self.finish(killed_at)
    }

    /// Ends the agent, which has three seconds to send what waits.
    fn end(mut self) -> Life {
        drop(self.child.stdin.take());
        self.finish(None)
    }

    fn finish(mut self, killed_at: Option<Duration>) -> Life {
        self.child.wait().expect("the agent should end");
        Life { journal: self.reader.join().expect("the journal is read"), killed_at }
    }
}

impl Life {
    /// The spans that must arrive or be counted.
    fn due(&self) -> impl Iterator<Item = &String> {
        let last = self.killed_at.map(|killed_at| killed_at.saturating_sub(BEFORE_A_KILL));
        let due = self.journal.spans.iter().filter(move |(time, _)| last.is_none_or(|last| *time < last));
        due.map(|(_, id)| id)
    }
}

/// The receiver, which is not always there, and the spans that have ever arrived.
struct Front {
    address: SocketAddr,
    receiver: Option<Receiver>,
    arrived: HashSet<String>,
}

impl Front {
    fn behave(&mut self, behaviour: Option<Behaviour>) {
        // A new receiver for each phase, so that it does not keep all spans in memory.
        self.collect();
        self.receiver = behaviour.map(|behaviour| {
            let receiver = Receiver::at(self.address);
            receiver.behave(behaviour);
            receiver
        });
    }

    fn collect(&mut self) {
        let Some(receiver) = self.receiver.take() else { return };
        // What is confirmed has to be among the spans that are read next, so nothing is confirmed from now on.
        receiver.behave(Behaviour::Status(503));
        thread::sleep(SLOW * 2);
        self.arrived.extend(receiver.spans().into_iter().map(|span| span.span_id));
    }
}

fn setting(variable: &str, otherwise: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(otherwise, |value| value.parse().expect("a setting is a whole number"))
}

#[test]
#[ignore = "takes as long as A2A_OTEL_FAULTS_SECONDS says, and asserts on a time"]
fn random_faults_lose_nothing_that_is_not_counted() {
    let (seconds, seed) = (setting("A2A_OTEL_FAULTS_SECONDS", 60), setting("A2A_OTEL_FAULTS_SEED", 1));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);

    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let mut front = Front { address, receiver: None, arrived: HashSet::new() };
    let steady = Process::start(&endpoint, &folder, None);
    let mut other = Process::start(&endpoint, &folder, None);
    let (start, mut lives) = (Instant::now(), Vec::new());
    let mut is_disk_full = false;
    while start.elapsed() < Duration::from_secs(seconds) {
        let phase = phases().new_tree(&mut runner).expect("a phase").current();
        front.behave(phase.receiver);
        thread::sleep(Duration::from_millis(phase.milliseconds));
        // What is only in memory does not survive a kill, so an agent with a full disk ends.
        let next_is_full = matches!(phase.fate, Fate::EndsAndDiskIsFull);
        let (life, next) = match phase.fate {
            Fate::LivesOn => continue,
            Fate::IsKilled if !is_disk_full => (other.kill(), Process::start(&endpoint, &folder, None)),
            _ => (other.end(), Process::start(&endpoint, &folder, next_is_full.then_some(256))),
        };
        is_disk_full = next_is_full;
        lives.push(life);
        other = next;
    }
    front.behave(Some(Behaviour::Accept));
    let steady = steady.end();
    check_memory(&steady.journal.kilobytes);
    lives.extend([steady, other.end()]);
    let last = agent(&endpoint, &folder, &["spans=1", "linger=300"]).run();
    front.collect();
    println!("the last agent: {last:?}; left on disk: {:?}", folder.files());

    let mut dropped = BTreeMap::<String, u64>::new();
    for life in &lives {
        for (reason, spans) in life.journal.counts("dropped").chain(life.journal.counts("recovered_dropped"))
        {
            *dropped.entry(reason.clone()).or_default() += spans;
        }
    }
    last.recovered_dropped
        .iter()
        .for_each(|(reason, spans)| *dropped.entry(reason.clone()).or_default() += spans);
    let kills = lives.iter().filter(|life| life.killed_at.is_some()).count();
    let created: usize = lives.iter().map(|life| life.journal.spans.len()).sum();
    let missing: Vec<_> =
        lives.iter().flat_map(Life::due).filter(|id| !front.arrived.contains(*id)).collect();
    println!(
        "seed {seed}, {seconds} s: {created} spans of {} agents, {kills} kills; {} arrived, dropped and counted: \
         {dropped:?}; missing {}",
        lives.len(),
        front.arrived.len(),
        missing.len()
    );
    // A killed agent may have refused one more span than its journal says.
    let counted = dropped.values().sum::<u64>() + kills as u64;
    assert!(missing.len() as u64 <= counted, "{missing:?}");
    let reasons = ["not sent in time", "refused by the receiver", "rejected by the receiver"];
    let unexpected: Vec<_> = dropped.keys().filter(|reason| !reasons.contains(&reason.as_str())).collect();
    assert_eq!(unexpected, Vec::<&String>::new());
    assert_eq!(last.spooled, 0, "{last:?}");
}

/// Checks that memory does not grow: the second half needs about as much as the first.
fn check_memory(kilobytes: &[u64]) {
    let (first, second) = kilobytes.split_at(kilobytes.len() / 2);
    let peaks = [first, second].map(|half| half.iter().max().copied().unwrap_or_default());
    println!("peak memory of the agent that is never ended: {} kB, then {} kB", peaks[0], peaks[1]);
    assert!(peaks[1] <= peaks[0] * 3 / 2, "{peaks:?}");
}
