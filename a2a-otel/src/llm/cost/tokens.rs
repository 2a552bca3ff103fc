//! The tokens of a call in the terms of the price list, free of contradictions.

use genai_prices::{Usage as Units, UsageKey};

use crate::llm::exchange::Usage;

/// How many tokens a call used. No part exceeds its whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tokens {
    pub(super) prompt: f64,
    pub(super) completion: f64,
    pub(super) cache_read: f64,
    pub(super) cache_write: f64,
    /// Of the tokens written to a cache: those that stay there for an hour.
    cache_write_1h: f64,
    pub(super) prompt_audio: f64,
    prompt_image: f64,
    /// Audio and images that were read from a cache: both parts of the prompt that exceed it together.
    cached_audio: f64,
    cached_image: f64,
    pub(super) completion_audio: f64,
    completion_image: f64,
    pub(super) reasoning: f64,
}

impl Tokens {
    /// `None` if the call used no tokens, or they are not known.
    pub(super) fn of(usage: &Usage) -> Option<Self> {
        let (prompt, completion) = (number(usage.prompt), number(usage.completion));
        if prompt + completion <= 0.0 {
            return None;
        }
        let cache_read = number(usage.cache_read).min(prompt);
        let cache_write = number(usage.cache_write).min(prompt - cache_read);
        let prompt_audio = number(usage.prompt_audio).min(prompt);
        let prompt_image = number(usage.prompt_image).min(prompt - prompt_audio);
        let twice = (cache_read + cache_write + prompt_audio + prompt_image - prompt).max(0.0);
        let cached_audio = twice.min(prompt_audio).min(cache_read);
        let cached_image = (twice - cached_audio).min(prompt_image).min(cache_read - cached_audio);
        let completion_audio = number(usage.completion_audio).min(completion);
        let completion_image = number(usage.completion_image).min(completion - completion_audio);
        Some(Self {
            prompt,
            completion,
            cache_read,
            // What is left over can only be audio or images that were written to a cache, which no price list has.
            cache_write: (cache_write - (twice - cached_audio - cached_image)).max(0.0),
            cache_write_1h: number(usage.cache_write_1h),
            prompt_audio,
            prompt_image,
            cached_audio,
            cached_image,
            completion_audio,
            completion_image,
            reasoning: number(usage.reasoning).min(completion - completion_audio - completion_image),
        })
    }

    /// Whether the parts of the prompt are separate, so that each has a cost of its own.
    pub(super) fn are_separate(&self) -> bool {
        self.cached_audio + self.cached_image <= 0.0
    }

    /// All tokens.
    pub(super) fn units(&self) -> Units {
        units(&[
            (UsageKey::INPUT_TOKENS, self.prompt),
            (UsageKey::CACHE_READ_TOKENS, self.cache_read),
            (UsageKey::CACHE_WRITE_TOKENS, self.cache_write),
            (UsageKey::CACHE_WRITE_1H_TOKENS, self.cache_write_1h.min(self.cache_write)),
            (UsageKey::INPUT_AUDIO_TOKENS, self.prompt_audio),
            (UsageKey::INPUT_IMAGE_TOKENS, self.prompt_image),
            (UsageKey::CACHE_AUDIO_READ_TOKENS, self.cached_audio),
            (UsageKey::CACHE_IMAGE_READ_TOKENS, self.cached_image),
            // Two parts that may overlap, such as audio and writes, need their common part, even if it is nothing.
            (UsageKey::CACHE_AUDIO_WRITE_TOKENS, 0.0),
            (UsageKey::CACHE_IMAGE_WRITE_TOKENS, 0.0),
            (UsageKey::CACHE_AUDIO_WRITE_1H_TOKENS, 0.0),
            (UsageKey::CACHE_IMAGE_WRITE_1H_TOKENS, 0.0),
            (UsageKey::OUTPUT_TOKENS, self.completion),
            (UsageKey::OUTPUT_AUDIO_TOKENS, self.completion_audio),
            (UsageKey::OUTPUT_IMAGE_TOKENS, self.completion_image),
            (UsageKey::OUTPUT_REASONING_TOKENS, self.reasoning),
            (UsageKey::OUTPUT_AUDIO_REASONING_TOKENS, 0.0),
            (UsageKey::OUTPUT_IMAGE_REASONING_TOKENS, 0.0),
        ])
    }

