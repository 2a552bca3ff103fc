//! The report: as JSON, or for people.

use std::io::{self, Write};

use a2a_otel::settings::{Explanation, Setting};
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

    /// Where it comes from, and what a program needs for it.
    fn origin(&self) -> String {
        let sources = if self.sources.is_empty() { "default".to_owned() } else { self.sources.join(", ") };
        match self.feature.filter(|_| !self.sources.is_empty()) {
            Some(feature) => format!("{sources}; feature `{feature}`"),
            None => sources,
        }
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
        let names = width(&mut shown.iter().map(|row| row.name.len()), 40);
        let values = width(&mut shown.iter().map(|row| value(row).chars().count()), 48);
        for row in &shown {
            let (name, value, origin) = (row.name, value(row), row.origin());
            writeln!(out, "  {name:names$}  {value:values$}  {FAINT}{origin}{FAINT:#}")?;
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

fn write_check(out: &mut dyn Write, check: &Check) -> io::Result<()> {
    let Check { status, reason, what_to_do, .. } = check;
    let (style, name, title) = (style(*status), status.name(), check.title());
    writeln!(out, "  {style}{name:7}{style:#}  {title:11} {reason}")?;
    match what_to_do {
        Some(what_to_do) => writeln!(out, "           {:11} {FAINT}→{FAINT:#} {what_to_do}", ""),
        None => Ok(()),
    }
}
