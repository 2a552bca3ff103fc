//! What the calls of models cost, by the price list of the crate `genai-prices` and the user's own prices.
//!
//! A call whose price is not known has no cost, which is counted and reported. Costs are in US dollars.

mod figures;
mod file;
mod models;
mod prices;
mod providers;
mod span;
mod tokens;

use genai_prices::PriceCalculation;

pub(crate) use self::figures::count;
pub(crate) use self::file::{OwnPrices, Refusal, read};
pub(crate) use self::models::Models;
use self::prices::{Call, Rates, with_rates};
pub(crate) use self::prices::{expect_spans, install};
pub(crate) use self::span::{recorded, unnamed, write};
use self::tokens::{Part, Tokens};
use super::exchange::Usage;

/// What a call costs. The total can exceed both sides, if each request has a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) prompt: f64,
    pub(crate) completion: f64,
    pub(crate) total: f64,
    /// `None` if the parts overlap, or nobody asks for them.
    pub(crate) details: Option<Details>,
}

/// The parts of a cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Details {
    /// The prompt, without the following.
    pub(crate) input: f64,
    pub(crate) cache_read: f64,
    pub(crate) cache_write: f64,
    pub(crate) prompt_audio: f64,
    /// The completion, without the following.
    pub(crate) output: f64,
    pub(crate) reasoning: f64,
    pub(crate) completion_audio: f64,
}

/// Whether a call has a cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Priced {
    /// It costs so much.
    At(Cost),
    /// Its price is not known.
    Unknown,
    /// It used no tokens, or they are not known.
    Unused,
}

/// What a call costs with so many tokens. Its parts take three times as long as the whole, so they are optional.
fn of(call: Call<'_>, usage: &Usage, in_detail: bool) -> Priced {
    let Some(tokens) = Tokens::of(usage) else { return Priced::Unused };
    let cost = with_rates(call, &tokens.units(), |rates, whole| Cost {
        prompt: whole.input_price,
        completion: whole.output_price,
        total: whole.total_price,
        details: in_detail.then(|| details(rates, &tokens, whole)).flatten(),
    });
    cost.map_or(Priced::Unknown, Priced::At)
}

/// What the parts cost. The price list tells only what each side costs as a whole; so the cost of a part is what a call
/// with this part alone costs more than its plain text does.
fn details(rates: &Rates<'_>, tokens: &Tokens, whole: &PriceCalculation) -> Option<Details> {
    if !tokens.are_separate() {
        return None;
    }
    let text = rates.price(&tokens.part(Part::Text))?;
    let in_prompt = |part: Part, count: f64| {
        part_of(count, tokens.prompt, text.input_price, || Some(rates.price(&tokens.part(part))?.input_price))
    };
    let in_completion = |part: Part, count: f64| {
        let whole = || Some(rates.price(&tokens.part(part))?.output_price);
        part_of(count, tokens.completion, text.output_price, whole)
    };
    let cache_read = in_prompt(Part::CacheRead, tokens.cache_read)?;
    let cache_write = in_prompt(Part::CacheWrite, tokens.cache_write)?;
    let prompt_audio = in_prompt(Part::PromptAudio, tokens.prompt_audio)?;
    let reasoning = in_completion(Part::Reasoning, tokens.reasoning)?;
    let completion_audio = in_completion(Part::CompletionAudio, tokens.completion_audio)?;
    Some(Details {
        input: (whole.input_price - cache_read - cache_write - prompt_audio).max(0.0),
        cache_read,
        cache_write,
        prompt_audio,
        output: (whole.output_price - reasoning - completion_audio).max(0.0),
        reasoning,
        completion_audio,
    })
}

/// The cost of `count` of `all` tokens, which cost `text` as plain text, and `whole` if these are what they are.
fn part_of(count: f64, all: f64, text: f64, whole: impl FnOnce() -> Option<f64>) -> Option<f64> {
    if count <= 0.0 {
        return Some(0.0);
    }
    Some((whole()? - text * ((all - count) / all)).max(0.0))
}
