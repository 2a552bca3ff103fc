//! What an experiment has to reach.

use std::fmt;

use super::results::Results;
use super::statistics::Spread;

/// Means are sums of fractions, so that a mean at a bound may be this far below it.
const ROUNDING: f64 = 1e-9;

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
    allowed_errors: usize,
}

#[derive(Clone, Debug)]
enum Bound {
    Minimum(f64),
    NoWorseThan(Box<Results>, f64),
}

/// Requires that the mean score of an evaluator is at least this.
#[must_use]
pub fn at_least(evaluator: impl Into<String>, score: f64) -> Threshold {
    Threshold::new(evaluator.into(), Bound::Minimum(score))
}

impl Threshold {
    fn new(evaluator: String, bound: Bound) -> Self {
        Self { evaluator, bound, allows_noise: false, allowed_errors: 0 }
    }

    pub(super) fn against(evaluator: String, baseline: Results, margin: f64) -> Self {
        Self::new(evaluator, Bound::NoWorseThan(Box::new(baseline), margin))
    }

    /// Fails only if the mean is too low with a probability of 95 %, by Student's t-test over the examples, so that chance
    /// alone seldom fails a build. With few examples, much is chance.
    #[must_use]
    pub fn allowing_noise(self) -> Self {
        Self { allows_noise: true, ..self }
    }

    /// Allows that this many examples have no score of the evaluator, because it failed. The default is none.
    #[must_use]
    pub fn allowing_errors(self, examples: usize) -> Self {
        Self { allowed_errors: examples, ..self }
    }

    /// Says how results miss it, if they do.
    pub(super) fn missed_by(&self, results: &Results) -> Option<String> {
        self.without_score(results).or_else(|| match &self.bound {
            Bound::Minimum(score) => {
                let spread = results.spread(&self.evaluator)?;
                let (mean, noise) = (spread.mean, spread.noise());
                let text = || format!("{self} is required, and {mean:.3} ± {noise:.3} is reached");
                (self.reached(&spread) < score - ROUNDING).then(text)
            }
            Bound::NoWorseThan(baseline, margin) => {
                let Some(change) = results.change(baseline, &self.evaluator) else {
                    return Some(format!("{self} is required, and no example has a score in both"));
                };
                let (mean, noise, count) = (change.mean, change.noise(), change.count);
                let text = || {
                    format!(
                        "{self} is required, and the change over {count} examples is {mean:+.3} ± {noise:.3}"
                    )
                };
                (self.reached(&change) < -margin - ROUNDING).then(text)
            }
        })
    }

    fn reached(&self, spread: &Spread) -> f64 {
        if self.allows_noise { spread.mean + spread.noise() } else { spread.mean }
    }

    /// What does not count would otherwise pass.
    fn without_score(&self, results: &Results) -> Option<String> {
        let (unscored, error) = results.unscored(&self.evaluator);
        let because = error.map(|error| format!(": {error}")).unwrap_or_default();
        let all = results.content.header.examples.len();
        (unscored > self.allowed_errors)
            .then(|| format!("{self} is required, and {unscored} of {all} examples have no score{because}"))
    }

    /// The score below which an example is one of the worst.
    pub(super) fn bound(&self) -> f64 {
        match self.bound {
            Bound::Minimum(score) => score,
            Bound::NoWorseThan(..) => f64::INFINITY,
        }
    }

    /// The results that it compares with.
    pub(super) fn baseline(&self) -> Option<&Results> {
        match &self.bound {
            Bound::Minimum(_) => None,
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
            Bound::Minimum(score) => write!(f, "{} of at least {score}", self.evaluator),
            Bound::NoWorseThan(baseline, margin) => {
                write!(f, "{} no worse than in {:?} by more than {margin}", self.evaluator, baseline.name())
            }
        }
    }
}
