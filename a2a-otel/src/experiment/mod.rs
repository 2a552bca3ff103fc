//! Experiments: a task answers the examples of a dataset, evaluators judge the answers, and a report compares them.
//!
//! ```text
//! runner → task → journal → publish → Phoenix
//!                    │
//!                  report → threshold, JUnit, JSON
//! ```
//!
//! The journal is what counts: Phoenix gets a copy of it, and the report is made of it.

#[cfg(not(feature = "otlp"))]
mod absent;
mod ci;
mod error;
mod evaluator;
pub mod evaluators;
mod gate;
mod journal;
mod judge;
mod progress;
#[cfg(feature = "otlp")]
mod publish;
mod report;
mod results;
mod run;
mod runner;
mod statistics;
mod task;
mod threshold;
mod verdict;

#[cfg(not(feature = "otlp"))]
use self::absent as publish;
pub use self::error::ExperimentError;
pub use self::evaluator::{Evaluating, Evaluator, IntoEvaluator};
pub use self::gate::RateLimited;
pub use self::judge::Judge;
pub use self::report::{Failure, Report, no_worse_than};
pub use self::run::Run;
pub use self::runner::Experiment;
pub use self::statistics::Spread;
pub use self::threshold::{Threshold, at_least};
pub use self::verdict::{IntoVerdict, Verdict};
