//! Explains settings: what each is, and which variables of the environment it comes from.
//!
//! Nothing here repeats how settings are resolved. Whether a variable counts is found out by resolving all settings again
//! without it, and with another value.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::rows::{Row, Secrets, rows};
use super::variables::VariableForm;
use super::{Overrides, Settings};
use crate::environment::{Environment, Warning};

/// The prefixes of the variables that this library and its peers read.
const PREFIXES: [&str; 4] = ["A2A_OTEL_", "OPENINFERENCE_", "OTEL_", "PHOENIX_"];

/// What telemetry would do with an environment: each setting, and what is wrong with the variables. It comes from the
/// same code that `init` uses, which is compiled with the same features.
///
/// ```
/// use a2a_otel::settings::Explanation;
///
/// let variables = [("PHOENIX_PROJECT", "shop"), ("PHOENIX_PROJCT", "typing error")];
/// let explanation = Explanation::of("product-agent", variables);
/// let project = explanation.settings.iter().find(|setting| setting.name == "project_name").unwrap();
/// assert_eq!(project.value.as_deref(), Some("shop"));
/// assert_eq!(project.sources, ["PHOENIX_PROJECT"]);
/// assert_eq!(explanation.findings[0].variable.as_deref(), Some("PHOENIX_PROJCT"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The settings that `init` would use.
    pub resolved: Settings,
    /// Each setting, in groups of related ones. Of an empty environment, this is a reference of all settings.
    pub settings: Vec<Setting>,
    /// What is wrong with the variables.
    pub findings: Vec<Finding>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name, which is the path of a field of [`Settings`] if there is one. A program can rely on it.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// The feature of this library without which it has no effect.
    pub feature: Option<&'static str>,
    /// When it counts, if it does not always: it completes the sentence "It counts if ...".
    pub counts_if: Option<&'static str>,
    /// The variables that it depends on, those that take precedence first.
    pub variables: Vec<VariableForm>,
    /// The value, for people. Secrets are masked. `None` if the setting does not count.
    pub value: Option<String>,
    /// The value in an empty environment.
    pub default: Option<String>,
    /// The variables that the value comes from. If there are none, it is the default.
    pub sources: Vec<&'static str>,
}

/// Something about the variables that is probably not as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind it is.
    pub kind: FindingKind,
    /// The variable, if it is about one.
    pub variable: Option<String>,
    /// What was found. It shows no secrets.
    pub text: String,
}

/// The kinds of a [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// A value cannot be used, in whole or in part.
    Malformed,
    /// All values can be used, but may not be what was meant.
    Notice,
    /// A variable with a name of this kind is set, and nothing reads it.
    Unknown,
    /// A variable is set, and nothing would change without it or with another value.
    NoEffect,
}

impl Explanation {
    /// Explains the environment of this process. `program` names the service if no variable does.
    ///
    /// ```
    /// let explanation = a2a_otel::settings::Explanation::of_process("product-agent");
    /// assert!(explanation.settings.iter().any(|setting| setting.name == "endpoint"));
    /// ```
    #[must_use]
    pub fn of_process(program: &str) -> Self {
        // What is not Unicode is replaced, as `init` does it.
        let text = |part: OsString| part.to_string_lossy().into_owned();
        Self::of(program, std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Explains an environment. `program` names the service if no variable does.
    pub fn of<N: Into<String>, V: Into<String>>(
        program: &str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let world = World { program, variables };
        let rows: Vec<Row> = rows().collect();
        let (resolved, warnings) = world.resolve(&Change::None);
        let (default, _) = World { program, variables: BTreeMap::new() }.resolve(&Change::None);
        let effects = world.effects(&rows, &resolved);
        let settings: Vec<_> = rows
            .into_iter()
            .zip(effects)
            .map(|(row, sources)| Setting {
                name: row.name,
                meaning: row.meaning,
                feature: row.feature,
                counts_if: row.counts_if,
                value: row.value(&resolved, Secrets::Masked),
                default: row.value(&default, Secrets::Masked),
                variables: row.variables,
                sources,
            })
            .collect();
        let findings = world.findings(&settings, &warnings);
        Explanation { resolved, settings, findings }
    }
}

/// An environment that is looked at.
struct World<'a> {
    program: &'a str,
    variables: BTreeMap<String, String>,
}

/// What is different, to see what that changes.
enum Change<'a> {
    None,
    Without(&'a str),
    With(&'a str, &'a str),
}

impl World<'_> {
    fn resolve(&self, change: &Change<'_>) -> (Settings, Vec<Warning>) {
        let lookup = |name: &str| match change {
            Change::Without(other) if *other == name => None,
            Change::With(other, value) if *other == name => Some((*value).to_owned()),
            _ => self.variables.get(name).cloned(),
        };
        let mut environment = Environment::new(&lookup);
        let settings = Settings::resolve(&Overrides::default(), &mut environment, self.program);
        (settings, environment.warnings)
    }

