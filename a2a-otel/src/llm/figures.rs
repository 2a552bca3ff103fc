//! The figures of a call of a model, whether or not its span is recorded.

use std::time::Duration;

use opentelemetry::{KeyValue, StringValue, Value};

#[cfg(feature = "cost")]
use super::cost;
use super::exchange::{Operation, Usage};
use super::reading::Read;
use super::shape::Shape;
use super::shapes::system;
use crate::gen_ai;
use crate::meter::{self, Labels, Metric, Number};
use crate::semconv::GenAiVersion;
use crate::semconv::gen_ai::{
    AGENT_NAME, OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, operation,
};
use crate::semconv::markers::{CACHE_WRITE_1H_TOKENS, COMPLETION_IMAGE_TOKENS, PROMPT_IMAGE_TOKENS};
use crate::semconv::metrics::operations::{self as rows, TOKEN_MODALITY, TOKEN_TYPE};
use crate::semconv::openinference as oi;
use crate::semconv::opentelemetry::ERROR_TYPE;

/// What is known of a call of a model, for its figures.
#[derive(Debug, Default)]
pub(crate) struct ModelCall {
    pub(crate) is_embedding: bool,
    /// The interface: that of the answer, or else that of the request.
    shape: Option<&'static Shape>,
    /// `llm.provider` and `llm.system`, if the user has named them.
    provider: Option<StringValue>,
    system: Option<StringValue>,
    pub(crate) request_model: Option<StringValue>,
    pub(crate) response_model: Option<StringValue>,
    pub(crate) usage: Usage,
    /// The seconds to the first chunk, and from each to the next.
    pub(crate) first_chunk: Option<f64>,
    pub(crate) chunks: Vec<f64>,
}

/// How a call of a model went, around what is known of it.
pub(crate) struct CallOutcome {
    pub(crate) duration: Duration,
    /// The agent that called.
    pub(crate) agent: Option<StringValue>,
    pub(crate) error_type: Option<StringValue>,
}

fn shared(text: &str) -> StringValue {
    std::sync::Arc::<str>::from(text).into()
}

impl ModelCall {
    pub(crate) fn new(is_embedding: bool) -> Self {
        Self { is_embedding, ..Self::default() }
    }

    /// Takes over what a request says.
    pub(crate) fn asked(&mut self, request: &Read) {
        self.shape = request.shape;
        self.request_model =
            request.model.as_ref().map(|model| shared(&model.name)).or(self.request_model.take());
    }

    /// Takes over what an answer says.
    pub(crate) fn answered(&mut self, answer: &Read) {
        self.shape = answer.shape.or(self.shape);
        let model = answer.model.as_ref().map(|model| shared(&model.name));
        self.response_model = self.response_model.take().or(model);
        self.usage.complete(&answer.usage);
    }

    /// Takes over what the user has recorded.
    pub(crate) fn noted(&mut self, attributes: &[KeyValue]) {
        #[cfg(feature = "cost")]
        if let Some(cost) = cost::recorded(attributes) {
            self.usage.cost = Some(cost);
        }
        for KeyValue { key, value, .. } in attributes {
            let key = key.as_str();
            let text = || Some(value.as_str()).filter(|text| !text.is_empty()).map(|text| shared(&text));
            match key {
                oi::LLM_PROVIDER => self.provider = text(),
                oi::LLM_SYSTEM => self.system = text(),
                oi::LLM_REQUEST_MODEL_NAME | REQUEST_MODEL => self.request_model = text(),
                oi::LLM_MODEL_NAME | oi::EMBEDDING_MODEL_NAME if self.request_model.is_none() => {
                    self.request_model = text();
                }
                oi::LLM_RESPONSE_MODEL_NAME
                | RESPONSE_MODEL
                | oi::LLM_MODEL_NAME
                | oi::EMBEDDING_MODEL_NAME => self.response_model = text(),
                _ => self.usage.note(key, value),
            }
        }
    }

