//! The beginning of a span: whether anybody will see it, and what is known before the call runs.

use std::borrow::Cow;

use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{
    Span as ApiSpan, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span as SdkSpan;

use super::Span;
use super::tracer::{self, Decision, Mode, Tracer, with_tracer};
use crate::capture::{Encoded, Fields, Fixed, Value, encode, encode_object};
use crate::llm::{self, Model};
use crate::semconv::openinference as names;
use crate::{context, privacy};

/// The kind whose requests hold texts to embed.
const EMBEDDING: &str = "EMBEDDING";

/// The kind whose spans give log lines their agent.
#[cfg(feature = "tracing")]
const AGENT: &str = "AGENT";

/// What is known of a span when the program is compiled.
pub struct Site {
    /// The span's name, unless it is given another.
    pub name: &'static str,
    /// `openinference.span.kind`.
    pub kind: &'static str,
    /// OpenTelemetry's own kind.
    pub opentelemetry: SpanKind,
    /// Attributes with values known at compile time.
    pub fixed: &'static [(&'static str, Fixed)],
    /// Attributes that repeat the name.
    pub name_keys: &'static [&'static str],
    /// How many attributes the span will probably have.
    pub room: usize,
}

/// A span that is about to start.
pub enum Opening {
    /// Nobody will see it.
    Unseen,
    /// The sampler dropped it; its children are told.
    Dropped(Context),
    /// Somebody will see it.
    Seen(Recorder),
}

/// What is recorded of a call before it runs.
pub struct Recorder {
    site: &'static Site,
    parent: Context,
    /// The span, where the sampler had to be asked for it.
    asked: Option<Asked>,
    attributes: Vec<KeyValue>,
    name: Option<String>,
    input: Option<Encoded>,
    /// Attributes that children inherit.
    inherited: Vec<KeyValue>,
    model: Option<Model>,
    /// Whose model it probably is, and who is asked for it, unless the user says otherwise.
    system: Option<&'static str>,
    provider: Option<&'static str>,
}

enum Asked {
    Ours(Box<SdkSpan>),
    Global(BoxedSpan),
}

/// The model that was asked for, which is the span's model where no response names another.
pub(super) struct AskedModel {
    /// The span that asked, for the context is its children's as well.
    pub(super) span: SpanId,
    pub(super) model: Model,
}

