//! Asks all that a page shows, at the same time, until the page's time limit.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::dashboard::{Dashboard, Panel, Target, Variable};
use super::draw::{Asks, kind};
use super::prometheus::{Exemplar, Fault, Prometheus, Series};
use super::request::Request;
use super::substitute::{alternatives, built_in, substitute};
use super::time::{Clock, Window};

/// How many questions are asked at once. Prometheus answers 20, of all its users.
const AT_ONCE: usize = 6;

/// How many values charts have, by which Grafana computes intervals of queries at one time, too.
const STEPS: u32 = 180;

/// What the command line says.
pub(crate) struct Settings {
    pub(crate) prometheus: Prometheus,
    pub(crate) folder: PathBuf,
    pub(crate) phoenix: String,
    /// How far scraped values are apart, in seconds.
    pub(crate) scraped: f64,
    pub(crate) clock: Clock,
}

/// A variable whose values are chosen on the page.
pub(crate) struct Choice<'a> {
    pub(crate) variable: &'a Variable,
    /// All values, with whether they are selected.
    pub(crate) values: Vec<(String, bool)>,
    /// How many selected values are not among them.
    pub(crate) unknown: usize,
}

/// What a page needs of Prometheus.
pub(crate) struct Answers<'a> {
    pub(crate) choices: Vec<Choice<'a>>,
    /// In the order of the panels.
    pub(crate) panels: Vec<Answered<'a>>,
    /// Why nothing more was asked.
    pub(crate) fault: Option<Fault>,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

/// A panel with the answers to its queries.
pub(crate) struct Answered<'a> {
    pub(crate) panel: &'a Panel,
    pub(crate) window: Window,
    pub(crate) series: Vec<(&'a Target, Vec<Series>)>,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) faults: Vec<Fault>,
}

