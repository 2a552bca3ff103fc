//! The report: as JSON, or for people.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write};

use a2a_otel::pipeline::{Data, Target};
use a2a_otel::settings::{Explanation, Protocol, Setting};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::check::{Check, Section, Status};
use super::settings::is_shown;

/// The version of the JSON. It changes if a field is removed or means something else; new fields do not change it.
const FORMAT: u32 = 1;

/// Everything that was found.
#[derive(Serialize)]
pub(super) struct Report {
    format: u32,
    /// The version of this program.
    version: &'static str,
    /// The worst of all checks.
    pub(super) verdict: Status,
    project: String,
    /// The features of the library that a program needs for these settings.
    features: Vec<&'static str>,
    settings: Vec<Row>,
    sections: Vec<Section>,
}

/// A setting.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    meaning: &'static str,
    /// `null` if it does not count in this environment.
    value: Option<String>,
    default: Option<String>,
    /// The variables that the value comes from; none means that it is the default.
    sources: Vec<&'static str>,
    /// The variables that it depends on, those that take precedence first.
    variables: Vec<&'static str>,
    /// The feature of the library that it needs.
    feature: Option<&'static str>,
    #[serde(skip)]
    is_shown: bool,
}

impl Row {
    fn new(setting: &Setting) -> Self {
        let &Setting { name, meaning, feature, .. } = setting;
        Row {
            name,
            meaning,
            value: setting.value.clone(),
            default: setting.default.clone(),
            sources: setting.sources.clone(),
            variables: setting.variables.iter().map(|form| form.name).collect(),
            feature,
            is_shown: is_shown(setting),
        }
    }

    fn origin(&self) -> String {
        if self.sources.is_empty() { "default".to_owned() } else { self.sources.join(", ") }
    }
}

impl Report {
    pub(super) fn new(explanation: &Explanation, sections: Vec<Section>) -> Self {
        let statuses = sections.iter().flat_map(|section| &section.checks).map(|check| check.status);
        Report {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            verdict: statuses.max().unwrap_or(Status::Ok).max(Status::Ok),
            project: explanation.resolved.project_name.clone(),
            features: features(explanation),
            settings: explanation.settings.iter().map(Row::new).collect(),
            sections,
        }
    }

    pub(super) fn print_json(&self) {
        let mut out = io::stdout().lock();
        // A closed pipe is no reason to fail: the exit code says what was found.
        let _ = serde_json::to_writer_pretty(&mut out, self);
        let _ = writeln!(out);
    }

    /// Prints it for people, with colours if that is a terminal and `NO_COLOR` is not set.
    pub(super) fn print(&self, all: bool) {
        let _ = self.write(&mut anstream::stdout().lock(), all);
    }

    fn write(&self, out: &mut dyn Write, all: bool) -> io::Result<()> {
        self.write_settings(out, all)?;
        for section in &self.sections {
            writeln!(out, "\n{HEADING}{}{HEADING:#}", section.title)?;
            for check in &section.checks {
                write_check(out, check)?;
            }
        }
        writeln!(out, "\n{}", self.summary())
    }

    fn write_settings(&self, out: &mut dyn Write, all: bool) -> io::Result<()> {
        writeln!(out, "{HEADING}Settings{HEADING:#}")?;
        let shown: Vec<_> = self.settings.iter().filter(|row| all || row.is_shown).collect();
        let value = |row: &Row| row.value.clone().unwrap_or_else(|| "does not count here".to_owned());
        let width =
            |lengths: &mut dyn Iterator<Item = usize>, most: usize| lengths.max().unwrap_or(0).min(most);
        let names = width(&mut shown.iter().map(|row| row.name.len()), 44);
        let values = width(&mut shown.iter().map(|row| value(row).chars().count()), 48);
        for row in &shown {
            let (name, value, origin) = (row.name, value(row), row.origin());
            writeln!(out, "  {name:names$}  {value:values$}  {FAINT}{origin}{FAINT:#}")?;
        }
        if !self.features.is_empty() {
            let features = self.features.join(", ");
            writeln!(
                out,
                "  {FAINT}A program needs these features of a2a-otel for this: {features}.{FAINT:#}"
            )?;
        }
        let others = self.settings.len() - shown.len();
        if others > 0 {
            writeln!(out, "  {FAINT}The other {others} have their defaults; --all shows them.{FAINT:#}")?;
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let checks: Vec<_> = self.sections.iter().flat_map(|section| &section.checks).collect();
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        let counts = Status::ALL.map(|status| (count(status), status.name()));
        let counts = counts.iter().filter(|(number, _)| *number > 0);
        let counts: Vec<_> = counts.map(|(number, name)| format!("{number} {name}")).collect();
        format!("{} checks: {}.", checks.len(), counts.join(", "))
    }
}

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn style(status: Status) -> Style {
    match status {
        Status::Ok => AnsiColor::Green.on_default(),
        Status::Warning => AnsiColor::Yellow.on_default().bold(),
        Status::Failed => AnsiColor::Red.on_default().bold(),
        Status::Skipped => FAINT,
    }
}

/// Writes a check, with its lines below each other.
fn write_check(out: &mut dyn Write, check: &Check) -> io::Result<()> {
    let Check { status, reason, what_to_do, .. } = check;
    let (style, name, title) = (style(*status), status.name(), check.title());
    let indent = " ".repeat(INDENT);
    let mut lines = wrapped(reason, &indent);
    let first = lines.remove(0);
    writeln!(out, "  {style}{name:7}{style:#}  {title:10}  {first}")?;
    lines.extend(what_to_do.iter().flat_map(|todo| wrapped(&format!("→ {todo}"), &indent)));
    lines.iter().try_for_each(|line| writeln!(out, "{indent}{line}"))
}

/// Where the reasons begin.
const INDENT: usize = 23;

/// The longest line, unless the terminal is narrower.
const WIDTH: usize = 110;

fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let width = if io::stdout().is_terminal() { textwrap::termwidth().clamp(60, WIDTH) } else { WIDTH };
    let width = width.saturating_sub(indent.len());
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .subsequent_indent(if text.starts_with('→') { "  " } else { "" });
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// The features of the library that the settings need, apart from those that their defaults need.
fn features(explanation: &Explanation) -> Vec<&'static str> {
    let settings = &explanation.resolved;
    if settings.disabled {
        return Vec::new();
    }
    let is_off = |setting: &Setting| matches!(setting.value.as_deref(), None | Some("none"));
    let is_set = |setting: &&Setting| !setting.sources.is_empty() && !is_off(setting);
    let mut features: BTreeSet<_> =
        explanation.settings.iter().filter(is_set).filter_map(|setting| setting.feature).collect();
    let sends = |data| Target::of(settings, data).is_some();
    features.extend(sends(Data::Spans).then_some("otlp"));
    let protocols = [
        (Data::Spans, Some(settings.protocol)),
        (Data::Metrics, Some(settings.metrics.protocol)),
        (Data::Logs, settings.logs.as_ref().map(|logs| logs.protocol)),
    ];
    let is_grpc = protocols.iter().any(|(data, protocol)| *protocol == Some(Protocol::Grpc) && sends(*data));
    features.extend(is_grpc.then_some("otlp-grpc"));
    features.into_iter().collect()
}
