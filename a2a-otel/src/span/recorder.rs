//! Collects what is recorded of a call, before it runs or when it has ended, and writes it to the span.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanRef, Status};

use super::{Failed, Site};
use crate::capture::{Encoded, Value, encode, encode_attribute, encode_json, encode_whole};
use crate::llm;
use crate::semconv::openinference as names;
use crate::semconv::opentelemetry::{
    ERROR_TYPE, EXCEPTION, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE,
};

/// The kind whose spans give log lines their agent.
#[cfg(feature = "tracing")]
const AGENT: &str = "AGENT";

/// Room for the attributes of most spans, so that the list of them seldom has to grow.
pub(super) const USUAL_ATTRIBUTES: usize = 16;

/// What is recorded of one span, at its start or at its end.
#[derive(Default)]
pub struct Recorder {
    attributes: Vec<KeyValue>,
    name: String,
    input: Option<Encoded>,
    /// The arguments so far, as the inside of a JSON object.
    arguments: String,
    inherited: Vec<KeyValue>,
    model: Option<Box<str>>,
    status: Status,
    event: Option<(&'static str, Vec<KeyValue>)>,
}

/// What a span starts with.
pub(super) struct Started {
    pub(super) name: Option<String>,
    pub(super) attributes: Vec<KeyValue>,
    /// Attributes that its children inherit.
    pub(super) inherited: Vec<KeyValue>,
    /// The agent, for log lines.
    #[cfg(feature = "tracing")]
    pub(super) agent: Option<Cow<'static, str>>,
    pub(super) model: Option<Box<str>>,
}

/// Before the call: called by generated code.
impl Recorder {
    /// Gives the span a name that is only known now.
    pub fn name(&mut self, name: fmt::Arguments<'_>) {
        self.name = name.to_string();
    }

