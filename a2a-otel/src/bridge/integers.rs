//! Keeps the integers of `tracing` spans integers.
//!
//! tracing-opentelemetry 0.34 records `u64`, `u128` and `i128` by their `Debug` form, as a text that cannot be
//! distinguished from any other text of digits later. A layer that runs before it notes which fields are integers, and
//! the tracer, which every attribute passes, puts the integers back. Integers that OpenTelemetry's type cannot hold stay
//! texts of all their digits.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, Status, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context as LayerContext, Layer};

use crate::lock::lock;
use crate::semconv::markers::TRACING_SPAN;

thread_local! {
    /// The `tracing` span whose OpenTelemetry span this thread is about to prepare.
    static PREPARED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The integers that were recorded as text, by the id of their `tracing` span. An integer stays here until its text
/// arrives at the tracer.
#[derive(Clone, Debug, Default)]
pub(super) struct Integers(Arc<Mutex<HashMap<u64, Vec<Noted>>>>);

#[derive(Debug)]
struct Noted {
    field: &'static str,
    integer: i64,
}

impl Integers {
    /// A tracer whose spans have these integers.
    pub(super) fn with_tracer<T: Tracer>(&self, tracer: T) -> IntegerTracer<T> {
        IntegerTracer { tracer, integers: self.clone() }
    }

    fn note(&self, id: u64, record: impl FnOnce(&mut Notes)) {
        let mut notes = Notes(Vec::new());
        record(&mut notes);
        if !notes.0.is_empty() {
            lock(&self.0).entry(id).or_default().append(&mut notes.0);
        }
    }

    /// Makes the attribute an integer if it was recorded as one.
    fn restore(&self, id: u64, attribute: &mut KeyValue) {
        let Value::String(text) = &attribute.value else { return };
        let Ok(integer) = text.as_str().parse() else { return };
        let mut spans = lock(&self.0);
        let Some(noted) = spans.get_mut(&id) else { return };
        let is_it = |one: &Noted| one.field == attribute.key.as_str() && one.integer == integer;
        if let Some(index) = noted.iter().position(is_it) {
            noted.remove(index);
            attribute.value = Value::I64(integer);
        }
    }

    fn forget(&self, id: u64) {
        lock(&self.0).remove(&id);
    }
}

/// Runs before tracing-opentelemetry's layer, with the same filter.
impl<S: Subscriber> Layer<S> for Integers {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: LayerContext<'_, S>) {
        let may_have_fields = !attributes.metadata().fields().is_empty();
        PREPARED.set(may_have_fields.then(|| id.into_u64()));
        self.note(id.into_u64(), |notes| attributes.record(notes));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: LayerContext<'_, S>) {
        self.note(id.into_u64(), |notes| values.record(notes));
    }
}

struct Notes(Vec<Noted>);

impl Notes {
    fn push(&mut self, field: &Field, integer: Option<i64>) {
        self.0.extend(integer.map(|integer| Noted { field: field.name(), integer }));
    }
}

impl Visit for Notes {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.try_into().ok());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.push(field, value.try_into().ok());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.push(field, value.try_into().ok());
    }
}

#[derive(Debug)]
pub(super) struct IntegerTracer<T> {
    tracer: T,
    integers: Integers,
}

impl<T: Tracer> Tracer for IntegerTracer<T> {
    type Span = IntegerSpan<T::Span>;

    /// tracing-opentelemetry calls this once for each new `tracing` span, on the thread that creates it.
    fn span_builder<N: Into<Cow<'static, str>>>(&self, name: N) -> SpanBuilder {
        let builder = self.tracer.span_builder(name);
        match PREPARED.take() {
            Some(id) => builder.with_attributes([KeyValue::new(TRACING_SPAN, id.cast_signed())]),
            None => builder,
        }
    }

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Self::Span {
        let id = builder.attributes.as_mut().and_then(take_id);
        if let (Some(id), Some(attributes)) = (id, &mut builder.attributes) {
            for attribute in attributes {
                self.integers.restore(id, attribute);
            }
        }
        let span = self.tracer.build_with_context(builder, parent);
        IntegerSpan { span, id, has_ended: false, integers: self.integers.clone() }
    }
}

fn take_id(attributes: &mut Vec<KeyValue>) -> Option<u64> {
    let id = match attributes.first() {
        Some(KeyValue { key, value: Value::I64(id), .. }) if key.as_str() == TRACING_SPAN => {
            id.cast_unsigned()
        }
        _ => return None,
    };
    attributes.remove(0);
    Some(id)
}

/// The span of a `tracing` span.
#[derive(Debug)]
pub(super) struct IntegerSpan<S> {
    span: S,
    /// The id of the `tracing` span.
    id: Option<u64>,
    /// After that, another `tracing` span may have the id.
    has_ended: bool,
    integers: Integers,
}

impl<S> IntegerSpan<S> {
    fn forget(&self) {
        if let Some(id) = self.id {
            self.integers.forget(id);
        }
    }
}

impl<S> Drop for IntegerSpan<S> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.forget();
        }
    }
}

impl<S: Span> Span for IntegerSpan<S> {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        self.span.add_event_with_timestamp(name, timestamp, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        self.span.span_context()
    }

    fn is_recording(&self) -> bool {
        self.span.is_recording()
    }

    fn set_attribute(&mut self, mut attribute: KeyValue) {
        if let Some(id) = self.id.filter(|_| !self.has_ended) {
            self.integers.restore(id, &mut attribute);
        }
        self.span.set_attribute(attribute);
    }

    fn set_status(&mut self, status: Status) {
        self.span.set_status(status);
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        self.span.update_name(new_name);
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        self.span.add_link(span_context, attributes);
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.has_ended = true;
        self.forget();
        self.span.end_with_timestamp(timestamp);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;
    use opentelemetry::trace::noop::NoopTracer;
    use tracing::field::Empty;
    use tracing::info_span;
    use tracing::subscriber::with_default;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry::Registry;

    use super::*;

    #[test]
    fn nothing_is_kept_of_spans_that_have_closed() {
        let integers = Integers::default();
        let spans = tracing_opentelemetry::layer().with_tracer(integers.with_tracer(NoopTracer::new()));
        let subscriber = Registry::default().with(integers.clone().and_then(spans));
        with_default(subscriber, || {
            let never_entered = info_span!("never entered", count = 1_u64);
            assert_eq!(lock(&integers.0).len(), 1);
            drop(never_entered);
            info_span!("entered", count = 1_u64, big = u64::MAX).in_scope(|| ());
            let ended = info_span!("ended by hand", count = Empty);
            ended.context().span().end();
            ended.record("count", 1_u64);
            drop(ended);
            let context = info_span!("outlived by its context", count = 1_u64).context();
            drop(context);
        });
        assert!(lock(&integers.0).is_empty(), "{integers:?}");
    }
}
