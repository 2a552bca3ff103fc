//! Tests the folder of the spool: its bound, who may send what, and what others do in it.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use a2a_otel::testing::Receiver;

use crate::agent::{Report, Running, distinct, wait_until};
use crate::spool::{Folder, absent, agent, leave, replay};

/// The bytes of all segments. One may be deleted while they are added up.
fn bytes(folder: &Folder) -> u64 {
    folder.segments().iter().filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
}

fn total(report: &Report) -> u64 {
    report.spooled + report.dropped.values().sum::<u64>()
}

#[test]
fn the_bound_is_one_of_the_folder_for_all_processes() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let arguments = ["spans=600", "bytes=20000", "per_second=200", "timeout=5"];
    let start = || agent(&endpoint, &folder, &arguments).with("A2A_OTEL_SPOOL_BYTES", "16777216").start();
    let agents: Vec<_> = (0..4).map(|_| start()).collect();
    let reports: Vec<_> = agents.into_iter().map(Running::wait).collect();
    let kept = bytes(&folder);
    assert!((8 << 20..=16 << 20).contains(&kept), "{kept}");
    for report in &reports {
        report.assert_balanced(600);
        assert_eq!(total(report), 600, "{report:?}");
    }
    // Each lost span is counted by the process that saved it, or, if that has ended, by the one that deleted it.
    let spooled: u64 = reports.iter().map(|report| report.spooled).sum();
    let deleted: u64 = reports.iter().flat_map(|report| report.recovered_dropped.values()).sum();
    let receiver = Receiver::at(address);
    let report = replay(&endpoint, &folder, 0);
    assert_eq!(report.recovered, spooled - deleted, "{report:?}");
    assert_eq!(report.replayed, report.recovered, "{report:?}");
    assert_eq!(distinct(&receiver.spans()) as u64, report.replayed);
}

#[test]
fn what_a_start_deletes_of_an_earlier_run_is_counted_and_reported() {
    let (folder, (_, endpoint)) = (Folder::new(), absent());
    agent(&endpoint, &folder, &["spans=1000", "bytes=20000", "timeout=10"]).run();
    let kept = bytes(&folder);
    assert!(kept > 16 << 20, "{kept}");
    let report = agent(&endpoint, &folder, &["spans=0"]).with("A2A_OTEL_SPOOL_BYTES", "8388608").run();
    assert!(report.recovered_dropped["spool full"] > 0, "{report:?}");
    assert!(report.messages.iter().any(|message| message.contains("spool full")), "{report:?}");
    assert!(bytes(&folder) <= 8 << 20);
}

#[test]
fn what_other_addresses_left_is_deleted_by_its_age_and_counted() {
    let (folder, (_, endpoint), (_, other)) = (Folder::new(), absent(), absent());
    leave(&endpoint, &folder, 100);
    let old =
        fs::FileTimes::new().set_modified(std::time::SystemTime::now() - Duration::from_secs(30 * 24 * 3600));
    for segment in folder.segments() {
        fs::File::options().write(true).open(segment).unwrap().set_times(old).unwrap();
    }
    let report = agent(&other, &folder, &["spans=0"]).run();
    assert_eq!((report.recovered, report.recovered_dropped["spool too old"]), (100, 100), "{report:?}");
    assert_eq!(folder.files(), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_that_is_deleted_is_noticed_and_made_anew() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let running = agent(&endpoint, &folder, &["spans=3000", "per_second=1000", "timeout=5"]).start();
    wait_until("spans are saved", || bytes(&folder) > 0);
    thread::sleep(Duration::from_secs(1));
    fs::remove_dir_all(&folder.0).unwrap();
    let report = running.wait();
    report.assert_balanced(3000);
    assert!(report.dropped["spool deleted"] > 0 && report.spooled > 0, "{report:?}");
    assert_eq!(total(&report), 3000, "{report:?}");
    assert!(report.messages.iter().any(|message| message.contains("is made anew")), "{report:?}");
    let _receiver = Receiver::at(address);
    let next = replay(&endpoint, &folder, 0);
    assert_eq!((next.recovered, next.replayed), (report.spooled, report.spooled), "{next:?}");
}

#[test]
fn spans_are_never_sent_with_another_key() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    let with_key = |key: &str, arguments: &[&str]| {
        let agent = agent(&endpoint, &folder, arguments);
        agent.with("PHOENIX_API_KEY", key).run()
    };
    let left = with_key("tenant-a", &["spans=100", "timeout=5"]);
    assert_eq!(left.spooled, 100, "{left:?}");
    let receiver = Receiver::at(address);
    let other = with_key("tenant-b", &["spans=10", "linger=2"]);
    assert_eq!((other.delivered, other.recovered, receiver.spans().len()), (10, 0, 10), "{other:?}");
    let said = other.messages.iter().filter(|message| message.contains("saved with other headers")).count();
    assert_eq!(said, 1, "{other:?}");
    let names = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("tenant")));
    let same = with_key("tenant-a", &["spans=0", "linger=20"]);
    assert_eq!((same.recovered, same.replayed), (100, 100), "{same:?}");
    assert_eq!(distinct(&receiver.spans()), 110);
}

