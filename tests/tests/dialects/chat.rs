//! OpenAI's chat completions, as OpenAI and the providers that follow it stream them, and its legacy completions.
//!
//! Sources: the API references of OpenAI, Azure, Mistral, Groq, DeepSeek, Moonshot, OpenRouter and vLLM.

use serde_json::{Map, Value, json};

use super::Exchange;
use super::answer::{Answer, Call, Dice, Input, Message, Part, Usage, alternating, fields, without_nulls};

const REASONS: &[&str] = &["stop", "length", "tool_calls", "content_filter"];

/// What is the same in all chunks of an answer.
#[derive(Clone, Copy, Debug)]
struct Style {
    indexes: Indexes,
    /// Whether each piece of a call has its id, instead of the first alone.
    repeats_id: bool,
    /// Whether calls have ids.
    has_ids: bool,
    reasoning: &'static str,
    usage: UsageIn,
    names_object: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Indexes {
    Right,
    Absent,
    Zero,
}

/// Where a stream has its usage.
#[derive(Clone, Copy, Debug, PartialEq)]
enum UsageIn {
    ChunkOfItsOwn,
    LastChunk,
    /// It grows from chunk to chunk, as vLLM's `continuous_usage_stats`.
    EachChunk,
    /// Groq's.
    XGroq,
    /// Moonshot's.
    Choice,
}

impl Style {
    fn of(answer: &Answer, dice: &mut Dice<'_>) -> Self {
        // A custom tool's text does not show where it ends, so without an id the next call could not be told.
        let is_custom = |call: &Call| matches!(call.input, Input::Text(_));
        let has_custom = answer.messages.iter().any(|message| message.calls.iter().any(is_custom));
        Self {
            indexes: dice.pick(&[Indexes::Right, Indexes::Absent, Indexes::Zero]),
            repeats_id: dice.flip(),
            has_ids: has_custom || !dice.flip(),
            reasoning: dice.pick(&["reasoning_content", "reasoning"]),
            usage: dice.pick(&[
                UsageIn::ChunkOfItsOwn,
                UsageIn::LastChunk,
                UsageIn::EachChunk,
                UsageIn::XGroq,
                UsageIn::Choice,
            ]),
            names_object: !dice.flip(),
        }
    }

