//! Evaluators that need no model.
//!
//! ```
//! use a2a_otel::evaluation::{Experiment, evaluators};
//!
//! let experiment = Experiment::new("checkout")
//!     .evaluator(evaluators::contains_expected())
//!     .evaluator(evaluators::tool_calls(["search", "order"]))
//!     .evaluator(evaluators::steps_at_most(6));
//! # drop(experiment);
//! ```

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::ExperimentError;
use super::evaluator::{Evaluator, IntoEvaluator as _};
use super::run::{Run, text};
use super::verdict::{IntoVerdict, Verdict};

fn evaluator<V: IntoVerdict>(name: &str, evaluate: impl Fn(&Run) -> V + Send + Sync + 'static) -> Evaluator {
    Evaluator::new(name, evaluate.into_evaluator())
}

/// Passes if it holds, and else says why not.
fn pass_or(passes: bool, reason: impl FnOnce() -> String) -> Verdict {
    let verdict = Verdict::pass(passes);
    if passes { verdict } else { verdict.with_explanation(reason()) }
}

/// `exact`: the answer equals what is expected, as JSON: the order of keys does not matter, and 20 is 20.0.
#[must_use]
pub fn exact() -> Evaluator {
    evaluator("exact", |run| {
        pass_or(are_same(run.output(), run.expected()), || format!("expected {}", run.expected()))
    })
}

fn are_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other =
                |(key, value): (&String, _)| other.get(key).is_some_and(|other| are_same(value, other));
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        _ => one == other,
    }
}

/// `contains`: the answer contains this text.
#[must_use]
pub fn contains(part: impl Into<String>) -> Evaluator {
    let part = part.into();
    evaluator("contains", move |run| contains_all(run, std::slice::from_ref(&part)))
}

/// `contains_expected`: the answer contains what is expected: a text, or each text of a list. An example that expects nothing is
/// an error.
#[must_use]
pub fn contains_expected() -> Evaluator {
    evaluator("contains_expected", |run| {
        let parts: Vec<String> = match run.expected() {
            Value::Null => return Err("the example expects nothing; add what the answer has to contain"),
            Value::Array(parts) => parts.iter().map(text).collect(),
            Value::Object(parts) => parts.values().map(text).collect(),
            part => vec![text(part)],
        };
        Ok(contains_all(run, &parts))
    })
}

fn contains_all(run: &Run, parts: &[String]) -> Verdict {
    let answer = run.output_text();
    all_of(parts, |part| answer.contains(part.as_str()), "missing")
}

/// Passes if it holds for all parts. Otherwise, the score is the share of those for which it does, and the others are named.
#[expect(clippy::cast_precision_loss, reason = "nobody expects 2^52 parts")]
fn all_of(parts: &[String], is_there: impl Fn(&String) -> bool, fault: &str) -> Verdict {
    let missing: Vec<_> = parts.iter().filter(|part| !is_there(part)).collect();
    if missing.is_empty() {
        return Verdict::pass(true);
    }
    let share = 1.0 - missing.len() as f64 / parts.len() as f64;
    Verdict::score(share).with_label("false").with_explanation(format!("{fault}: {missing:?}"))
}

/// `regex`: the answer matches this pattern.
///
/// # Errors
///
/// If the pattern is not a regular expression of the crate `regex`.
pub fn regex(pattern: &str) -> Result<Evaluator, ExperimentError> {
    let regex = Regex::new(pattern).map_err(|error| ExperimentError::Pattern(error.to_string()))?;
    Ok(evaluator("regex", move |run| {
        pass_or(regex.is_match(&run.output_text()), || format!("does not match {regex}"))
    }))
}