    fn is_set(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|value| !value.trim().is_empty())
    }

    /// Returns the variables that each row's value comes from.
    fn effects(&self, rows: &[Row], resolved: &Settings) -> Vec<Vec<&'static str>> {
        let values = |settings: &Settings| -> Vec<_> {
            rows.iter().map(|row| row.value(settings, Secrets::Shown)).collect()
        };
        let now = values(resolved);
        let mut sources = vec![Vec::new(); rows.len()];
        let forms = rows.iter().flat_map(|row| &row.variables);
        let mut forms: Vec<_> = forms.filter(|form| self.is_set(form.name)).collect();
        forms.sort_unstable_by_key(|form| form.name);
        forms.dedup_by_key(|form| form.name);
        for form in forms {
            let without = values(&self.resolve(&Change::Without(form.name)).0);
            // Without it, the default or another variable may have the same value.
            let with = values(&self.resolve(&Change::With(form.name, form.example)).0);
            let is_accepted = !self.rejects(form.name);
            for (place, row) in rows.iter().enumerate() {
                let counts = now[place] != without[place] || (is_accepted && now[place] != with[place]);
                if counts && row.variables.iter().any(|variable| variable.name == form.name) {
                    sources[place].push(form.name);
                }
            }
        }
        for (names, row) in sources.iter_mut().zip(rows) {
            let precedence = |name: &&str| row.variables.iter().position(|form| form.name == *name);
            names.sort_by_key(|name| precedence(name));
        }
        sources
    }

    /// Whether the value of a variable is ignored.
    fn rejects(&self, name: &str) -> bool {
        let start = format!("{name}=");
        let is_ignored = |text: &str| text.starts_with(&start) && text.contains(" is ignored: ");
        self.resolve(&Change::None).1.iter().any(|warning| is_ignored(&warning.to_string()))
    }

    fn findings(&self, settings: &[Setting], warnings: &[Warning]) -> Vec<Finding> {
        let reported = warnings.iter().map(|warning| self.reported(warning));
        let set = self.variables.keys().filter(|name| self.is_set(name));
        let is_reported =
            |name: &str| warnings.iter().any(|warning| warning.to_string().contains(&format!("{name}=")));
        let others = set.filter(|name| !is_reported(name)).filter_map(|name| suspicion(name, settings));
        reported.chain(others).collect()
    }

    fn reported(&self, warning: &Warning) -> Finding {
        let text = warning.to_string();
        let variable = self.variables.keys().find(|name| text.starts_with(&format!("{name}=")));
        let kind = if warning.is_malformed() { FindingKind::Malformed } else { FindingKind::Notice };
        Finding { kind, variable: variable.cloned(), text }
    }
}

/// What is suspicious about a variable that is set.
fn suspicion(name: &str, settings: &[Setting]) -> Option<Finding> {
    let depends = |setting: &&Setting| setting.variables.iter().any(|form| form.name == name);
    let readers: Vec<_> = settings.iter().filter(depends).collect();
    let finding = |kind, text| Some(Finding { kind, variable: Some(name.to_owned()), text });
    if readers.is_empty() {
        let is_ours = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        return is_ours.then(|| {
            finding(FindingKind::Unknown, format!("{name} is set, and a2a-otel does not read it"))
        })?;
    }
    if readers.iter().any(|setting| setting.sources.contains(&name)) {
        return None;
    }
    finding(FindingKind::NoEffect, format!("{name} has no effect: {}", why_not(&readers)))
}

/// Why a variable has no effect on the settings that depend on it.
fn why_not(readers: &[&Setting]) -> String {
    if let Some(stronger) = readers.iter().find_map(|setting| setting.sources.first()) {
        return format!("{stronger} takes precedence");
    }
    let condition = |setting: &&Setting| setting.counts_if.filter(|_| setting.value.is_none());
    match readers.iter().find_map(condition) {
        Some(condition) => format!("it counts only if {condition}"),
        None => "nothing that is configured depends on it".to_owned(),
    }
}
