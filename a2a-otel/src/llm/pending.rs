//! A request that waits for its answer.
//!
//! Several interfaces have requests of the same form, so the answer has the last word on whose request it was: it decides
//! who made the model and who serves it, and how the request is read. An attribute can be set only once, so what a request
//! says is recorded with its answer, or when the call ends without one.

use opentelemetry::KeyValue;

use super::reader;
use super::reading::{Model, Read};
use super::shape::Shape;
use super::shapes::system;
use crate::gen_ai;
use crate::semconv::gen_ai::REQUEST_MODEL;
use crate::semconv::openinference as names;

/// What was read of a request, until its answer is known.
#[derive(Debug)]
pub(crate) struct Pending {
    request: Read,
    /// The request's JSON, for reading it again.
    body: Option<Box<str>>,
    /// Which of the attributes that say where the answer comes from the user has recorded.
    has_system: bool,
    has_provider: bool,
    /// Whether the user has recorded the variables of the prompt.
    has_variables: bool,
}

impl Pending {
    /// Keeps a request of a span that has these attributes.
    pub(crate) fn new(request: Read, body: Option<Box<str>>, recorded: &[KeyValue]) -> Self {
        let has = |key: &str| recorded.iter().any(|one| one.key.as_str() == key);
        Self {
            request,
            body,
            has_system: has(names::LLM_SYSTEM),
            has_provider: has(names::LLM_PROVIDER),
            has_variables: has(names::LLM_PROMPT_TEMPLATE_VARIABLES),
        }
    }

    /// The attributes of the call: first what the answer says, then what the request says.
    pub(crate) fn answered(mut self, answer: Read) -> Vec<KeyValue> {
        if let Some(shape) = answer.shape.filter(|shape| !self.is_of(shape)) {
            self.correct(shape);
        }
        // Variables that the user gives take precedence over those of a prompt that the provider stores.
        if self.has_variables {
            self.request.attributes.retain(|one| one.key.as_str() != names::LLM_PROMPT_TEMPLATE_VARIABLES);
        }
        let requested = self.request.model.take();
        let shape = answer.shape.or(self.request.shape);
        let mut attributes = answer.attributes;
        attributes.extend(self.origin(shape, answer.model.as_ref(), requested.as_ref()));
        if let Some(requested) = requested.as_ref().filter(|_| gen_ai::is_on()) {
            // OpenInference's attribute names the model of the response.
            attributes.push(KeyValue::new(REQUEST_MODEL, requested.name.to_string()));
        }
        let model = answer.model.or(requested);
        attributes.extend(model.map(Model::into_attribute));
        attributes.append(&mut self.request.attributes);
        attributes
    }

    /// The attributes of a call without an answer.
    pub(crate) fn unanswered(self) -> Vec<KeyValue> {
        self.answered(Read::default())
    }

    fn is_of(&self, shape: &'static Shape) -> bool {
        self.request.shape.is_some_and(|own| std::ptr::eq(own, shape))
    }

    /// Reads the request again as one for the interface that answered, if it can be one.
    fn correct(&mut self, shape: &'static Shape) {
        let Some(json) = self.body.as_deref().and_then(crate::json::Json::index) else { return };
        if reader::fits(shape, json.root()) {
            let model = self.request.model.take();
            self.request = reader::request(shape, &json);
            self.request.model = self.request.model.take().or(model);
        }
    }

    /// The maker of the model and its provider, unless the user named them.
    fn origin(
        &self,
        shape: Option<&Shape>,
        answered: Option<&Model>,
        requested: Option<&Model>,
    ) -> impl Iterator<Item = KeyValue> + use<> {
        let named = answered.into_iter().chain(requested).find_map(|model| system(&model.name));
        let system = named.or_else(|| shape?.system).filter(|_| !self.has_system);
        let provider = shape.and_then(|shape| shape.provider).filter(|_| !self.has_provider);
        let system = system.map(|system| KeyValue::new(names::LLM_SYSTEM, system));
        system.into_iter().chain(provider.map(|provider| KeyValue::new(names::LLM_PROVIDER, provider)))
    }
}
