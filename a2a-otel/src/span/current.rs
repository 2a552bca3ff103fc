//! The innermost span, for what an attribute macro cannot know.

use std::borrow::Cow;
use std::error::Error;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue, Value};

use super::failure::{ErrorDescription, exception};
use super::ongoing::Ongoing;
use crate::record::{Attributes, Record};
use crate::semconv::openinference::SESSION_ID;
use crate::semconv::opentelemetry::EXCEPTION;
use crate::{context, privacy};

/// The span that was innermost when [`current`] was called, whatever code started it.
#[derive(Clone, Debug)]
pub struct Current(pub(super) Context);

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

    pub(super) fn sampled(&self) -> Option<SpanContext> {
        Some(self.span_context()).filter(|span| span.is_valid() && span.is_sampled())
    }

    /// The span's identity. Phoenix finds the trace by its trace id.
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.0.span().span_context().clone()
    }
}
