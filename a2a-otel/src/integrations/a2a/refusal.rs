//! What the SDK refuses to send after a handler has answered.
//!
//! The SDK passes each answer through protocol buffers, also for JSON, and these do not read what is nested too deeply. The
//! caller then gets an error in place of the answer, from the server over JSON-RPC and REST, and from its own SDK over
//! gRPC. Nothing tells the handler.

use std::collections::HashMap;

use ::a2a::{Artifact, Message, Part, PartContent, StreamResponse, Task};
use a2a_pb::protojson_conv::{ProtoJsonPayload, to_value};
use serde_json::Value;

/// How deep JSON may be without being tried. The SDK's limit depends on what is nested, and is about 30.
const HARMLESS: usize = 16;

/// Returns why the SDK refuses an answer that contains this JSON.
#[expect(single_use_lifetimes, reason = "the lifetime of an `impl Trait` needs a name")]
pub(super) fn refusal<'a, A: ProtoJsonPayload>(
    answer: &A,
    json: impl IntoIterator<Item = &'a Value>,
) -> Option<String> {
    if !json.into_iter().any(|value| is_deep(value, HARMLESS)) {
        return None;
    }
    let error = to_value(answer).err()?;
    Some(format!("the SDK refuses to send the answer: {error}"))
}

pub(super) fn refusal_of_event(event: &StreamResponse) -> Option<String> {
    match event {
        StreamResponse::Task(task) => refusal(event, json_of_task(task)),
        StreamResponse::Message(message) => refusal(event, json_of_message(message)),
        StreamResponse::StatusUpdate(update) => {
            let message = update.status.message.iter().flat_map(json_of_message);
            refusal(event, values(update.metadata.as_ref()).chain(message))
        }
        StreamResponse::ArtifactUpdate(update) => {
            refusal(event, values(update.metadata.as_ref()).chain(json_of_artifact(&update.artifact)))
        }
    }
}

pub(super) fn json_of_task(task: &Task) -> impl Iterator<Item = &Value> {
    let messages = task.status.message.iter().chain(task.history.iter().flatten()).flat_map(json_of_message);
    let artifacts = task.artifacts.iter().flatten().flat_map(json_of_artifact);
    values(task.metadata.as_ref()).chain(messages).chain(artifacts)
}

pub(super) fn json_of_message(message: &Message) -> impl Iterator<Item = &Value> {
    values(message.metadata.as_ref()).chain(message.parts.iter().flat_map(json_of_part))
}

fn json_of_artifact(artifact: &Artifact) -> impl Iterator<Item = &Value> {
    values(artifact.metadata.as_ref()).chain(artifact.parts.iter().flat_map(json_of_part))
}

fn json_of_part(part: &Part) -> impl Iterator<Item = &Value> {
    let data = match &part.content {
        PartContent::Data(data) => Some(data),
        PartContent::Text(_) | PartContent::Raw(_) | PartContent::Url(_) => None,
    };
    values(part.metadata.as_ref()).chain(data)
}

fn values(metadata: Option<&HashMap<String, Value>>) -> impl Iterator<Item = &Value> {
    metadata.into_iter().flat_map(HashMap::values)
}

/// Whether a value is nested more than so many levels deep.
fn is_deep(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deep(item, below)),
        Value::Object(members) => members.values().any(|member| is_deep(member, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
