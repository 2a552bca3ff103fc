//! The events of the crate `genai`.
//!
//! Source: the crate's documentation, 0.7.

use serde_json::{Value, json};

use super::Exchange;
use super::answer::{Answer, Call, Dice, Usage, without_nulls};

pub(super) fn events(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let message = &answer.messages[0];
    let text = message.text().filter(|text| !text.is_empty());
    let thoughts = message.thoughts().filter(|thoughts| !thoughts.is_empty());
    let calls: Vec<_> = message.calls.iter().map(tool_call).collect();
    let signature = message.sound.as_ref().map(|sound| &sound.data).filter(|signature| !signature.is_empty());
    let mut content: Vec<_> =
        signature.iter().map(|signature| json!({ "ThoughtSignature": signature })).collect();
    content.extend(text.iter().map(|text| json!({ "Text": text })));
    content.extend(calls.iter().map(|call| json!({ "ToolCall": call })));
    let model = json!({"adapter_kind": "OpenAI", "model_name": "shop-model"});
    let reason = json!({"Completed": "stop"});
    let whole = json!({
        "content": content, "reasoning_content": thoughts, "model_iden": model, "provider_model_iden": model,
        "stop_reason": reason, "usage": usage(&answer.usage), "captured_raw_body": null,
    });

    let mut chunks = vec![json!("Start")];
    let piece = |name: &str, piece: String| json!({ name: {"content": piece} });
    chunks.extend(thoughts.iter().flat_map(|text| dice.cut(text)).map(|text| piece("ReasoningChunk", text)));
    if dice.flip() {
        chunks.push(json!("Heartbeat"));
    }
    chunks.extend(text.iter().flat_map(|text| dice.cut(text)).map(|text| piece("Chunk", text)));
    chunks.extend(signature.map(|signature| piece("ThoughtSignatureChunk", signature.clone())));
    for call in &calls {
        // Each event has the whole call so far; until then its arguments are a text.
        for sofar in dice.cut(&call["fn_arguments"].to_string()) {
            let mut begun = call.clone();
            begun["fn_arguments"] = json!(sofar);
            chunks.push(json!({"ToolCallChunk": {"tool_call": begun}}));
        }
        chunks.push(json!({"ToolCallChunk": {"tool_call": call}}));
    }
    let captures_content = dice.flip() && !content.is_empty();
    chunks.push(json!({"End": without_nulls(json!({
        "captured_usage": usage(&answer.usage), "captured_stop_reason": reason,
        "captured_content": captures_content.then_some(content),
        "captured_reasoning_content": thoughts.filter(|_| dice.flip()),
    }))}));
    let request = json!({"messages": [{"role": "User", "content": [{"Text": "hi"}]}]});
    // The events do not name the model, and are joined in a form of their own.
    Exchange { request, whole, chunks, unsaid: &["llm.model_name", "output.value"] }
}

fn tool_call(call: &Call) -> Value {
    json!({
        "call_id": call.id, "fn_name": call.name, "fn_arguments": call.input.object(), "thought_signatures": null,
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total(),
        "prompt_tokens_details": usage.cached.map(|cached| json!({"cached_tokens": cached})),
        "completion_tokens_details": usage.reasoning.map(|count| json!({"reasoning_tokens": count})),
    })
}
