//! The innermost span, for what an attribute macro cannot know.

use std::borrow::Cow;
use std::error::Error;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue, Value};

use super::ending::exception;
use super::failure::ErrorDescription;
use super::ongoing::Ongoing;
use crate::context::AgentRun;
use crate::evaluation::{self, Annotation, OptionalScore, OptionalText};
use crate::pipeline::annotations::Subject;
use crate::record::{Attributes, Record};
use crate::semconv::gen_ai::EVALUATION_RESULT;
use crate::semconv::openinference::SESSION_ID;
use crate::semconv::opentelemetry::EXCEPTION;
use crate::{context, gen_ai, meter, privacy};

/// The span that was innermost when [`current`] was called, whatever code started it.
#[derive(Clone, Debug)]
pub struct Current(Context);

/// The innermost span, whether an attribute macro, the bridge to the `tracing` crate or OpenTelemetry itself started
/// it.
///
/// If there is no span, or it is not sampled, its methods do nothing.
///
/// ```
/// # fn search(_: &str) -> Vec<String> { vec![] }
/// #[a2a_otel::tool_span]
/// fn find(query: &str) -> Vec<String> {
///     let found = search(query);
///     a2a_otel::current().attribute("search.hits", found.len() as i64);
///     found
/// }
/// # find("lamp");
/// ```
#[must_use]
pub fn current() -> Current {
    Current(context::current())
}

impl Current {
    /// Whether the span is recorded. Check it before you compute an expensive value.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.0.span().is_recording()
    }

    /// Adds an attribute. Record each name once: OpenTelemetry's SDK does not replace the first value, but keeps both.
    pub fn attribute(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let mut attribute = KeyValue::new(key.into(), value.into());
        Ongoing::note(&self.0, std::slice::from_ref(&attribute));
        if privacy::admit("", &mut attribute) {
            self.0.span().set_attribute(attribute);
        }
    }

    /// Records messages, token counts, documents or anything else that OpenInference defines attributes for, or a type
    /// of yours that implements [`Record`]. See [`record`](crate::record).
    pub fn record<R: Record + ?Sized>(&self, record: &R) {
        if self.is_recording() || Ongoing::takes_notes(&self.0) {
            let mut attributes = Attributes::of(record);
            Ongoing::note(&self.0, &attributes);
            privacy::screen("", &mut attributes);
            self.0.span().set_attributes(attributes);
        }
    }

    /// Adds an event with the current time.
    pub fn event(&self, name: impl Into<Cow<'static, str>>, mut attributes: Vec<KeyValue>) {
        privacy::screen("", &mut attributes);
        self.0.span().add_event(name, attributes);
    }

    /// Records an error that the function handles, as an `exception` event with the error's sources. The span's status
    /// still follows from the function's result.
    pub fn error<E: Error>(&self, error: &E) {
        let failed = ErrorDescription::new(std::any::type_name::<E>(), error, false);
        self.event(EXCEPTION, exception(&failed));
    }

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
            evaluation::measure(&annotation, AgentRun::at(&self.0).map(AgentRun::name));
        }
        let Some(span_id) = span_id else { return };
        if gen_ai::is_on() && self.is_recording() {
            self.event(EVALUATION_RESULT, annotation.event());
        }
        evaluation::send(Subject::Span, span_id.to_string(), annotation);
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
            evaluation::annotate_trace(trace_id, annotation);
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
            evaluation::annotate_session(session_id, annotation);
        }
    }

    /// The span's id, with which the span can be found and evaluated later. `None` if there is no span or it is not
    /// sampled.
    ///
    /// ```
    /// let span_id: Option<String> = a2a_otel::current().span_id().map(|id| id.to_string());
    /// ```
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        self.sampled().map(|span| span.span_id())
    }

    /// The trace's id, with which the trace can be found and evaluated later. `None` if there is no span or it is not
    /// sampled.
    ///
    /// ```
    /// let trace_id: Option<String> = a2a_otel::current().trace_id().map(|id| id.to_string());
    /// ```
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.sampled().map(|span| span.trace_id())
    }

    /// The session's id, with which the session can be found and evaluated later: the value of `session = expr` or of
    /// [`with_session`](crate::with_session), in this process or in the calling one. `None` if there is no session, no
    /// span, or the span is not sampled.
    ///
    /// ```
    /// let session_id: Option<String> = a2a_otel::current().session_id();
    /// ```
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.sampled()?;
        let mut inherited = context::inherited(&self.0);
        inherited
            .find(|attribute| attribute.key.as_str() == SESSION_ID)
            .map(|session| session.value.as_str().into_owned())
    }

    /// Whether figures are recorded of an evaluation.
    fn measures(&self) -> bool {
        meter::listens() && !self.0.is_telemetry_suppressed()
    }

    fn sampled(&self) -> Option<SpanContext> {
        Some(self.span_context()).filter(|span| span.is_valid() && span.is_sampled())
    }

    /// The span's identity. Phoenix finds the trace by its trace id.
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.0.span().span_context().clone()
    }
}
