//! Unit tests of the alerts, for promtool: each fires and recovers, ends when what is measured is gone, and says nothing
//! without traffic.

use std::collections::BTreeMap;

use super::alert::{Case, Course, Severity};
use super::schema::{Check, Expected, Series, Test, TestFile};
use super::{Alert, alerts};
use crate::message::Failure;
use crate::model::Model;
use crate::promql::fill;
use crate::write::{Choices, File, yaml};

const PATH: &str = "prometheus/rules.test.yaml";

/// In minutes: how long something is wrong, until when it is watched afterwards, and when something that is gone is
/// forgotten.
const WRONG: u32 = 120;
const RECOVERED: u32 = 180;
const FORGOTTEN: u32 = 160;

pub(super) fn file(model: &Model, choices: &Choices) -> Result<File, Failure> {
    let ours: Vec<_> =
        alerts().filter(|alert| fill(alert.expr, model, choices.objective).is_some()).collect();
    let mut tests: Vec<_> = ours.iter().flat_map(|alert| alert.tests(model, choices)).collect();
    tests.push(quiet(&ours, model, choices));
    let tests = TestFile {
        rule_files: vec!["rules.yaml".to_owned()],
        // Every minute would take promtool minutes, and show no more.
        evaluation_interval: "5m",
        tests,
    };
    yaml::file(PATH, "Unit tests of the rules: promtool test rules rules.test.yaml", &tests)
}

/// One test for all alerts: none fires while there is no traffic, and nothing is wrong.
fn quiet(alerts: &[&Alert], model: &Model, choices: &Choices) -> Test {
    let mut series = BTreeMap::new();
    for alert in alerts {
        for Series { series: name, values } in alert.case.input(model, choices, &Course::quiet) {
            series.entry(name).or_insert(values);
        }
    }
    Test {
        name: "No alert fires without traffic".to_owned(),
        interval: "1m",
        input_series: series.into_iter().map(|(series, values)| Series { series, values }).collect(),
        checks: alerts
            .iter()
            .filter(|alert| alert.severity != Severity::None)
            .map(|alert| alert.check(WRONG, Vec::new()))
            .collect(),
    }
}

impl Alert {
    fn tests(&self, model: &Model, choices: &Choices) -> Vec<Test> {
        let Self { name, case, .. } = self;
        let fires = vec![self.expected(choices)];
        let always = self.severity == Severity::None;
        let unless_always = |expected: Vec<Expected>| if always { fires.clone() } else { expected };
        let check = |minute: u32, expected| self.check(minute, expected);
        let test = |what: &str, checks: Vec<Check>, values: &dyn Fn(Course) -> String| Test {
            name: format!("{name}: {what}"),
            interval: "1m",
            input_series: case.input(model, choices, values),
            checks,
        };
        vec![
            test(
                "fires and recovers",
                vec![check(WRONG, fires.clone()), check(RECOVERED, unless_always(Vec::new()))],
                &|course| format!("{} {}", course.wrong(), course.later()),
            ),
            test(
                "ends when what is measured is gone",
                vec![check(FORGOTTEN, unless_always(Vec::new()))],
                &|course| format!("{} stale", course.wrong()),
            ),
        ]
    }

    fn check(&self, minute: u32, exp_alerts: Vec<Expected>) -> Check {
        Check { eval_time: format!("{minute}m"), alertname: self.name.to_owned(), exp_alerts }
    }

    fn expected(&self, choices: &Choices) -> Expected {
        let mut labels = self.labels(|label| self.case.label(label).to_owned());
        labels
            .extend(self.case.labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())));
        let annotations = self.annotations(choices, self.said(), |label| self.case.label(label).to_owned());
        Expected { exp_labels: labels, exp_annotations: BTreeMap::from_iter(annotations) }
    }
}

impl Case {
    fn input(&self, model: &Model, choices: &Choices, values: &dyn Fn(Course) -> String) -> Vec<Series> {
        let series = self.series.iter().filter_map(|(series, course)| {
            Some(Series { series: fill(series, model, choices.objective)?, values: values(*course) })
        });
        series.collect()
    }
}

impl Course {
    /// `WRONG` minutes, and the one at their end.
    fn wrong(self) -> String {
        match self {
            Self::Rate(each, _) => format!("0+{each}x{WRONG}"),
            Self::Level(level, _) => format!("{level}x{WRONG}"),
            Self::Text(wrong, ..) => wrong.to_owned(),
        }
    }

    fn later(self) -> String {
        let minutes = RECOVERED - WRONG;
        match self {
            Self::Rate(each, later) => format!("{}+{later}x{minutes}", each * WRONG + later),
            Self::Level(_, level) => format!("{level}x{minutes}"),
            Self::Text(_, later, _) => later.to_owned(),
        }
    }

    fn quiet(self) -> String {
        match self {
            Self::Rate(..) => format!("0x{WRONG}"),
            Self::Level(_, level) => format!("{level}x{WRONG}"),
            Self::Text(.., quiet) => quiet.to_owned(),
        }
    }
}
