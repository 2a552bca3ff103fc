//! OpenAI's responses.
//!
//! Source: OpenAI's API reference of streaming events.

use serde_json::{Value, json};

use super::Exchange;
use super::answer::{Answer, Call, Dice, Input, Message, Part, Usage};

/// An item of the output: as it begins, the events about it, and the whole.
struct Item {
    start: Value,
    events: Vec<Value>,
    whole: Value,
}

/// What the last event repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    All,
    /// Everything but the output.
    NoOutput,
    /// The stream is cut off.
    Missing,
}

pub(super) fn openai(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let message = &answer.messages[0];
    let end = dice.pick(&[End::All, End::NoOutput, End::Missing]);
    let items = items(message, dice);
    let is_incomplete = message.reason == 0;
    let mut whole = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "shop-model-1",
        "status": if is_incomplete { "incomplete" } else { "completed" },
        "incomplete_details": is_incomplete.then(|| json!({"reason": "max_output_tokens"})), "error": null,
        "output": items.iter().map(|item| item.whole.clone()).collect::<Vec<_>>(), "usage": usage(&answer.usage),
    });
    let mut start = whole.clone();
    start["status"] = json!("in_progress");
    start["output"] = json!([]);
    start["incomplete_details"] = Value::Null;
    start["usage"] = Value::Null;
    let mut chunks: Vec<_> = ["response.created", "response.in_progress"]
        .map(|kind| json!({"type": kind, "response": start}))
        .into_iter()
        .collect();
    chunks.extend(events(items, end, dice));
    let mut last = whole.clone();
    if end == End::NoOutput {
        last["output"] = json!([]);
    }
    let kind = if is_incomplete { "response.incomplete" } else { "response.completed" };
    chunks.push(json!({"type": kind, "response": last}));
    if end == End::Missing {
        chunks.pop();
        start["output"] = whole["output"].take();
        whole = start;
    }
    for (number, chunk) in chunks.iter_mut().enumerate() {
        chunk["sequence_number"] = json!(number);
    }
    let request = json!({"model": "shop-model", "input": "hi"});
    Exchange { request, whole, chunks, unsaid: &[] }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt, "output_tokens": usage.completion, "total_tokens": usage.total(),
        "input_tokens_details": {"cached_tokens": usage.cached.unwrap_or_default()},
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or_default()},
    })
}

/// The events of the items, with their numbers or, as some proxies do, with ids alone.
fn events(items: Vec<Item>, end: End, dice: &mut Dice<'_>) -> Vec<Value> {
    let numbers = dice.below(3);
    let lists = items.into_iter().enumerate().map(|(at, Item { start, events, whole })| {
        let id = whole["id"].clone();
        let mut list = vec![json!({"type": "response.output_item.added", "item": start})];
        // A client may not see each event that ends something, and what is in it has been said.
        list.extend(events.into_iter().filter(|event| !is_done(event) || !dice.flip()).map(|mut event| {
            event["item_id"] = id.clone();
            event
        }));
        if end != End::All || !dice.flip() {
            list.push(json!({"type": "response.output_item.done", "item": whole}));
        }
        for event in &mut list {
            match numbers {
                0 => event["output_index"] = json!(at),
                1 => event["output_index"] = json!(0),
                _ => {}
            }
        }
        list
    });
    let lists: Vec<_> = lists.collect();
    if dice.flip() { dice.interleave(lists) } else { lists.concat() }
}

fn is_done(event: &Value) -> bool {
    event["type"].as_str().and_then(|kind| kind.rsplit_once('.')).is_some_and(|(_, end)| end == "done")
}

fn items(message: &Message, dice: &mut Dice<'_>) -> Vec<Item> {
    let mut items: Vec<_> =
        message.parts.iter().enumerate().map(|(at, part)| self::part(at, part, message, dice)).collect();
    items.extend(message.calls.iter().map(|call| self::call(call, dice)));
    items
}

fn added(list: &str, at: usize, part: &Value) -> Value {
    let (kind, index) = match list {
        "summary" => ("response.reasoning_summary_part.added", "summary_index"),
        _ => ("response.content_part.added", "content_index"),
    };
    json!({"type": kind, index: at, "part": part})
}

/// The events of a text: its pieces, and the whole.
fn text(event: &str, index: (&str, usize), field: &str, text: &str, dice: &mut Dice<'_>) -> Vec<Value> {
    let (name, at) = index;
    let pieces = dice.cut(text).into_iter();
    let mut events: Vec<_> =
        pieces.map(|piece| json!({"type": format!("{event}.delta"), name: at, "delta": piece})).collect();
    events.push(json!({"type": format!("{event}.done"), name: at, field: text}));
    events
}

