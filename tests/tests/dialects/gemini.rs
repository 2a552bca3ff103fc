//! Google's Gemini.
//!
//! Sources: Google's API reference, and its pages on thinking, function calling and thought signatures.

use serde_json::{Map, Value, json};

use super::Exchange;
use super::answer::{Answer, Dice, Input, Message, Part, Usage, alternating, without_nulls};

const REASONS: &[&str] = &["STOP", "MAX_TOKENS", "SAFETY"];

pub(super) fn contents(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let mut lists = Vec::new();
    let mut candidates = Vec::new();
    let says_zero = dice.flip();
    for (index, message) in answer.messages.iter().enumerate() {
        let parts = parts(message, dice);
        let reason = REASONS[message.reason % REASONS.len()];
        let mut whole = Map::new();
        let whole_parts: Vec<_> = parts.iter().map(|(whole, _)| whole.clone()).collect();
        whole.insert("content".to_owned(), json!({"role": "model", "parts": whole_parts}));
        whole.insert("finishReason".to_owned(), json!(reason));
        if index > 0 || says_zero {
            whole.insert("index".to_owned(), json!(index));
        }
        let pieces: Vec<_> = parts.into_iter().flat_map(|(_, pieces)| pieces).collect();
        lists.push(candidate_pieces(index, &pieces, reason, says_zero, dice));
        candidates.push(Value::Object(whole));
    }
    let mut chunks: Vec<_> = dice
        .interleave(lists)
        .into_iter()
        .map(|candidate| json!({"candidates": [candidate], "modelVersion": "gemini-shop", "responseId": "r"}))
        .collect();
    if dice.flip() {
        for chunk in &mut chunks {
            chunk["usageMetadata"] =
                json!({"promptTokenCount": answer.usage.prompt, "totalTokenCount": answer.usage.prompt});
        }
    }
    chunks.last_mut().expect("a chunk")["usageMetadata"] = usage(&answer.usage);
    let whole = json!({
        "candidates": candidates, "usageMetadata": usage(&answer.usage), "modelVersion": "gemini-shop", "responseId": "r",
    });
    let request = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    Exchange { request, whole, chunks, unsaid: &[] }
}

fn usage(usage: &Usage) -> Value {
    let thoughts = usage.reasoning.unwrap_or_default();
    without_nulls(json!({
        "promptTokenCount": usage.prompt, "candidatesTokenCount": usage.completion,
        "totalTokenCount": usage.total() + thoughts, "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cached,
        "candidatesTokensDetails": usage.sound.map(|sound| json!([{"modality": "AUDIO", "tokenCount": sound}])),
    }))
}

/// Each part with its pieces. In a stream nothing tells two texts in a row apart, so there are none.
fn parts(message: &Message, dice: &mut Dice<'_>) -> Vec<(Value, Vec<Value>)> {
    let mut parts: Vec<_> =
        alternating(&message.parts).into_iter().map(|part| text_part(part, dice)).collect();
    if let Some(sound) = &message.sound {
        let file = json!({"inlineData": {"mimeType": "audio/pcm", "data": sound.data}});
        parts.push((file.clone(), vec![file]));
    }
    for call in &message.calls {
        let mut called = json!({"name": call.name});
        if dice.flip() {
            called["id"] = json!(call.id);
        }
        if !matches!(call.input, Input::Nothing) {
            called["args"] = call.input.object();
        }
        let mut part = json!({ "functionCall": called });
        if dice.flip() {
            part["thoughtSignature"] = json!("c2ln");
        }
        parts.push((part.clone(), vec![part]));
    }
    parts
}

fn text_part(part: &Part, dice: &mut Dice<'_>) -> (Value, Vec<Value>) {
    let (text, signature, is_thought) = match part {
        Part::Text { text, sources } => (text, sources.first(), false),
        Part::Thought { text, signature } => (text, signature.as_ref(), true),
    };
    let piece =
        |text: &str| if is_thought { json!({"text": text, "thought": true}) } else { json!({"text": text}) };
    let mut whole = piece(text);
    let mut pieces: Vec<_> = dice.cut(text).iter().map(|text| piece(text)).collect();
    if let Some(signature) = signature {
        whole["thoughtSignature"] = json!(signature);
        // The signature comes with the last piece, or with an empty one after it.
        if dice.flip() {
            pieces.push(piece(""));
        }
        pieces.last_mut().expect("a piece")["thoughtSignature"] = json!(signature);
    }
    (whole, pieces)
}

/// A candidate in each chunk, with one or more of its parts.
fn candidate_pieces(
    index: usize,
    pieces: &[Value],
    reason: &str,
    says_zero: bool,
    dice: &mut Dice<'_>,
) -> Vec<Value> {
    let together = 1 + dice.below(3);
    let mut lists: Vec<_> = pieces.chunks(together).map(<[Value]>::to_vec).collect();
    if dice.flip() || lists.is_empty() {
        lists.push(Vec::new());
    }
    let last = lists.len() - 1;
    let candidate = |(at, mut parts): (usize, Vec<Value>)| {
        if parts.is_empty() && dice.flip() {
            parts.push(json!({"text": ""}));
        }
        let mut content = Map::from_iter([("parts".to_owned(), json!(parts))]);
        if at == 0 || dice.flip() {
            content.insert("role".to_owned(), json!("model"));
        }
        let mut candidate = Map::from_iter([("content".to_owned(), content.into())]);
        if at == last {
            candidate.insert("finishReason".to_owned(), json!(reason));
        }
        if index > 0 || says_zero {
            candidate.insert("index".to_owned(), json!(index));
        }
        candidate.into()
    };
    lists.into_iter().enumerate().map(candidate).collect()
}
