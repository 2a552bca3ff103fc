//! What a table says of an alert.

use std::fmt;

/// An alert. Its query names metrics as `promql` describes; an alert of a metric that nobody records is left out.
#[derive(Debug)]
pub struct Alert {
    /// Its name, which is that of its runbook.
    pub name: &'static str,
    /// What it is about.
    pub category: Category,
    /// Who should act, and when.
    pub severity: Severity,
    /// The query, which has a result while something is wrong.
    pub(super) expr: &'static str,
    /// How long something has to be wrong.
    pub(super) hold: &'static str,
    /// How long the alert goes on after the query has no result. Empty: not at all.
    pub(super) keep: &'static str,
    /// What is wrong, with `{value}` and the names of labels in braces.
    pub(super) summary: &'static str,
    /// How the value is written.
    pub(super) value: Value,
    /// What that means.
    pub(super) description: &'static str,
    /// The dashboard that shows more.
    pub(super) dashboard: Dashboard,
    /// The label with the agent that is at fault, by which other alerts are inhibited.
    pub(super) peer: Option<&'static str>,
    /// How it is tested.
    pub(super) case: Case,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Calls fail.
    Errors,
    /// Calls are slow, or use more than before.
    Performance,
    /// Agents do not reach each other.
    Communication,
    /// A process runs out of something.
    Resources,
    /// Telemetry itself does not work.
    Telemetry,
}

impl Category {
    pub(super) const ALL: [Self; 5] =
        [Self::Errors, Self::Performance, Self::Communication, Self::Resources, Self::Telemetry];
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "errors",
            Self::Performance => "performance",
            Self::Communication => "communication",
            Self::Resources => "resources",
            Self::Telemetry => "telemetry",
        })
    }
}

/// Who should act, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody should act now.
    Critical,
    /// Somebody should act today.
    Warning,
    /// Nobody should: it shows that alerts arrive.
    None,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::None => "none",
        })
    }
}

/// How Prometheus writes an alert's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Percentage,
    Duration,
    Number,
    Bytes,
}

impl Value {
    /// The function of Prometheus's templates.
    const fn function(self) -> &'static str {
        match self {
            Self::Percentage => "humanizePercentage",
            Self::Duration => "humanizeDuration",
            Self::Number => "humanize",
            Self::Bytes => "humanize1024",
        }
    }
}

/// The dashboard that shows more, by its uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dashboard {
    Agents,
    Communication,
    Errors,
}

impl Dashboard {
    pub(super) const fn uid(self) -> &'static str {
        match self {
            Self::Agents => "a2a-otel-agents",
            Self::Communication => "a2a-otel-communication",
            Self::Errors => "a2a-otel-errors",
        }
    }
}

/// A test: what is measured while something is wrong and afterwards, and what the alert then says.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) series: &'static [(&'static str, Course)],
    /// The labels of the alert, without those of the rule.
    pub(super) labels: &'static [(&'static str, &'static str)],
    /// The value, as the summary writes it.
    pub(super) value: &'static str,
}

/// The values of a series, one for each minute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Course {
    /// A counter, with what it grows by each minute, at first and later.
    Rate(u32, u32),
    /// A gauge, with its values, at first and later.
    Level(u64, u64),
    /// In promtool's notation: at first, later, and where nothing is wrong.
    Text(&'static str, &'static str, &'static str),
}

impl Alert {
    /// The summary as a template of Prometheus.
    pub(super) fn template(&self) -> String {
        self.fill(&format!("{{{{ $value | {} }}}}", self.value.function()), |label| {
            format!("{{{{ $labels.{label} }}}}")
        })
    }

    /// The summary as it reads in the test.
    pub(super) fn said(&self) -> String {
        self.fill(self.case.value, |label| self.case.label(label).to_owned())
    }

    fn fill(&self, value: &str, label: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = self.summary;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(&if name == "value" { value.to_owned() } else { label(name) });
            rest = after;
        }
        filled + rest
    }
}

impl Case {
    pub(super) fn label(&self, name: &str) -> &'static str {
        self.labels.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| value)
    }
}

/// The series of calls that all fail, and later all succeed.
macro_rules! failing_calls {
    ($metric:literal, $labels:literal) => {
        &[
            (concat!("<", $metric, ">_count{error_type=\"timeout\",", $labels, "}"), Course::Rate(60, 0)),
            (concat!("<", $metric, ">_count{", $labels, "}"), Course::Rate(0, 60)),
        ]
    };
}
pub(super) use failing_calls;

/// The series of a histogram whose values lie between two bounds, and later below a third one.
macro_rules! high_values {
    ($metric:literal, $labels:literal, $low:literal to $high:literal, later $later:literal) => {
        &[
            (concat!("<", $metric, ">_bucket{le=\"", $later, "\",", $labels, "}"), Course::Rate(0, 60)),
            (concat!("<", $metric, ">_bucket{le=\"", $low, "\",", $labels, "}"), Course::Rate(0, 60)),
            (concat!("<", $metric, ">_bucket{le=\"", $high, "\",", $labels, "}"), Course::Rate(60, 60)),
            (concat!("<", $metric, ">_bucket{le=\"+Inf\",", $labels, "}"), Course::Rate(60, 60)),
        ]
    };
}
pub(super) use high_values;
