//! Writes the cost of a model's call on its span when it has ended, whoever recorded it: the attribute macros, the user,
//! or another library.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::models::{Models, price};
use super::prices::are_spans_expected;
use super::{Cost, Priced};
use crate::attributes::find;
use crate::llm::exchange::Usage;
use crate::semconv::SpanKind;
use crate::semconv::gen_ai::REQUEST_MODEL;
use crate::semconv::markers::{
    CACHE_WRITE_1H_TOKENS, COMPLETION_IMAGE_TOKENS, PROMPT_IMAGE_TOKENS, SERVICE_TIER,
};
use crate::semconv::openinference as names;

const COST: &str = "llm.cost.";

/// The kinds of spans that are calls of models. Others, such as those of agents, may have the sums of their calls.
const CALLS: &[SpanKind] = &[SpanKind::Llm, SpanKind::Embedding];

/// Where an answer's class of service may be: ours, and OpenTelemetry's attributes for OpenAI, new and old.
const TIERS: &[&str] = &[SERVICE_TIER, "openai.response.service_tier", "gen_ai.openai.response.service_tier"];

type Count = fn(&mut Usage) -> &mut Option<i64>;

/// Where a span has the counts that have a price.
const COUNTS: &[(&str, Count)] = &[
    (names::LLM_TOKEN_COUNT_PROMPT, |usage| &mut usage.prompt),
    (names::LLM_TOKEN_COUNT_COMPLETION, |usage| &mut usage.completion),
    (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ, |usage| &mut usage.cache_read),
    // Whoever does not distinguish reads from writes means reads.
    (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_INPUT, |usage| &mut usage.cache_read),
    (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE, |usage| &mut usage.cache_write),
    (names::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO, |usage| &mut usage.prompt_audio),
    (names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO, |usage| &mut usage.completion_audio),
    (names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING, |usage| &mut usage.reasoning),
    (PROMPT_IMAGE_TOKENS, |usage| &mut usage.prompt_image),
    (COMPLETION_IMAGE_TOKENS, |usage| &mut usage.completion_image),
    (CACHE_WRITE_1H_TOKENS, |usage| &mut usage.cache_write_1h),
];

/// What a price depends on and OpenInference has no name for, for [`write`]. No exporter sees it.
pub(crate) fn unnamed(usage: &Usage) -> impl Iterator<Item = KeyValue> {
    let counts = [
        (PROMPT_IMAGE_TOKENS, usage.prompt_image),
        (COMPLETION_IMAGE_TOKENS, usage.completion_image),
        (CACHE_WRITE_1H_TOKENS, usage.cache_write_1h),
    ];
    let counts = counts.into_iter().filter_map(|(key, count)| Some(KeyValue::new(key, count?)));
    let all = counts.chain(usage.tier.map(|tier| KeyValue::new(SERVICE_TIER, tier)));
    are_spans_expected().then_some(all).into_iter().flatten()
}

/// Writes the cost of a call. A cost that the answer, the user or another library has recorded stands.
pub(crate) fn write(span: &mut SpanData) {
    let attributes = &mut span.attributes;
    let Some(kind) = find(attributes, names::SPAN_KIND).map(Value::as_str) else { return };
    if !CALLS.iter().any(|of_model| kind == of_model.as_str()) {
        return;
    }
    let usage = usage(attributes);
    attributes.retain(|one| !is_unnamed(one.key.as_str()));
    if recorded(attributes).is_some() {
        return;
    }
    let named = Named::of(attributes);
    let models = Models { answered: named.answered.as_deref(), requested: named.requested.as_deref() };
    if let Priced::At(cost) = price(named.provider.as_deref(), models, &usage, span.start_time, true) {
        attributes.extend(cost.attributes());
    }
}

fn is_unnamed(key: &str) -> bool {
    [PROMPT_IMAGE_TOKENS, COMPLETION_IMAGE_TOKENS, CACHE_WRITE_1H_TOKENS, SERVICE_TIER].contains(&key)
}

fn usage(attributes: &[KeyValue]) -> Usage {
    let mut usage = Usage::default();
    for (key, count) in COUNTS {
        let counted = find(attributes, key).and_then(count_of);
        let count = count(&mut usage);
        *count = count.or(counted);
    }
    let tier = TIERS.iter().find_map(|key| find(attributes, key));
    usage.tier = tier.and_then(|tier| crate::llm::exchange::tier(&tier.as_str()));
    usage
}

/// Other libraries may record a count as another kind of number.
fn count_of(value: &Value) -> Option<i64> {
    match value {
        Value::I64(count) => Some(*count),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a count has no fraction; one that is too large is cut"
        )]
        Value::F64(count) => Some(*count as i64),
        other => other.as_str().parse().ok(),
    }
}

/// The cost that is recorded already.
pub(crate) fn recorded(attributes: &[KeyValue]) -> Option<f64> {
    if !attributes.iter().any(|one| one.key.as_str().starts_with(COST)) {
        return None;
    }
    let number = |key: &str| match find(attributes, key)? {
        Value::F64(cost) => Some(*cost),
        other => other.as_str().parse().ok(),
    };
    let sides = || [names::LLM_COST_PROMPT, names::LLM_COST_COMPLETION].into_iter().filter_map(number).sum();
    Some(number(names::LLM_COST_TOTAL).unwrap_or_else(sides))
}

/// Who answered a call, by its span.
struct Named {
    provider: Option<String>,
    answered: Option<String>,
    requested: Option<String>,
}

impl Named {
    fn of(attributes: &[KeyValue]) -> Self {
        let text = |keys: &[&str]| {
            let mut found = keys.iter().filter_map(|key| find(attributes, key));
            found.find_map(|value| Some(value.as_str().into_owned()).filter(|text| !text.is_empty()))
        };
        Self {
            provider: text(&[names::LLM_PROVIDER]),
            answered: text(&[
                names::LLM_RESPONSE_MODEL_NAME,
                names::LLM_MODEL_NAME,
                names::EMBEDDING_MODEL_NAME,
            ]),
            requested: text(&[names::LLM_REQUEST_MODEL_NAME, REQUEST_MODEL]),
        }
    }
}

impl Cost {
    /// OpenInference's attributes. Parts of which there is nothing are left out.
    fn attributes(self) -> impl Iterator<Item = KeyValue> {
        let details = self.details.unwrap_or_default();
        let parts = [
            (names::LLM_COST_PROMPT, self.prompt),
            (names::LLM_COST_COMPLETION, self.completion),
            (names::LLM_COST_PROMPT_DETAILS_INPUT, details.input),
            (names::LLM_COST_PROMPT_DETAILS_CACHE_READ, details.cache_read),
            (names::LLM_COST_PROMPT_DETAILS_CACHE_WRITE, details.cache_write),
            (names::LLM_COST_PROMPT_DETAILS_AUDIO, details.prompt_audio),
            (names::LLM_COST_COMPLETION_DETAILS_OUTPUT, details.output),
            (names::LLM_COST_COMPLETION_DETAILS_REASONING, details.reasoning),
            (names::LLM_COST_COMPLETION_DETAILS_AUDIO, details.completion_audio),
        ];
        let parts = parts.into_iter().filter(|(_, cost)| *cost > 0.0);
        let all = [(names::LLM_COST_TOTAL, self.total)].into_iter().chain(parts);
        all.map(|(key, cost)| KeyValue::new(key, cost))
    }
}
