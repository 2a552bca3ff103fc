//! Evaluates the innermost span, its trace and its session.

use super::current::Current;
use crate::annotation::{self, Annotation, OptionalScore, OptionalText};
use crate::context::AgentRun;
use crate::pipeline::annotations::Subject;
use crate::semconv::gen_ai::EVALUATION_RESULT;
use crate::{gen_ai, meter};

impl Current {
    /// Evaluates the span, by name, with a score, a label, an explanation or several of these; pass `None` for the
    /// others. Phoenix shows the evaluation as an annotation of the span. See [`evaluation`](crate::evaluation);
    /// [`annotate`](Self::annotate) takes the same as a builder.
    ///
    /// ```
    /// # fn generate(_: &str) -> String { String::new() }
    /// #[a2a_otel::chain_span]
    /// fn answer(question: &str) -> String {
    ///     let answer = generate(question);
    ///     let span = a2a_otel::current();
    ///     span.score("correctness", 0.9, "correct", "It names all lamps that the catalogue has.");
    ///     span.score("tone", None, "friendly", None);
    ///     answer
    /// }
    /// # answer("Which lamps do you have?");
    /// ```
    pub fn score(
        &self,
        name: impl Into<String>,
        score: impl OptionalScore,
        label: impl OptionalText,
        explanation: impl OptionalText,
    ) {
        if self.sampled().is_some() || self.measures() {
            self.annotate(Annotation::new(name).score(score).label(label).explanation(explanation));
        }
    }

    /// Evaluates the span with a prepared [`Annotation`]. With OpenTelemetry's GenAI conventions on, the span also gets
    /// the event `gen_ai.evaluation.result`.
    ///
    /// ```
    /// use a2a_otel::evaluation::{Annotation, AnnotatorKind};
    ///
    /// let verdict = Annotation::new("tone").label("friendly").annotator_kind(AnnotatorKind::Llm);
    /// a2a_otel::current().annotate(verdict);
    /// ```
    pub fn annotate(&self, annotation: Annotation) {
        let span_id = self.span_id();
        if span_id.is_none() && !self.measures() {
            return;
        }
        let Some(annotation) = annotation.checked() else { return };
        if self.measures() {
            annotation::measure(&annotation, AgentRun::at(&self.0).map(AgentRun::name));
        }
        let Some(span_id) = span_id else { return };
        if gen_ai::is_on() && self.is_recording() {
            self.event(EVALUATION_RESULT, annotation.event());
        }
        annotation::send(Subject::Span, span_id.to_string(), annotation);
    }

    /// Evaluates the trace that the span belongs to.
    ///
    /// ```
    /// use a2a_otel::evaluation::Annotation;
    ///
    /// a2a_otel::current().annotate_trace(Annotation::new("resolved").score(1.0));
    /// ```
    pub fn annotate_trace(&self, annotation: Annotation) {
        if let Some(trace_id) = self.trace_id() {
            annotation::annotate_trace(trace_id, annotation);
        }
    }

    /// Evaluates the session that the span belongs to, if there is one.
    ///
    /// ```
    /// use a2a_otel::evaluation::Annotation;
    ///
    /// a2a_otel::with_session("s-1").run(|| {
    ///     a2a_otel::current().annotate_session(Annotation::new("satisfied").label("yes"));
    /// });
    /// ```
    pub fn annotate_session(&self, annotation: Annotation) {
        if let Some(session_id) = self.session_id() {
            annotation::annotate_session(session_id, annotation);
        }
    }

    /// Whether figures are recorded of an evaluation.
    fn measures(&self) -> bool {
        meter::listens() && !self.0.is_telemetry_suppressed()
    }
}
