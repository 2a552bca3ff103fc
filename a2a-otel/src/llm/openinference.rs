//! Writes an exchange as OpenInference's attributes.
//!
//! Source: OpenInference's semantic conventions for LLM and embedding spans; where they leave something open, its
//! instrumentations for Python.

use std::fmt::Write as _;
use std::sync::OnceLock;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::exchange::{Kind, Message, Operation, Part, Request, Response, ToolCall, Usage};
use super::reading::{Model, Read};
use super::shape::Shape;
use crate::capture::{bounded, cut};
use crate::semconv::openinference as names;
use crate::semconv::openinference::{message, message_content, tool_call};

pub(super) fn request(shape: &'static Shape, request: Request<'_>) -> Read {
    let mut writer = AttributeWriter::with_capacity_for(&request.messages);
    writer.some(names::PROMPT_ID, request.stored_prompt.id);
    writer.some(names::LLM_PROMPT_TEMPLATE_VARIABLES, request.stored_prompt.variables);
    writer.text(parameters_key(shape.operation), &request.parameters);
    writer.model(shape, names::LLM_REQUEST_MODEL_NAME, request.model.as_deref());
    for one in request.messages {
        writer.message(&INPUT, one);
    }
    writer.listed(names::LLM_TOOLS, names::tool::JSON_SCHEMA, numbered(&request.tools));
    writer.listed(names::LLM_PROMPTS, names::prompt::TEXT, numbered(&request.prompts));
    writer.listed(names::EMBEDDING_EMBEDDINGS, names::embedding::TEXT, numbered(&request.texts));
    writer.into_read(shape, request.model.as_deref())
}

pub(super) fn response(shape: &'static Shape, response: Response<'_>) -> Read {
    let mut writer = AttributeWriter::with_capacity_for(&response.messages);
    // First what a span must not lose: the SDK drops attributes beyond a number.
    writer.text(names::LLM_FINISH_REASON, response.finish_reason.as_deref().unwrap_or_default());
    writer.usage(&response.usage);
    writer.model(shape, names::LLM_RESPONSE_MODEL_NAME, response.model.as_deref());
    for one in response.messages {
        writer.message(&OUTPUT, one);
    }
    let completions = response.completions.iter().map(|(index, text)| (*index, &**text));
    writer.listed(names::LLM_CHOICES, names::completion::TEXT, completions);
    writer.listed(names::OUTPUT_IMAGES, names::image::URL, numbered(&response.images));
    for (index, vector) in response.vectors {
        writer.at_item(names::EMBEDDING_EMBEDDINGS, index);
        writer.push(names::embedding::VECTOR, Value::Array(Array::F64(vector)));
    }
    Read { usage: response.usage, ..writer.into_read(shape, response.model.as_deref()) }
}

const fn parameters_key(operation: Operation) -> &'static str {
    match operation {
        Operation::Embedding => names::EMBEDDING_INVOCATION_PARAMETERS,
        Operation::Chat | Operation::Completion => names::LLM_INVOCATION_PARAMETERS,
    }
}

/// The attribute that names the model of such a call.
const fn model_key(operation: Operation) -> &'static str {
    match operation {
        Operation::Embedding => names::EMBEDDING_MODEL_NAME,
        Operation::Chat | Operation::Completion => names::LLM_MODEL_NAME,
    }
}

fn numbered(texts: &[impl AsRef<str>]) -> impl Iterator<Item = (usize, &str)> {
    texts.iter().map(AsRef::as_ref).enumerate()
}

/// What is read, without attributes.
pub(super) fn unwritten(shape: &'static Shape, model: Option<&str>, usage: Usage) -> Read {
    let model = model.map(|name| Model { key: model_key(shape.operation), name: bounded(name).into() });
    Read { model, shape: Some(shape), usage, ..Read::default() }
}

/// Writes attributes whose keys share a prefix.
struct AttributeWriter {
    attributes: Vec<KeyValue>,
    prefix: String,
}

