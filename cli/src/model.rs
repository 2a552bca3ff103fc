//! The metrics of a program: its own, and those that `a2a-otel` records by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use a2a_otel::metrics::InstrumentKind;
use a2a_otel::semconv::metrics::{self as table, BuiltIn};
use a2a_otel::semconv::prometheus::label_name;

use crate::message::{Failure, Warning};
use crate::names;
use crate::sources::{Found, Place, Ratio};

/// A `#[business_metric]`, as it stands in a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// The name in OpenTelemetry.
    pub name: String,
    /// The instrument.
    pub kind: InstrumentKind,
    /// The unit in UCUM's notation.
    pub unit: String,
    /// What it means, if the source says so.
    pub description: Option<String>,
    /// The bounds of its buckets, if they are given as numbers.
    pub bounds: Option<Vec<f64>>,
    /// Whether bounds are given in any form.
    pub has_own_bounds: bool,
    /// Which calls count.
    pub counted: Counted,
    /// Whether the outcome of a call is a label.
    pub has_outcome: bool,
    /// Whether it measures a value, and not the call itself.
    pub has_value: bool,
    /// The keys of its attributes, each with its value if that is a literal.
    pub labels: Vec<(String, Option<String>)>,
    /// The function that is measured.
    pub function: String,
    /// Where it is declared.
    pub place: Place,
}

/// Which calls a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Those that succeed.
    Successes,
    /// Those that fail.
    Failures,
    /// All.
    All,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Successes => "successful calls",
            Self::Failures => "failed calls",
            Self::All => "calls",
        })
    }
}

/// A name that a span attribute has as a literal, or that follows from the name of the function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// What has the name.
    pub kind: NameKind,
    /// The name.
    pub text: String,
    /// Where it is given.
    pub place: Place,
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// An agent, here or called.
    Agent,
    /// A tool.
    Tool,
    /// A model.
    Model,
    /// An evaluation or guardrail.
    Evaluation,
}

/// A metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The name in OpenTelemetry.
    pub name: String,
    /// The name in Prometheus.
    pub prometheus: String,
    /// The instrument.
    pub kind: InstrumentKind,
    /// The unit in UCUM's notation.
    pub unit: String,
    /// What it means.
    pub description: String,
    /// Whether a source says what it means.
    is_described: bool,
    /// Its labels, in the order of their declaration.
    pub labels: Vec<Label>,
    /// The bounds of its buckets, if they are known.
    pub bounds: Option<Vec<f64>>,
    /// Who records it.
    pub origin: Origin,
}

/// A label of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The key in OpenTelemetry.
    pub key: String,
    /// The values, if all of them are literals.
    pub values: Option<BTreeSet<String>>,
}

impl Label {
    /// The name in Prometheus.
    #[must_use]
    pub fn prometheus(&self) -> String {
        label_name(&self.key)
    }
}

/// Who records a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// `a2a-otel`, by itself.
    BuiltIn(&'static BuiltIn),
    /// A `#[business_metric]`, at these places.
    Business(Vec<Place>),
}

/// All metrics, and what else the generated files are made of.
#[derive(Clone, Debug)]
pub struct Model {
    metrics: Vec<Metric>,
    /// The ratios that packages declare, whose metrics are known.
    pub ratios: Vec<Ratio>,
    /// The names in span attributes, sorted, each once.
    pub names: BTreeMap<NameKind, BTreeSet<String>>,
}

/// The values of the label `outcome`.
const OUTCOMES: [&str; 4] = ["ok", "error", "panic", "cancelled"];

impl Model {
    /// Joins what was found in the sources with the table of built-in metrics.
    ///
    /// ```
    /// use a2a_otel_cli::model::Model;
    /// use a2a_otel_cli::sources::Found;
    ///
    /// let model = Model::new(Found::default(), &mut Vec::new()).unwrap();
    /// assert_eq!(model.find("a2a.client.retries").unwrap().prometheus, "a2a_client_retries_total");
    /// assert_eq!(model.business().count(), 0);
    /// ```
    ///
    /// # Errors
    ///
    /// If two metrics contradict each other.
    pub fn new(found: Found, warnings: &mut Vec<Warning>) -> Result<Self, Failure> {
        let mut metrics: Vec<Metric> = table::all().map(Metric::built_in).collect();
        let mut conflicts = Vec::new();
        for declared in &found.metrics {
            // The first declaration says what the metric is, as the first call does while the program runs.
            let same = metrics.iter_mut().find(|known| {
                known.name.eq_ignore_ascii_case(&declared.name) || known.prometheus == declared.prometheus()
            });
            match same {
                None => metrics.push(Metric::business(declared)),
                Some(known) => match known.conflict(declared) {
                    Some(conflict) => conflicts.push(conflict),
                    None => known.join(declared, warnings),
                },
            }
        }
        if !conflicts.is_empty() {
            return Err(Failure::Conflicts(conflicts));
        }
        let mut names = BTreeMap::<_, BTreeSet<_>>::new();
        for name in found.names {
            names.entry(name.kind).or_default().insert(name.text);
        }
        let mut model = Self { metrics, ratios: Vec::new(), names };
        for ratio in found.ratios {
            let unknown = [&ratio.of, &ratio.per].into_iter().find(|name| model.find(name).is_none());
            match unknown.cloned() {
                Some(unknown) => warnings.extend(ratio.place.clone().map(|place| Warning {
                    place,
                    text: format!(
                        "the ratio \"{}\" is left out, because no metric has the name `{unknown}`",
                        ratio.title
                    ),
                })),
                None => model.ratios.push(ratio),
            }
        }
        Ok(model)
    }

