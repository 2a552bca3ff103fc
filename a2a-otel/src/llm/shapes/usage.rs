//! How many tokens a call used, under the names of each provider whose interface resembles OpenAI's.
//!
//! Sources: the API references of the providers that a row names. Together, Fireworks, vLLM, SGLang, Azure, Cerebras,
//! Vertex AI's and Cohere's compatible interfaces use OpenAI's names alone.

use crate::json::Node;
use crate::llm::exchange::{Usage, tier};

/// Where a count is, as the names of fields from the outside in.
type Path = &'static [&'static str];

/// A count, and where the providers have it. The first that is present is taken.
type Row = (fn(&mut Usage) -> &mut Option<i64>, &'static [Path]);

const COUNTS: &[Row] = &[
    // OpenAI: chats, then responses. Cohere's own interface has them one level deeper.
    (
        |usage| &mut usage.prompt,
        &[&["prompt_tokens"], &["input_tokens"], &["tokens", "input_tokens"], &["inputTokens"]],
    ),
    (
        |usage| &mut usage.completion,
        &[&["completion_tokens"], &["output_tokens"], &["tokens", "output_tokens"], &["outputTokens"]],
    ),
    (|usage| &mut usage.total, &[&["total_tokens"], &["totalTokens"]]),
    (
        |usage| &mut usage.cache_read,
        &[
            &["prompt_tokens_details", "cached_tokens"],
            &["input_tokens_details", "cached_tokens"],
            // DeepSeek.
            &["prompt_cache_hit_tokens"],
            // Moonshot, Together and Cohere.
            &["cached_tokens"],
            // Proxies that translate Anthropic's answers, such as LiteLLM.
            &["cache_read_input_tokens"],
            &["prompt_tokens_details", "cache_read_tokens"],
        ],
    ),
    (
        |usage| &mut usage.cache_write,
        &[
            // OpenRouter.
            &["prompt_tokens_details", "cache_write_tokens"],
            &["input_tokens_details", "cache_write_tokens"],
            // The crate `genai`.
            &["prompt_tokens_details", "cache_creation_tokens"],
            // Proxies, as above.
            &["cache_creation_input_tokens"],
        ],
    ),
    (
        |usage| &mut usage.prompt_audio,
        &[&["prompt_tokens_details", "audio_tokens"], &["input_tokens_details", "audio_tokens"]],
    ),
    (
        |usage| &mut usage.completion_audio,
        &[&["completion_tokens_details", "audio_tokens"], &["output_tokens_details", "audio_tokens"]],
    ),
    (
        |usage| &mut usage.prompt_image,
        &[&["prompt_tokens_details", "image_tokens"], &["input_tokens_details", "image_tokens"]],
    ),
    (
        |usage| &mut usage.completion_image,
        &[&["completion_tokens_details", "image_tokens"], &["output_tokens_details", "image_tokens"]],
    ),
    (
        |usage| &mut usage.reasoning,
        &[
            &["completion_tokens_details", "reasoning_tokens"],
            &["output_tokens_details", "reasoning_tokens"],
            // Perplexity.
            &["reasoning_tokens"],
        ],
    ),
];

/// Where an answer has its usage, besides the field `usage`.
///
/// Groq's streams have it below a name of their own, Moonshot's in the choice.
pub(super) fn of_answer(answer: Node<'_>) -> Usage {
    let groq = answer.get("x_groq").into_iter();
    let mut holders = std::iter::once(answer).chain(groq).chain(answer.list("choices"));
    let found = holders.find_map(|holder| holder.get("usage").filter(|usage| usage.is_object()));
    let usage = found.map(counts).unwrap_or_default();
    Usage { tier: answer.filled("service_tier").and_then(|reported| tier(&reported)), ..usage }
}

/// The counts of a field `usage`.
pub(super) fn counts(field: Node<'_>) -> Usage {
    let mut usage = Usage::default();
    for (count, paths) in COUNTS {
        *count(&mut usage) = paths.iter().find_map(|path| at(field, path));
    }
    include_reasoning(&mut usage);
    usage.cost = COSTS.iter().find_map(|path| dollars(field, path));
    usage
}

/// Where providers say what a call cost.
const COSTS: &[Path] = &[
    // Perplexity.
    &["cost", "total_cost"],
    // OpenRouter.
    &["cost"],
];

fn dollars(field: Node<'_>, path: Path) -> Option<f64> {
    let number = path.iter().try_fold(field, |holder, name| holder.get(name))?;
    number.raw().parse().ok().filter(|cost: &f64| cost.is_finite() && *cost >= 0.0)
}

fn at(field: Node<'_>, path: Path) -> Option<i64> {
    let (last, holders) = path.split_last()?;
    holders.iter().try_fold(field, |holder, name| holder.get(name))?.count(last)
}

/// Adds the tokens of the reasoning to those of the completion, where the provider counts them separately: xAI does, and
/// some proxies of Gemini. The total tells.
fn include_reasoning(usage: &mut Usage) {
    let Usage { prompt: Some(prompt), completion: Some(completion), total: Some(total), .. } = *usage else {
        return;
    };
    let unexplained = total.saturating_sub(prompt).saturating_sub(completion);
    if unexplained > 0 && usage.reasoning == Some(unexplained) {
        usage.completion = Some(completion.saturating_add(unexplained));
    }
}