/// Asks all that a dashboard shows.
pub(crate) fn all<'a>(settings: &Settings, dashboard: &'a Dashboard, request: &Request) -> Answers<'a> {
    let deadline = settings.prometheus.deadline();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let (start, end) = request.span(now);
    let asking = Asking { settings, dashboard, request, start, end, deadline };
    let panels: Vec<_> = dashboard.sections().into_iter().flat_map(|section| section.panels).collect();
    let (choices, fault) = match asking.choices() {
        Ok(choices) => (choices, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let panels =
        if fault.is_some() { Vec::new() } else { at_once(&panels, |panel| asking.panel(panel, &choices)) };
    Answers { choices, panels, fault, start, end }
}

/// Does something with each of several things, some of them at a time, and keeps their order.
fn at_once<T: Sync, R: Send>(things: &[T], job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Vec<_> = things.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(things.len()) {
            scope.spawn(|| {
                while let Some((thing, place)) = take(&next, things, &done) {
                    let result = job(thing);
                    *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let results =
        done.into_iter().map(|it| it.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    results.flatten().collect()
}

fn take<'a, T, P>(next: &AtomicUsize, things: &'a [T], places: &'a [P]) -> Option<(&'a T, &'a P)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    things.get(index).zip(places.get(index))
}

struct Asking<'a, 'b> {
    settings: &'b Settings,
    dashboard: &'a Dashboard,
    request: &'b Request,
    start: f64,
    end: f64,
    deadline: Instant,
}

impl<'a> Asking<'a, '_> {
    fn window(&self, steps: u32) -> Window {
        Window::new(self.start, self.end, steps, self.settings.scraped)
    }

    /// For questions that do not ask for values over time.
    fn whole(&self) -> Window {
        Window { start: self.start, end: self.end, step: self.window(STEPS).step }
    }

    /// The values of the variables. If Prometheus itself is at fault, its panels need not be asked for.
    fn choices(&self) -> Result<Vec<Choice<'a>>, Fault> {
        let variables: Vec<_> = self.dashboard.templating.list.iter().filter(|it| is_chosen(it)).collect();
        let choices = at_once(&variables, |variable| match self.values(variable) {
            Err(fault) if fault.of_the_server() => Err(fault),
            // Without its values, all can be shown.
            Err(_) => Ok(self.choice(variable, Vec::new())),
            Ok(values) => Ok(self.choice(variable, values)),
        });
        choices.into_iter().collect()
    }

    fn values(&self, variable: &Variable) -> Result<Vec<String>, Fault> {
        if variable.kind == "custom" {
            return Ok(words(variable).split(',').map(|value| value.trim().to_owned()).collect());
        }
        let Some((series, label)) = label_values(words(variable)) else { return Ok(Vec::new()) };
        self.settings.prometheus.values_of(label, series, &self.whole(), self.deadline)
    }

    fn choice(&self, variable: &'a Variable, mut values: Vec<String>) -> Choice<'a> {
        values.retain(|value| !value.is_empty());
        values.sort();
        let selected = self.request.selected.get(&variable.name).map_or(&[][..], Vec::as_slice);
        let unknown = selected.iter().filter(|value| values.binary_search(value).is_err()).count();
        let values = values.into_iter().map(|value| {
            let chosen = selected.contains(&value);
            (value, chosen)
        });
        Choice { variable, values: values.collect(), unknown }
    }

    fn panel(&self, panel: &'a Panel, choices: &[Choice<'_>]) -> Answered<'a> {
        let asks = kind(panel).asks;
        let window = match asks {
            Asks::Over(steps) => self.window(steps),
            Asks::AtTheEnd => self.whole(),
        };
        let mut answered =
            Answered { panel, window, series: Vec::new(), exemplars: Vec::new(), faults: Vec::new() };
        for target in panel.targets.iter().filter(|target| !target.hide && !target.expr.is_empty()) {
            let query = substitute(&target.expr, |name| self.variable(name, choices, &window));
            let prometheus = &self.settings.prometheus;
            let series = match asks {
                Asks::Over(_) => prometheus.over(&query, &window, self.deadline),
                Asks::AtTheEnd => prometheus.at_the_end(&query, &window, self.deadline),
            };
            match series {
                Ok(series) => answered.series.push((target, series)),
                Err(fault) => answered.fault(fault),
            }
            if target.exemplar && answered.faults.is_empty() {
                match prometheus.exemplars(&query, &window, self.deadline) {
                    Ok(exemplars) => answered.exemplars.extend(exemplars),
                    Err(fault) => answered.fault(fault),
                }
            }
        }
        answered
    }

    fn variable(&self, name: &str, choices: &[Choice<'_>], window: &Window) -> Option<String> {
        let own = built_in(name, window, self.settings.scraped);
        own.or_else(|| {
            let choice = choices.iter().find(|choice| choice.variable.name == name)?;
            Some(match (self.request.selected.get(name), &choice.variable.all_value) {
                (Some(selected), _) => alternatives(&selected.iter().map(String::as_str).collect::<Vec<_>>()),
                (None, Some(all)) => all.clone(),
                (None, None) => {
                    alternatives(&choice.values.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>())
                }
            })
        })
    }
}

impl Answered<'_> {
    /// Several queries of a panel often fail for the same reason.
    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

fn is_chosen(variable: &Variable) -> bool {
    ["query", "custom"].contains(&variable.kind.as_str())
}

/// The text of a variable's query, which Grafana stores in one of two ways.
fn words(variable: &Variable) -> &str {
    let query = variable.query.get("query").unwrap_or(&variable.query);
    query.as_str().unwrap_or_default()
}

/// The series and the label in `label_values(series, label)` or `label_values(label)`.
fn label_values(query: &str) -> Option<(Option<&str>, &str)> {
    let inside = query.trim().strip_prefix("label_values(")?.strip_suffix(')')?;
    let (series, label) = match inside.rsplit_once(',') {
        Some((series, label)) => (Some(series.trim()), label.trim()),
        None => (None, inside.trim()),
    };
    let letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
    (!label.is_empty() && label.chars().all(letter)).then_some((series, label))
}