/// As `docs/reliability.md` describes it for a key that was rotated.
#[test]
fn an_operator_can_give_spans_to_another_key() {
    let (folder, (address, endpoint)) = (Folder::new(), absent());
    leave(&endpoint, &folder, 100);
    let earlier = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    let with_key =
        |linger: &str| agent(&endpoint, &folder, &["spans=0", linger]).with("PHOENIX_API_KEY", "new").run();
    assert_eq!(with_key("linger=0").recovered, 0);
    let present = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
    let present = present.into_iter().find(|path| *path != earlier).unwrap();
    for process in fs::read_dir(&earlier).unwrap() {
        let process = process.unwrap();
        fs::rename(process.path(), present.join(process.file_name())).unwrap();
    }
    let receiver = Receiver::at(address);
    let report = with_key("linger=20");
    assert_eq!((report.replayed, distinct(&receiver.spans())), (100, 100), "{report:?}");
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (folder, elsewhere, (_, endpoint)) = (Folder::new(), Folder::new(), absent());
    leave(&endpoint, &folder, 10);
    let ours = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    fs::remove_dir_all(&ours).unwrap();
    symlink(&elsewhere.0, &ours).unwrap();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let report = agent(&endpoint, &folder, &["spans=10", "timeout=1"]).run();
    assert_eq!((report.spooled, elsewhere.files()), (0, Vec::new()), "{report:?}");
    for text in ["symbolic links in the spool are not followed", "other users can write to"] {
        assert!(report.messages.iter().any(|message| message.contains(text)), "{text}: {report:?}");
    }
}

#[test]
fn a_key_in_the_clear_is_reported_once() {
    for (host, is_reported) in [("http://no-such-host.invalid:6006", true), ("http://127.0.0.1:1", false)] {
        for key in [Some("secret"), None] {
            let mut agent = crate::agent::Agent::new(host, &["spans=1", "timeout=0"]);
            if let Some(key) = key {
                agent = agent.with("PHOENIX_API_KEY", key);
            }
            let report = agent.run();
            let said =
                report.messages.iter().filter(|message| message.contains("without encryption")).count();
            assert_eq!(said, usize::from(is_reported && key.is_some()), "{host} {report:?}");
        }
    }
}

/// The shell's limit on the size of a file simulates a full disk.
#[test]
fn a_full_disk_does_not_keep_the_process_busy() {
    let (folder, (_, endpoint)) = (Folder::new(), absent());
    let queue = (4 << 20).to_string();
    let run = |linger: &str| {
        agent(&endpoint, &folder, &["spans=1000", "bytes=2000", linger, "timeout=0"])
            .with("A2A_OTEL_QUEUE_BYTES", &queue)
            .with_file_size_limit(4)
            .run()
    };
    let (short, long) = (run("linger=1"), run("linger=5"));
    let busy = long.cpu_milliseconds.saturating_sub(short.cpu_milliseconds);
    assert!(busy < 1000, "{busy} ms of CPU in four seconds: {long:?}");
}
