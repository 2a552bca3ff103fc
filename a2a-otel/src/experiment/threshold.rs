//! What an experiment has to reach.

use std::fmt;

use super::results::Results;

/// A requirement on the mean score of an evaluator.
///
/// ```no_run
/// use a2a_otel::evaluation::{Experiment, Report, at_least, no_worse_than};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let last_week = Report::read("baseline.jsonl")?;
/// let experiment = Experiment::new("checkout")
///     .require(at_least("exact", 0.9))
///     .require(no_worse_than("helpful", &last_week, 0.05));
/// # drop(experiment);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Threshold {
    evaluator: String,
    bound: Bound,
    allows_noise: bool,
}

#[derive(Clone, Debug)]
enum Bound {
    AtLeast(f64),
    NoWorseThan(Box<Results>, f64),
}

/// Requires that the mean score of an evaluator is at least this.
#[must_use]
pub fn at_least(evaluator: impl Into<String>, score: f64) -> Threshold {
    Threshold { evaluator: evaluator.into(), bound: Bound::AtLeast(score), allows_noise: false }
}

/// A requirement that is not met.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Miss {
    pub(super) evaluator: String,
    pub(super) text: String,
}

impl Threshold {
    pub(super) fn against(evaluator: String, baseline: Results, margin: f64) -> Self {
        Self { evaluator, bound: Bound::NoWorseThan(Box::new(baseline), margin), allows_noise: false }
    }

    /// Fails only if the mean is too low with a probability of 95 %, by Student's t-test over the examples, so that chance
    /// alone seldom fails a build. With few examples, much is chance.
    #[must_use]
    pub fn allowing_noise(self) -> Self {
        Self { allows_noise: true, ..self }
    }

    /// Returns how results miss it.
    pub(super) fn missed_by(&self, results: &Results) -> Option<Miss> {
        let miss = |text: String| Some(Miss { evaluator: self.evaluator.clone(), text });
        match &self.bound {
            Bound::AtLeast(score) => {
                let Some(spread) = results.spread(&self.evaluator) else {
                    return miss(format!("{self} is required, and no run has a score"));
                };
                let reached = if self.allows_noise { spread.mean + spread.noise() } else { spread.mean };
                let noise = spread.noise();
                let text = || format!("{self} is required, and {:.3} ± {noise:.3} is reached", spread.mean);
                if reached < *score { miss(text()) } else { None }
            }
            Bound::NoWorseThan(baseline, margin) => {
                let Some(change) = results.change(baseline, &self.evaluator) else {
                    return miss(format!("{self} is required, and no example has a score in both"));
                };
                let reached = if self.allows_noise { change.mean + change.noise() } else { change.mean };
                let (mean, noise, count) = (change.mean, change.noise(), change.count);
                let text = || {
                    format!(
                        "{self} is required, and the change over {count} examples is {mean:+.3} ± {noise:.3}"
                    )
                };
                if reached < -*margin { miss(text()) } else { None }
            }
        }
    }

    /// The results that it compares with.
    pub(super) fn baseline(&self) -> Option<&Results> {
        match &self.bound {
            Bound::AtLeast(_) => None,
            Bound::NoWorseThan(baseline, _) => Some(baseline),
        }
    }

    pub(super) fn evaluator(&self) -> &str {
        &self.evaluator
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bound {
            Bound::AtLeast(score) => write!(f, "{} of at least {score}", self.evaluator),
            Bound::NoWorseThan(baseline, margin) => {
                write!(f, "{} no worse than in {:?} by more than {margin}", self.evaluator, baseline.name())
            }
        }
    }
}
