//! What holds for every call: a cost is a number, not below zero, and more tokens never cost less.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{asked, cost};

/// Models with prices of many kinds: for caches, audio, images, by length, and for the prompt only.
const MODELS: &[(&str, &str)] = &[
    ("openai", "gpt-4o"),
    ("openai", "gpt-realtime"),
    ("openai", "o3"),
    ("openai", "text-embedding-3-small"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("google", "gemini-2.5-flash-image"),
    ("anthropic", "claude-sonnet-4-5"),
    ("deepseek", "deepseek-chat"),
];

/// What providers count, possible or not.
#[derive(Clone, Debug)]
struct Counts {
    prompt: u32,
    completion: u32,
    parts: [u32; 7],
}

impl Counts {
    fn usage(&self) -> Value {
        let Self { prompt, completion, parts } = self;
        let [cached, written, audio, image, audio_out, image_out, reasoning] = parts;
        json!({
            "prompt_tokens": prompt, "completion_tokens": completion,
            "prompt_tokens_details": {
                "cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio, "image_tokens": image,
            },
            "completion_tokens_details": {
                "audio_tokens": audio_out, "image_tokens": image_out, "reasoning_tokens": reasoning,
            },
        })
    }
}

fn counts() -> impl Strategy<Value = Counts> {
    let count = || prop_oneof![Just(0_u32), 0..100_u32, 0..500_000_u32];
    (count(), count(), prop::array::uniform7(count())).prop_map(|(prompt, completion, parts)| Counts {
        prompt,
        completion,
        parts,
    })
}

/// What providers count if they count well.
fn possible_counts() -> impl Strategy<Value = Counts> {
    let quarter = || 0..=25_u32;
    (0..500_000_u32, 0..500_000_u32, prop::array::uniform7(quarter())).prop_map(
        |(prompt, completion, percent)| {
            let [cached, written, audio, image, audio_out, image_out, reasoning] = percent;
            let of_prompt = [cached, written, audio, image].map(|percent| prompt / 100 * percent);
            let of_completion = [audio_out, image_out, reasoning].map(|percent| completion / 100 * percent);
            let [cached, written, audio, image] = of_prompt;
            let [audio_out, image_out, reasoning] = of_completion;
            Counts {
                prompt,
                completion,
                parts: [cached, written, audio, image, audio_out, image_out, reasoning],
            }
        },
    )
}

const SIDES: &[(&str, &[&str])] = &[
    (
        "prompt",
        &[
            "prompt_details.input",
            "prompt_details.cache_read",
            "prompt_details.cache_write",
            "prompt_details.audio",
        ],
    ),
    (
        "completion",
        &["completion_details.output", "completion_details.reasoning", "completion_details.audio"],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_cost_is_not_below_zero_and_its_parts_make_it_up((provider, model) in prop::sample::select(MODELS), counts in counts()) {
        let (span, metrics) = asked(Some(provider), model, &counts.usage());
        let costs = span.attributes.iter().filter(|(key, _)| key.starts_with("llm.cost."));
        for (key, value) in costs {
            let cost: f64 = value.as_str().parse().unwrap();
            prop_assert!(cost.is_finite() && cost >= 0.0, "{key} {cost}");
        }
        let Some(total) = cost(&span, "total") else {
            // Contradictions among the counts are no reason to have no cost.
            prop_assert_eq!((counts.prompt, counts.completion), (0, 0));
            prop_assert!(metrics.get("gen_ai.client.cost").is_none());
            return Ok(());
        };
        prop_assert!((metrics.sum("gen_ai.client.cost") - total).abs() < 1e-12);
        let sides: f64 = SIDES.iter().filter_map(|(side, _)| cost(&span, side)).sum();
        prop_assert!((total - sides).abs() < 1e-9, "{total} {sides}");
        for (side, parts) in SIDES {
            let whole = cost(&span, side).unwrap_or(0.0);
            let parts: Vec<_> = parts.iter().filter_map(|part| cost(&span, part)).collect();
            // Parts that overlap have no costs of their own.
            let sum: f64 = parts.iter().sum();
            prop_assert!(parts.is_empty() || (whole - sum).abs() < 1e-9, "{side}: {whole} {sum}");
        }
    }

    #[test]
    fn more_tokens_never_cost_less((provider, model) in prop::sample::select(MODELS), counts in possible_counts(), more in 0..300_000_u32, side in 0..2_usize) {
        let total = |counts: &Counts| cost(&asked(Some(provider), model, &counts.usage()).0, "total").unwrap_or(0.0);
        let before = total(&counts);
        let mut grown = counts;
        *[&mut grown.prompt, &mut grown.completion][side] += more;
        let after = total(&grown);
        prop_assert!(after >= before - 1e-12, "{before} {after}");
    }
}
