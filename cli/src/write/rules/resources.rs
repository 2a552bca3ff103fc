//! Alerts about processes that run out of something.

use super::alert::{Alert, Case, Category, Course, Dashboard, Severity, Value};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "CpuHigh",
        category: Category::Resources,
        severity: Severity::Warning,
        expr: "sum by (service_name, instance) (avg_over_time(<process.cpu.utilization>[15m])) > 0.9",
        hold: "15m",
        keep: "",
        summary: "{service_name} at {instance} keeps {value} of its CPUs busy",
        value: Value::Percentage,
        description: "Agents mostly wait. A busy CPU is a loop, a large document, or too many requests.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[(
                "<process.cpu.utilization>{cpu_mode=\"user\",instance=\"a:1\",service_name=\"sales\"}",
                Course::Level(1, 0),
            )],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "100%",
        },
    },
    Alert {
        name: "MemoryHigh",
        category: Category::Resources,
        severity: Severity::Critical,
        expr: "max by (service_name, instance) (<process.memory.usage> / (<process.memory.limit> > 0)) > 0.9",
        hold: "5m",
        keep: "5m",
        summary: "{service_name} at {instance} takes {value} of the memory that it may take",
        value: Value::Percentage,
        description: "At 100%, the process is killed, and loses what it is working on.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[
                ("<process.memory.usage>{instance=\"a:1\",service_name=\"sales\"}", Course::Level(950, 100)),
                (
                    "<process.memory.limit>{instance=\"a:1\",service_name=\"sales\"}",
                    Course::Level(1000, 1000),
                ),
            ],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "95%",
        },
    },
    Alert {
        name: "MemoryLeaks",
        category: Category::Resources,
        severity: Severity::Warning,
        expr: "max by (service_name, instance) (predict_linear(<process.memory.usage>[1h], 14400) \
               / (<process.memory.limit> > 0)) > 1",
        hold: "30m",
        keep: "",
        summary: "{service_name} at {instance} will take {value} of its memory in four hours",
        value: Value::Percentage,
        description: "Memory has grown steadily for an hour. At the limit, the process is killed.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[
                (
                    "<process.memory.usage>{instance=\"a:1\",service_name=\"sales\"}",
                    Course::Text("0+5x120", "100x120", "100x120"),
                ),
                (
                    "<process.memory.limit>{instance=\"a:1\",service_name=\"sales\"}",
                    Course::Level(1000, 1000),
                ),
            ],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "180%",
        },
    },
    Alert {
        name: "FileDescriptorsHigh",
        category: Category::Resources,
        severity: Severity::Warning,
        expr: "max by (service_name, instance) (<process.unix.file_descriptor.count> \
               / (<process.unix.file_descriptor.limit> > 0)) > 0.8",
        hold: "5m",
        keep: "5m",
        summary: "{service_name} at {instance} has opened {value} of the files that it may open",
        value: Value::Percentage,
        description: "At 100%, connections and files cannot be opened any more.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[
                (
                    "<process.unix.file_descriptor.count>{instance=\"a:1\",service_name=\"sales\"}",
                    Course::Level(900, 100),
                ),
                (
                    "<process.unix.file_descriptor.limit>{instance=\"a:1\",service_name=\"sales\"}",
                    Course::Level(1000, 1000),
                ),
            ],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "90%",
        },
    },
    Alert {
        name: "RuntimeSaturated",
        category: Category::Resources,
        severity: Severity::Warning,
        expr: "max by (service_name, instance) (avg_over_time(<tokio.busy_ratio>[10m])) > 0.95",
        hold: "10m",
        keep: "",
        summary: "The workers of {service_name} at {instance} are busy {value} of the time",
        value: Value::Percentage,
        description: "Tasks wait for a worker. Something computes on the runtime, or there is too much to do.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[("<tokio.busy_ratio>{instance=\"a:1\",service_name=\"sales\"}", Course::Level(1, 0))],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "100%",
        },
    },
    Alert {
        name: "RuntimeStalls",
        category: Category::Resources,
        severity: Severity::Critical,
        expr: "ceil(sum by (service_name, instance) (increase(<tokio.stalls>[10m]))) > 0",
        hold: "1m",
        keep: "5m",
        summary: "The runtime of {service_name} at {instance} took no new task for a second or longer, {value} times",
        value: Value::Number,
        description: "Something blocks every worker, such as a blocking call in an async function.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[("<tokio.stalls>{instance=\"a:1\",service_name=\"sales\"}", Course::Rate(1, 0))],
            labels: &[("instance", "a:1"), ("service_name", "sales")],
            value: "10",
        },
    },
];
