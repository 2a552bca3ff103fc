//! The beginning of a span: whether anybody will see it, and what is known before the call runs.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{
    Span as ApiSpan, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span as SdkSpan;

use super::Span;
use super::joint::Joint;
use super::tracer::{self, Decision, Mode, Tracer, with_tracer};
use crate::capture::{Encoded, Fields, Fixed, Value, encode, encode_object};
use crate::llm::{self, Model, Read};
use crate::semconv::gen_ai::REQUEST_MODEL;
use crate::semconv::openinference as names;
use crate::{context, gen_ai, privacy};

/// The kind whose requests hold texts to embed.
const EMBEDDING: &str = crate::semconv::SpanKind::Embedding.as_str();

/// The kinds that are a call of a model.
const MODELS: [&str; 2] = [crate::semconv::SpanKind::Llm.as_str(), EMBEDDING];

/// The kind whose spans give log lines their agent.
#[cfg(feature = "tracing")]
const AGENT: &str = crate::semconv::SpanKind::Agent.as_str();

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
    /// The names of the values that make the input; an empty one where a single value stands for itself.
    pub arguments: &'static [&'static str],
    /// Attributes that hold one of the values as it is, and its index.
    pub fields: &'static [(&'static str, usize)],
}

/// Room for as many attributes as a small piece of memory holds, which malloc has at hand: glibc's are of up to 1,032 bytes.
const HANDY_ROOM: usize = 18;

/// What is recorded of a call before it runs, once it is known that somebody will see it.
pub struct Opening {
    site: &'static Site,
    parent: Context,
    /// The span, where the sampler had to be asked for it.
    asked: Option<Asked>,
    attributes: Vec<KeyValue>,
    name: Option<String>,
    /// Attributes that repeat the name.
    name_keys: &'static [&'static str],
    input: Option<Encoded>,
    /// What was read of a request.
    read: Option<Box<Read>>,
    /// Attributes that children inherit.
    inherited: Vec<KeyValue>,
    joint: Option<Joint>,
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