    /// Takes over what a call says that was made within this one and is a part of it.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.shape = self.shape.or(part.shape);
        self.provider = self.provider.take().or(part.provider);
        self.system = self.system.take().or(part.system);
        self.request_model = self.request_model.take().or(part.request_model);
        self.response_model = self.response_model.take().or(part.response_model);
        self.first_chunk = self.first_chunk.or(part.first_chunk);
        if self.chunks.is_empty() {
            self.chunks = part.chunks;
        }
        self.usage.add(&part.usage);
    }

    /// What is known of the call, completed by what its parts say.
    pub(crate) fn completed(mut self, parts: Self) -> Self {
        let usage = self.usage;
        self.usage = Usage::default();
        self.absorb(parts);
        let of_parts = std::mem::replace(&mut self.usage, usage);
        self.usage.complete(&of_parts);
        self
    }

    /// `gen_ai.operation.name`.
    fn operation(&self) -> &'static str {
        let shape = self.shape;
        match shape.map(|shape| shape.operation) {
            _ if self.is_embedding => operation::EMBEDDINGS,
            Some(Operation::Completion) => operation::TEXT_COMPLETION,
            _ if shape.and_then(|shape| shape.provider) == Some(oi::system::GOOGLE) => {
                operation::GENERATE_CONTENT
            }
            _ => operation::CHAT,
        }
    }

    /// `gen_ai.provider.name`.
    pub(crate) fn provider(&self) -> Option<StringValue> {
        let models = self.response_model.iter().chain(&self.request_model);
        let of_model =
            || models.clone().find_map(|model| system(model.as_str())).or_else(|| self.shape?.system);
        let of_shape = || self.shape.and_then(|shape| shape.provider);
        let provider = self.provider.as_ref().map(StringValue::as_str).or_else(of_shape);
        let system = self.system.as_ref().map(StringValue::as_str).or_else(of_model);
        gen_ai::provider_of(provider.unwrap_or_default(), system.unwrap_or_default())
    }

    /// Counts what the call cost. The labels of its other figures include those of this one.
    #[cfg(feature = "cost")]
    fn count_cost(&self, labels: &[KeyValue]) {
        let provider = self.provider.as_ref().map(StringValue::as_str);
        let provider = provider.or_else(|| self.shape?.provider);
        let models = cost::Models {
            requested: self.request_model.as_ref().map(StringValue::as_str),
            answered: self.response_model.as_ref().map(StringValue::as_str),
        };
        cost::count(provider, models, &self.usage, labels);
    }

    /// Records the figures of a call that has ended: the one place where every call of a model passes, sampled or not.
    pub(crate) fn record(self, outcome: CallOutcome) {
        let CallOutcome { duration, agent, error_type } = outcome;
        let mut labels = Labels::<8>::new();
        labels.push(OPERATION_NAME, self.operation());
        labels.maybe(PROVIDER_NAME, self.provider());
        labels.maybe(REQUEST_MODEL, self.request_model.clone());
        labels.maybe(RESPONSE_MODEL, self.response_model.clone());
        labels.maybe(AGENT_NAME, agent);
        let instruments = &INSTRUMENTS[gen_ai::metrics_version() as usize];
        let of_duration = if self.is_embedding { &OPERATION_DURATION } else { instruments.duration };
        let seconds = Number::Float(duration.as_secs_f64());
        match error_type {
            Some(error) => {
                labels.with(ERROR_TYPE, error, |labels| meter::record(of_duration, seconds, labels));
            }
            None => meter::record(of_duration, seconds, labels.all()),
        }
        if let Some(first) = self.first_chunk {
            meter::record(instruments.first_chunk, Number::Float(first), labels.all());
        }
        for chunk in &self.chunks {
            meter::record(instruments.chunk, Number::Float(*chunk), labels.all());
        }
        (instruments.tokens)(&self.usage, &mut labels);
        #[cfg(feature = "cost")]
        self.count_cost(labels.all());
    }
}

/// The metrics of a version of the GenAI conventions.
struct Instruments {
    duration: &'static Metric,
    first_chunk: &'static Metric,
    chunk: &'static Metric,
    tokens: fn(&Usage, &mut Labels<8>),
}

macro_rules! metrics {
    ($($row:ident)*) => { $(static $row: Metric = Metric::built_in(&rows::$row);)* };
}

metrics! {
    OPERATION_DURATION TOKEN_USAGE TIME_TO_FIRST_CHUNK TIME_PER_OUTPUT_CHUNK
    INFERENCE_DURATION INFERENCE_TIME_TO_FIRST_CHUNK INFERENCE_TIME_PER_OUTPUT_CHUNK
    INPUT_TOKENS OUTPUT_TOKENS CACHE_READ_TOKENS CACHE_WRITE_TOKENS REASONING_TOKENS
    INPUT_TOKENS_OF_A_CALL OUTPUT_TOKENS_OF_A_CALL
}