    /// Whether pieces of several calls may be mixed.
    fn tells_pieces(self) -> bool {
        self.indexes == Indexes::Right || self.has_ids && self.repeats_id
    }
}

fn request() -> Value {
    json!({"model": "shop-model", "stream": true, "messages": [{"role": "user", "content": "hi"}]})
}

fn usage(usage: &Usage) -> Value {
    let mut written = json!({
        "prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total(),
    });
    if let Some(cached) = usage.cached {
        written["prompt_tokens_details"] = json!({ "cached_tokens": cached });
    }
    if usage.reasoning.is_some() || usage.sound.is_some() {
        written["completion_tokens_details"] =
            without_nulls(json!({"reasoning_tokens": usage.reasoning, "audio_tokens": usage.sound}));
    }
    written
}

/// OpenAI's chat, and its imitations whose content is a text.
pub(super) fn openai(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let style = Style::of(answer, dice);
    let deltas = answer.messages.iter().map(|message| {
        let mut deltas = dice.cut(&message.thoughts().unwrap_or_default()).into_iter();
        let mut deltas: Vec<_> = deltas.by_ref().map(|piece| json!({ style.reasoning: piece })).collect();
        deltas.extend(reasoning_details(message, dice));
        deltas.extend(
            dice.cut(&message.text().unwrap_or_default())
                .into_iter()
                .map(|piece| json!({ "content": piece })),
        );
        deltas.extend(message.sources().iter().map(|source| json!({ "annotations": [annotation(source)] })));
        deltas.extend(sound(message, dice));
        let refusal = dice.cut(message.refusal.as_deref().unwrap_or_default());
        deltas.extend(refusal.into_iter().map(|piece| json!({ "refusal": piece })));
        deltas.extend(calls(message, style, dice));
        deltas
    });
    let deltas = deltas.collect();
    let choices = answer.messages.iter().enumerate().map(|(index, message)| {
        let calls: Vec<_> = message.calls.iter().map(|call| whole_call(call, style)).collect();
        let details: Vec<_> = details(message).into_iter().map(|(_, whole)| whole).collect();
        let sound = message.sound.as_ref().map(
            |sound| json!({"id": "audio_1", "data": sound.data, "transcript": sound.transcript, "expires_at": 1}),
        );
        let written = json!({
            "role": "assistant", style.reasoning: message.thoughts(), "content": message.text(),
            "reasoning_details": (!details.is_empty()).then_some(details),
            "annotations": message.sources().iter().map(|source| annotation(source)).collect::<Vec<_>>(),
            "audio": sound, "refusal": message.refusal, "tool_calls": (!calls.is_empty()).then_some(calls),
        });
        json!({"index": index, "message": written, "finish_reason": REASONS[message.reason % REASONS.len()]})
    });
    let choices: Vec<_> = choices.collect();
    exchange(answer, deltas, &choices, style, dice)
}

/// A chat in which the content may be a list of parts: as a whole, if it has thoughts or references, and in any chunk.
pub(super) fn mistral(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let style = Style::of(answer, dice);
    let mut all_deltas = Vec::new();
    let mut choices = Vec::new();
    for (index, message) in answer.messages.iter().enumerate() {
        let (mut deltas, mut parts) = (Vec::new(), Vec::new());
        let alternating = alternating(&message.parts);
        let is_only_text = matches!(alternating[..], [] | [Part::Text { .. }]);
        for part in &alternating {
            match part {
                Part::Text { text, sources } => {
                    let pieces = dice.cut(text).into_iter().enumerate();
                    deltas.extend(pieces.map(|(at, piece)| {
                        // An answer that is only a text has at least its beginning as a text.
                        let is_text = at == 0 && is_only_text || dice.flip();
                        json!({ "content": if is_text { piece.into() } else { json!([text_part(&piece)]) } })
                    }));
                    parts.push(text_part(text));
                    if !sources.is_empty() && !is_only_text {
                        let reference = json!({"type": "reference", "reference_ids": [1, 2]});
                        deltas.push(json!({ "content": [reference] }));
                        parts.push(reference);
                    }
                }
                Part::Thought { text, .. } => {
                    let thinking = |text: &str| json!({"type": "thinking", "thinking": [text_part(text)]});
                    deltas.extend(dice.cut(text).iter().map(|piece| json!({ "content": [thinking(piece)] })));
                    parts.push(thinking(text));
                }
            }
        }
        deltas.extend(calls(message, style, dice));
        all_deltas.push(deltas);
        let calls: Vec<_> = message.calls.iter().map(|call| whole_call(call, style)).collect();
        let content = match &alternating[..] {
            [] => json!(""),
            [Part::Text { text, .. }] => json!(text),
            _ => json!(parts),
        };
        choices.push(json!({
            "index": index, "finish_reason": REASONS[message.reason % REASONS.len()],
            "message": {"role": "assistant", "content": content, "tool_calls": calls},
        }));
    }
    exchange(answer, all_deltas, &choices, style, dice)
}

/// A chat in which each chunk has the message so far beside the delta, as with Perplexity.
pub(super) fn perplexity(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let style = Style { usage: UsageIn::EachChunk, ..Style::of(answer, dice) };
    let text = answer.messages[0].text().unwrap_or_default();
    let mut so_far = String::new();
    let mut chunks = Vec::new();
    for piece in dice.cut(&text) {
        so_far += &piece;
        let written = |content: &str| json!({"role": "assistant", "content": content});
        let choice =
            json!({"index": 0, "message": written(&so_far), "delta": written(&piece), "finish_reason": null});
        chunks.push(json!({ "choices": [choice], "citations": ["a", "b"] }));
    }
    let reason = json!(REASONS[answer.messages[0].reason % REASONS.len()]);
    chunks.last_mut().expect("a piece")["choices"][0]["finish_reason"] = reason.clone();
    add_usage(&mut chunks, &answer.usage, style.usage, dice);
    frame(&mut chunks, "chat.completion.chunk", style.names_object, dice);
    let message = json!({"role": "assistant", "content": text});
    let choice = json!({"index": 0, "message": message, "finish_reason": reason});
    let whole = json!({
        "id": "answer-1", "object": "chat.completion", "created": 1, "model": "shop-model-1",
        "choices": [choice], "citations": ["a", "b"], "usage": usage(&answer.usage),
    });
    Exchange { request: request(), whole, chunks, unsaid: &[] }
}

/// A chat that calls a function in the way before tools.
pub(super) fn function_of_old(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let style = Style::of(answer, dice);
    let mut all_deltas = Vec::new();
    let mut choices = Vec::new();
    for (index, message) in answer.messages.iter().enumerate() {
        let text = message.text().unwrap_or_default();
        let mut deltas: Vec<_> = dice.cut(&text).iter().map(|piece| json!({ "content": piece })).collect();
        let mut written = json!({"role": "assistant", "content": text});
        if let Some(call) = message.calls.first() {
            let arguments = dice.json(&call.input.object());
            let pieces = argument_pieces(call, &arguments, dice).into_iter();
            let mut pieces: Vec<_> = pieces.map(|piece| json!({ "arguments": piece })).collect();
            pieces[0]["name"] = json!(call.name);
            deltas.extend(pieces.into_iter().map(|piece| json!({ "function_call": piece })));
            written["function_call"] = json!({"name": call.name, "arguments": arguments});
        }
        all_deltas.push(deltas);
        choices.push(json!({
            "index": index, "finish_reason": REASONS[message.reason % REASONS.len()], "message": written,
        }));
    }
    exchange(answer, all_deltas, &choices, style, dice)
}

fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn annotation(source: &str) -> Value {
    json!({"type": "url_citation", "url_citation": {"url": source, "start_index": 0, "end_index": 1}})
}

/// OpenRouter's details of the thoughts: the pieces of each, and the whole.
fn details(message: &Message) -> Vec<(&str, Value)> {
    let thoughts = message.parts.iter().filter_map(|part| match part {
        Part::Thought { text, signature: Some(signature) } => Some((text.as_str(), signature)),
        _ => None,
    });
    let detail = |(index, (text, signature)): (usize, (_, _))| {
        (text, json!({"type": "reasoning.text", "index": index, "text": text, "signature": signature}))
    };
    thoughts.enumerate().map(detail).collect()
}

fn reasoning_details(message: &Message, dice: &mut Dice<'_>) -> Vec<Value> {
    let mut deltas = Vec::new();
    for (text, whole) in details(message) {
        for piece in dice.cut(text) {
            let detail =
                json!({"type": "reasoning.text", "index": whole["index"], "text": piece, "signature": null});
            deltas.push(json!({ "reasoning_details": [detail] }));
        }
        let detail =
            json!({"type": "reasoning.text", "index": whole["index"], "signature": whole["signature"]});
        deltas.push(json!({ "reasoning_details": [detail] }));
    }
    deltas
}

fn sound(message: &Message, dice: &mut Dice<'_>) -> Vec<Value> {
    let Some(sound) = &message.sound else { return Vec::new() };
    let mut deltas = vec![json!({"id": "audio_1", "transcript": ""})];
    deltas.extend(dice.cut(&sound.transcript).iter().map(|piece| json!({"transcript": piece})));
    deltas.extend(dice.cut(&sound.data).iter().map(|piece| json!({"id": "audio_1", "data": piece})));
    deltas.push(json!({"expires_at": 1}));
    deltas.into_iter().map(|audio| json!({ "audio": audio })).collect()
}

fn whole_call(call: &Call, style: Style) -> Value {
    let id = if style.has_ids { call.id.as_str() } else { "" };
    match &call.input {
        Input::Text(text) => {
            json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": text}})
        }
        input => {
            let function = json!({"name": call.name, "arguments": input.object().to_string()});
            json!({"id": id, "type": "function", "function": function})
        }
    }
}

/// The pieces of a call's arguments. A call without arguments may have none in a stream.
fn argument_pieces(call: &Call, arguments: &str, dice: &mut Dice<'_>) -> Vec<Value> {
    if matches!(call.input, Input::Nothing) {
        return match dice.below(3) {
            0 => vec![json!("")],
            1 => vec![Value::Null],
            _ => vec![json!(""), json!("{}")],
        };
    }
    dice.cut(arguments).into_iter().map(Value::from).collect()
}

fn calls(message: &Message, style: Style, dice: &mut Dice<'_>) -> Vec<Value> {
    let pieces = message.calls.iter().enumerate().map(|(at, call)| call_pieces(at, call, style, dice));
    let pieces: Vec<Vec<Value>> = pieces.collect();
    let deltas = if style.tells_pieces() && dice.flip() { dice.interleave(pieces) } else { pieces.concat() };
    // Several pieces may be in one delta, if they are told apart.
    let together = if style.tells_pieces() { 1 + dice.below(3) } else { 1 };
    deltas.chunks(together).map(|pieces| json!({ "tool_calls": pieces })).collect()
}

fn call_pieces(at: usize, call: &Call, style: Style, dice: &mut Dice<'_>) -> Vec<Value> {
    let (kind, field, pieces) = match &call.input {
        Input::Text(text) => ("custom", "input", dice.cut(text).into_iter().map(Value::from).collect()),
        input => ("function", "arguments", argument_pieces(call, &input.object().to_string(), dice)),
    };
    // Without ids, a call that is not told by its number comes at once.
    let pieces = if style.has_ids || style.indexes == Indexes::Right {
        pieces
    } else {
        let object = call.input.object().to_string();
        vec![if matches!(call.input, Input::Nothing) && style.indexes == Indexes::Absent {
            json!("")
        } else {
            json!(object)
        }]
    };
    let piece = |(number, piece): (usize, Value)| {
        let is_first = number == 0;
        let mut called = Map::from_iter([(field.to_owned(), piece)]);
        if is_first || style.tells_pieces() && dice.flip() {
            called.insert("name".to_owned(), json!(call.name));
        }
        let mut written = Map::new();
        match style.indexes {
            Indexes::Right => drop(written.insert("index".to_owned(), json!(at))),
            Indexes::Absent => {}
            Indexes::Zero => drop(written.insert("index".to_owned(), json!(0))),
        }
        if style.has_ids && (is_first || style.repeats_id) {
            written.insert("id".to_owned(), json!(call.id));
        }
        if is_first || dice.flip() {
            written.insert("type".to_owned(), json!(kind));
        }
        dice.nothing(&mut called, &["name"], &json!(""));
        written.insert(kind.to_owned(), called.into());
        dice.nothing(&mut written, &["id", "type"], &json!(""));
        written.into()
    };
    pieces.into_iter().enumerate().map(piece).collect()
}

/// Puts the deltas of each choice into chunks.
fn exchange(
    answer: &Answer,
    deltas: Vec<Vec<Value>>,
    choices: &[Value],
    style: Style,
    dice: &mut Dice<'_>,
) -> Exchange {
    let reasons = choices.iter().map(|choice| choice["finish_reason"].clone()).collect::<Vec<_>>();
    let lists = deltas.into_iter().zip(reasons).enumerate();
    let lists: Vec<_> =
        lists.map(|(index, (deltas, reason))| chunk_choices(index, deltas, &reason, dice)).collect();
    let is_alone = lists.len() == 1;
    let mut mixed = dice.interleave(lists);
    if is_alone && style.usage != UsageIn::Choice && dice.flip() {
        // The only choice needs no number.
        for choice in &mut mixed {
            fields_of(choice).remove("index");
        }
    }
    let mut chunks: Vec<_> = mixed.into_iter().map(|choice| json!({ "choices": [choice] })).collect();
    add_usage(&mut chunks, &answer.usage, style.usage, dice);
    frame(&mut chunks, "chat.completion.chunk", style.names_object, dice);
    let whole = json!({
        "id": "answer-1", "object": "chat.completion", "created": 1, "model": "shop-model-1",
        "choices": choices, "usage": usage(&answer.usage),
    });
    Exchange { request: request(), whole, chunks, unsaid: &[] }
}

fn fields_of(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object")
}

/// The choice in each chunk, with fields that say nothing.
fn chunk_choices(index: usize, deltas: Vec<Value>, reason: &Value, dice: &mut Dice<'_>) -> Vec<Value> {
    let mut deltas: Vec<_> = deltas.into_iter().map(fields).collect();
    if dice.flip() || deltas.is_empty() {
        deltas.insert(0, Map::new());
    }
    deltas[0].insert("role".to_owned(), json!("assistant"));
    if dice.flip() {
        deltas.push(Map::new());
    }
    let last = deltas.len() - 1;
    let choice = |(at, mut delta): (usize, Map<String, Value>)| {
        if at > 0 && dice.flip() {
            delta.insert("role".to_owned(), json!(dice.pick(&["assistant", ""])));
        }
        dice.nothing(&mut delta, &["content", "refusal", "reasoning", "role"], &json!(""));
        dice.nothing(&mut delta, &["tool_calls", "annotations"], &json!([]));
        dice.nothing(&mut delta, &["function_call", "audio"], &Value::Null);
        let mut choice = fields(json!({"index": index, "delta": delta}));
        if at == last {
            choice.insert("finish_reason".to_owned(), reason.clone());
        }
        dice.nothing(&mut choice, &["finish_reason", "logprobs"], &json!(""));
        choice.into()
    };
    deltas.into_iter().enumerate().map(choice).collect()
}

fn add_usage(chunks: &mut Vec<Value>, used: &Usage, place: UsageIn, dice: &mut Dice<'_>) {
    let whole = usage(used);
    match place {
        UsageIn::ChunkOfItsOwn => {
            if dice.flip() {
                for chunk in chunks.iter_mut() {
                    chunk["usage"] = Value::Null;
                }
            }
            chunks.push(json!({"choices": [], "usage": whole}));
        }
        UsageIn::EachChunk => {
            for chunk in chunks.iter_mut() {
                chunk["usage"] = json!({"prompt_tokens": used.prompt, "total_tokens": used.prompt, "completion_tokens": 0});
            }
            chunks.last_mut().expect("a chunk")["usage"] = whole;
        }
        UsageIn::LastChunk => chunks.last_mut().expect("a chunk")["usage"] = whole,
        UsageIn::XGroq => {
            chunks[0]["x_groq"] = json!({"id": "req_1"});
            chunks.last_mut().expect("a chunk")["x_groq"] = json!({"id": "req_1", "usage": whole});
        }
        UsageIn::Choice => chunks.last_mut().expect("a chunk")["choices"][0]["usage"] = whole,
    }
}

/// Adds what is said of the whole answer in each chunk.
fn frame(chunks: &mut Vec<Value>, object: &str, names_object: bool, dice: &mut Dice<'_>) {
    for chunk in chunks.iter_mut() {
        let mut framed = fields(json!({"id": "answer-1", "created": 1, "model": "shop-model-1"}));
        if names_object {
            framed.insert("object".to_owned(), json!(object));
        }
        if dice.flip() {
            framed.extend(fields(
                json!({"obfuscation": "x7", "system_fingerprint": null, "service_tier": "default"}),
            ));
        }
        framed.append(fields_of(chunk));
        *chunk = framed.into();
    }
    // Azure begins with what its filter says of the prompt, and ends without a model.
    if dice.flip() {
        chunks.insert(0, json!({
            "choices": [], "created": 0, "id": "", "model": "", "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": false}}}],
        }));
        if chunks.len() > 2 {
            chunks.last_mut().expect("a chunk")["model"] = json!("");
        }
    }
}

