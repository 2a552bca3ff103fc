//! LLM calls, read by the shape of their JSON, so that no provider's crate is tied to us.

mod openai;

use opentelemetry::KeyValue;
use serde_json::Value;

use crate::capture::cut;
use crate::semconv::openinference as names;

/// What was read of a request or a response.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) attributes: Vec<KeyValue>,
    /// Kept apart, because the response's model is preferred, and one attribute may be set only once.
    pub(crate) model: Option<Box<str>>,
}

/// Reads a request. A shape that is not known gives nothing.
pub(crate) fn read_request(json: &str) -> Read {
    read(json, openai::read_request)
}

/// Reads a response. A shape that is not known gives nothing.
pub(crate) fn read_response(json: &str) -> Read {
    read(json, openai::read_response)
}

fn read(json: &str, reader: fn(&Value, &mut Read)) -> Read {
    let mut read = Read::default();
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(json) {
        read.model = value["model"].as_str().filter(|model| !model.is_empty()).map(Into::into);
        reader(&value, &mut read);
    }
    read
}

/// `llm.system` of a model, by the beginning of its name; OpenInference's values.
pub(crate) fn system(model: &str) -> Option<&'static str> {
    const SYSTEMS: &[(&str, &str)] = &[
        ("gpt", names::system::OPENAI),
        ("chatgpt", names::system::OPENAI),
        ("o1", names::system::OPENAI),
        ("o3", names::system::OPENAI),
        ("o4", names::system::OPENAI),
        ("text-embedding", names::system::OPENAI),
        ("claude", names::system::ANTHROPIC),
        ("mistral", names::system::MISTRALAI),
        ("command", names::system::COHERE),
        ("gemini", names::system::VERTEXAI),
    ];
    SYSTEMS.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, system)| *system)
}

impl Read {
    fn text(&mut self, key: impl Into<opentelemetry::Key>, value: &Value) {
        if let Some(text) = value.as_str() {
            self.attributes.push(KeyValue::new(key, cut(text.to_owned())));
        }
    }

    fn count(&mut self, key: &'static str, value: &Value) {
        if let Some(count) = value.as_i64() {
            self.attributes.push(KeyValue::new(key, count));
        }
    }

    fn json(&mut self, key: impl Into<opentelemetry::Key>, value: &Value) {
        self.attributes.push(KeyValue::new(key, cut(value.to_string())));
    }
}
