//! The beginning of a span: whether it is recorded, and what is known before the call runs.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{Span as ApiSpan, SpanContext, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
#[cfg(feature = "sdk")]
use opentelemetry_sdk::trace::Span as SdkSpan;

use super::context_values::{EMBEDDING, EnclosingKind, MODELS, Request};
use super::figures::Call;
use super::joint::Joint;
use super::kept;
#[cfg(feature = "testing")]
use super::recording::CallRequest;
use super::running::Span;
use super::site::Site;
use super::tracer::{self, Decision, Mode, Tracer, with_tracer};
use crate::capture::{Encoded, Fields, Value, encode, encode_object};
use crate::context::{AgentRun, Families};
use crate::llm::{self, Model, Pending, Read};
use crate::semconv::openinference as names;
use crate::{context, privacy};

/// Without the SDK, no span is ours.
#[cfg(not(feature = "sdk"))]
type SdkSpan = BoxedSpan;

/// The kind of spans whose name is the agent's name in log lines.
const AGENT: &str = crate::semconv::SpanKind::Agent.as_str();

/// As many attributes as fit into an allocation that malloc serves from its cache. In glibc, that is up to 1,032 bytes.
const INITIAL_CAPACITY: usize = 18;

/// What is recorded of a call before it runs. It exists only for calls that are recorded.
pub struct Opening {
    site: &'static Site,
    parent: Context,
    /// The span, if it had to be started to get the sampler's decision.
    sampled: Option<SampledSpan>,
    attributes: Vec<KeyValue>,
    name: Option<String>,
    /// Keys under which the name is repeated.
    name_keys: &'static [&'static str],
    input: Option<Encoded>,
    /// What was read from the request to a model, and its JSON.
    read: Option<Box<(Read, Option<Box<str>>)>>,
    /// Attributes that the spans below inherit.
    inherited: Vec<KeyValue>,
    joint: Option<Joint>,
    /// Whether input and output are left to the function around the call.
    is_attempt: bool,
    /// What figures are recorded of.
    call: Option<Box<Call>>,
    /// Whether a span is recorded, and not only figures.
    is_recorded: bool,
}

enum SampledSpan {
    Ours(Box<SdkSpan>),
    Global(BoxedSpan),
}

impl Span {
    /// Starts a span below the current one, unless it would not be recorded; `record` adds what is known now.
    #[inline]
    #[must_use]
    pub fn open(site: &'static Site, record: &mut dyn FnMut(&mut Opening)) -> Self {
        let mode = tracer::mode();
        if mode.is_disabled() { Self::unseen() } else { Self::decide(site, mode, record).named(site.name) }
    }

    /// Like [`open`](Self::open), if nothing but these values is known.
    #[inline]
    #[must_use]
    pub fn open_with(site: &'static Site, values: &[&dyn Value]) -> Self {
        Self::open(site, &mut |opening| opening.values(values))
    }

    /// Like [`open`](Self::open), if everything is known at compile time.
    #[must_use]
    pub fn open_bare(site: &'static Site) -> Self {
        Self::open(site, &mut |_| {})
    }

    fn decide(site: &'static Site, mode: Mode, record: &mut dyn FnMut(&mut Opening)) -> Self {
        if !context::has_context() {
            return Self::unseen();
        }
        if let Some(joint) = Joint::for_function(site) {
            let context = Context::current();
            let call = Call::begin(site, &context);
            return Opening::new(site, context, None, call).join_or_start(joint, record);
        }
        let (decision, call) = Context::map_current(|context| {
            let decision = mode.decide(context);
            let is_measured = decision != Decision::Suppressed;
            (decision, if is_measured { Call::begin(site, context) } else { None })
        });
        match decision {
            Decision::Suppressed => Self::unseen(),
            Decision::Skip => call.map_or_else(Self::unseen, |call| measure(site, call, record)),
            Decision::Sample => Opening::new(site, Context::current(), None, call).start(record),
            Decision::AskSampler => ask_sampler(site, Context::current(), call, record),
        }
    }
}