/// By the number of the version.
static INSTRUMENTS: [Instruments; GenAiVersion::ALL.len()] = [
    Instruments {
        duration: &OPERATION_DURATION,
        first_chunk: &TIME_TO_FIRST_CHUNK,
        chunk: &TIME_PER_OUTPUT_CHUNK,
        tokens: token_usage,
    },
    Instruments {
        duration: &INFERENCE_DURATION,
        first_chunk: &INFERENCE_TIME_TO_FIRST_CHUNK,
        chunk: &INFERENCE_TIME_PER_OUTPUT_CHUNK,
        tokens: inference_usage,
    },
];

/// Version 1.41: one histogram, by type.
fn token_usage(usage: &Usage, labels: &mut Labels<8>) {
    for (kind, count) in [("input", usage.prompt), ("output", usage.completion)] {
        if let Some(count) = number(count) {
            labels.with(TOKEN_TYPE, kind, |labels| meter::record(&TOKEN_USAGE, count, labels));
        }
    }
}

/// Version 0.1.0: counters by modality, and histograms.
fn inference_usage(usage: &Usage, labels: &mut Labels<8>) {
    let counts = [
        (&INPUT_TOKENS, usage.prompt, usage.prompt_audio),
        (&OUTPUT_TOKENS, usage.completion, usage.completion_audio),
        (&CACHE_READ_TOKENS, usage.cache_read, None),
        (&CACHE_WRITE_TOKENS, usage.cache_write, None),
        (&REASONING_TOKENS, usage.reasoning, None),
    ];
    for (metric, count, audio) in counts {
        // What is not audio may be text or images: providers do not say.
        let audio = audio.filter(|audio| *audio > 0);
        let rest = count.map(|count| count - audio.unwrap_or_default());
        for (modality, count) in [("audio", audio), ("unknown", rest)] {
            if let Some(count) = number(count) {
                labels.with(TOKEN_MODALITY, modality, |labels| meter::record(metric, count, labels));
            }
        }
    }
    let of_a_call = [(&INPUT_TOKENS_OF_A_CALL, usage.prompt), (&OUTPUT_TOKENS_OF_A_CALL, usage.completion)];
    for (metric, count) in of_a_call {
        if let Some(count) = number(count) {
            meter::record(metric, count, labels.all());
        }
    }
}

/// A count. `None` if a provider says something absurd.
fn number(count: Option<i64>) -> Option<Number> {
    u64::try_from(count?).ok().map(Number::Unsigned)
}

impl Usage {
    fn counts(&mut self) -> [(&'static str, &mut Option<i64>); 11] {
        [
            (oi::LLM_TOKEN_COUNT_PROMPT, &mut self.prompt),
            (oi::LLM_TOKEN_COUNT_COMPLETION, &mut self.completion),
            (oi::LLM_TOKEN_COUNT_TOTAL, &mut self.total),
            (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ, &mut self.cache_read),
            (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE, &mut self.cache_write),
            (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO, &mut self.prompt_audio),
            (oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO, &mut self.completion_audio),
            (oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING, &mut self.reasoning),
            (PROMPT_IMAGE_TOKENS, &mut self.prompt_image),
            (COMPLETION_IMAGE_TOKENS, &mut self.completion_image),
            (CACHE_WRITE_1H_TOKENS, &mut self.cache_write_1h),
        ]
    }

    /// Takes over a count that the user has recorded.
    fn note(&mut self, key: &str, value: &Value) {
        if let Value::I64(said) = value
            && let Some((_, count)) = self.counts().into_iter().find(|(own, _)| *own == key)
        {
            *count = Some(*said);
        }
    }

    /// Takes over the counts that are not known.
    fn complete(&mut self, other: &Self) {
        let mut other = *other;
        for ((_, own), (_, other)) in self.counts().into_iter().zip(other.counts()) {
            *own = own.or(*other);
        }
        self.tier = self.tier.or(other.tier);
        self.cost = self.cost.or(other.cost);
    }

    fn add(&mut self, other: &Self) {
        let mut other = *other;
        for ((_, own), (_, other)) in self.counts().into_iter().zip(other.counts()) {
            *own = match (*own, *other) {
                (Some(own), Some(other)) => Some(own.saturating_add(other)),
                (own, other) => own.or(other),
            };
        }
        self.tier = self.tier.or(other.tier);
        self.cost = self.cost.into_iter().chain(other.cost).reduce(|own, other| own + other);
    }
}
