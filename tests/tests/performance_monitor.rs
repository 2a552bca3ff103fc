//! Figures of the process and of tokio's runtimes, compared with known work and with what `/proc` says. Figures are of
//! the whole process, so each test has a process of its own.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::hint::black_box;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::Telemetry;
use a2a_otel::metrics::{MetricsSnapshot, Reading, observe_process, observe_runtime};
use a2a_otel::opentelemetry::metrics::MeterProvider as _;
use a2a_otel_tests::child;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use tokio::runtime::Builder;

/// Runs a test in a process of its own with these variables, and returns what that printed on standard error. `None`
/// means that this is the process.
#[track_caller]
fn in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    let variables = [&[("OTEL_TRACES_EXPORTER", "none")], variables].concat();
    child::in_own_process(test, &variables)
}

fn telemetry() -> Telemetry {
    Telemetry::builder().tracing(false).init().unwrap()
}

/// The value with this label, or the only one.
#[track_caller]
fn value(metrics: &MetricsSnapshot, name: &str, label: Option<(&str, &str)>) -> f64 {
    found(metrics, name, label).unwrap_or_else(|| panic!("{name} {label:?} in\n{metrics}"))
}

fn found(metrics: &MetricsSnapshot, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let mut points = metrics.points(name).iter();
    let point = points.find(|point| {
        label.is_none_or(|(key, value)| point.attributes.get(key).is_some_and(|one| one == value))
    })?;
    match point.reading {
        Reading::Sum(value) | Reading::Last(value) => Some(value),
        _ => None,
    }
}

/// What `/proc` says in a line that begins so.
fn proc(file: &str, start: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/self/{file}")).unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("{start}: {text}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Whether a count is as expected, except for what telemetry's own threads do at the same time.
fn is_about(count: f64, expected: f64) -> bool {
    (count - expected).abs() <= 3.0
}

const MIB: f64 = 1024.0 * 1024.0;

#[test]
fn memory_that_is_used_shows() {
    let Some(_) = in_own_process("memory_that_is_used_shows", &[]) else {
        let telemetry = telemetry();
        let before = telemetry.metrics();
        // Much more than telemetry needs for itself meanwhile, for example for the list of prices.
        let memory = vec![1_u8; 256 << 20];
        black_box(&memory);
        let after = telemetry.metrics();
        let grown =
            value(&after, "process.memory.usage", None) - value(&before, "process.memory.usage", None);
        assert!((200.0 * MIB..400.0 * MIB).contains(&grown), "{grown}");
        let said = proc("status", "VmRSS:") * 1024.0;
        assert!((value(&after, "process.memory.usage", None) - said).abs() < 64.0 * MIB, "{said}");
        let said = proc("status", "VmSize:") * 1024.0;
        let space = value(&after, "process.memory.virtual", None);
        assert!((space - said).abs() < 80.0 * MIB && space > said / 2.0, "{space} {said}");
        drop(memory);
        let freed = telemetry.metrics();
        let shrunk =
            value(&after, "process.memory.usage", None) - value(&freed, "process.memory.usage", None);
        assert!(shrunk > 200.0 * MIB, "{shrunk}");
        return;
    };
}

#[test]
fn open_files_and_their_limit_show() {
    let Some(_) = in_own_process("open_files_and_their_limit_show", &[]) else {
        let telemetry = telemetry();
        let name = "process.unix.file_descriptor.count";
        let before = value(&telemetry.metrics(), name, None);
        let files: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
        let open = value(&telemetry.metrics(), name, None);
        assert!(is_about(open - before, 100.0), "{before} {open}");
        drop(files);
        let closed = value(&telemetry.metrics(), name, None);
        assert!(is_about(closed, before), "{before} {closed}");
        let limit = value(&telemetry.metrics(), "process.unix.file_descriptor.limit", None);
        assert_eq!(limit.to_string(), proc("limits", "Max open files").to_string());
        return;
    };
}

#[test]
fn threads_show() {
    let Some(_) = in_own_process("threads_show", &[]) else {
        let telemetry = telemetry();
        let name = "process.thread.count";
        let before = value(&telemetry.metrics(), name, None);
        let (ends, threads): (Vec<_>, Vec<_>) = (0..10)
            .map(|_| {
                let (end, wait) = channel::<()>();
                (end, thread::spawn(move || wait.recv()))
            })
            .unzip();
        let metrics = telemetry.metrics();
        let (count, said) = (value(&metrics, name, None), proc("status", "Threads:"));
        assert!(is_about(count - before, 10.0) && is_about(count, said), "{before} {count} {said}");
        drop(ends);
        for thread in threads {
            drop(thread.join());
        }
        return;
    };
}

fn burn(time: Duration) {
    let start = cpu_time();
    while cpu_time() - start < time.as_secs_f64() {
        (0..100_000_u64).for_each(|number| _ = black_box(number));
    }
}

/// The CPU time of the process in user mode, by `/proc`.
fn cpu_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: f64 = after_name.split_whitespace().nth(11).unwrap().parse().unwrap();
    ticks / 100.0
}

