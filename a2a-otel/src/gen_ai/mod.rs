//! What a span says in OpenInference's terms, said in those of OpenTelemetry's GenAI conventions: the second writer.
//!
//! It runs when a span leaves, for whoever recorded it: readers of models' calls, typed records, the user's own code and
//! other libraries. What is masked is masked by then, so nothing can come back here. What GenAI has names for and
//! OpenInference has none, the readers add themselves ([`crate::llm`]).
//!
//! The names and what corresponds to what are tables in [`crate::semconv::gen_ai`].

mod json;
mod messages;
mod parameters;
pub(crate) mod read;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::{Array, KeyValue, StringValue, Value};

use self::messages::{Fields, items};
use crate::privacy;
use crate::semconv::gen_ai::{self as names, OPERATIONS, PROVIDERS, SAME, operation};
use crate::semconv::openinference::{self as oi, mime_type};
use crate::semconv::{SemConv, ours};

// Kinds of spans that say what no other kind does.
const AGENT: &str = "AGENT";
const EMBEDDING: &str = "EMBEDDING";
const LLM: &str = "LLM";
const RETRIEVER: &str = "RETRIEVER";
const TOOL: &str = "TOOL";

static SEMCONV: AtomicU8 = AtomicU8::new(SemConv::OpenInference as u8);

/// From now on, spans leave in these terms.
pub(crate) fn install(semconv: SemConv) {
    SEMCONV.store(semconv as u8, Ordering::Relaxed);
}

/// Whether anything is said in GenAI's terms.
#[inline]
pub(crate) fn is_on() -> bool {
    SEMCONV.load(Ordering::Relaxed) != SemConv::OpenInference as u8
}

/// Says it in the terms that were asked for. What is masked has to be masked already.
#[inline]
pub(crate) fn write(attributes: &mut Vec<KeyValue>) {
    if is_on() {
        translate(attributes, SEMCONV.load(Ordering::Relaxed) == SemConv::GenAi as u8);
    }
}

/// The kind of span that does this.
pub(crate) fn kind_of(operation: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|(_, does)| *does == operation).map(|(kind, _)| *kind)
}

/// What an attribute of OpenInference is called in GenAI, if it is the same there.
pub(crate) fn name_of(key: &str) -> Option<&'static str> {
    SAME.iter().find(|(own, _)| *own == key).map(|(_, name)| *name)
}

/// With `is_alone`, OpenInference's attributes go where GenAI's now say it.
#[cold]
fn translate(attributes: &mut Vec<KeyValue>, is_alone: bool) {
    let mut writer = Writer::of(attributes);
    writer.operation();
    writer.same();
    writer.provider();
    writer.parameters();
    writer.tools();
    writer.messages();
    writer.content();
    let Writer { mut added, replaced, .. } = writer;
    privacy::redact(&mut added);
    attributes.retain(|attribute| {
        let key = attribute.key.as_str();
        let is_replaced = || replaced.iter().any(|replaced| is_below(key, replaced));
        key != ours::INSTRUCTIONS_APART && !(is_alone && is_replaced())
    });
    attributes.append(&mut added);
}