    /// The tokens of a single part, beside all others as plain text.
    pub(super) fn part(&self, part: Part) -> Units {
        let (prompt, completion) = ((UsageKey::INPUT_TOKENS, self.prompt), self.completion);
        let completion = (UsageKey::OUTPUT_TOKENS, completion);
        match part {
            Part::Text => units(&[prompt, completion]),
            Part::CacheRead => units(&[prompt, (UsageKey::CACHE_READ_TOKENS, self.cache_read)]),
            Part::CacheWrite => units(&[
                prompt,
                (UsageKey::CACHE_WRITE_TOKENS, self.cache_write),
                (UsageKey::CACHE_WRITE_1H_TOKENS, self.cache_write_1h.min(self.cache_write)),
            ]),
            Part::PromptAudio => units(&[prompt, (UsageKey::INPUT_AUDIO_TOKENS, self.prompt_audio)]),
            // The price of an output may depend on the length of the input.
            Part::CompletionAudio => {
                units(&[prompt, completion, (UsageKey::OUTPUT_AUDIO_TOKENS, self.completion_audio)])
            }
            Part::Reasoning => {
                units(&[prompt, completion, (UsageKey::OUTPUT_REASONING_TOKENS, self.reasoning)])
            }
        }
    }
}

/// A part of the tokens that has a cost of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// All tokens, as if they were plain text.
    Text,
    CacheRead,
    CacheWrite,
    PromptAudio,
    CompletionAudio,
    Reasoning,
}

fn units(counts: &[(UsageKey, f64)]) -> Units {
    counts.iter().cloned().collect()
}

/// A count above 2^53 may be off by one part in 2^53.
#[expect(clippy::cast_precision_loss, reason = "no call uses so many tokens")]
fn number(count: Option<i64>) -> f64 {
    count.unwrap_or(0).max(0) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Tokens, Usage};

    /// What a provider may say, with contradictions.
    fn any_usage() -> impl Strategy<Value = Usage> {
        prop::array::uniform9(prop::option::weighted(0.8, -1..12_i64)).prop_map(|counts| {
            let [prompt, completion, cache_read, cache_write, prompt_audio, prompt_image, ..] = counts;
            let [.., completion_audio, completion_image, reasoning] = counts;
            Usage {
                // Often enough for most of its parts.
                prompt: prompt.map(|prompt| prompt * 2),
                completion,
                cache_read,
                cache_write,
                prompt_audio,
                prompt_image,
                completion_audio,
                completion_image,
                reasoning,
                ..Usage::default()
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// Each token of the prompt is paid once: the parts that overlap are no more than what exceeds the prompt.
        #[test]
        fn the_parts_are_no_more_than_the_whole(usage in any_usage()) {
            let Some(tokens) = Tokens::of(&usage) else { return Ok(()) };
            let Tokens { prompt, cache_read, cache_write, prompt_audio, prompt_image, .. } = tokens;
            let cached = tokens.cached_audio + tokens.cached_image;
            let parts = cache_read + cache_write + prompt_audio + prompt_image - cached;
            prop_assert!(parts <= prompt, "{:?}", tokens);
            prop_assert!(tokens.cached_audio <= prompt_audio && tokens.cached_image <= prompt_image, "{:?}", tokens);
            prop_assert!(tokens.cached_audio >= 0.0 && tokens.cached_image >= 0.0 && cached <= cache_read, "{:?}", tokens);
            let said = super::number(usage.cache_write).min(prompt - cache_read);
            prop_assert!(cache_write <= said, "{:?}", tokens);
            if cached > 0.0 || cache_write < said {
                prop_assert!(parts >= prompt, "no more overlap than they must: {:?}", tokens);
            }
            prop_assert_eq!(tokens.are_separate(), tokens.cached_audio == 0.0 && tokens.cached_image == 0.0);

            let spoken = tokens.completion_audio + tokens.completion_image;
            prop_assert!(spoken + tokens.reasoning <= tokens.completion && tokens.reasoning >= 0.0, "{:?}", tokens);
        }

        /// Counts that do not contradict one another are kept.
        #[test]
        fn what_is_possible_is_kept(counts in prop::array::uniform8(0..9_i64)) {
            let [plain, cache_read, cache_write, prompt_audio, prompt_image, completion_audio, completion_image, reasoning] = counts;
            let usage = Usage {
                prompt: Some(plain + cache_read + cache_write + prompt_audio + prompt_image),
                completion: Some(1 + completion_audio + completion_image + reasoning),
                cache_read: Some(cache_read),
                cache_write: Some(cache_write),
                prompt_audio: Some(prompt_audio),
                prompt_image: Some(prompt_image),
                completion_audio: Some(completion_audio),
                completion_image: Some(completion_image),
                reasoning: Some(reasoning),
                ..Usage::default()
            };
            let number = |count| super::number(Some(count));
            let expected = Tokens {
                prompt: super::number(usage.prompt),
                completion: super::number(usage.completion),
                cache_read: number(cache_read),
                cache_write: number(cache_write),
                prompt_audio: number(prompt_audio),
                prompt_image: number(prompt_image),
                completion_audio: number(completion_audio),
                completion_image: number(completion_image),
                reasoning: number(reasoning),
                ..Tokens::default()
            };
            prop_assert_eq!(Tokens::of(&usage), Some(expected));
        }
    }
}