    /// All metrics: the built-in ones first, then the program's own.
    #[must_use]
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The metric with this name in OpenTelemetry.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The program's own metrics.
    pub fn business(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|metric| matches!(metric.origin, Origin::Business(_)))
    }

    /// The metrics that `a2a-otel` records by itself.
    pub fn built_in(&self) -> impl Iterator<Item = (&Metric, &'static BuiltIn)> {
        self.metrics.iter().filter_map(|metric| match metric.origin {
            Origin::BuiltIn(row) => Some((metric, row)),
            Origin::Business(_) => None,
        })
    }
}

impl Declared {
    fn prometheus(&self) -> String {
        names::metric(&self.name, &self.unit, self.kind)
    }

    fn labels(&self) -> impl Iterator<Item = Label> {
        let own = self.labels.iter().map(|(key, value)| Label {
            key: key.clone(),
            values: value.clone().map(|value| BTreeSet::from([value])),
        });
        let outcome = self
            .has_outcome
            .then(|| Label { key: "outcome".to_owned(), values: Some(OUTCOMES.map(str::to_owned).into()) });
        outcome.into_iter().chain(own)
    }

    /// What it means, if the source does not say so.
    fn explained(&self) -> String {
        let Self { counted, function, place, .. } = self;
        let what = match (self.kind, self.has_value) {
            (InstrumentKind::Counter, false) => "Number of ",
            (InstrumentKind::Histogram, false) => "Duration of ",
            _ => "Measured by ",
        };
        format!("{what}{counted} of `{function}` ({})", place.file)
    }
}

impl Metric {
    fn built_in(row: &'static BuiltIn) -> Self {
        Self {
            name: row.name.to_owned(),
            prometheus: names::metric(row.name, row.unit, row.kind),
            kind: row.kind,
            unit: row.unit.to_owned(),
            description: row.description.to_owned(),
            is_described: true,
            labels: row.labels.iter().map(|key| Label { key: (*key).to_owned(), values: None }).collect(),
            bounds: row.bounds.map(<[f64]>::to_vec),
            origin: Origin::BuiltIn(row),
        }
    }

    fn business(declared: &Declared) -> Self {
        Self {
            name: declared.name.clone(),
            prometheus: declared.prometheus(),
            kind: declared.kind,
            unit: declared.unit.clone(),
            description: declared.description.clone().unwrap_or_else(|| declared.explained()),
            is_described: declared.description.is_some(),
            labels: declared.labels().collect(),
            bounds: declared.bounds.clone(),
            origin: Origin::Business(vec![declared.place.clone()]),
        }
    }

    /// Why a further declaration cannot be the same metric.
    fn conflict(&self, declared: &Declared) -> Option<String> {
        let place = &declared.place;
        let first = match &self.origin {
            Origin::BuiltIn(_) => {
                return Some(format!(
                    "{place}: \"{}\" is in Prometheus the metric `{}`, which a2a-otel records by itself; rename it",
                    declared.name, self.prometheus
                ));
            }
            Origin::Business(places) => places.first()?,
        };
        let (what, here, there) = if self.kind != declared.kind {
            ("instrument", declared.kind.to_string(), self.kind.to_string())
        } else if self.unit != declared.unit {
            ("unit", format!("\"{}\"", declared.unit), format!("\"{}\"", self.unit))
        } else if !self.name.eq_ignore_ascii_case(&declared.name) {
            let (name, prometheus) = (&declared.name, &self.prometheus);
            return Some(format!(
                "{place}: \"{name}\" and \"{}\" ({first}) are one name in Prometheus, `{prometheus}`; rename one",
                self.name
            ));
        } else {
            return None;
        };
        Some(format!(
            "{place}: the {what} of \"{}\" is {here} here and {there} at {first}; use one, or rename one of the metrics",
            declared.name
        ))
    }

    /// Adds the labels and the place of a further declaration.
    fn join(&mut self, declared: &Declared, warnings: &mut Vec<Warning>) {
        for label in declared.labels() {
            match self.labels.iter_mut().find(|known| known.key == label.key) {
                None => self.labels.push(label),
                Some(known) => match (&mut known.values, label.values) {
                    (Some(values), Some(more)) => values.extend(more),
                    (values, _) => *values = None,
                },
            }
        }
        if let Origin::Business(places) = &mut self.origin {
            if let (true, Some(first)) =
                (declared.has_own_bounds && declared.bounds != self.bounds, places.first())
            {
                let text = format!(
                    "the buckets of \"{}\" differ from those at {first}; whichever is measured first defines them",
                    self.name
                );
                warnings.push(Warning { place: declared.place.clone(), text });
            }
            places.push(declared.place.clone());
        }
        if let (Some(description), false) = (&declared.description, self.is_described) {
            self.description.clone_from(description);
            self.is_described = true;
        }
    }
}