/// Whether it is this attribute, or one of this list.
fn is_below(key: &str, list: &str) -> bool {
    key.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What goes into a call, or comes out of it.
struct Side {
    /// The list of its messages, and of texts where there are none.
    messages: &'static str,
    texts: &'static str,
    text: &'static str,
    /// The whole, and what it is.
    value: [&'static str; 2],
    /// All of it in GenAI's terms.
    name: &'static str,
    /// Who speaks, where nobody says so.
    role: &'static str,
}

const INPUT: Side = Side {
    messages: oi::LLM_INPUT_MESSAGES,
    texts: oi::LLM_PROMPTS,
    text: oi::prompt::TEXT,
    value: [oi::INPUT_VALUE, oi::INPUT_MIME_TYPE],
    name: names::INPUT_MESSAGES,
    role: "user",
};

const OUTPUT: Side = Side {
    messages: oi::LLM_OUTPUT_MESSAGES,
    texts: oi::LLM_CHOICES,
    text: oi::completion::TEXT,
    value: [oi::OUTPUT_VALUE, oi::OUTPUT_MIME_TYPE],
    name: names::OUTPUT_MESSAGES,
    role: "assistant",
};

struct Writer<'a> {
    attributes: &'a [KeyValue],
    /// The same by key; of those that were set twice, the last.
    values: HashMap<&'a str, &'a Value>,
    kind: Cow<'a, str>,
    added: Vec<KeyValue>,
    /// The attributes, and lists of them, that now are said twice.
    replaced: Vec<&'static str>,
}

impl<'a> Writer<'a> {
    fn of(attributes: &'a [KeyValue]) -> Self {
        let values: HashMap<_, _> =
            attributes.iter().map(|attribute| (attribute.key.as_str(), &attribute.value)).collect();
        let kind = values.get(oi::SPAN_KIND).map_or("".into(), |kind| kind.as_str());
        Self { attributes, values, kind, added: Vec::new(), replaced: Vec::new() }
    }

    fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.values.get(key).map(|value| value.as_str())
    }

    /// The value, if it is text and not the JSON of anything else.
    fn plain(&self, [value, mime_type]: [&str; 2]) -> Option<Cow<'a, str>> {
        let is_plain = self.text(mime_type).is_none_or(|mime_type| mime_type == mime_type::TEXT);
        self.text(value).filter(|_| is_plain)
    }

    fn list(&self, list: &str) -> Vec<Fields<'a>> {
        let fields = self.attributes.iter().map(|attribute| (attribute.key.as_str(), &attribute.value));
        items(fields, list)
    }

    /// Says what these attributes say, unless somebody has.
    fn add(&mut self, key: &'static str, value: impl Into<Value>, replaced: &[&'static str]) {
        let is_new = self.added.iter().all(|added| added.key.as_str() != key);
        if is_new && !self.values.contains_key(key) {
            self.added.push(KeyValue::new(key, value));
        }
        self.replaced.extend(replaced);
    }

    /// A list of objects, as JSON.
    fn add_list(&mut self, key: &'static str, items: &[String], replaced: &[&'static str]) {
        if !items.is_empty() {
            self.add(key, json::fitted(json::list(items)), replaced);
        }
    }

    fn operation(&mut self) {
        let usual = OPERATIONS.iter().find(|(kind, _)| *kind == self.kind);
        let Some(&(_, mut operation)) = usual else { return };
        if self.kind == LLM && self.values.keys().any(|key| is_below(key, oi::LLM_PROMPTS)) {
            operation = operation::TEXT_COMPLETION;
        }
        let said = self.text(names::OPERATION_NAME);
        // What somebody else says the span does may be of no kind, or of another.
        let says_kind = said.is_none_or(|said| kind_of(&said) == Some(&*self.kind));
        self.add(names::OPERATION_NAME, operation, if says_kind { &[oi::SPAN_KIND] } else { &[] });
    }

    fn same(&mut self) {
        for (key, name) in SAME {
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
        let lower = |key| self.text(key).unwrap_or_default().to_lowercase();
        let (provider, system) = (lower(oi::LLM_PROVIDER), lower(oi::LLM_SYSTEM));
        let either = if provider.is_empty() { &system } else { &provider };
        let row = PROVIDERS
            .iter()
            .find(|(serves, made, _)| serves == either && (made.is_empty() || *made == system));
        let name = row.map_or_else(|| either.clone(), |(.., name)| (*name).to_owned());
        if !name.is_empty() {
            self.add(names::PROVIDER_NAME, name, &[oi::LLM_PROVIDER, oi::LLM_SYSTEM]);
        }
    }

    fn parameters(&mut self) {
        for key in [oi::LLM_INVOCATION_PARAMETERS, oi::EMBEDDING_INVOCATION_PARAMETERS] {
            let Some(text) = self.text(key) else { continue };
            for (name, value) in parameters::read(&text) {
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
        if !self.values.contains_key(ours::INSTRUCTIONS_APART) {
            return 0;
        }
        let messages = self.list(INPUT.messages);
        let is_instruction = |message: &&Fields<'_>| messages::is_of(message, "system");
        let instructions: Vec<_> = messages.iter().take_while(is_instruction).collect();
        let parts: Vec<_> = instructions.iter().flat_map(|message| messages::parts(message)).collect();
        self.add_list(names::SYSTEM_INSTRUCTIONS, &parts, &[]);
        instructions.len()
    }

    /// The messages, or the texts where there are none, or else the whole; `ended` says why which of them ended.
    fn conversation(&mut self, side: &Side, instructions: usize, ended: &dyn Fn(usize) -> Option<String>) {
        let messages = self.list(side.messages);
        let messages = messages.iter().skip(instructions).enumerate();
        let mut said: Vec<_> = messages
            .map(|(index, message)| messages::message(message, side.role, ended(index).as_deref()))
            .collect();
        let of_text = |index, text: &str| messages::of_text(side.role, text, ended(index).as_deref());
        let texts = self.list(side.texts);
        let texts = texts.iter().filter_map(|text| messages::text(text, side.text)).enumerate();
        said.extend(texts.map(|(index, text)| of_text(index, &text)));
        let is_model = self.kind == LLM;
        let is_whole = said.is_empty() && (is_model || self.kind == AGENT);
        if is_whole {
            said.extend(self.plain(side.value).map(|text| of_text(0, &text)));
        }
        self.add_list(side.name, &said, &[side.messages, side.texts]);
        if !said.is_empty() && (is_model || is_whole) {
            self.replaced.extend(side.value);
        }
    }

    fn messages(&mut self) {
        let instructions = self.instructions();
        self.conversation(&INPUT, instructions, &|_| None);
        let reasons = self.finish_reasons();
        // Some make several messages of one answer.
        let reason = |index| reasons.get(index).or(reasons.first()).map_or("", StringValue::as_str);
        self.conversation(&OUTPUT, 0, &|index| Some(messages::finish_reason(reason(index)).to_owned()));
        if !reasons.is_empty() {
            let reasons = Value::Array(Array::String(reasons));
            self.add(names::RESPONSE_FINISH_REASONS, reasons, &[oi::LLM_FINISH_REASON]);
        }
    }

    /// Why each answer ended, or the first one.
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

    /// What only one kind of span says.
    fn content(&mut self) {
        match &*self.kind {
            TOOL => self.tool_call(),
            RETRIEVER => self.retrieval(),
            EMBEDDING => self.dimensions(),
            _ => {}
        }
    }

    fn tool_call(&mut self) {
        let sides = [(INPUT.value, names::TOOL_CALL_ARGUMENTS), (OUTPUT.value, names::TOOL_CALL_RESULT)];
        for (value, name) in sides {
            if let Some(said) = self.values.get(value[0]) {
                self.add(name, (*said).clone(), &value);
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