#[test]
fn cpu_time_and_its_share_show() {
    let Some(_) = in_own_process("cpu_time_and_its_share_show", &[]) else {
        let telemetry = telemetry();
        let before = telemetry.metrics();
        thread::sleep(Duration::from_millis(150));
        burn(Duration::from_millis(500));
        let after = telemetry.metrics();
        let user = Some(("cpu.mode", "user"));
        let seconds = value(&after, "process.cpu.time", user) - value(&before, "process.cpu.time", user);
        assert!(seconds > 0.4, "{seconds}");
        assert!((value(&after, "process.cpu.time", user) - cpu_time()).abs() < 0.5);
        assert!(value(&after, "process.cpu.time", Some(("cpu.mode", "system"))) >= 0.0);
        let share = value(&after, "process.cpu.utilization", user);
        assert!(share > 0.0 && share <= 1.0, "{share}");
        // Also at once after that, when too little time has passed for another share.
        let again = value(&telemetry.metrics(), "process.cpu.utilization", user);
        assert!((0.0..=1.0).contains(&again), "{again}");
        return;
    };
}

#[test]
fn counts_grow_with_what_is_done() {
    let Some(_) = in_own_process("counts_grow_with_what_is_done", &[]) else {
        let telemetry = telemetry();
        let before = telemetry.metrics();
        // Each sleep is a voluntary switch, and each new page a minor fault.
        (0..50).for_each(|_| thread::sleep(Duration::from_millis(1)));
        black_box(vec![1_u8; 16 << 20]);
        let after = telemetry.metrics();
        let grown = |name: &str, label| value(&after, name, Some(label)) - value(&before, name, Some(label));
        assert!(grown("process.context_switches", ("process.context_switch.type", "voluntary")) >= 50.0);
        assert!(grown("process.context_switches", ("process.context_switch.type", "involuntary")) >= 0.0);
        assert!(grown("process.paging.faults", ("system.paging.fault.type", "minor")) >= 1.0);
        assert!(grown("process.paging.faults", ("system.paging.fault.type", "major")) >= 0.0);
        let uptime = value(&after, "process.uptime", None);
        assert!((0.04..3_600.0).contains(&uptime), "{uptime}");
        assert!(uptime >= value(&before, "process.uptime", None));
        return;
    };
}

#[test]
fn what_is_written_to_disk_shows() {
    let Some(_) = in_own_process("what_is_written_to_disk_shows", &[]) else {
        let telemetry = telemetry();
        let label = Some(("disk.io.direction", "write"));
        let before = value(&telemetry.metrics(), "process.disk.io", label);
        let path =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}", std::process::id()));
        fs::write(&path, vec![1_u8; 4 << 20]).unwrap();
        File::open(&path).unwrap().sync_all().unwrap();
        let written = value(&telemetry.metrics(), "process.disk.io", label) - before;
        fs::remove_file(&path).unwrap();
        let said = proc("io", "write_bytes:");
        // A file system in memory writes nothing to disk.
        assert!(written >= 4.0 * MIB || said == 0.0, "{written}");
        return;
    };
}

/// A control group whose memory is limited, if this user may make one.
fn limited_group() -> Option<(std::path::PathBuf, &'static str)> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let version_1 =
        groups.lines().find_map(|line| line.split_once(":memory:").map(|(_, group)| group.to_owned()));
    let version_2 = groups.lines().find_map(|line| line.strip_prefix("0::").map(str::to_owned));
    let (root, group, file) = match (version_1, version_2) {
        (Some(group), _) => ("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"),
        (None, Some(group)) => ("/sys/fs/cgroup", group, "memory.max"),
        (None, None) => return None,
    };
    let folder =
        std::path::Path::new(&format!("{root}{group}")).join(format!("a2a-otel-{}", std::process::id()));
    fs::create_dir(&folder).ok()?;
    Some((folder, file))
}

