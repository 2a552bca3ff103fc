//! Makes up answers, and cuts each into the chunks of every dialect that providers speak, with their freedoms. What is
//! recorded of the stream is what is recorded of the whole answer, however the chunks lie on the wire and are cut.

mod answer;
mod anthropic;
mod chat;
mod gemini;
mod genai;
mod ollama;
mod responses;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use a2a_otel::testing::Captured;
use a2a_otel_tests::wire::{cut, layouts, of_bytes, of_values, of_whole, said};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

use self::answer::{Answer, Dice, answer, with_halves, without_other_letters};

/// An answer in a dialect: as a whole, and in chunks.
#[derive(Debug)]
struct Exchange {
    request: Value,
    whole: Value,
    chunks: Vec<Value>,
    /// The attributes that the chunks cannot say.
    unsaid: &'static [&'static str],
}

type Writer = fn(&Answer, &mut Dice<'_>) -> Exchange;

/// How the chunks come to the span.
#[derive(Clone, Debug)]
struct Wire {
    layout: prop::sample::Index,
    is_ascii: bool,
    cuts: Vec<usize>,
}

fn wire() -> impl Strategy<Value = Wire> {
    (any::<prop::sample::Index>(), any::<bool>(), prop::collection::vec(any::<usize>(), 0..24))
        .prop_map(|(layout, is_ascii, cuts)| Wire { layout, is_ascii, cuts })
}

/// Fields that only a whole answer has, or only a stream, or that are elsewhere in a stream.
const OF_ONE_FORM: &[&str] = &[
    "created",
    "index",
    "obfuscation",
    "object",
    "prompt_filter_results",
    "service_tier",
    "system_fingerprint",
    // Its counts are attributes.
    "usage",
    "x_groq",
];

/// What a value says: without fields that say nothing. JSON in a text may have other spaces.
fn told(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !OF_ONE_FORM.contains(&name.as_str()));
            let fields = fields.map(|(name, value)| (name, told(value)));
            fields
                .filter(|(_, value)| !matches!(value, Value::Null))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => items.into_iter().map(told).collect(),
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}

fn compared(span: &Captured, unsaid: &[&str]) -> BTreeMap<String, Value> {
    let mut said = said(span);
    said.retain(|key, _| !unsaid.contains(&key.as_str()));
    if let Some(answer) = said.get_mut("output.value") {
        *answer = told(answer.take());
    }
    said.insert("status".to_owned(), format!("{:?}", span.status).into());
    said.insert("set twice".to_owned(), format!("{:?}", span.duplicates).into());
    said
}

/// Fails with the attributes that differ, and what they were read from.
fn assert_same(
    way: &str,
    span: &Captured,
    whole: &Captured,
    exchange: &Exchange,
) -> Result<(), TestCaseError> {
    let (found, expected) = (compared(span, exchange.unsaid), compared(whole, exchange.unsaid));
    if found == expected {
        return Ok(());
    }
    let mut message = format!("{way} differ from the whole answer:\n");
    for key in found.keys().chain(expected.keys().filter(|key| !found.contains_key(*key))) {
        let (found, expected) = (found.get(key), expected.get(key));
        if found != expected {
            let _ = writeln!(message, "  {key}\n    is        {found:?}\n    should be {expected:?}");
        }
    }
    let _ = writeln!(message, "chunks:");
    for chunk in &exchange.chunks {
        let _ = writeln!(message, "  {chunk}");
    }
    let _ = writeln!(message, "joined: {}", span.text("output.value").unwrap_or("nothing"));
    let _ = writeln!(message, "whole: {}", exchange.whole);
    Err(TestCaseError::fail(message))
}

fn assert_dialect(
    dialect: &str,
    writer: Writer,
    (answer, rolls, wire): (&Answer, &[u8], &Wire),
) -> Result<(), TestCaseError> {
    let exchange = writer(answer, &mut Dice::new(rolls, false));
    let whole = of_whole(&exchange.request, &exchange.whole);
    assert_same(
        &format!("{dialect}: values"),
        &of_values(&exchange.request, &exchange.chunks),
        &whole,
        &exchange,
    )?;

    let exchange = writer(answer, &mut Dice::new(rolls, true));
    let whole = of_whole(&exchange.request, &exchange.whole);
    let layouts = layouts(&exchange.chunks);
    let at = wire.layout.index(layouts.len());
    let text = with_halves(&layouts[at]);
    let text = if wire.is_ascii { without_other_letters(&text) } else { text };
    let pieces = cut(&text, &wire.cuts);
    let way = format!("{dialect}: bytes of layout {at}, cut at {:?}", wire.cuts);
    assert_same(&way, &of_bytes(&exchange.request, pieces), &whole, &exchange)
}

/// Few enough for each run of the tests, unless the environment asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

/// A property for each dialect.
macro_rules! dialects {
    ($($(#[$doc:meta])* $name:ident: up to $choices:literal, $writer:path;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
            $(
                $(#[$doc])*
                #[test]
                fn $name(
                    answer in answer($choices),
                    rolls in prop::collection::vec(any::<u8>(), 0..200),
                    wire in wire(),
                ) {
                    assert_dialect(stringify!($name), $writer, (&answer, &rolls, &wire))?;
                }
            )*
        }
    };
}

dialects! {
    openai_chat: up to 3, chat::openai;
    chats_of_mistral: up to 2, chat::mistral;
    chats_of_perplexity: up to 1, chat::perplexity;
    chats_with_a_function_of_old: up to 2, chat::function_of_old;
    openai_completions: up to 3, chat::completions;
    openai_responses: up to 1, responses::openai;
    anthropic_messages: up to 1, anthropic::messages;
    ollama_chat: up to 1, ollama::chat;
    ollama_generate: up to 1, ollama::generate;
    gemini_contents: up to 3, gemini::contents;
    events_of_the_crate_genai: up to 1, genai::events;
}