fn part(at: usize, part: &Part, message: &Message, dice: &mut Dice<'_>) -> Item {
    match part {
        Part::Thought { text: thought, signature } => reasoning(at, thought, signature.as_deref(), dice),
        Part::Text { text: said, sources } => {
            let annotations = sources.iter().map(|source| json!({"type": "url_citation", "url": source}));
            let annotations: Vec<_> = annotations.collect();
            let mut content = vec![json!({"type": "output_text", "text": said, "annotations": annotations})];
            let empty = json!({"type": "output_text", "text": "", "annotations": []});
            let mut events = vec![added("content", 0, &empty)];
            events.extend(text("response.output_text", ("content_index", 0), "text", said, dice));
            events.extend(annotations.iter().enumerate().map(|(number, annotation)| {
                json!({
                    "type": "response.output_text.annotation.added", "content_index": 0,
                    "annotation_index": number, "annotation": annotation,
                })
            }));
            events
                .push(json!({"type": "response.content_part.done", "content_index": 0, "part": content[0]}));
            if let Some(refusal) = &message.refusal {
                content.push(json!({"type": "refusal", "refusal": refusal}));
                events.push(added("content", 1, &json!({"type": "refusal", "refusal": ""})));
                events.extend(text("response.refusal", ("content_index", 1), "refusal", refusal, dice));
            }
            let item = |status: &str, content: &[Value]| {
                json!({
                    "id": format!("msg_{at}"), "type": "message", "role": "assistant", "status": status,
                    "content": content,
                })
            };
            Item { start: item("in_progress", &[]), events, whole: item("completed", &content) }
        }
    }
}

/// Thoughts: a summary for whom encrypts them, or else the text.
fn reasoning(at: usize, thought: &str, signature: Option<&str>, dice: &mut Dice<'_>) -> Item {
    let item = |summary: &[Value], content: &[Value]| {
        json!({
            "id": format!("rs_{at}"), "type": "reasoning", "summary": summary, "content": content,
            "encrypted_content": signature,
        })
    };
    let start = item(&[], &[]);
    if signature.is_none() && dice.flip() {
        let whole = json!({"type": "reasoning_text", "text": thought});
        let mut events = vec![added("content", 0, &json!({"type": "reasoning_text", "text": ""}))];
        events.extend(text("response.reasoning_text", ("content_index", 0), "text", thought, dice));
        return Item { start, events, whole: item(&[], &[whole]) };
    }
    // Two parts, if the thought has two paragraphs.
    let mut events = Vec::new();
    let mut parts = Vec::new();
    for (number, paragraph) in thought.split("\n\n").enumerate() {
        events.push(added("summary", number, &json!({"type": "summary_text", "text": ""})));
        let event = "response.reasoning_summary_text";
        events.extend(text(event, ("summary_index", number), "text", paragraph, dice));
        let part = json!({"type": "summary_text", "text": paragraph});
        events.push(json!({
            "type": "response.reasoning_summary_part.done", "summary_index": number, "part": part,
        }));
        parts.push(part);
    }
    Item { start, events, whole: item(&parts, &[]) }
}

fn call(call: &Call, dice: &mut Dice<'_>) -> Item {
    let (kind, field, input, event) = match (&call.input, dice.below(3)) {
        (Input::Text(text), 0) => {
            ("code_interpreter_call", "code", text.clone(), "code_interpreter_call_code")
        }
        (Input::Text(text), _) => ("custom_tool_call", "input", text.clone(), "custom_tool_call_input"),
        (input, 0) => ("mcp_call", "arguments", input.object().to_string(), "mcp_call_arguments"),
        (input, _) => ("function_call", "arguments", input.object().to_string(), "function_call_arguments"),
    };
    let id = format!("item_{}", call.id);
    let whole = match kind {
        "code_interpreter_call" => {
            json!({"id": id, "type": kind, "code": input, "container_id": "c", "outputs": null})
        }
        _ => json!({"id": id, "type": kind, "call_id": call.id, "name": call.name, field: input}),
    };
    let mut start = whole.clone();
    start[field] = json!("");
    let event = format!("response.{event}");
    let pieces = dice.cut(&input).into_iter();
    let mut events: Vec<_> =
        pieces.map(|piece| json!({"type": format!("{event}.delta"), "delta": piece})).collect();
    events.push(json!({"type": format!("{event}.done"), field: input}));
    Item { start, events, whole }
}
