//! The metrics of the process and of tokio's runtimes.
//!
//! Sources: OpenTelemetry's conventions for processes, version 1.42,
//! <https://opentelemetry.io/docs/specs/semconv/system/process-metrics/>. Those of the runtimes have the names of the
//! crate `opentelemetry-instrumentation-tokio`, version 0.3.

use super::row::Source::{OpenTelemetry, Ours};
use super::row::rows;

/// `user` or `system`.
pub(crate) const CPU_MODE: &str = "cpu.mode";
/// `read` or `write`.
pub(crate) const DISK_IO_DIRECTION: &str = "disk.io.direction";
/// `voluntary` or `involuntary`.
pub(crate) const CONTEXT_SWITCH_TYPE: &str = "process.context_switch.type";
/// `major` or `minor`.
pub(crate) const PAGING_FAULT_TYPE: &str = "system.paging.fault.type";
/// The name that the program gives to a runtime.
pub(crate) const RUNTIME_NAME: &str = "tokio.runtime.name";
/// The number of a worker, from 0.
pub(crate) const WORKER_INDEX: &str = "tokio.worker.index";

rows! {
    CPU_TIME = Counter "process.cpu.time", "s", [CPU_MODE], OpenTelemetry,
        "CPU time of the process", "How much CPU does the process use?";
    CPU_UTILIZATION = Gauge "process.cpu.utilization", "1", [CPU_MODE], OpenTelemetry,
        "CPU time since the last collection, as a part of what all available CPUs have", "Does the process need more CPUs?";
    MEMORY_USAGE = UpDownCounter "process.memory.usage", "By", [], OpenTelemetry,
        "Physical memory of the process", "How much memory does the process take, and does it leak?";
    MEMORY_VIRTUAL = UpDownCounter "process.memory.virtual", "By", [], OpenTelemetry,
        "Address space of the process", "How much address space does the process take?";
    MEMORY_LIMIT = UpDownCounter "process.memory.limit", "By", [], Ours,
        "Memory that the control group (container) of the process may take; none if that is unlimited",
        "How far is the process from being killed for its memory?";
    MEMORY_VIRTUAL_LIMIT = UpDownCounter "process.memory.virtual.limit", "By", [], Ours,
        "Address space that the process may take (RLIMIT_AS); none if that is unlimited",
        "How far is the process from failing to get memory?";
    THREAD_COUNT = UpDownCounter "process.thread.count", "{thread}", [], OpenTelemetry,
        "Threads of the process", "Does the process start ever more threads?";
    FILE_DESCRIPTOR_COUNT = UpDownCounter "process.unix.file_descriptor.count", "{file_descriptor}", [], OpenTelemetry,
        "Open files, sockets and the like", "Are files or connections never closed?";
    FILE_DESCRIPTOR_LIMIT = UpDownCounter "process.unix.file_descriptor.limit", "{file_descriptor}", [], Ours,
        "Files, sockets and the like that the process may open (RLIMIT_NOFILE)",
        "How far is the process from failing to open files and connections?";
    DISK_IO = Counter "process.disk.io", "By", [DISK_IO_DIRECTION], OpenTelemetry,
        "Bytes that the process has read from disks and written to them", "Does the process wait for disks?";
    CONTEXT_SWITCHES = Counter "process.context_switches", "{context_switch}", [CONTEXT_SWITCH_TYPE], OpenTelemetry,
        "Context switches of the process's threads", "Do threads wait, or compete for the CPU (involuntary)?";
    PAGING_FAULTS = Counter "process.paging.faults", "{fault}", [PAGING_FAULT_TYPE], OpenTelemetry,
        "Page faults of the process", "Is memory read back from disk (major)?";
    UPTIME = Gauge "process.uptime", "s", [], OpenTelemetry,
        "Time since the process was started", "When was the process started?";

    WORKERS = Gauge "tokio.workers", "{worker}", [RUNTIME_NAME], Ours,
        "Worker threads of the runtime", "How many workers are there?";
    GLOBAL_QUEUE_DEPTH = Gauge "tokio.global_queue_depth", "{task}", [RUNTIME_NAME], Ours,
        "Tasks in the runtime's global queue", "Do tasks wait for a worker?";
    ALIVE_TASKS = Gauge "tokio.alive_tasks", "{task}", [RUNTIME_NAME], Ours,
        "Tasks of the runtime that have not ended", "Do tasks pile up, or never end?";
    BUSY_RATIO = Gauge "tokio.busy_ratio", "1", [RUNTIME_NAME], Ours,
        "Part of the time since the last collection in which the workers were busy", "Does the runtime need more workers?";
    WORKER_PARK_COUNT = Counter "tokio.worker.park_count", "{park}", [RUNTIME_NAME, WORKER_INDEX], Ours,
        "How often the worker had nothing to do and waited", "Is a worker always busy?";
    WORKER_BUSY_DURATION = Counter "tokio.worker.busy_duration", "ms", [RUNTIME_NAME, WORKER_INDEX], Ours,
        "Time that the worker was busy", "Is the work spread evenly?";
    STALLS = Counter "tokio.stalls", "{stall}", [RUNTIME_NAME], Ours,
        "How often no worker took a new task for a second or longer", "Does something block the runtime?";
    STALL_TIME = Counter "tokio.stall.time", "s", [RUNTIME_NAME], Ours,
        "How long new tasks waited in these cases, including one that goes on", "For how long is the runtime blocked?";
}
