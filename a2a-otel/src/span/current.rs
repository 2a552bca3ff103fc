//! The innermost span, for what an attribute cannot know.

use std::borrow::Cow;
use std::error::Error;

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, Value};

use super::ending::exception;
use super::failure::Failed;
use crate::privacy;
use crate::record::{Attributes, Record};
use crate::semconv::opentelemetry::EXCEPTION;

/// The innermost span at the time of [`current`], whoever made it.
#[derive(Clone, Debug)]
pub struct Current(Context);

/// The innermost span: made by an attribute, by the `tracing` crate through the bridge, or by OpenTelemetry itself.
///
/// Where there is none, or it is not sampled, everything that is recorded on it is ignored.
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
    Current(Context::current())
}

impl Current {
    /// Whether somebody will see what is added, for those who would have to compute it first.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.0.span().is_recording()
    }

    /// Adds an attribute. One name should be recorded once: OpenTelemetry's SDK keeps both values.
    pub fn attribute(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let mut attribute = KeyValue::new(key.into(), value.into());
        if privacy::admit("", &mut attribute) {
            self.0.span().set_attribute(attribute);
        }
    }

    /// Adds what OpenInference has attributes for: messages, tokens, documents and more, or a type of yours that is a
    /// [`Record`]. See [`record`](crate::record).
    pub fn record<R: Record + ?Sized>(&self, record: &R) {
        if self.is_recording() {
            let mut attributes = Attributes::of(record);
            privacy::screen("", &mut attributes);
            self.0.span().set_attributes(attributes);
        }
    }

    /// Adds an event, at the present time.
    pub fn event(&self, name: impl Into<Cow<'static, str>>, mut attributes: Vec<KeyValue>) {
        privacy::screen("", &mut attributes);
        self.0.span().add_event(name, attributes);
    }

    /// Records an error that the function survives: an `exception` event with the error's sources. The span's
    /// status stays what the function's result makes it.
    pub fn error<E: Error>(&self, error: &E) {
        let failed = Failed::new(std::any::type_name::<E>(), error, false);
        self.event(EXCEPTION, exception(&failed));
    }

    /// The span's identity: its trace id is what Phoenix finds the trace by.
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.0.span().span_context().clone()
    }
}
