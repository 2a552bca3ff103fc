//! Ollama's own interface.
//!
//! Source: Ollama's API documentation.

use serde_json::{Value, json};

use super::Exchange;
use super::answer::{Answer, Call, Dice, Message, fields, without_nulls};

const REASONS: &[&str] = &["stop", "length"];

fn ended(answer: &Answer, message: &Message) -> Value {
    json!({
        "done": true, "done_reason": REASONS[message.reason % REASONS.len()], "total_duration": 5,
        "prompt_eval_count": answer.usage.prompt, "eval_count": answer.usage.completion,
    })
}

fn framed(content: Value, end: Value) -> Value {
    let mut framed = fields(json!({"model": "shop-model", "created_at": "2026-01-01T00:00:00Z"}));
    framed.append(&mut fields(content));
    framed.append(&mut fields(end));
    framed.into()
}

pub(super) fn chat(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let message = &answer.messages[0];
    let has_ids = dice.flip();
    let calls: Vec<_> =
        message.calls.iter().enumerate().map(|(at, call)| tool_call(at, call, has_ids)).collect();
    let (thoughts, text) = (message.thoughts(), message.text().unwrap_or_default());
    let whole = without_nulls(json!({
        "role": "assistant", "content": text, "thinking": thoughts,
        "tool_calls": (!calls.is_empty()).then(|| calls.clone()),
    }));
    let mut messages: Vec<Value> = Vec::new();
    let thoughts = dice.cut(&thoughts.unwrap_or_default());
    messages
        .extend(thoughts.iter().map(|piece| json!({"role": "assistant", "content": "", "thinking": piece})));
    messages.extend(dice.cut(&text).iter().map(|piece| json!({"role": "assistant", "content": piece})));
    let together = 1 + dice.below(3);
    messages.extend(
        calls.chunks(together).map(|calls| json!({"role": "assistant", "content": "", "tool_calls": calls})),
    );
    let mut chunks: Vec<_> = messages
        .into_iter()
        .map(|message| framed(json!({ "message": message }), json!({"done": false})))
        .collect();
    let last = json!({"message": {"role": "assistant", "content": ""}});
    chunks.push(framed(last, ended(answer, message)));
    let request = json!({
        "model": "shop-model", "options": {"temperature": 0.5}, "messages": [{"role": "user", "content": "hi"}],
    });
    Exchange {
        request,
        whole: framed(json!({ "message": whole }), ended(answer, message)),
        chunks,
        unsaid: &[],
    }
}

fn tool_call(at: usize, call: &Call, has_ids: bool) -> Value {
    let function = json!({"index": at, "name": call.name, "arguments": call.input.object()});
    without_nulls(json!({"id": has_ids.then_some(&call.id), "function": function}))
}

pub(super) fn generate(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let message = &answer.messages[0];
    let (thoughts, text) = (message.thoughts(), message.text().unwrap_or_default());
    let whole = without_nulls(json!({"response": text, "thinking": thoughts, "context": [1, 2, 3]}));
    let pieces = dice.cut(&thoughts.unwrap_or_default());
    let mut chunks: Vec<_> = pieces.iter().map(|piece| json!({"response": "", "thinking": piece})).collect();
    chunks.extend(dice.cut(&text).iter().map(|piece| json!({ "response": piece })));
    let mut chunks: Vec<_> = chunks.into_iter().map(|chunk| framed(chunk, json!({"done": false}))).collect();
    chunks.push(framed(json!({"response": "", "context": [1, 2, 3]}), ended(answer, message)));
    let request = json!({"model": "shop-model", "prompt": "hi", "keep_alive": 5});
    Exchange { request, whole: framed(whole, ended(answer, message)), chunks, unsaid: &[] }
}
