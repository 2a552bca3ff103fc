//! Tests spans on disk: during outages, after the end of the process, and with disk faults.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel_tests::services::unique;

use crate::agent::{Agent, Report, distinct, wait_until};

/// A folder that is deleted after the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(unique("a2a-otel-spool"));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files(&self.0)
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        self.files().into_iter().filter(|file| file.extension().is_some_and(|name| name == "spool")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub(crate) fn agent(endpoint: &str, folder: &Folder, arguments: &[&str]) -> Agent {
    Agent::new(endpoint, arguments).with("A2A_OTEL_SPOOL_DIR", folder.text())
}

/// An address at which nothing listens yet.
pub(crate) fn absent() -> (std::net::SocketAddr, String) {
    let address = Receiver::start().address();
    (address, format!("http://{address}"))
}

/// A run without a receiver, which leaves these spans on disk.
pub(crate) fn leave(endpoint: &str, folder: &Folder, spans: u64) -> Report {
    let report = agent(endpoint, folder, &[&format!("spans={spans}"), "timeout=5"]).run();
    report.assert_balanced(spans);
    assert_eq!(report.spooled, spans, "{report:?}");
    report
}

/// A run that sends the spans that are left on disk, and this many of its own.
pub(crate) fn replay(endpoint: &str, folder: &Folder, spans: u64) -> Report {
    let report = agent(endpoint, folder, &[&format!("spans={spans}"), "linger=20"]).run();
    report.assert_balanced(spans);
    report
}

#[test]
fn what_one_run_could_not_send_the_next_one_does() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    leave(&endpoint, &folder, 3000);
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 100);
    assert_eq!((report.delivered, report.recovered, report.replayed), (100, 3000, 3000), "{report:?}");
    assert_eq!((receiver.spans().len(), distinct(&receiver.spans())), (3100, 3100));
    assert_eq!(folder.files(), Vec::<PathBuf>::new(), "nothing is left behind");
}

#[test]
fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, (_, endpoint)) = (Folder::new(), absent());
    leave(&endpoint, &folder, 10);
    for segment in folder.segments() {
        assert_eq!(fs::metadata(&segment).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(segment.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_process_that_is_killed_loses_what_is_younger_than_an_instant() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let agent_of = |arguments: &[&str]| agent(&endpoint, &folder, arguments);
    let running = agent_of(&["spans=10000", "per_second=5000"]).start();
    thread::sleep(Duration::from_millis(1500));
    running.kill();
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 0);
    let numbers: Vec<u64> = receiver
        .spans()
        .iter()
        .map(|span| {
            let input: serde_json::Value =
                serde_json::from_str(span.attributes["input.value"].as_str().unwrap()).unwrap();
            input["number"].as_u64().unwrap()
        })
        .collect();
    let last = numbers.iter().max().copied().unwrap();
    assert_eq!(numbers.len() as u64, last + 1, "all up to the last one that was saved: {report:?}");
    assert_eq!(report.recovered, report.replayed, "{report:?}");
    assert!(!report.messages.iter().any(|message| message.contains("damaged")), "{:?}", report.messages);
}

#[test]
fn a_process_that_is_killed_while_the_receiver_hangs_loses_nothing_that_was_saved() {
    let folder = Folder::new();
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Hang);
    let mut running = agent(&receiver.endpoint(), &folder, &["spans=3000", "linger=2", "exit=leak"]).start();
    running.wait_for_line();
    running.kill();
    receiver.behave(Behaviour::Status(503));
    thread::sleep(Duration::from_millis(200));
    receiver.behave(Behaviour::Accept);
    let report = replay(&receiver.endpoint(), &folder, 0);
    assert_eq!((report.recovered, report.replayed), (3000, 3000), "{report:?}");
    assert_eq!(distinct(&receiver.spans()), 3000);
}

