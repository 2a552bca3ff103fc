//! Scores, labels and explanations, which Phoenix shows with spans, traces and sessions.
//!
//! [`Current::score`](crate::Current::score) scores the current span; [`Current::annotate`](crate::Current::annotate)
//! takes an [`Annotation`], which can hold more. For what is known only later, such as the opinion of a user, keep the
//! id and call [`annotate_span`], [`annotate_trace`] or [`annotate_session`]. [`docs/evaluation.md`](crate::guide::evaluation) describes how
//! annotations get to Phoenix.
//!
//! ```
//! use a2a_otel::evaluation::{Annotation, AnnotatorKind, annotate_span};
//!
//! #[a2a_otel::agent_span]
//! fn answer(question: &str) -> (String, Option<String>) {
//!     let answer = format!("You asked: {question}");
//!     a2a_otel::current().score("brevity", 1.0 / answer.len() as f64, None, None);
//!     (answer, a2a_otel::current().span_id().map(|id| id.to_string()))
//! }
//!
//! let (_, span_id) = answer("Which lamps do you have?");
//! // ... a user reads the answer and likes it ...
//! if let Some(span_id) = span_id {
//!     annotate_span(span_id, Annotation::new("helpful").label("yes").annotator_kind(AnnotatorKind::Human));
//! }
//! ```

pub use crate::annotation::{
    Annotation, AnnotatorKind, OptionalScore, OptionalText, annotate_session, annotate_span, annotate_trace,
};
#[cfg(feature = "evaluation")]
pub use crate::dataset::{Columns, Dataset, DatasetError, Example};
#[cfg(feature = "evaluation")]
pub use crate::experiment::{
    Evaluating, Evaluator, Experiment, ExperimentError, Failure, IntoEvaluator, IntoVerdict, Judge,
    RateLimited, Report, Run, Spread, Threshold, Verdict, at_least, evaluators, no_worse_than,
};
