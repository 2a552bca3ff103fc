//! Alerts about telemetry itself.

use super::alert::{Alert, Case, Category, Course, Dashboard, Severity, Value};

/// How much a counter of losses has grown within ten minutes, as a whole number. A counter that is new has grown from nothing:
/// the first loss makes it.
macro_rules! grown {
    ($by:literal, $metric:literal) => {
        concat!(
            "ceil(sum by (",
            $by,
            ") (increase(<",
            $metric,
            ">{error_type!=\"\"}[10m]) > 0 or (<",
            $metric,
            ">{error_type!=\"\"} unless <",
            $metric,
            ">{error_type!=\"\"} offset 10m))) > 0"
        )
    };
}

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "SpansDropped",
        category: Category::Telemetry,
        severity: Severity::Warning,
        expr: grown!("service_name, error_type", "otel.sdk.processor.span.processed"),
        hold: "1m",
        keep: "10m",
        summary: "{service_name} has lost {value} spans before they were sent: {error_type}",
        value: Value::Number,
        description: "Traces have gaps. Usually the receiver is away or too slow, and the queue is full.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[(
                "<otel.sdk.processor.span.processed>{error_type=\"queue_full\",service_name=\"sales\"}",
                Course::Rate(60, 0),
            )],
            labels: &[("error_type", "queue_full"), ("service_name", "sales")],
            value: "600",
        },
    },
    Alert {
        name: "SpansNotAccepted",
        category: Category::Telemetry,
        severity: Severity::Warning,
        expr: grown!("service_name, error_type", "otel.sdk.exporter.span.exported"),
        hold: "1m",
        keep: "10m",
        summary: "The receiver has not accepted {value} spans of {service_name}: {error_type}",
        value: Value::Number,
        description: "The receiver refuses these spans, so they are lost.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[(
                "<otel.sdk.exporter.span.exported>{error_type=\"rejected\",service_name=\"sales\"}",
                Course::Rate(60, 0),
            )],
            labels: &[("error_type", "rejected"), ("service_name", "sales")],
            value: "600",
        },
    },
    Alert {
        name: "ExportStalled",
        category: Category::Telemetry,
        severity: Severity::Critical,
        expr: "sum by (service_name) (min_over_time(<otel.sdk.processor.span.queue.size>[10m])) > 0 \
               unless on (service_name) sum by (service_name) \
               (increase(<otel.sdk.exporter.span.exported>{error_type=\"\"}[10m])) > 0",
        hold: "5m",
        keep: "",
        summary: "{value} spans of {service_name} wait, and none are delivered",
        value: Value::Number,
        description: "The receiver is away, or refuses the agent's key. Nothing is lost until the queue is full.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[
                ("<otel.sdk.processor.span.queue.size>{service_name=\"sales\"}", Course::Level(500, 0)),
                ("<otel.sdk.exporter.span.exported>{service_name=\"sales\"}", Course::Rate(0, 60)),
            ],
            labels: &[("service_name", "sales")],
            value: "500",
        },
    },
    Alert {
        name: "QueueFills",
        category: Category::Telemetry,
        severity: Severity::Warning,
        expr: "max by (service_name) (<a2a_otel.queue.bytes> / (<a2a_otel.queue.capacity> > 0)) > 0.8",
        hold: "2m",
        keep: "5m",
        summary: "The queue of spans in {service_name} is {value} full",
        value: Value::Percentage,
        description: "A full queue loses spans. The receiver is away or too slow.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[
                ("<a2a_otel.queue.bytes>{service_name=\"sales\"}", Course::Level(900, 0)),
                ("<a2a_otel.queue.capacity>{service_name=\"sales\"}", Course::Level(1000, 1000)),
            ],
            labels: &[("service_name", "sales")],
            value: "90%",
        },
    },
    Alert {
        name: "SpoolGrows",
        category: Category::Telemetry,
        severity: Severity::Warning,
        expr: "sum by (service_name) (min_over_time(<a2a_otel.spool.spans>[15m])) > 0 \
               and sum by (service_name) (delta(<a2a_otel.spool.spans>[15m])) >= 0",
        hold: "15m",
        keep: "",
        summary: "{value} spans of {service_name} wait on disk, and do not become fewer",
        value: Value::Number,
        description: "The receiver has been away for long. Old spans are dropped when the disk space for them is used up.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[("<a2a_otel.spool.spans>{service_name=\"sales\"}", Course::Level(500, 0))],
            labels: &[("service_name", "sales")],
            value: "500",
        },
    },
    Alert {
        name: "PhoenixDown",
        category: Category::Telemetry,
        severity: Severity::Critical,
        expr: "min by (job, instance) (up{job=\"phoenix\"}) == 0",
        hold: "2m",
        // Until what follows from it has ended too: agents wait before they try again.
        keep: "10m",
        summary: "Phoenix at {instance} cannot be reached by Prometheus",
        value: Value::Number,
        description: "No traces are stored. The agents keep spans in their queues, and on disk if they have a spool.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[("up{instance=\"phoenix:9090\",job=\"phoenix\"}", Course::Level(0, 1))],
            labels: &[("instance", "phoenix:9090"), ("job", "phoenix")],
            value: "0",
        },
    },
    Alert {
        name: "PhoenixRefusesSpans",
        category: Category::Telemetry,
        severity: Severity::Warning,
        expr: "ceil(sum by (instance) (increase(phoenix_span_queue_rejections_total[10m]))) > 0",
        hold: "2m",
        keep: "10m",
        summary: "Phoenix at {instance} has refused {value} requests, because its queue is full",
        value: Value::Number,
        description: "Phoenix stores spans more slowly than they come. The agents send them again.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[(
                "phoenix_span_queue_rejections_total{instance=\"phoenix:9090\"}",
                Course::Rate(60, 0),
            )],
            labels: &[("instance", "phoenix:9090")],
            value: "600",
        },
    },
    Alert {
        name: "PhoenixLosesSpans",
        category: Category::Telemetry,
        severity: Severity::Critical,
        expr: "ceil(sum by (instance) (increase(phoenix_bulk_loader_span_exceptions_total[10m]))) > 0",
        hold: "1m",
        keep: "10m",
        summary: "Phoenix at {instance} could not store {value} spans that it had accepted",
        value: Value::Number,
        description: "These spans are lost. Usually its database is full or away.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: &[(
                "phoenix_bulk_loader_span_exceptions_total{instance=\"phoenix:9090\"}",
                Course::Rate(60, 0),
            )],
            labels: &[("instance", "phoenix:9090")],
            value: "600",
        },
    },
    Alert {
        name: "TelemetryWatchdog",
        category: Category::Telemetry,
        severity: Severity::None,
        expr: "vector(1)",
        hold: "",
        keep: "",
        summary: "Alerts arrive",
        value: Value::Number,
        description: "This alert always fires. If it does not arrive, no other alert would either.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case { series: &[("up{job=\"agents\"}", Course::Level(1, 1))], labels: &[], value: "1" },
    },
];
