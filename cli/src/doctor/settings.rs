//! Checks of the environment's variables.

use a2a_otel::settings::{
    Explanation, Exporter, Finding, FindingKind, MetricsExporter, Root, Setting, VariableForm,
};

use super::check::{Check, Section};
use super::receiver::Reached;
use super::sending::Messages;

/// How similar a name has to be to count as a typing error, from 0 to 1. `OTEL_SERVICE_NAME` and `OTEL_SERVICE_NAMES` are
/// similar, `PHOENIX_PORT` and `PHOENIX_PROJECT` are not.
const SIMILAR: f64 = 0.85;

/// Checks the variables.
pub(super) fn environment(explanation: &Explanation) -> Section {
    let mut checks: Vec<_> =
        explanation.findings.iter().map(|finding| of_finding(finding, explanation)).collect();
    if checks.is_empty() {
        checks.push(Check::ok("environment.variables", all_is_well(explanation)));
    }
    checks.extend(is_recorded(explanation));
    Section { id: "environment", title: "Environment".to_owned(), checks }
}

fn all_is_well(explanation: &Explanation) -> String {
    let mut set: Vec<_> = explanation.settings.iter().flat_map(|setting| &setting.sources).collect();
    set.sort_unstable();
    set.dedup();
    match set.len() {
        0 => "no variable is set: everything has its default".to_owned(),
        1 => format!("{} is set, and can be used", set[0]),
        number => format!("{number} variables are set; all can be used, and each has an effect"),
    }
}

fn of_finding(finding: &Finding, explanation: &Explanation) -> Check {
    let variable = finding.variable.as_deref().unwrap_or_default();
    let form = form(explanation, variable);
    let text = finding.text.as_str();
    let check = match finding.kind {
        FindingKind::Malformed => Check::failed("environment.malformed", text, correction(form)),
        FindingKind::Unknown => unknown(variable, text, explanation),
        FindingKind::NoEffect => Check::warning(
            "environment.no_effect",
            text,
            format!("unset {variable}, or change what it depends on"),
        ),
        _ => Check::warning("environment.notice", text, "set the variables to what you mean"),
    };
    Check { variable: finding.variable.clone(), ..check }
}

fn form<'a>(explanation: &'a Explanation, name: &str) -> Option<&'a VariableForm> {
    explanation.settings.iter().flat_map(|setting| &setting.variables).find(|form| form.name == name)
}

fn correction(form: Option<&VariableForm>) -> String {
    match form {
        Some(form) => format!("correct it, for example {}={}, or unset it", form.name, form.example),
        None => "correct it, or unset it".to_owned(),
    }
}

/// A variable that is not read. Phoenix's server has many of its own.
fn unknown(variable: &str, text: &str, explanation: &Explanation) -> Check {
    let names = explanation.settings.iter().flat_map(|setting| &setting.variables).map(|form| form.name);
    let similarity = |name: &str| strsim::normalized_levenshtein(name, variable);
    let nearest = names.max_by(|left, right| similarity(left).total_cmp(&similarity(right)));
    match nearest.filter(|name| similarity(name) >= SIMILAR) {
        Some(name) => Check::warning("environment.unknown", text, format!("if you mean {name}, rename it")),
        None if variable.starts_with("PHOENIX_") => Check::skipped(
            "environment.unknown",
            format!("{text}; it may be for Phoenix's server"),
            "nothing, if it is",
        ),
        None => Check::warning("environment.unknown", text, "unset it, unless another program reads it"),
    }
}

/// Checks whether anything is recorded at all.
fn is_recorded(explanation: &Explanation) -> Option<Check> {
    let settings = &explanation.resolved;
    if settings.disabled {
        return Some(Check::warning(
            "environment.disabled",
            "OTEL_SDK_DISABLED=true switches telemetry off: nothing is recorded, and nothing else was tried",
            "unset OTEL_SDK_DISABLED",
        ));
    }
    match settings.sampling.root {
        Root::Off => Some(Check::warning(
            "environment.sampling",
            "OTEL_TRACES_SAMPLER=…always_off: no trace that begins in the program is recorded",
            "unset OTEL_TRACES_SAMPLER; what follows was sent nevertheless",
        )),
        Root::Ratio(ratio) => Some(Check::ok(
            "environment.sampling",
            format!("a trace that begins in the program is recorded with probability {ratio}"),
        )),
        _ => None,
    }
}

/// What telemetry said when it started, apart from what is known already.
pub(super) fn start(messages: &Messages, explanation: &Explanation) -> Vec<Check> {
    let is_known =
        |message: &String| explanation.findings.iter().any(|finding| message.contains(&finding.text));
    // Certificates that cannot be used are a check of their receiver.
    let is_about_certificates = |message: &String| message.contains(" for now: ");
    let mut said = messages.so_far();
    said.retain(|message| !is_known(message) && !is_about_certificates(message));
    let check = |message: String| {
        let text = message.strip_prefix("warning: ").unwrap_or(&message).to_owned();
        Check::warning("environment.start", text, "see docs/troubleshooting.md, which explains each message")
    };
    said.into_iter().map(check).collect()
}

/// Why spans are not sent, if they are not.
pub(super) fn spans_unless_sent(explanation: &Explanation, spans: Option<&Reached>) -> Section {
    let settings = &explanation.resolved;
    let check = match settings.exporter {
        _ if spans.is_some() => None,
        Exporter::Console => Some(Check::skipped(
            "spans.exporter",
            "OTEL_TRACES_EXPORTER=console: spans are printed as trees on standard error, and not sent",
            "unset OTEL_TRACES_EXPORTER to send them",
        )),
        Exporter::None => Some(Check::warning(
            "spans.exporter",
            "OTEL_TRACES_EXPORTER=none: spans are discarded",
            "unset OTEL_TRACES_EXPORTER to send them",
        )),
        _ => Some(Check::failed(
            "spans.exporter",
            "no address that can be used is named, so spans are discarded",
            "correct the address, which is reported above",
        )),
    };
    Section { id: "spans", title: "Spans".to_owned(), checks: check.into_iter().collect() }
}

/// Where metrics go besides a receiver.
pub(super) fn metrics_served(explanation: &Explanation) -> Section {
    let metrics = &explanation.resolved.metrics;
    let served = metrics.exporters.contains(&MetricsExporter::Prometheus).then(|| {
        let (host, port) = (&metrics.prometheus_host, metrics.prometheus_port);
        Check::ok("metrics.prometheus", format!("a program serves them at http://{host}:{port}/metrics"))
    });
    let printed = metrics
        .exporters
        .contains(&MetricsExporter::Console)
        .then(|| Check::ok("metrics.console", "a program prints them to standard output"));
    let checks = served.into_iter().chain(printed).collect();
    Section { id: "metrics", title: "Metrics in the process".to_owned(), checks }
}

/// Whether the environment asks for metrics. Otherwise they are only offered to a receiver that is named for everything.
pub(super) fn asks_for_metrics(explanation: &Explanation) -> bool {
    let own = ["OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];
    explanation.settings.iter().flat_map(|setting| &setting.sources).any(|source| own.contains(source))
}

/// The settings that matter to everybody.
const MAIN: [&str; 6] = ["service_name", "project_name", "exporter", "endpoint", "protocol", "sampling"];

/// Whether a setting is shown without being asked for.
pub(super) fn is_shown(setting: &Setting) -> bool {
    MAIN.contains(&setting.name) || !setting.sources.is_empty()
}
