//! The writer: records in GenAI's terms what a span says in OpenInference's.

use std::borrow::Cow;
use std::collections::HashMap;

use opentelemetry::trace::SpanKind as Kind;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::messages::{Fields, items};
use super::values::{kind_of, provider_of, usual_operation};
use super::{json, messages, parameters};
use crate::semconv::equivalents::{INPUT, OUTPUT, SAME, Same, Side};
use crate::semconv::gen_ai::{self as names, is_written_on_internal_agents, operation};
use crate::semconv::openinference::{self as oi, mime_type};
use crate::semconv::{GenAiVersion, SpanKind, markers};

/// Adds GenAI's attributes, and redacts them. With `is_alone`, removes the OpenInference attributes that they replace.
#[cold]
pub(super) fn translate(
    span: &mut SpanData,
    version: GenAiVersion,
    is_alone: bool,
    redact: &dyn Fn(&mut Vec<KeyValue>),
) {
    let attributes = &mut span.attributes;
    let mut translation = Translation::of(attributes, version, span.span_kind == Kind::Internal);
    translation.operation();
    translation.same();
    translation.provider();
    translation.parameters();
    translation.tools();
    translation.messages();
    translation.content();
    let Translation { mut added, replaced, is_internal_agent, .. } = translation;
    redact(&mut added);
    attributes.retain(|attribute| {
        let key = attribute.key.as_str();
        let is_replaced = || replaced.iter().any(|replaced| is_below(key, replaced));
        let is_written = !is_internal_agent || is_written_on_internal_agents(key, version);
        key != markers::INSTRUCTIONS_APART && is_written && !(is_alone && is_replaced())
    });
    attributes.append(&mut added);
}

/// Whether the key is this one, or is below it.
fn is_below(key: &str, list: &str) -> bool {
    key.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The translation of one span's attributes.
struct Translation<'a> {
    attributes: &'a [KeyValue],
    /// The values by key. Of an attribute that was set twice, the last value.
    values: HashMap<&'a str, &'a Value>,
    kind: Option<SpanKind>,
    version: GenAiVersion,
    /// Whether this is the span of an agent within the process.
    is_internal_agent: bool,
    added: Vec<KeyValue>,
    /// The attributes and lists that GenAI's attributes repeat.
    replaced: Vec<&'static str>,
}

impl<'a> Translation<'a> {
    fn of(attributes: &'a [KeyValue], version: GenAiVersion, is_internal: bool) -> Self {
        let values: HashMap<_, _> =
            attributes.iter().map(|attribute| (attribute.key.as_str(), &attribute.value)).collect();
        let kind = values.get(oi::SPAN_KIND).and_then(|kind| SpanKind::parse(&kind.as_str()));
        let is_internal_agent = is_internal && kind == Some(SpanKind::Agent);
        let (added, replaced) = (Vec::new(), Vec::new());
        Self { attributes, values, kind, version, is_internal_agent, added, replaced }
    }

    fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.values.get(key).map(|value| value.as_str())
    }

    /// The value, if it is text and not JSON.
    fn plain(&self, [value, mime_type]: [&str; 2]) -> Option<Cow<'a, str>> {
        let is_plain = self.text(mime_type).is_none_or(|mime_type| mime_type == mime_type::TEXT);
        self.text(value).filter(|_| is_plain)
    }

    fn list(&self, list: &str) -> Vec<Fields<'a>> {
        let fields = self.attributes.iter().map(|attribute| (attribute.key.as_str(), &attribute.value));
        items(fields, list)
    }

    /// Adds an attribute that replaces these, unless it is there already.
    fn add(&mut self, key: &'static str, value: impl Into<Value>, replaced: &[&'static str]) {
        if self.is_internal_agent && !is_written_on_internal_agents(key, self.version) {
            return;
        }
        let is_new = self.added.iter().all(|added| added.key.as_str() != key);
        if is_new && !self.values.contains_key(key) {
            self.added.push(KeyValue::new(key, value));
        }
        self.replaced.extend(replaced);
    }

    /// Adds a list of objects, as JSON.
    fn add_list(&mut self, key: &'static str, items: &[String], replaced: &[&'static str]) {
        if !items.is_empty() {
            self.add(key, json::fitted(json::list(items)), replaced);
        }
    }

    fn operation(&mut self) {
        let Some(kind) = self.kind else { return };
        let Some(mut operation) = usual_operation(kind) else { return };
        if kind == SpanKind::Llm && self.values.keys().any(|key| is_below(key, oi::LLM_PROMPTS)) {
            operation = operation::TEXT_COMPLETION;
        }
        let recorded = self.text(names::OPERATION_NAME);
        // The operation that another library recorded may imply another kind, or none.
        let implies_kind = recorded.is_none_or(|operation| kind_of(&operation) == Some(kind));
        self.add(names::OPERATION_NAME, operation, if implies_kind { &[oi::SPAN_KIND] } else { &[] });
    }

    fn same(&mut self) {
        for Same(key, name, _) in SAME.iter().filter(|Same(.., used)| used.is_written()) {
            if let Some(value) = self.values.get(key) {
                self.add(name, (*value).clone(), &[key]);
            }
        }
        let has = |key| self.values.contains_key(key);
        if has(oi::LLM_TOKEN_COUNT_PROMPT) && has(oi::LLM_TOKEN_COUNT_COMPLETION) {
            self.replaced.push(oi::LLM_TOKEN_COUNT_TOTAL);
        }
    }

    fn provider(&mut self) {
        let text = |key| self.text(key).unwrap_or_default();
        if let Some(name) = provider_of(&text(oi::LLM_PROVIDER), &text(oi::LLM_SYSTEM)) {
            self.add(names::PROVIDER_NAME, name, &[oi::LLM_PROVIDER, oi::LLM_SYSTEM]);
        }
    }

    fn parameters(&mut self) {
        for key in [oi::LLM_INVOCATION_PARAMETERS, oi::EMBEDDING_INVOCATION_PARAMETERS] {
            let Some(text) = self.text(key) else { continue };
            for (name, value) in parameters::read(&text, self.version) {
                self.add(name, value, &[]);
            }
            self.replaced.push(key);
        }
    }

    fn tools(&mut self) {
        let tools = self.list(oi::LLM_TOOLS);
        let tools: Vec<_> = tools.iter().filter_map(messages::tool).collect();
        self.add_list(names::TOOL_DEFINITIONS, &tools, &[oi::LLM_TOOLS]);
    }

    fn instructions(&mut self) -> usize {
        if !self.values.contains_key(markers::INSTRUCTIONS_APART) {
            return 0;
        }
        let messages = self.list(INPUT.messages);
        let is_instruction = |message: &&Fields<'_>| messages::has_role(message, "system");
        let instructions: Vec<_> = messages.iter().take_while(is_instruction).collect();
        let parts: Vec<_> = instructions.iter().flat_map(|message| messages::parts(message)).collect();
        self.add_list(names::SYSTEM_INSTRUCTIONS, &parts, &[]);
        instructions.len()
    }

    /// Adds the messages, or the texts if there are none, or else the whole value. `ended` returns the finish reason
    /// of a message.
    fn conversation(&mut self, side: &Side, instructions: usize, ended: &dyn Fn(usize) -> Option<String>) {
        let messages = self.list(side.messages);
        let messages = messages.iter().skip(instructions).enumerate();
        let mut written: Vec<_> = messages
            .map(|(index, message)| messages::message(message, side.role, ended(index).as_deref()))
            .collect();
        let of_text = |index, text: &str| messages::of_text(side.role, text, ended(index).as_deref());
        let texts = self.list(side.texts[0]);
        let texts = texts.iter().filter_map(|text| messages::text(text, side.texts[1])).enumerate();
        written.extend(texts.map(|(index, text)| of_text(index, &text)));
        let is_model = self.kind == Some(SpanKind::Llm);
        let is_whole = written.is_empty() && (is_model || self.kind == Some(SpanKind::Agent));
        if is_whole {
            written.extend(self.plain(side.value).map(|text| of_text(0, &text)));
        }
        self.add_list(side.gen_ai_messages, &written, &[side.messages, side.texts[0]]);
        if !written.is_empty() && (is_model || is_whole) {
            self.replaced.extend(side.value);
        }
    }

    fn messages(&mut self) {
        let instructions = self.instructions();
        self.conversation(&INPUT, instructions, &|_| None);
        let reasons = self.finish_reasons();
        // Some libraries record several messages for one answer.
        let reason = |index| reasons.get(index).or(reasons.first()).map_or("", StringValue::as_str);
        self.conversation(&OUTPUT, 0, &|index| Some(messages::finish_reason(reason(index)).to_owned()));
        if !reasons.is_empty() {
            let reasons = Value::Array(Array::String(reasons));
            self.add(names::RESPONSE_FINISH_REASONS, reasons, &[oi::LLM_FINISH_REASON]);
        }
    }

    /// The finish reason of each answer, or of the first one.
    fn finish_reasons(&self) -> Vec<StringValue> {
        match self.values.get(names::RESPONSE_FINISH_REASONS) {
            Some(Value::Array(Array::String(reasons))) => reasons.clone(),
            _ => self
                .text(oi::LLM_FINISH_REASON)
                .map(|reason| reason.into_owned().into())
                .into_iter()
                .collect(),
        }
    }

    /// Adds what only one kind of span has.
    fn content(&mut self) {
        match self.kind {
            Some(SpanKind::Tool) => self.tool_call(),
            Some(SpanKind::Retriever) => self.retrieval(),
            Some(SpanKind::Embedding) => self.dimensions(),
            _ => {}
        }
    }

    fn tool_call(&mut self) {
        for side in [INPUT, OUTPUT] {
            if let Some(value) = self.values.get(side.value[0]) {
                self.add(side.gen_ai_tool_value, (*value).clone(), &side.value);
            }
        }
        self.add(names::TOOL_TYPE, "function", &[]);
    }

    fn retrieval(&mut self) {
        if let Some(query) = self.plain(INPUT.value) {
            self.add(names::RETRIEVAL_QUERY_TEXT, query.into_owned(), &INPUT.value);
        }
        let documents: Vec<_> = self.list(oi::RETRIEVAL_DOCUMENTS).iter().map(messages::document).collect();
        let [value, mime_type] = OUTPUT.value;
        self.add_list(names::RETRIEVAL_DOCUMENTS, &documents, &[oi::RETRIEVAL_DOCUMENTS, value, mime_type]);
    }

    fn dimensions(&mut self) {
        let embeddings = self.list(oi::EMBEDDING_EMBEDDINGS);
        let vector = embeddings.iter().flatten().find(|(name, _)| *name == oi::embedding::VECTOR);
        if let Some((_, Value::Array(Array::F64(vector)))) = vector {
            let dimensions = i64::try_from(vector.len()).unwrap_or(i64::MAX);
            self.add(names::EMBEDDINGS_DIMENSION_COUNT, dimensions, &[]);
        }
    }
}