/// Starts a call of which only figures are recorded.
fn measure(site: &'static Site, mut call: Box<Call>, record: &mut dyn FnMut(&mut Opening)) -> Span {
    if !call.is_identified_by(site) {
        return Opening::unrecorded(site, Context::current(), call).measure(record);
    }
    let context = Context::map_current(|context| call.around(context));
    call.runs_in(context);
    Span::measured(call)
}

/// Like [`measure`], in the context of a span that the sampler has dropped.
fn measure_in(
    site: &'static Site,
    context: Context,
    mut call: Box<Call>,
    record: &mut dyn FnMut(&mut Opening),
) -> Span {
    if call.is_identified_by(site) {
        let around = call.around(&context);
        call.runs_in(Some(around.unwrap_or(context)));
        return Span::measured(call);
    }
    call.runs_in(Some(context.clone()));
    Opening::unrecorded(site, context, call).measure(record)
}

/// Lets the sampler decide. It sees the span's kind; everything else is recorded only if the span is sampled.
#[cold]
fn ask_sampler(
    site: &'static Site,
    parent: Context,
    call: Option<Box<Call>>,
    record: &mut dyn FnMut(&mut Opening),
) -> Span {
    let builder = site.builder(site.name.into(), vec![KeyValue::new(names::SPAN_KIND, site.kind)]);
    let sampled = with_tracer(|tracer| match tracer {
        Tracer::Ours(tracer) => recording(tracer.build_with_context(builder, &parent))
            .map(|span| SampledSpan::Ours(Box::new(span))),
        Tracer::Global(tracer) => recording(tracer.build(builder, &parent)).map(SampledSpan::Global),
    });
    match sampled {
        Ok(span) => Opening::new(site, parent, Some(span), call).start(record),
        Err(dropped) if is_of_its_own(&dropped, &parent) => {
            let context = parent.with_remote_span_context(dropped);
            match call {
                Some(call) => measure_in(site, context, call, record),
                None => Span::dropped(context),
            }
        }
        Err(_) => {
            tracer::report_lost();
            call.map_or_else(Span::unseen, |call| measure(site, call, record))
        }
    }
}

/// Whether the sampler has dropped a span, and not the provider passed on its parent.
fn is_of_its_own(dropped: &SpanContext, parent: &Context) -> bool {
    dropped.is_valid() && dropped != parent.span().span_context()
}

/// The span, or the identity of a span that the sampler dropped.
#[inline]
fn recording<S: ApiSpan>(span: S) -> Result<S, SpanContext> {
    if span.is_recording() { Ok(span) } else { Err(span.span_context().clone()) }
}

/// What is known at compile time.
fn fixed(site: &'static Site) -> impl Iterator<Item = KeyValue> {
    site.fixed.iter().map(|(key, value)| KeyValue::new(*key, *value))
}

/// Called by generated code.
impl Opening {
    /// Sets a name that is only known at run time.
    pub fn name(&mut self, name: Option<String>) {
        self.name = name;
    }

