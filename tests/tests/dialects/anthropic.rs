//! Anthropic's messages.
//!
//! Source: Anthropic's documentation of streaming messages.

use serde_json::{Value, json};

use super::Exchange;
use super::answer::{Answer, Call, Dice, Input, Part, without_nulls};

const REASONS: &[&str] = &["end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal", "pause_turn"];

/// A block: as it begins, the deltas, and the whole.
struct Block {
    start: Value,
    deltas: Vec<Value>,
    whole: Value,
}

pub(super) fn messages(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let message = &answer.messages[0];
    let mut blocks: Vec<_> = message.parts.iter().map(|part| self::part(part, dice)).collect();
    blocks.extend(message.calls.iter().map(|call| tool_use(call, dice)));
    if message.sound.is_some() {
        blocks.extend(search(dice));
    }
    let reason = REASONS[message.reason % REASONS.len()];
    let whole = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "shop-model-1",
        "content": blocks.iter().map(|block| block.whole.clone()).collect::<Vec<_>>(),
        "stop_reason": reason, "stop_sequence": null, "usage": usage(answer),
    });
    let mut start = whole.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    let mut chunks = vec![json!({"type": "message_start", "message": start})];
    chunks.extend(events(blocks, dice));
    // The counts at the end may be of the output alone, or zero where a client knows none.
    let counts = match dice.below(3) {
        0 => usage(answer),
        1 => json!({"output_tokens": answer.usage.completion}),
        _ => json!({
            "output_tokens": answer.usage.completion, "input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": null,
        }),
    };
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    chunks.push(json!({"type": "message_delta", "delta": delta, "usage": counts}));
    chunks.push(json!({"type": "message_stop"}));
    for _ in 0..dice.below(4) {
        let at = 1 + dice.below(chunks.len() - 1);
        chunks.insert(at, json!({"type": "ping"}));
    }
    let request = json!({
        "model": "claude-shop", "max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "hi"}],
    });
    Exchange { request, whole, chunks, unsaid: &[] }
}

fn usage(answer: &Answer) -> Value {
    without_nulls(json!({
        "input_tokens": answer.usage.prompt, "output_tokens": answer.usage.completion,
        "cache_read_input_tokens": answer.usage.cached, "cache_creation_input_tokens": answer.usage.sound,
        "service_tier": "standard",
    }))
}

/// The events of the blocks, whose numbers may have gaps.
fn events(blocks: Vec<Block>, dice: &mut Dice<'_>) -> Vec<Value> {
    let mut index = 0;
    let lists = blocks.into_iter().map(|Block { start, deltas, .. }| {
        let at = index;
        index += 1 + dice.below(3);
        let mut events = vec![json!({"type": "content_block_start", "index": at, "content_block": start})];
        let deltas = deltas.into_iter();
        events
            .extend(deltas.map(|delta| json!({"type": "content_block_delta", "index": at, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": at}));
        events
    });
    let lists: Vec<_> = lists.collect();
    if dice.flip() { dice.interleave(lists) } else { lists.concat() }
}

fn deltas(kind: &str, field: &str, text: &str, dice: &mut Dice<'_>) -> Vec<Value> {
    dice.cut(text).into_iter().map(|piece| json!({"type": kind, field: piece})).collect()
}

fn part(part: &Part, dice: &mut Dice<'_>) -> Block {
    match part {
        Part::Text { text, sources } => {
            let sources = sources.iter().map(|source| {
                json!({"type": "web_search_result_location", "url": source, "cited_text": "it", "title": "\"t\""})
            });
            let sources: Vec<_> = sources.collect();
            let mut deltas = deltas("text_delta", "text", text, dice);
            for source in &sources {
                let at = dice.below(deltas.len() + 1);
                // Citations keep their order.
                let last = deltas.iter().rposition(|delta| delta["type"] == "citations_delta");
                let at = last.map_or(at, |last| at.max(last + 1));
                deltas.insert(at, json!({"type": "citations_delta", "citation": source}));
            }
            let mut whole = json!({"type": "text", "text": text});
            let mut start = json!({"type": "text", "text": ""});
            if !sources.is_empty() {
                whole["citations"] = json!(sources);
                start["citations"] = if dice.flip() { json!([]) } else { Value::Null };
            }
            Block { start, deltas, whole }
        }
        // What is redacted has no pieces.
        Part::Thought { text, signature: None } => {
            let whole = json!({"type": "redacted_thinking", "data": text});
            Block { start: whole.clone(), deltas: Vec::new(), whole }
        }
        Part::Thought { text, signature: Some(signature) } => {
            let mut deltas = deltas("thinking_delta", "thinking", text, dice);
            deltas.push(json!({"type": "signature_delta", "signature": signature}));
            let start = json!({"type": "thinking", "thinking": "", "signature": ""});
            Block {
                start,
                deltas,
                whole: json!({"type": "thinking", "thinking": text, "signature": signature}),
            }
        }
    }
}

fn tool_use(call: &Call, dice: &mut Dice<'_>) -> Block {
    let kind = dice.pick(&["tool_use", "server_tool_use", "mcp_tool_use"]);
    let input = call.input.object();
    let block = |input: &Value| json!({"type": kind, "id": call.id, "name": call.name, "input": input});
    let whole = block(&input);
    let delta = |piece: &str| json!({"type": "input_json_delta", "partial_json": piece});
    let (start, deltas) = match (&call.input, dice.below(4)) {
        (Input::Nothing, 0) => (block(&json!({})), vec![]),
        (Input::Nothing, _) => (block(&json!({})), vec![delta("")]),
        // Some proxies say all of it at the beginning.
        (_, 1) => (whole.clone(), vec![delta("")]),
        _ => {
            let text = dice.json(&input);
            let mut deltas = vec![delta("")];
            deltas.extend(dice.cut(&text).iter().map(|piece| delta(piece)));
            (block(&json!({})), deltas)
        }
    };
    Block { start, deltas, whole }
}

/// A search by the provider, whose result comes at once.
fn search(dice: &mut Dice<'_>) -> [Block; 2] {
    let result = json!({
        "type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "title": "t", "url": "u", "encrypted_content": "e"}],
    });
    let call = Call {
        id: "srvtoolu_1".to_owned(),
        name: "web_search".to_owned(),
        input: Input::Object(json!({"query": "lamps"})),
    };
    [tool_use(&call, dice), Block { start: result.clone(), deltas: Vec::new(), whole: result }]
}
