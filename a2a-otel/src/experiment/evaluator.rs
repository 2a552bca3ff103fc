//! What can evaluate a run: functions, prepared evaluators, and models as judges.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;

use opentelemetry::Context;
use tokio::task::spawn_blocking;

use super::run::Run;
use super::verdict::{IntoVerdict, Verdict};
use crate::annotation::AnnotatorKind;

/// A verdict that is on its way, or why there is none.
pub type Evaluating = Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send>>;

/// Evaluates runs. Functions are evaluators as they are: see [`IntoEvaluator`].
///
/// ```
/// use a2a_otel::evaluation::{Evaluator, evaluators};
///
/// let is_short = Evaluator::new("is_short", |run: &a2a_otel::evaluation::Run| run.output_text().len() < 200);
/// let is_exact = evaluators::exact();
/// assert_eq!((is_short.name(), is_exact.name()), ("is_short", "exact"));
/// ```
#[derive(Clone)]
pub struct Evaluator {
    name: Arc<str>,
    kind: AnnotatorKind,
    evaluate: Arc<dyn Fn(Run) -> Evaluating + Send + Sync>,
}

impl Evaluator {
    /// Gives an evaluator a name, by which results are compared: anything that [`IntoEvaluator`] takes.
    pub fn new<Kind>(name: impl Into<String>, evaluate: impl IntoEvaluator<Kind>) -> Self {
        Self { name: name.into().into(), ..evaluate.into_evaluator() }
    }

    pub(super) fn from_future(
        name: &str,
        evaluate: impl Fn(Run) -> Evaluating + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), kind: AnnotatorKind::Code, evaluate: Arc::new(evaluate) }
    }

    /// Sets who evaluates; the default is a program, and for a [`Judge`](super::Judge) a model.
    #[must_use]
    pub fn annotator_kind(self, kind: AnnotatorKind) -> Self {
        Self { kind, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn kind(&self) -> AnnotatorKind {
        self.kind
    }

    pub(super) fn evaluate(&self, run: Run) -> Evaluating {
        (self.evaluate)(run)
    }
}

/// What evaluates runs: an [`Evaluator`], a function `fn(&Run) -> V`, or an async function `async fn(Run) -> V`, where `V` is
/// what becomes a [`Verdict`]. A function of `#[evaluator_span]` is one too. Its name is that of the function; give a closure
/// a name with [`Evaluator::new`].
///
/// ```
/// use a2a_otel::evaluation::{Evaluator, Run};
/// use a2a_otel::evaluator_span;
///
/// #[evaluator_span(evaluation = "brevity", score = output, input = run.output())]
/// fn brevity(run: &Run) -> f64 {
///     if run.output_text().len() < 100 { 1.0 } else { 0.0 }
/// }
///
/// async fn tone(run: Run) -> Result<&'static str, std::io::Error> {
///     Ok(if run.output_text().contains('!') { "loud" } else { "calm" })
/// }
///
/// # fn takes<Kind>(_: impl a2a_otel::evaluation::IntoEvaluator<Kind>) {}
/// takes(brevity);
/// takes(tone);
/// takes(Evaluator::new("polite", |run: &Run| run.output_text().contains("please")));
/// ```
pub trait IntoEvaluator<Kind> {
    /// Returns the evaluator.
    fn into_evaluator(self) -> Evaluator;
}

/// A function that is called with a reference.
#[derive(Debug)]
pub struct Plain<V>(V);

/// A function that returns a future.
#[derive(Debug)]
pub struct Async<F>(F);

impl IntoEvaluator<()> for Evaluator {
    fn into_evaluator(self) -> Evaluator {
        self
    }
}

impl<F, V> IntoEvaluator<Plain<V>> for F
where
    F: Fn(&Run) -> V + Send + Sync + 'static,
    V: IntoVerdict,
{
    fn into_evaluator(self) -> Evaluator {
        let evaluate = Arc::new(self);
        Evaluator::from_future(name_of::<F>(), move |run| {
            let (evaluate, context) = (evaluate.clone(), Context::current());
            // It may block, and a time-out could not end it then.
            let evaluating = spawn_blocking(move || {
                let _entered = context.attach();
                evaluate(&run).into_verdict()
            });
            Box::pin(
                async move { evaluating.await.unwrap_or_else(|error| resume_unwind(error.into_panic())) },
            )
        })
    }
}

impl<F, Fut> IntoEvaluator<Async<Fut>> for F
where
    F: Fn(Run) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoVerdict> + Send + 'static,
{
    fn into_evaluator(self) -> Evaluator {
        Evaluator::from_future(name_of::<F>(), move |run| {
            let evaluating = self(run);
            Box::pin(async move { evaluating.await.into_verdict() })
        })
    }
}

/// The last part of a function's path. A closure has the name of the function around it.
fn name_of<F>() -> &'static str {
    let parts = std::any::type_name::<F>().rsplit("::");
    parts.into_iter().find(|part| !part.starts_with('{')).unwrap_or("evaluator")
}