impl AttributeWriter {
    /// Reserves space for a role and a content per message.
    fn with_capacity_for(messages: &[Message<'_>]) -> Self {
        Self { attributes: Vec::with_capacity(messages.len() * 2 + 16), prefix: String::with_capacity(96) }
    }

    fn at(&mut self, prefix: &str) {
        self.prefix.clear();
        self.prefix.push_str(prefix);
    }

    fn at_item(&mut self, list: &str, index: usize) {
        self.at(list);
        let _ = write!(self.prefix, ".{index}.");
    }

    fn push(&mut self, name: &str, value: impl Into<Value>) {
        let key = [&self.prefix, name].concat();
        self.attributes.push(KeyValue::new(key, value));
    }

    /// Adds a text, unless it is empty.
    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.push(name, bounded(text));
        }
    }

    fn some(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text.as_ref());
        }
    }

    fn listed(&mut self, list: &str, name: &str, texts: impl Iterator<Item = (usize, impl AsRef<str>)>) {
        for (index, text) in texts {
            self.at_item(list, index);
            self.text(name, text.as_ref());
        }
    }

    fn message(&mut self, list: &'static Keys, mut message: Message<'_>) {
        if !message.role.is_empty() {
            let role = KeyValue::new(list.of(message.index, message::ROLE), role(&message.role));
            self.attributes.push(role);
        }
        if let Some(content) = message.content.take().filter(|content| !content.is_empty()) {
            let content = cut(content.into_owned());
            self.attributes.push(KeyValue::new(list.of(message.index, message::CONTENT), content));
        }
        if message.is_more_than_text() {
            self.more_of_message(list, &message);
        }
    }

    fn more_of_message(&mut self, list: &'static Keys, message: &Message<'_>) {
        self.at_item(list.list, message.index);
        let start = self.prefix.len();
        self.some(message::NAME, message.name.as_deref());
        self.some(message::TOOL_CALL_ID, message.tool_call_id.as_deref());
        if let Some(call) = &message.function_call {
            self.some(message::FUNCTION_CALL_NAME, call.name.as_deref());
            self.some(message::FUNCTION_CALL_ARGUMENTS, call.arguments.as_deref());
        }
        for (index, call) in message.tool_calls.iter().enumerate() {
            let _ = write!(self.prefix, "{}.{index}.", message::TOOL_CALLS);
            self.tool_call(call);
            self.prefix.truncate(start);
        }
        for (index, part) in message.parts.iter().enumerate() {
            let _ = write!(self.prefix, "{}.{index}.", message::CONTENTS);
            self.part(part, &message.tool_calls);
            self.prefix.truncate(start);
        }
    }

    fn part(&mut self, part: &Part<'_>, calls: &[ToolCall<'_>]) {
        let (kind, url, mime_type) = match &part.kind {
            Kind::Text => ("text", "", ""),
            Kind::Image => ("image", names::PART_IMAGE_URL, ""),
            Kind::Audio => ("audio", names::PART_AUDIO_URL, names::PART_AUDIO_MIME_TYPE),
            Kind::Video => ("video", names::PART_VIDEO_URL, ""),
            Kind::Document => ("document", names::PART_DOCUMENT_URL, names::PART_DOCUMENT_MIME_TYPE),
            Kind::Reasoning => ("reasoning", "", ""),
            Kind::ToolCall(_) => ("tool_use", "", ""),
            Kind::Other(kind) => (&**kind, "", ""),
        };
        self.text(message_content::TYPE, kind);
        self.some(message_content::TEXT, part.text.as_deref());
        self.some(url, part.url.as_deref());
        self.some(mime_type, part.mime_type.as_deref());
        self.some(names::PART_DOCUMENT_NAME, part.name.as_deref());
        self.some(names::PART_AUDIO_TRANSCRIPT, part.transcript.as_deref());
        self.some(message_content::SIGNATURE, part.signature.as_deref());
        self.some(message_content::DATA, part.data.as_deref());
        self.some(message_content::ENCRYPTED_CONTENT, part.encrypted.as_deref());
        if let Kind::ToolCall(call) = &part.kind {
            calls.get(*call).into_iter().for_each(|call| self.tool_call(call));
        }
    }

    fn tool_call(&mut self, call: &ToolCall<'_>) {
        self.some(tool_call::ID, call.id.as_deref());
        self.some(tool_call::FUNCTION_NAME, call.name.as_deref());
        self.some(tool_call::FUNCTION_ARGUMENTS, call.arguments.as_deref());
        self.some(tool_call::REASONING_SIGNATURE, call.signature.as_deref());
    }

    fn usage(&mut self, usage: &Usage) {
        let counts = [
            (names::LLM_TOKEN_COUNT_PROMPT, usage.prompt),
            (names::LLM_TOKEN_COUNT_COMPLETION, usage.completion),
            (names::LLM_TOKEN_COUNT_TOTAL, usage.total),
            (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ, usage.cache_read),
            (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE, usage.cache_write),
            (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO, usage.prompt_audio),
            (names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO, usage.completion_audio),
            (names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING, usage.reasoning),
        ];
        let counts = counts.into_iter().filter_map(|(key, count)| Some(KeyValue::new(key, count?)));
        self.attributes.extend(counts);
        self.attributes.extend(usage.cost.map(|cost| KeyValue::new(names::LLM_COST_TOTAL, cost)));
        #[cfg(feature = "cost")]
        self.attributes.extend(super::cost::unnamed(usage));
    }

    fn model(&mut self, shape: &Shape, key: &'static str, model: Option<&str>) {
        if let Some(model) = model.filter(|_| shape.names_both_models) {
            self.attributes.push(KeyValue::new(key, bounded(model)));
        }
    }

    fn into_read(self, shape: &'static Shape, model: Option<&str>) -> Read {
        Read { attributes: self.attributes, ..unwritten(shape, model, Usage::default()) }
    }
}

/// The keys of messages. Each is made once, because a conversation has many.
struct Keys {
    list: &'static str,
    roles: [OnceLock<Box<str>>; KEPT],
    contents: [OnceLock<Box<str>>; KEPT],
}

/// The number of messages whose keys are kept.
const KEPT: usize = 256;

static INPUT: Keys = Keys::of_list(names::LLM_INPUT_MESSAGES);
static OUTPUT: Keys = Keys::of_list(names::LLM_OUTPUT_MESSAGES);

impl Keys {
    const fn of_list(list: &'static str) -> Self {
        Self { list, roles: [const { OnceLock::new() }; KEPT], contents: [const { OnceLock::new() }; KEPT] }
    }

    fn of(&'static self, index: usize, name: &str) -> Key {
        let kept = if name == message::ROLE { &self.roles } else { &self.contents };
        let key = || format!("{}.{index}.{name}", self.list);
        match kept.get(index) {
            Some(kept) => Key::from_static_str(kept.get_or_init(|| key().into())),
            None => key().into(),
        }
    }
}

/// A role. Most are one of a few, which need no copy.
fn role(role: &str) -> StringValue {
    const ROLES: [&str; 5] = ["user", "assistant", "system", "tool", "developer"];
    match ROLES.into_iter().find(|known| *known == role) {
        Some(known) => known.into(),
        None => bounded(role).into(),
    }
}
