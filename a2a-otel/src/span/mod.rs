//! The life of one span: start, outcome, end.

mod current;
mod failure;
mod recorder;
mod run;
mod split;
mod tracer;

use std::any::Any;

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt as _, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};

pub use self::current::{Current, current};
use self::failure::Failed;
pub use self::failure::Failure;
pub use self::recorder::Recorder;
pub(crate) use self::run::Scope;
pub use self::run::{boxed, eager, future, hint, keep, sync};
pub use self::split::{Split, fallible};
pub(crate) use self::tracer::{activate, deactivate, disable, scope};
use crate::context;
use crate::semconv::openinference::SPAN_KIND;

/// What is known of a span when the program is compiled.
pub struct Site {
    /// The span's name, unless the recorder is given another.
    pub name: &'static str,
    /// `openinference.span.kind`.
    pub kind: &'static str,
    /// OpenTelemetry's own kind.
    pub opentelemetry: SpanKind,
    /// Attributes with values known at compile time.
    pub fixed: &'static [(&'static str, &'static str)],
    /// Attributes that repeat the name.
    pub name_keys: &'static [&'static str],
}

/// A span that is running, or nothing where nobody would see it.
pub struct Span(Option<Open>);

struct Open {
    /// The caller's context with the span in it; user code runs in this context.
    context: Context,
    /// Whether what is recorded will be seen. Spans that the sampler drops are carried all the same, so that
    /// their children are dropped too.
    recording: bool,
    /// The model that was asked for: the span's model where no response names another.
    model: Option<Box<str>>,
}

impl Span {
    /// Starts a span below the current one; `record` is called only if somebody will see it.
    pub fn start(site: &'static Site, record: impl FnOnce(&mut Recorder)) -> Self {
        let mut record = Some(record);
        Self(start(site, &mut |recorder| {
            if let Some(record) = record.take() {
                record(recorder);
            }
        }))
    }

    fn end(&mut self, record: impl FnOnce(&mut Recorder)) {
        let Some(open) = self.0.take().filter(|open| open.recording) else { return };
        let mut recorder = Recorder::ending(open.model);
        record(&mut recorder);
        recorder.end(&open.context.span());
    }
}

impl Scope for Span {
    type Recorder = Recorder;
    type Entered = Option<ContextGuard>;

    fn is_seen(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.recording)
    }

    fn enter(&self) -> Self::Entered {
        self.0.as_ref().map(|open| open.context.clone().attach())
    }

    fn returned(mut self, record: impl FnOnce(&mut Recorder)) {
        self.end(record);
    }

    fn panicked(mut self, payload: &(dyn Any + Send)) {
        self.end(|recorder| recorder.panicked(payload));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.end(Recorder::cancelled);
    }
}

fn start(site: &'static Site, record: &mut dyn FnMut(&mut Recorder)) -> Option<Open> {
    tracer::with_current(|tracer| match tracer {
        tracer::Current::Ours { follows_parent: true, .. } if Context::map_current(is_below_dropped) => None,
        tracer::Current::Ours { tracer, .. } => open(tracer, site, Context::current(), record),
        tracer::Current::Global(tracer) => open(&tracer, site, Context::current(), record),
        tracer::Current::Disabled => None,
    })
}

fn is_below_dropped(context: &Context) -> bool {
    let parent = context.span();
    let parent = parent.span_context();
    parent.is_valid() && !parent.is_sampled()
}

fn open<T>(
    tracer: &T,
    site: &'static Site,
    parent: Context,
    record: &mut dyn FnMut(&mut Recorder),
) -> Option<Open>
where
    T: Tracer,
    T::Span: Send + Sync + 'static,
{
    // The sampler sees the kind; the list has room for what is recorded if it says yes.
    let mut attributes = Vec::with_capacity(recorder::USUAL_ATTRIBUTES);
    attributes.push(KeyValue::new(SPAN_KIND, site.kind));
    let mut builder = SpanBuilder::from_name(site.name).with_kind(site.opentelemetry.clone());
    builder.attributes = Some(attributes);
    let mut span = tracer.build_with_context(builder, &parent);
    if !span.is_recording() {
        return dropped(span.span_context(), &parent);
    }
    let mut recorder = Recorder::starting(site, context::inherited(&parent));
    record(&mut recorder);
    let started = recorder.start(site);
    if let Some(name) = started.name {
        span.update_name(name);
    }
    for attribute in started.attributes {
        span.set_attribute(attribute);
    }
    let parent = if started.inherited.is_empty() {
        parent
    } else {
        context::with_inherited(&parent, started.inherited)
    };
    #[cfg(feature = "tracing")]
    let parent = match started.agent {
        Some(agent) => context::with_agent_name(&parent, agent),
        None => parent,
    };
    Some(Open { context: parent.with_span(span), recording: true, model: started.model })
}

/// A span that the sampler dropped, for its children to know.
fn dropped(span: &opentelemetry::trace::SpanContext, parent: &Context) -> Option<Open> {
    let is_new = span.is_valid() && span != parent.span().span_context();
    is_new.then(|| Open {
        context: parent.with_remote_span_context(span.clone()),
        recording: false,
        model: None,
    })
}