#[test]
fn the_limit_of_a_control_group_shows() {
    const GROUP: &str = "A2A_OTEL_TESTS_GROUP";
    if let Ok(group) = std::env::var(GROUP) {
        fs::write(format!("{group}/cgroup.procs"), std::process::id().to_string()).unwrap();
        let telemetry = telemetry();
        assert_eq!(
            value(&telemetry.metrics(), "process.memory.limit", None).to_string(),
            (512 << 20).to_string()
        );
        return;
    }
    let Some((folder, file)) = limited_group() else {
        return eprintln!("skipped: no control group can be made here");
    };
    if fs::write(folder.join(file), (512 << 20).to_string()).is_ok() {
        let group = folder.to_str().unwrap().to_owned();
        in_own_process("the_limit_of_a_control_group_shows", &[(GROUP, &group)]);
    } else {
        eprintln!("skipped: no limit can be set here");
    }
    // Processes leave a group a moment after they have ended.
    let start = Instant::now();
    while fs::remove_dir(&folder).is_err() && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_limit_of_the_address_space_shows() {
    const INSIDE: &str = "A2A_OTEL_TESTS_LIMITED";
    if std::env::var_os(INSIDE).is_some() {
        let metrics = telemetry().metrics();
        assert_eq!(
            value(&metrics, "process.memory.virtual.limit", None).to_string(),
            (8_i64 << 30).to_string()
        );
        return;
    }
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "ulimit -v 8388608 && exec {} --exact the_limit_of_the_address_space_shows",
        program.display()
    );
    let output = Command::new("sh").args(["-c", &line]).env(INSIDE, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let Some(_) = in_own_process("the_limit_of_the_address_space_shows", &[]) else {
        return;
    };
}

#[test]
fn it_can_be_switched_off() {
    let test = "it_can_be_switched_off";
    let Some(_) = in_own_process(test, &[("A2A_OTEL_PERFORMANCE", "false")]) else {
        let metrics = telemetry().metrics();
        assert!(metrics.instruments().all(|one| !one.name.starts_with("process.")), "{metrics}");
        let on = Telemetry::builder().performance(true).tracing(false).init().unwrap();
        assert!(on.settings().performance && on.metrics().get("process.cpu.time").is_some());
        return;
    };
}

#[test]
fn a_runtime_shows() {
    let Some(_) = in_own_process("a_runtime_shows", &[]) else {
        let runtime = Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
        let telemetry = runtime.block_on(async { telemetry() });
        let main = Some(("tokio.runtime.name", "main"));
        assert_eq!(value(&telemetry.metrics(), "tokio.workers", main).to_string(), "3");
        let (ends, tasks): (Vec<_>, Vec<_>) = (0..20)
            .map(|_| {
                let (end, wait) = tokio::sync::oneshot::channel::<()>();
                (end, runtime.spawn(wait))
            })
            .unzip();
        let alive = value(&telemetry.metrics(), "tokio.alive_tasks", main);
        // One may be the monitor's own.
        assert!((20.0..=21.0).contains(&alive), "{alive}");
        drop(ends);
        runtime.block_on(async {
            for task in tasks {
                let _ = task.await;
            }
        });
        thread::sleep(Duration::from_millis(150));
        drop(telemetry.metrics());
        runtime.block_on(async { tokio::spawn(async { burn(Duration::from_millis(300)) }).await.unwrap() });
        thread::sleep(Duration::from_millis(50));
        let metrics = telemetry.metrics();
        let busy = value(&metrics, "tokio.busy_ratio", main);
        assert!(busy > 0.0 && busy <= 1.0, "{busy}");
        assert_eq!(metrics.points("tokio.worker.busy_duration").len(), 3);
        assert!(metrics.sum("tokio.worker.busy_duration") >= 200.0, "{metrics}");
        assert!(metrics.sum("tokio.worker.park_count") > 0.0);
        assert_eq!(value(&metrics, "tokio.stalls", main).to_string(), "0");
        return;
    };
}

#[test]
fn a_blocked_runtime_is_counted_timed_and_reported_once() {
    let test = "a_blocked_runtime_is_counted_timed_and_reported_once";
    let Some(stderr) = in_own_process(test, &[]) else {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let telemetry = runtime.block_on(async { telemetry() });
        // One blocked worker is no blocked runtime.
        let (end, wait) = channel::<()>();
        let one = runtime.spawn_blocking_worker(move || _ = wait.recv());
        thread::sleep(Duration::from_millis(1_700));
        assert_eq!(telemetry.metrics().sum("tokio.stalls").to_string(), "0");
        let (other_end, wait) = channel::<()>();
        let other = runtime.spawn_blocking_worker(move || _ = wait.recv());
        wait_for(|| telemetry.metrics().sum("tokio.stalls") > 0.5);
        // It goes on, and shows already.
        let ongoing = telemetry.metrics().sum("tokio.stall.time");
        assert!(ongoing >= 1.0, "{ongoing}");
        wait_for(|| telemetry.metrics().sum("tokio.stall.time") > ongoing);
        drop((end, other_end));
        runtime.block_on(async { drop((one.await, other.await)) });
        // The next task is taken, and nothing more is counted.
        thread::sleep(Duration::from_millis(500));
        let ended = telemetry.metrics().sum("tokio.stall.time");
        thread::sleep(Duration::from_millis(1_500));
        let metrics = telemetry.metrics();
        assert_eq!(metrics.sum("tokio.stall.time").to_string(), ended.to_string());
        assert_eq!(metrics.sum("tokio.stalls").to_string(), "1");
        return;
    };
    let said: Vec<_> =
        stderr.lines().filter(|line| line.contains("the tokio runtime \"main\" is blocked")).collect();
    assert!(said.len() == 1 && said[0].contains("spawn_blocking"), "{stderr}");
}

/// Runs a closure that blocks on a worker of the runtime.
trait Block {
    fn spawn_blocking_worker(&self, block: impl FnOnce() + Send + 'static) -> tokio::task::JoinHandle<()>;
}

impl Block for tokio::runtime::Runtime {
    fn spawn_blocking_worker(&self, block: impl FnOnce() + Send + 'static) -> tokio::task::JoinHandle<()> {
        self.spawn(async { block() })
    }
}

#[track_caller]
fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "in vain");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn several_runtimes_are_told_apart_on_a_meter_of_ones_own() {
    let Some(_) = in_own_process("several_runtimes_are_told_apart_on_a_meter_of_ones_own", &[]) else {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .build();
        let meter = provider.meter("shop");
        observe_process(&meter);
        let runtimes = [("one", 1), ("three", 3)].map(|(name, workers)| {
            let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
            observe_runtime(&meter, name, runtime.handle());
            runtime
        });
        let blocked = runtimes[0].spawn(async { thread::sleep(Duration::from_secs(2)) });
        runtimes[1].block_on(async { blocked.await.unwrap() });
        thread::sleep(Duration::from_millis(500));
        provider.force_flush().unwrap();
        let collected = exporter.get_finished_metrics().unwrap();
        let text = format!("{collected:?}");
        for name in ["tokio.workers", "tokio.stalls", "process.cpu.time"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        let points = points(collected.last().unwrap());
        assert!(points.contains(&("tokio.workers".into(), "one".into(), 1)), "{points:?}");
        assert!(points.contains(&("tokio.workers".into(), "three".into(), 3)), "{points:?}");
        assert!(points.contains(&("tokio.stalls".into(), "one".into(), 1)), "{points:?}");
        assert!(points.contains(&("tokio.stalls".into(), "three".into(), 0)), "{points:?}");
        drop(runtimes);
        // A runtime that has ended does not disturb a collection.
        provider.force_flush().unwrap();
        return;
    };
}

/// The whole numbers of runtimes: the metric, the runtime, and the value.
fn points(metrics: &opentelemetry_sdk::metrics::data::ResourceMetrics) -> Vec<(String, String, u64)> {
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
    let mut found = Vec::new();
    for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
        let AggregatedMetrics::U64(data) = metric.data() else { continue };
        let mut push = |labels: Vec<opentelemetry::KeyValue>, value| {
            let runtime = labels.into_iter().find(|label| label.key.as_str() == "tokio.runtime.name");
            found.extend(runtime.map(|name| (metric.name().to_owned(), name.value.to_string(), value)));
        };
        match data {
            MetricData::Gauge(gauge) => {
                gauge
                    .data_points()
                    .for_each(|point| push(point.attributes().cloned().collect(), point.value()));
            }
            MetricData::Sum(sum) => {
                sum.data_points()
                    .for_each(|point| push(point.attributes().cloned().collect(), point.value()));
            }
            _ => {}
        }
    }
    found
}