/// The kind of a span, kept until its end where it matters what is hidden.
pub(super) struct Kind(pub(super) &'static str);

impl Span {
    /// Decides about a span below the current one.
    #[inline]
    #[must_use]
    pub fn open(site: &'static Site) -> Opening {
        let mode = tracer::mode();
        if mode.is_disabled() { Opening::Unseen } else { Self::decide(site, mode) }
    }

    fn decide(site: &'static Site, mode: Mode) -> Opening {
        match Context::map_current(|context| mode.decide(context)) {
            Decision::Skip => Opening::Unseen,
            Decision::Sample => Opening::Seen(Recorder::new(site, Context::current(), None)),
            Decision::Ask => ask(site, Context::current()),
        }
    }
}

/// Has the sampler decide. It sees the kind; all else is only recorded if it says yes.
#[cold]
fn ask(site: &'static Site, parent: Context) -> Opening {
    let builder = builder(site.name.into(), site, vec![KeyValue::new(names::SPAN_KIND, site.kind)]);
    let asked = with_tracer(|tracer| match tracer {
        Tracer::Ours(tracer) => {
            recording(tracer.build_with_context(builder, &parent)).map(|span| Asked::Ours(Box::new(span)))
        }
        Tracer::Global(tracer) => recording(tracer.build_with_context(builder, &parent)).map(Asked::Global),
    });
    match asked {
        Ok(span) => Opening::Seen(Recorder::new(site, parent, Some(span))),
        Err(dropped) if dropped.is_valid() && dropped != *parent.span().span_context() => {
            Opening::Dropped(parent.with_remote_span_context(dropped))
        }
        Err(_) => Opening::Unseen,
    }
}

/// The span, or the identity of one that the sampler dropped.
fn recording<S: ApiSpan>(span: S) -> Result<S, SpanContext> {
    if span.is_recording() { Ok(span) } else { Err(span.span_context().clone()) }
}

fn builder(name: Cow<'static, str>, site: &'static Site, attributes: Vec<KeyValue>) -> SpanBuilder {
    let mut builder = SpanBuilder::from_name(name).with_kind(site.opentelemetry.clone());
    builder.attributes = Some(attributes);
    builder
}

/// What is recorded is recorded where somebody will see it; generated code asks before it computes anything.
impl Opening {
    /// Whether somebody will see the span.
    #[inline]
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        matches!(self, Self::Seen(_))
    }

    const fn recorder(&mut self) -> Option<&mut Recorder> {
        match self {
            Self::Seen(recorder) => Some(recorder),
            Self::Unseen | Self::Dropped(_) => None,
        }
    }

    /// Gives the span a name that is only known now.
    pub fn name(&mut self, name: Option<String>) {
        if let Some(recorder) = self.recorder() {
            recorder.name = name;
        }
    }

    /// Appends a value to the span's name, and records it under its keys.
    pub fn name_part(&mut self, keys: &[&'static str], value: &dyn Value) {
        if let Some(recorder) = self.recorder() {
            recorder.name_part(keys, value);
        }
    }

    /// Records each value under its keys.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        if let Some(recorder) = self.recorder() {
            privacy::push_fields(recorder.site.kind, &mut recorder.attributes, fields);
        }
    }

    /// Records lists of documents, each under its prefix.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        if let Some(recorder) = self.recorder() {
            recorder.attributes.extend(privacy::documents(recorder.site.kind, fields));
        }
    }

    /// Records what the function was given as a whole.
    pub fn input(&mut self, value: &dyn Value) {
        if let Some(recorder) = self.recorder() {
            recorder.input(|| encode(value));
        }
    }

    /// Records the function's arguments by name.
    pub fn arguments(&mut self, arguments: &[(&'static str, &dyn Value)]) {
        if let Some(recorder) = self.recorder() {
            recorder.input(|| encode_object(arguments));
        }
    }

    /// The conversation that this call and all below it belong to.
    pub fn session(&mut self, session: Option<String>) {
        self.inherit(names::SESSION_ID, session);
    }

    /// The person on whose behalf this call and all below it run.
    pub fn user(&mut self, user: Option<String>) {
        self.inherit(names::USER_ID, user);
    }

    fn inherit(&mut self, key: &'static str, value: Option<String>) {
        if let (Some(recorder), Some(value)) = (self.recorder(), value.filter(|value| !value.is_empty())) {
            recorder.inherit(key, value);
        }
    }

    /// The model that is asked, unless the request or the response names it.
    pub fn model(&mut self, model: Option<String>) {
        if let Some(recorder) = self.recorder() {
            let key =
                if recorder.is_embedding() { names::EMBEDDING_MODEL_NAME } else { names::LLM_MODEL_NAME };
            recorder.model = model.map(|name| Model { key, name: name.into() });
        }
    }

    /// Reads an LLM request.
    pub fn request(&mut self, value: &dyn Value) {
        if let Some(recorder) = self.recorder() {
            recorder.request(value);
        }
    }

    /// Starts the span. What was recorded is taken from where it lies, for it is large.
    #[inline]
    pub fn start(&mut self) -> Span {
        match self {
            Self::Unseen => Span::unseen(),
            Self::Dropped(context) => Span::dropped(std::mem::take(context)),
            Self::Seen(recorder) => recorder.start(),
        }
    }
}

impl Recorder {
    fn new(site: &'static Site, parent: Context, asked: Option<Asked>) -> Self {
        let mut attributes = Vec::with_capacity(site.room);
        if asked.is_none() {
            attributes.push(KeyValue::new(names::SPAN_KIND, site.kind));
        }
        for (key, value) in site.fixed {
            value.push(key, &mut attributes);
        }
        Self {
            site,
            parent,
            asked,
            attributes,
            name: None,
            input: None,
            inherited: Vec::new(),
            model: None,
            system: None,
            provider: None,
        }
    }

    fn is_embedding(&self) -> bool {
        self.site.kind == EMBEDDING
    }

    fn name_part(&mut self, keys: &[&'static str], value: &dyn Value) {
        let Some(part) = encode(value) else { return };
        let name = self.name.get_or_insert_default();
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(&part.text);
        self.attributes.extend(keys.iter().map(|key| KeyValue::new(*key, part.text.clone())));
    }

    fn inherit(&mut self, key: &'static str, value: String) {
        self.attributes.push(KeyValue::new(key, value.clone()));
        self.inherited.push(KeyValue::new(key, value));
    }

    fn input(&mut self, encode: impl FnOnce() -> Option<Encoded>) {
        self.input = privacy::encoded(self.site.kind, names::INPUT_VALUE, encode);
    }

    fn request(&mut self, value: &dyn Value) {
        let read = llm::read_request(value, self.is_embedding());
        self.attributes.extend(read.attributes);
        self.model = read.model.or(self.model.take());
        (self.system, self.provider) = (read.system, read.provider);
        self.input(|| read.value.map(|value| privacy::without_long_images(value).cut()));
    }

    /// What the call says itself goes before what it inherits.
    fn inherit_from_parent(&mut self) {
        for inherited in context::inherited(&self.parent) {
            if self.attributes.iter().all(|own| own.key != inherited.key) {
                self.attributes.push(inherited);
            }
        }
    }

    /// Records who made and who serves the model, unless the user said so.
    fn record_origin(&mut self) {
        let named = self.model.as_ref().and_then(|model| llm::system(&model.name));
        let origin = [(names::LLM_SYSTEM, named.or(self.system)), (names::LLM_PROVIDER, self.provider)];
        for (key, value) in origin {
            if let Some(value) = value.filter(|_| !self.attributes.iter().any(|one| one.key.as_str() == key))
            {
                self.attributes.push(KeyValue::new(key, value));
            }
        }
    }

    fn start(&mut self) -> Span {
        if let Some(input) = self.input.take() {
            self.attributes.extend(input.into_attributes(names::INPUT_VALUE, names::INPUT_MIME_TYPE));
        }
        let name = self.name.take().map_or(Cow::Borrowed(self.site.name), Cow::Owned);
        self.attributes.extend(self.site.name_keys.iter().map(|key| KeyValue::new(*key, name.clone())));
        self.record_origin();
        self.inherit_from_parent();
        let mut attributes = std::mem::take(&mut self.attributes);
        privacy::screen(self.site.kind, &mut attributes);
        #[cfg(feature = "tracing")]
        if self.site.kind == AGENT {
            self.parent = context::with_agent_name(&self.parent, name.clone());
        }
        match self.asked.take() {
            Some(Asked::Ours(mut span)) => {
                complete(&mut *span, name, attributes);
                self.started(*span)
            }
            Some(Asked::Global(mut span)) => {
                complete(&mut span, name, attributes);
                self.started(span)
            }
            None => {
                let builder = builder(name, self.site, attributes);
                with_tracer(|tracer| match tracer {
                    Tracer::Ours(tracer) => self.started(tracer.build_with_context(builder, &self.parent)),
                    Tracer::Global(tracer) => self.started(tracer.build_with_context(builder, &self.parent)),
                })
            }
        }
    }

    /// The context in which the call runs: the caller's, with the span and what children inherit.
    fn started<S: ApiSpan + Send + Sync + 'static>(&self, span: S) -> Span {
        if !span.is_recording() {
            return Span::unseen();
        }
        let id = span.span_context().span_id();
        let mut context = self.parent.with_span(span);
        if !self.inherited.is_empty() {
            context = context::with_attributes(&context, &self.inherited, false);
        }
        if privacy::is_hiding() {
            context = context.with_value(Kind(self.site.kind));
        }
        if let Some(model) = self.model.clone() {
            context = context.with_value(AskedModel { span: id, model });
        }
        Span::seen(context)
    }
}

/// Adds what the sampler did not need to know.
fn complete<S: ApiSpan>(span: &mut S, name: Cow<'static, str>, attributes: Vec<KeyValue>) {
    if let Cow::Owned(name) = name {
        span.update_name(name);
    }
    span.set_attributes(attributes);
}