    /// Repeats a name that is only known at run time under these keys.
    pub const fn name_keys(&mut self, keys: &'static [&'static str]) {
        self.name_keys = keys;
    }

    /// Records each value under its keys.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        if self.is_recorded {
            return privacy::push_fields(self.site.kind, &mut self.attributes, fields);
        }
        for (key, value) in fields {
            self.field(key, *value);
        }
    }

    /// Records lists of documents, each under its prefix.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        if self.is_recorded {
            self.attributes.extend(privacy::documents(self.site.kind, fields));
        }
    }

    /// Records the input.
    pub fn input(&mut self, value: &dyn Value) {
        if self.is_recorded && !self.is_attempt {
            self.encoded(|| encode(value));
        }
    }

    /// Records these values as [`Site::arguments`] and [`Site::fields`] say.
    pub fn values(&mut self, values: &[&dyn Value]) {
        let Site { arguments, fields, .. } = self.site;
        match (arguments, values) {
            ([], _) => {}
            _ if !self.is_recorded => {}
            ([""], [input, ..]) => self.input(*input),
            _ => self.encoded(|| encode_object(arguments, values)),
        }
        for (key, index) in *fields {
            self.field(key, values[*index]);
        }
    }

    /// The session that this span and all spans below it belong to.
    pub fn session(&mut self, session: Option<String>) {
        self.inherit(names::SESSION_ID, session);
    }

    /// The user of this span and all spans below it.
    pub fn user(&mut self, user: Option<String>) {
        self.inherit(names::USER_ID, user);
    }

    /// Records finished attributes.
    #[cfg(feature = "mcp")]
    pub(crate) fn attributes(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.attributes.extend(attributes);
    }

    /// The call is an attempt of the function around it, which records input and output, because it may mask them.
    #[cfg(feature = "mcp")]
    pub(crate) const fn attempt(&mut self) {
        self.is_attempt = true;
    }

    fn inherit(&mut self, key: &'static str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty() && self.is_recorded) {
            self.attributes.push(KeyValue::new(key, value.clone()));
            self.inherited.push(KeyValue::new(key, value));
        }
    }

    /// The model's name, unless the request or the response names it.
    pub fn model(&mut self, model: Option<String>) {
        let key = if self.is_embedding() { names::EMBEDDING_MODEL_NAME } else { names::LLM_MODEL_NAME };
        let model = model.map(|name| Model { key, name: name.into() });
        self.read.get_or_insert_default().0.model = model;
    }

    /// Appends a value to the span's name, and records it under its keys.
    pub fn name_part(&mut self, keys: &[&'static str], value: &dyn Value) {
        let Some(part) = encode(value) else { return };
        let name = self.name.get_or_insert_default();
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(&part.text);
        let keys = keys.iter().filter(|key| self.needs(key));
        let attributes: Vec<_> = keys.map(|key| KeyValue::new(*key, part.text.clone())).collect();
        self.attributes.extend(attributes);
    }

    /// Records one value under several keys.
    pub fn repeated(&mut self, keys: &[&'static str], value: &dyn Value) {
        for key in keys {
            self.field(key, value);
        }
    }

    /// Reads the request to a model.
    pub fn request(&mut self, value: &dyn Value) {
        if !self.is_recorded {
            let mut read = llm::skim_request(value, self.is_embedding());
            read.model = read.model.or_else(|| self.read.take()?.0.model);
            self.read = Some(Box::new((read, None)));
            return;
        }
        let (mut read, body) = llm::read_request(value, self.is_embedding());
        let value = read.value.take();
        self.encoded(|| value.map(Encoded::cut));
        read.model = read.model.or_else(|| self.read.take()?.0.model);
        self.read = Some(Box::new((read, body)));
    }
}

impl Opening {
    /// Whether a span is recorded, and not only figures.
    #[inline]
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// Whether what has this key is recorded.
    fn needs(&self, key: &str) -> bool {
        self.is_recorded || self.call.as_ref().is_some_and(|call| call.needs(key))
    }

    fn field(&mut self, key: &'static str, value: &dyn Value) {
        if self.needs(key) {
            privacy::push_field(self.site.kind, &mut self.attributes, key, value);
        }
    }

    fn unrecorded(site: &'static Site, parent: Context, call: Box<Call>) -> Self {
        let attributes = if call.is_of_model() { fixed(site).collect() } else { Vec::new() };
        Self {
            site,
            parent,
            sampled: None,
            attributes,
            name: None,
            name_keys: &[],
            input: None,
            read: None,
            inherited: Vec::new(),
            joint: None,
            is_attempt: false,
            call: Some(call),
            is_recorded: false,
        }
    }

    /// Starts a call of which only figures are recorded.
    fn measure(&mut self, record: &mut dyn FnMut(&mut Self)) -> Span {
        if self.attributes.is_empty() {
            let needed: Vec<_> = fixed(self.site).filter(|one| self.needs(one.key.as_str())).collect();
            self.attributes = needed;
        }
        record(self);
        let name = self.take_name();
        let Some(mut call) = self.call.take() else { return Span::unseen() };
        self.identify(&mut call, name.clone());
        if let Some(context) = call.around(&self.parent) {
            call.runs_in(Some(context));
        }
        Span::measured(call)
    }

    /// Passes on to the figures what is known of the call.
    fn identify(&self, call: &mut Call, name: Cow<'static, str>) {
        if !call.is_identified_by(self.site) {
            call.identify(&self.attributes, name);
        }
        if let Some(read) = &self.read {
            call.asked(&read.0);
        }
    }

    fn take_name(&mut self) -> Cow<'static, str> {
        self.name.take().map_or(Cow::Borrowed(self.site.name), Cow::Owned)
    }

    fn new(
        site: &'static Site,
        parent: Context,
        sampled: Option<SampledSpan>,
        call: Option<Box<Call>>,
    ) -> Self {
        let mut attributes = Vec::with_capacity(INITIAL_CAPACITY);
        if sampled.is_none() {
            attributes.push(KeyValue::new(names::SPAN_KIND, site.kind));
        }
        attributes.extend(fixed(site));
        Self {
            site,
            parent,
            sampled,
            attributes,
            name: None,
            name_keys: &[],
            input: None,
            read: None,
            inherited: Vec::new(),
            joint: None,
            is_attempt: false,
            call,
            is_recorded: true,
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

    /// The attributes of the input.
    fn take_input(&mut self) -> Option<[KeyValue; 2]> {
        Some(self.input.take()?.into_attributes(names::INPUT_VALUE, names::INPUT_MIME_TYPE))
    }

    /// Records everything that is known before the call runs, and returns the span's name.
    fn fill(&mut self, record: &mut dyn FnMut(&mut Self)) -> Cow<'static, str> {
        record(self);
        #[cfg(feature = "testing")]
        self.note_request();
        if !self.site.defers_input()
            && let Some(input) = self.take_input()
        {
            self.attributes.extend(input);
        }
        let name = self.take_name();
        self.attributes.extend(self.name_keys.iter().map(|key| KeyValue::new(*key, name.clone())));
        name
    }

    /// Keeps what is asked of the call in its context, if it may be answered from a recording.
    #[cfg(feature = "testing")]
    fn note_request(&mut self) {
        if !super::recording::is_active() {
            return;
        }
        let request = CallRequest {
            site: self.site.name,
            kind: self.site.kind,
            name: self.name.clone().unwrap_or_else(|| self.site.name.to_owned()),
            input: self.input.as_ref().map(|input| input.text.clone()),
            outer: self.parent.get::<Arc<CallRequest>>().cloned(),
        };
        self.parent = self.parent.with_value(Arc::new(request));
    }

    /// Joins the protocol's span if it is about the same tool, and starts a separate span otherwise.
    fn join_or_start(&mut self, joint: Arc<Joint>, record: &mut dyn FnMut(&mut Self)) -> Span {
        let name = self.fill(record);
        if !joint.join(&self.attributes) {
            return self.start_as(name);
        }
        let mut call = self.call.take();
        if let Some(call) = &mut call {
            self.identify(call, name);
        }
        joint.add(&self.parent, std::mem::take(&mut self.attributes));
        let context = match self.inherited.as_slice() {
            [] => self.parent.clone(),
            inherited => context::with_attributes(&self.parent, inherited, false),
        };
        let within = call.as_mut().and_then(|call| call.around(&context));
        Span::joined(within.unwrap_or(context), joint, call)
    }

    /// Starts the span. It takes `&mut self` because moving an `Opening`, which is large, is slow.
    fn start(&mut self, record: &mut dyn FnMut(&mut Self)) -> Span {
        let name = self.fill(record);
        self.start_as(name)
    }

    fn start_as(&mut self, name: Cow<'static, str>) -> Span {
        if let Some(mut call) = self.call.take() {
            self.identify(&mut call, name.clone());
            if let Some(context) = call.within(&self.parent) {
                self.parent = context;
            }
            self.call = Some(call);
        }
        let own = Families::of(&self.attributes);
        context::inherit(&self.parent, &mut self.attributes);
        let request = self.read.take().map(|read| Pending::new(read.0, read.1, &self.attributes));
        let mut attributes = std::mem::take(&mut self.attributes);
        privacy::screen(self.site.kind, &mut attributes);
        if self.site.is_of_tool() {
            let deferred = self.take_input().map_or_else(Vec::new, Vec::from);
            self.joint = Joint::of(self.site, &attributes, deferred);
            if let Some(joint) = self.joint.as_ref().filter(|_| self.is_attempt) {
                joint.take();
            }
        }
        if let Some(run) = self.run(&attributes, &name) {
            self.parent = self.parent.with_value(run);
        }
        let context = match self.sampled.take() {
            Some(SampledSpan::Ours(mut span)) => {
                complete(&mut *span, name, attributes);
                self.parent.with_span(*span)
            }
            Some(SampledSpan::Global(mut span)) => {
                complete(&mut span, name, attributes);
                self.parent.with_span(span)
            }
            None => tracer::start(self.site.builder(name, attributes), &self.parent),
        };
        let span = context.span();
        // A sampled span is always recorded, and `is_sampled` is the cheaper check.
        if span.span_context().is_sampled() || span.is_recording() {
            return self.started(context, own, request);
        }
        self.unsampled(span.span_context())
    }

    /// The sampler has dropped a span that it was expected to sample, or the provider starts none.
    #[cold]
    fn unsampled(&mut self, dropped: &SpanContext) -> Span {
        let is_dropped = is_of_its_own(dropped, &self.parent);
        let context = if is_dropped {
            kept::was_wrong(self.parent.span().span_context());
            self.parent.with_remote_span_context(dropped.clone())
        } else {
            tracer::report_lost();
            self.parent.clone()
        };
        match self.call.take() {
            Some(mut call) => {
                call.runs_in(Some(context));
                Span::measured(call)
            }
            None if is_dropped => Span::dropped(context),
            None => Span::unseen(),
        }
    }

    /// The run of an agent that the call is, if log lines or figures need to know.
    fn run(&self, attributes: &[KeyValue], name: &str) -> Option<AgentRun> {
        if let Some(call) = &self.call {
            return call.run();
        }
        if self.site.kind != AGENT || !context::are_agents_named_in_logs() {
            return None;
        }
        let agent = crate::attributes::find(attributes, names::AGENT_NAME);
        let agent = agent.map_or_else(|| name.to_owned(), |agent| agent.as_str().into_owned());
        Some(AgentRun::new(agent.into()))
    }

    /// Stores in the context of the call what its end needs and its children inherit.
    fn started(&mut self, mut context: Context, own: Families, request: Option<Pending>) -> Span {
        let id = context.span().span_context().span_id();
        if !self.inherited.is_empty() {
            context = context::with_attributes(&context, &self.inherited, false);
        }
        if privacy::is_hiding() || self.is_of_model() || context.get::<EnclosingKind>().is_some() {
            context = context.with_value(EnclosingKind(self.site.kind));
        }
        if let Some(request) = request {
            context = context.with_value(Request::new(id, request));
        }
        if let Some(joint) = self.joint.take() {
            context = context.with_value(joint.of_span(id));
        }
        Span::seen(context, own, self.call.take())
    }
}

/// Adds what the sampler did not need.
fn complete<S: ApiSpan>(span: &mut S, name: Cow<'static, str>, attributes: Vec<KeyValue>) {
    if let Cow::Owned(name) = name {
        span.update_name(name);
    }
    span.set_attributes(attributes);
}