    /// Appends a value to the span's name, and records it under its keys.
    pub fn name_part(&mut self, keys: &[&'static str], value: &dyn Value) {
        let Some(part) = encode(value) else { return };
        if !self.name.is_empty() {
            self.name.push(' ');
        }
        self.name.push_str(&part.text);
        self.attributes.extend(keys.iter().map(|key| KeyValue::new(*key, part.text.clone())));
    }

    /// Records a value under each key.
    pub fn attribute(&mut self, keys: &[&'static str], value: &dyn Value) {
        if let (Some(value), Some((last, others))) = (encode_attribute(value), keys.split_last()) {
            self.attributes.extend(others.iter().map(|key| KeyValue::new(*key, value.clone())));
            self.attributes.push(KeyValue::new(*last, value));
        }
    }

    /// Records what the function was given as a whole.
    pub fn input(&mut self, value: &dyn Value) {
        self.input = encode(value);
    }

    /// Records one of the function's arguments.
    pub fn argument(&mut self, name: &'static str, value: &dyn Value) {
        let Some(json) = encode_json(value) else { return };
        let separator = if self.arguments.is_empty() { "" } else { "," };
        self.arguments.extend([separator, "\"", name, "\":", &json]);
    }

    /// The conversation that this call and all below it belong to.
    pub fn session(&mut self, session: fmt::Arguments<'_>) {
        self.inherit(names::SESSION_ID, session.to_string());
    }

    /// The person on whose behalf this call and all below it run.
    pub fn user(&mut self, user: fmt::Arguments<'_>) {
        self.inherit(names::USER_ID, user.to_string());
    }

    fn inherit(&mut self, key: &'static str, value: String) {
        if !value.is_empty() {
            self.attributes.retain(|attribute| attribute.key.as_str() != key);
            self.attributes.push(KeyValue::new(key, value.clone()));
            self.inherited.push(KeyValue::new(key, value));
        }
    }

    /// The model that is asked, unless the request or the response names it.
    pub fn model(&mut self, model: fmt::Arguments<'_>) {
        self.model = Some(model.to_string().into());
    }

    /// Reads an LLM request.
    pub fn request(&mut self, value: &dyn Value) {
        self.input = self.read(value, llm::read_request);
    }

    /// Reads one side of an LLM call, and gives it back no longer than allowed.
    fn read(&mut self, value: &dyn Value, reader: fn(&str) -> llm::Read) -> Option<Encoded> {
        let encoded = encode_whole(value)?;
        let read = reader(&encoded.text);
        self.attributes.extend(read.attributes);
        self.model = read.model.or(self.model.take());
        Some(encoded.cut())
    }
}

/// When the call has ended: called by generated code.
impl Recorder {
    /// The call succeeded.
    pub fn ok(&mut self) {
        self.status = Status::Ok;
    }

    /// The call answered an error.
    pub fn err(&mut self, failed: &Failed) {
        self.event = Some((EXCEPTION, exception(failed)));
        self.attributes.push(KeyValue::new(ERROR_TYPE, failed.kind));
        self.status = Status::error(failed.message.clone());
    }

    /// Records what the function gave back.
    pub fn output(&mut self, value: &dyn Value) {
        if let Some(output) = encode(value) {
            self.push_content(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE, output);
        }
    }

    /// Reads an LLM response.
    pub fn response(&mut self, value: &dyn Value) {
        if let Some(output) = self.read(value, llm::read_response) {
            self.push_content(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE, output);
        }
    }

    fn push_content(&mut self, value: &'static str, mime: &'static str, content: Encoded) {
        let form = if content.structured { names::MIME_JSON } else { names::MIME_TEXT };
        self.attributes.push(KeyValue::new(value, content.text));
        self.attributes.push(KeyValue::new(mime, form));
    }
}

impl Recorder {
    pub(super) fn starting(site: &'static Site, inherited: impl Iterator<Item = KeyValue>) -> Self {
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        attributes.extend(site.fixed.iter().map(|(key, value)| KeyValue::new(*key, *value)));
        attributes.extend(inherited);
        Self { attributes, ..Self::default() }
    }

    pub(super) fn ending(model: Option<Box<str>>) -> Self {
        Self { model, ..Self::default() }
    }

    /// What was recorded before the call, in its final form.
    pub(super) fn start(mut self, site: &'static Site) -> Started {
        let content = match (self.input.take(), std::mem::take(&mut self.arguments)) {
            (Some(input), _) => Some(input),
            (None, arguments) if arguments.is_empty() => None,
            (None, arguments) => Some(Encoded { text: format!("{{{arguments}}}"), structured: true }),
        };
        if let Some(content) = content {
            self.push_content(names::INPUT_VALUE, names::INPUT_MIME_TYPE, content);
        }
        let new_name = (!self.name.is_empty()).then_some(self.name);
        let name = new_name.clone().map_or(Cow::Borrowed(site.name), Cow::Owned);
        self.attributes.extend(site.name_keys.iter().map(|key| KeyValue::new(*key, name.clone())));
        let system = self.model.as_deref().and_then(llm::system);
        self.attributes.extend(system.map(|system| KeyValue::new(names::LLM_SYSTEM, system)));
        Started {
            name: new_name,
            attributes: self.attributes,
            inherited: self.inherited,
            #[cfg(feature = "tracing")]
            agent: (site.kind == AGENT).then_some(name),
            model: self.model,
        }
    }

    /// The call panicked, and the panic goes on.
    pub(super) fn panicked(&mut self, payload: &(dyn Any + Send)) {
        let message = payload
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        self.err(&Failed { kind: "panic", message, causes: Vec::new() });
    }

    /// The call was dropped before its end.
    pub(super) fn cancelled(&mut self) {
        self.event = Some(("cancelled", Vec::new()));
        self.status = Status::error("cancelled");
    }

    /// Writes what was recorded at the end, and ends the span.
    pub(super) fn end(self, span: &SpanRef<'_>) {
        span.set_attributes(self.attributes);
        if let Some(model) = self.model {
            span.set_attribute(KeyValue::new(names::LLM_MODEL_NAME, String::from(model)));
        }
        if let Some((name, attributes)) = self.event {
            span.add_event(name, attributes);
        }
        span.set_status(self.status);
        span.end();
    }
}

/// The attributes of an `exception` event.
pub(super) fn exception(failed: &Failed) -> Vec<KeyValue> {
    let mut event = vec![
        KeyValue::new(EXCEPTION_TYPE, failed.kind),
        KeyValue::new(EXCEPTION_MESSAGE, failed.message.clone()),
    ];
    if !failed.causes.is_empty() {
        // Phoenix keeps only type, message and stack trace of an exception: the causes go where it shows them.
        let causes = failed.causes.join("\ncaused by: ");
        event.push(KeyValue::new(EXCEPTION_STACKTRACE, format!("{}\ncaused by: {causes}", failed.message)));
    }
    event
}