/// OpenAI's legacy completions.
pub(super) fn completions(answer: &Answer, dice: &mut Dice<'_>) -> Exchange {
    let mut lists = Vec::new();
    let mut choices = Vec::new();
    for (index, message) in answer.messages.iter().enumerate() {
        let (text, reason) = (message.text().unwrap_or_default(), REASONS[message.reason % REASONS.len()]);
        let mut list: Vec<_> = dice
            .cut(&text)
            .into_iter()
            .map(|piece| json!({"index": index, "text": piece, "finish_reason": null, "logprobs": null}))
            .collect();
        if dice.flip() {
            list.push(json!({"index": index, "text": ""}));
        }
        list.last_mut().expect("a piece")["finish_reason"] = json!(reason);
        lists.push(list);
        choices.push(json!({"index": index, "text": text, "finish_reason": reason, "logprobs": null}));
    }
    let mut chunks: Vec<_> =
        dice.interleave(lists).into_iter().map(|choice| json!({ "choices": [choice] })).collect();
    let place = dice.pick(&[UsageIn::ChunkOfItsOwn, UsageIn::LastChunk, UsageIn::EachChunk]);
    add_usage(&mut chunks, &answer.usage, place, dice);
    let names_object = !dice.flip();
    frame(&mut chunks, "text_completion", names_object, dice);
    let whole = json!({
        "id": "answer-1", "object": "text_completion", "created": 1, "model": "shop-model-1", "choices": choices,
        "usage": usage(&answer.usage),
    });
    Exchange { request: json!({"model": "shop-model", "prompt": "hi"}), whole, chunks, unsaid: &[] }
}