/// The kind of a span, kept until its end where it matters what is hidden, and for what a model's call makes of itself.
pub(super) struct Kind(pub(super) &'static str);

/// Whether the innermost of our spans is a call of a model.
#[cfg(feature = "tracing")]
pub(crate) fn is_within_model_call(context: &Context) -> bool {
    context.get::<Kind>().is_some_and(|kind| MODELS.contains(&kind.0))
}

impl Span {
    /// Starts a span below the current one, unless nobody will see it; `record` says what is known of it now.
    #[inline]
    #[must_use]
    pub fn open(site: &'static Site, record: &mut dyn FnMut(&mut Opening)) -> Self {
        let mode = tracer::mode();
        if mode.is_disabled() { Self::unseen() } else { Self::decide(site, mode, record) }
    }

    /// The same, where no more is known than these values.
    #[inline]
    #[must_use]
    pub fn open_with(site: &'static Site, values: &[&dyn Value]) -> Self {
        Self::open(site, &mut |opening| opening.values(values))
    }

    /// The same, of a span of which no more is known than when the program was compiled.
    #[must_use]
    pub fn open_bare(site: &'static Site) -> Self {
        Self::open(site, &mut |_| {})
    }

    fn decide(site: &'static Site, mode: Mode, record: &mut dyn FnMut(&mut Opening)) -> Self {
        if !context::has_context() {
            return Self::unseen();
        }
        if let Some(joint) = Joint::for_function(site) {
            return Opening::new(site, Context::current(), None).join_or_start(joint, record);
        }
        match Context::map_current(|context| mode.decide(context)) {
            Decision::Skip => Self::unseen(),
            Decision::Sample => Opening::new(site, Context::current(), None).start(record),
            Decision::Ask => ask(site, Context::current(), record),
        }
    }
}

/// Has the sampler decide. It sees the kind; all else is only recorded if it says yes.
#[cold]
fn ask(site: &'static Site, parent: Context, record: &mut dyn FnMut(&mut Opening)) -> Span {
    let builder = builder(site.name.into(), site, vec![KeyValue::new(names::SPAN_KIND, site.kind)]);
    let asked = with_tracer(|tracer| match tracer {
        Tracer::Ours(tracer) => {
            recording(tracer.build_with_context(builder, &parent)).map(|span| Asked::Ours(Box::new(span)))
        }
        Tracer::Global(tracer) => recording(tracer.build_with_context(builder, &parent)).map(Asked::Global),
    });
    match asked {
        Ok(span) => Opening::new(site, parent, Some(span)).start(record),
        Err(dropped) if dropped.is_valid() && dropped != *parent.span().span_context() => {
            Span::dropped(parent.with_remote_span_context(dropped))
        }
        Err(_) => Span::unseen(),
    }
}

/// The span, or the identity of one that the sampler dropped.
#[inline]
fn recording<S: ApiSpan>(span: S) -> Result<S, SpanContext> {
    if span.is_recording() { Ok(span) } else { Err(span.span_context().clone()) }
}

fn builder(name: Cow<'static, str>, site: &'static Site, attributes: Vec<KeyValue>) -> SpanBuilder {
    let (span_kind, attributes) = (Some(site.opentelemetry.clone()), Some(attributes));
    SpanBuilder { name, span_kind, attributes, ..SpanBuilder::default() }
}

/// Called by generated code.
impl Opening {
    /// Gives the span a name that is only known now.
    pub fn name(&mut self, name: Option<String>) {
        self.name = name;
    }

    /// Repeats the name under these keys, where it is only known now.
    pub const fn name_keys(&mut self, keys: &'static [&'static str]) {
        self.name_keys = keys;
    }

    /// Records each value under its keys.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        privacy::push_fields(self.site.kind, &mut self.attributes, fields);
    }

    /// Records lists of documents, each under its prefix.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        self.attributes.extend(privacy::documents(self.site.kind, fields));
    }

    /// Records what the function was given as a whole.
    pub fn input(&mut self, value: &dyn Value) {
        self.encoded(|| encode(value));
    }

    /// Records what [`Site::arguments`] and [`Site::fields`] say of these values.
    pub fn values(&mut self, values: &[&dyn Value]) {
        let Site { arguments, fields, .. } = self.site;
        match (arguments, values) {
            ([], _) => {}
            ([""], [input, ..]) => self.input(*input),
            _ => self.encoded(|| encode_object(arguments, values)),
        }
        for (key, index) in *fields {
            privacy::push_field(self.site.kind, &mut self.attributes, key, values[*index]);
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

    /// Records attributes that are made already.
    #[cfg(feature = "mcp")]
    pub(crate) fn attributes(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.attributes.extend(attributes);
    }

    fn inherit(&mut self, key: &'static str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.attributes.push(KeyValue::new(key, value.clone()));
            self.inherited.push(KeyValue::new(key, value));
        }
    }

    /// The model that is asked, unless the request or the response names it.
    pub fn model(&mut self, model: Option<String>) {
        let key = if self.is_embedding() { names::EMBEDDING_MODEL_NAME } else { names::LLM_MODEL_NAME };
        let model = model.map(|name| Model { key, name: name.into() });
        self.read.get_or_insert_default().model = model;
    }

    /// Appends a value to the span's name, and records it under its keys.
    pub fn name_part(&mut self, keys: &[&'static str], value: &dyn Value) {
        let Some(part) = encode(value) else { return };
        let name = self.name.get_or_insert_default();
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(&part.text);
        self.attributes.extend(keys.iter().map(|key| KeyValue::new(*key, part.text.clone())));
    }

    /// Records a value under each of these keys.
    pub fn repeated(&mut self, keys: &[&'static str], value: &dyn Value) {
        for key in keys {
            privacy::push_field(self.site.kind, &mut self.attributes, key, value);
        }
    }

    /// Reads an LLM request.
    pub fn request(&mut self, value: &dyn Value) {
        let mut read = llm::read_request(value, self.is_embedding());
        let value = read.value.take();
        self.encoded(|| value.map(|value| privacy::without_long_images(value).cut()));
        read.model = read.model.or_else(|| self.read.take()?.model);
        self.read = Some(Box::new(read));
    }
}

impl Opening {
    fn new(site: &'static Site, parent: Context, asked: Option<Asked>) -> Self {
        let mut attributes = Vec::with_capacity(HANDY_ROOM);
        if asked.is_none() {
            attributes.push(KeyValue::new(names::SPAN_KIND, site.kind));
        }
        attributes.extend(site.fixed.iter().map(|(key, value)| KeyValue::new(*key, *value)));
        Self {
            site,
            parent,
            asked,
            attributes,
            name: None,
            name_keys: &[],
            input: None,
            read: None,
            inherited: Vec::new(),
            joint: None,
        }
    }

    fn is_of_model(&self) -> bool {
        cfg!(feature = "tracing") && MODELS.contains(&self.site.kind)
    }

    fn is_embedding(&self) -> bool {
        self.site.kind == EMBEDDING
    }

    fn encoded(&mut self, encode: impl FnOnce() -> Option<Encoded>) {
        self.input = privacy::encoded(self.site.kind, names::INPUT_VALUE, encode);
    }

    /// Records what was read of a request, behind all else, for a user's own provider may keep no more than 128
    /// attributes. Who made and who serves the model is recorded unless the user said so.
    fn record_read(&mut self) {
        let Some(read) = self.read.as_deref_mut() else { return };
        let named = read.model.as_ref().and_then(|model| llm::system(&model.name));
        let origin = [(names::LLM_SYSTEM, named.or(read.system)), (names::LLM_PROVIDER, read.provider)];
        for (key, value) in origin {
            if let Some(value) = value.filter(|_| !self.attributes.iter().any(|one| one.key.as_str() == key))
            {
                self.attributes.push(KeyValue::new(key, value));
            }
        }
        if let Some(model) = read.model.as_ref().filter(|_| gen_ai::is_on()) {
            // OpenInference's attribute will name the model that answers.
            self.attributes.push(KeyValue::new(REQUEST_MODEL, model.name.to_string()));
        }
        self.attributes.append(&mut read.attributes);
    }

    /// What the call was given, as it is recorded.
    fn take_input(&mut self) -> Option<[KeyValue; 2]> {
        Some(self.input.take()?.into_attributes(names::INPUT_VALUE, names::INPUT_MIME_TYPE))
    }

    /// Has everything recorded that is known before the call runs, and answers the span's name.
    fn fill(&mut self, record: &mut dyn FnMut(&mut Self)) -> Cow<'static, str> {
        record(self);
        if !self.site.defers_input()
            && let Some(input) = self.take_input()
        {
            self.attributes.extend(input);
        }
        let name = self.name.take().map_or(Cow::Borrowed(self.site.name), Cow::Owned);
        self.attributes.extend(self.name_keys.iter().map(|key| KeyValue::new(*key, name.clone())));
        name
    }

    /// Adds what was recorded to a span that is there already, if that is of the same tool.
    fn join_or_start(&mut self, joint: Arc<Joint>, record: &mut dyn FnMut(&mut Self)) -> Span {
        let name = self.fill(record);
        if !joint.join(&self.attributes) {
            return self.start_as(name);
        }
        joint.add(&self.parent, std::mem::take(&mut self.attributes));
        let context = match self.inherited.as_slice() {
            [] => self.parent.clone(),
            inherited => context::with_attributes(&self.parent, inherited, false),
        };
        Span::joined(context, joint)
    }

    /// Starts the span. What was recorded is taken from where it lies, for it is large.
    fn start(&mut self, record: &mut dyn FnMut(&mut Self)) -> Span {
        let name = self.fill(record);
        self.start_as(name)
    }

    fn start_as(&mut self, name: Cow<'static, str>) -> Span {
        context::inherit(&self.parent, &mut self.attributes);
        self.record_read();
        let mut attributes = std::mem::take(&mut self.attributes);
        privacy::screen(self.site.kind, &mut attributes);
        if self.site.is_of_tool() {
            let deferred = self.take_input().map_or_else(Vec::new, Vec::from);
            self.joint = Joint::of(self.site, &attributes, deferred);
        }
        #[cfg(feature = "tracing")]
        if self.site.kind == AGENT {
            let agent = crate::attributes::find(&attributes, names::AGENT_NAME);
            let agent = agent.map_or_else(|| name.clone(), |agent| agent.as_str().into_owned().into());
            self.parent = context::with_agent_name(&self.parent, agent);
        }
        let context = match self.asked.take() {
            Some(Asked::Ours(mut span)) => {
                complete(&mut *span, name, attributes);
                self.parent.with_span(*span)
            }
            Some(Asked::Global(mut span)) => {
                complete(&mut span, name, attributes);
                self.parent.with_span(span)
            }
            None => tracer::start(builder(name, self.site, attributes), &self.parent),
        };
        let span = context.span();
        // What is sampled is recorded, which costs more to ask.
        if span.span_context().is_sampled() || span.is_recording() {
            self.started(context)
        } else {
            Span::unseen()
        }
    }

    /// The context in which the call runs: the caller's, with the span and what children inherit.
    fn started(&mut self, mut context: Context) -> Span {
        let id = context.span().span_context().span_id();
        if !self.inherited.is_empty() {
            context = context::with_attributes(&context, &self.inherited, false);
        }
        if privacy::is_hiding() || self.is_of_model() || context.get::<Kind>().is_some() {
            context = context.with_value(Kind(self.site.kind));
        }
        if let Some(model) = self.read.as_ref().and_then(|read| read.model.clone()) {
            context = context.with_value(AskedModel { span: id, model });
        }
        if let Some(joint) = self.joint.take() {
            context = context.with_value(joint.of_span(id));
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