#[test]
fn large_prompts_go_to_disk_and_not_into_memory() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let report = agent(&endpoint, &folder, &["spans=5000", "bytes=100000", "per_second=500", "timeout=5"])
        .with("A2A_OTEL_QUEUE_BYTES", &(32 << 20).to_string())
        .with("A2A_OTEL_SPOOL_BYTES", &(2_u64 << 30).to_string())
        .run();
    report.assert_balanced(5000);
    // The agent does not wait for its disk, so a slow one makes the queue drop spans, which are counted.
    let spooled = report.spooled;
    assert_eq!(spooled + report.dropped.get("queue full").copied().unwrap_or_default(), 5000, "{report:?}");
    assert!(spooled > 2500, "the spool takes many times what fits into memory: {report:?}");
    assert!(report.peak_kilobytes < 96 << 10, "{report:?}");
    let receiver = Receiver::at(address);
    let report = agent(&endpoint, &folder, &["spans=0", "linger=40"])
        .with("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        .run();
    assert_eq!((report.recovered, report.replayed), (spooled, spooled), "{report:?}");
    assert_eq!(distinct(&receiver.spans()) as u64, spooled);
    assert!(report.peak_kilobytes < 96 << 10, "{report:?}");
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let (folder, (_, endpoint)) = (Folder::new(), absent());
    let report = agent(&endpoint, &folder, &["spans=2000", "bytes=20000", "per_second=1000", "timeout=5"])
        .with("A2A_OTEL_SPOOL_BYTES", &(20 << 20).to_string())
        .run();
    report.assert_balanced(2000);
    assert!(report.dropped["spool full"] > 500, "{report:?}");
    let kept: u64 = folder.segments().iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(kept <= 20 << 20, "{kept}");
    assert!(report.messages.iter().any(|message| message.contains("see A2A_OTEL_SPOOL_BYTES")));
}

#[test]
fn damaged_files_cost_what_is_damaged_and_nothing_else() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    leave(&endpoint, &folder, 3000);
    let segment = folder.segments().remove(0);
    let mut content = fs::read(&segment).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&segment, &content).unwrap();
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 0);
    assert!((1..3000).contains(&report.recovered), "{report:?}");
    assert_eq!(report.replayed, report.recovered);
    assert_eq!(distinct(&receiver.spans()) as u64, report.replayed);
    assert!(report.messages.iter().any(|message| message.contains("are damaged")), "{:?}", report.messages);
}

#[test]
fn a_torn_file_costs_its_end_and_nothing_else() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    leave(&endpoint, &folder, 3000);
    let segment = folder.segments().remove(0);
    let content = fs::read(&segment).unwrap();
    fs::write(&segment, &content[..content.len() - 100]).unwrap();
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 0);
    assert!((1..3000).contains(&report.recovered), "{report:?}");
    assert_eq!(report.replayed, report.recovered);
    assert_eq!(distinct(&receiver.spans()) as u64, report.replayed);
}

#[test]
fn a_folder_that_cannot_be_written_is_reported_and_memory_serves() {
    let folder = Folder::new();
    let in_the_way = folder.0.join("file");
    fs::write(&in_the_way, "").unwrap();
    let receiver = Receiver::start();
    let report = Agent::new(&receiver.endpoint(), &["spans=1000"])
        .with("A2A_OTEL_SPOOL_DIR", in_the_way.to_str().unwrap())
        .run();
    report.assert_delivered(1000, &receiver);
    report.assert_said(&["cannot be saved to disk"]);
}

#[test]
fn a_full_disk_is_reported_and_memory_serves() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    // The shell's limit on the size of a file, in blocks of 1,024 bytes, simulates a full disk.
    let agent = agent(&endpoint, &folder, &["spans=2000", "bytes=2000", "per_second=1000", "linger=2"]);
    let running = agent.with_file_size_limit(1024).start();
    thread::sleep(Duration::from_secs(3));
    let receiver = Receiver::at(address);
    let report = running.wait();
    report.assert_delivered(2000, &receiver);
    assert!(report.messages.iter().any(|message| message.contains("cannot be saved to disk")), "{report:?}");
}

#[test]
fn several_processes_share_a_folder() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let start = || agent(&endpoint, &folder, &["spans=1000", "per_second=500", "timeout=5"]).start();
    let agents = [start(), start(), start()];
    assert!(agents[0].id() != agents[1].id());
    for running in agents {
        let report = running.wait();
        report.assert_balanced(1000);
        assert_eq!(report.spooled, 1000, "{report:?}");
        // A later process may have adopted what an earlier one has left.
        assert!(report.recovered <= 2000, "{report:?}");
    }
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 0);
    assert_eq!(report.recovered, 3000, "{report:?}");
    wait_until("all are there", || distinct(&receiver.spans()) == 3000);
    assert_eq!(folder.files(), Vec::<PathBuf>::new());
}
