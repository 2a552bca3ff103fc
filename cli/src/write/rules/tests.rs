//! Unit tests of the alerts, for promtool: each fires and recovers, and says nothing without traffic, or when what is
//! measured is gone.

use std::collections::BTreeMap;

use super::alert::{Case, Course, Severity};
use super::schema::{Check, Expected, Series, Test, Tests};
use super::{Alert, alerts};
use crate::message::Failure;
use crate::model::Model;
use crate::promql::fill;
use crate::write::{Choices, File, yaml};

const PATH: &str = "prometheus/rules.test.yaml";

/// In minutes: how long something is wrong, until when it is watched afterwards, and when something that is gone is
/// forgotten.
const WRONG: u32 = 120;
const RECOVERED: u32 = 240;
const FORGOTTEN: u32 = 200;

pub(super) fn file(model: &Model, choices: &Choices) -> Result<File, Failure> {
    let tests = alerts().filter(|alert| fill(alert.expr, model, choices.objective).is_some());
    let tests = Tests {
        rule_files: vec!["rules.yaml".to_owned()],
        evaluation_interval: "1m",
        tests: tests.flat_map(|alert| alert.tests(model, choices)).collect(),
    };
    yaml::file(PATH, "Unit tests of the rules: promtool test rules rules.test.yaml", &tests)
}

impl Alert {
    fn tests(&self, model: &Model, choices: &Choices) -> Vec<Test> {
        let Self { name, case, .. } = self;
        let fires = vec![self.expected(choices)];
        let always = self.severity == Severity::None;
        let unless_always = |expected: Vec<Expected>| if always { fires.clone() } else { expected };
        let check = |minute: u32, exp_alerts: Vec<Expected>| Check {
            eval_time: format!("{minute}m"),
            alertname: (*name).to_owned(),
            exp_alerts,
        };
        let test = |what: &str, checks: Vec<Check>, values: &dyn Fn(Course) -> String| Test {
            name: format!("{name}: {what}"),
            interval: "1m",
            input_series: case.input(model, choices, values),
            alert_rule_test: checks,
        };
        vec![
            test(
                "fires and recovers",
                vec![check(WRONG, fires.clone()), check(RECOVERED, unless_always(Vec::new()))],
                &|course| format!("{} {}", course.wrong(), course.later()),
            ),
            test("says nothing without traffic", vec![check(WRONG, unless_always(Vec::new()))], &Course::quiet),
            test("ends when what is measured is gone", vec![check(FORGOTTEN, unless_always(Vec::new()))], &|course| {
                format!("{} stale", course.wrong())
            }),
        ]
    }

    fn expected(&self, choices: &Choices) -> Expected {
        let mut labels = self.labels(|label| self.case.label(label).to_owned());
        labels.extend(self.case.labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())));
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