/// `json_schema`, with the feature `json-schema`: the answer is valid by this JSON schema. An answer that is a text is read as JSON.
///
/// # Errors
///
/// If the schema is not valid itself.
#[cfg(feature = "json-schema")]
pub fn json_schema(schema: &Value) -> Result<Evaluator, ExperimentError> {
    let validator = jsonschema::validator_for(schema);
    let validator = validator.map_err(|error| ExperimentError::Schema(error.to_string()))?;
    Ok(evaluator("json_schema", move |run| {
        let read = run.output().as_str().map(serde_json::from_str::<Value>);
        let answer = match &read {
            None => run.output(),
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return pass_or(false, || format!("the answer is not JSON: {error}")),
        };
        let faults: Vec<_> = validator.iter_errors(answer).take(5).map(|fault| fault.to_string()).collect();
        pass_or(faults.is_empty(), || faults.join("; "))
    }))
}

/// `numeric_distance`: the score is 1 if the answer is the expected number, 0 if it is off by `tolerance` or more, and in
/// proportion between. Of a text, the last number counts; commas between its digits are left out. An example that expects
/// no number is an error.
#[must_use]
pub fn numeric_distance(tolerance: f64) -> Evaluator {
    evaluator("numeric_distance", move |run| {
        let expected = last_number(run.expected()).ok_or("the example expects no number; add one")?;
        let Some(answer) = last_number(run.output()) else {
            return Ok(Verdict::score(0.0)
                .with_label("no number")
                .with_explanation("the answer has no number"));
        };
        let distance = (answer - expected).abs();
        // Written so that a tolerance of 0 asks for the number itself.
        let score = if distance == 0.0 { 1.0 } else { (1.0 - distance / tolerance).max(0.0) };
        Ok::<_, &str>(Verdict::score(score).with_explanation(format!("{answer} instead of {expected}")))
    })
}

fn last_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Object(fields) if fields.len() == 1 => fields.values().next().and_then(last_number),
        other => last_number_in(&text(other)),
    }
}

fn last_number_in(text: &str) -> Option<f64> {
    static NUMBER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[^\w.])(-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?)").ok());
    let found = NUMBER.as_ref()?.captures_iter(text).last()?;
    found[1].replace(',', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// What a run's trace shows can only be judged if it was recorded.
fn of_recorded(run: &Run, judge: impl FnOnce(&Run) -> Verdict) -> Result<Verdict, &'static str> {
    let fault = "the run was not recorded: its trace was not sampled, or telemetry is switched off";
    run.trace_id().map(|_| judge(run)).ok_or(fault)
}

/// `tool_calls`: these tools were called, in this order, and no others.
#[must_use]
pub fn tool_calls(names: impl IntoIterator<Item = impl Into<String>>) -> Evaluator {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let judge = move |run: &Run| {
        pass_or(run.tool_calls() == names, || format!("called {:?} instead of {names:?}", run.tool_calls()))
    };
    evaluator("tool_calls", move |run| of_recorded(run, &judge))
}

/// `calls_tools`: each of these tools was called, in any order, and perhaps others. The score is the share.
#[must_use]
pub fn calls_tools(names: impl IntoIterator<Item = impl Into<String>>) -> Evaluator {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let judge = move |run: &Run| all_of(&names, |name| run.tool_calls().contains(name), "not called");
    evaluator("calls_tools", move |run| of_recorded(run, &judge))
}

/// `steps`: the answer took at most this many calls of models and tools.
#[must_use]
pub fn steps_at_most(most: u64) -> Evaluator {
    let judge = move |run: &Run| pass_or(run.steps() <= most, || format!("{} steps", run.steps()));
    evaluator("steps", move |run| of_recorded(run, judge))
}

/// `latency`: the answer took at most this long.
#[must_use]
pub fn latency_at_most(most: Duration) -> Evaluator {
    evaluator("latency", move |run| pass_or(run.latency() <= most, || format!("{:?}", run.latency())))
}

/// `cost`: the models cost at most this much, in US dollars. A run whose cost is not known does not pass.
#[must_use]
pub fn cost_at_most(dollars: f64) -> Evaluator {
    evaluator("cost", move |run| match run.cost() {
        Some(cost) => pass_or(cost <= dollars, || format!("{cost} US dollars")),
        None => pass_or(false, || {
            "the cost is not known; enable the feature `cost`, and see docs/metrics.md for prices of your own"
                .to_owned()
        }),
    })
}
