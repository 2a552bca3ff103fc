//! Records what has a name in OpenTelemetry's GenAI conventions and none in OpenInference, if GenAI's terms are asked
//! for.
//!
//! Everything else is translated when the span ends ([`crate::gen_ai`]).

use opentelemetry::{KeyValue, StringValue, Value};

use super::reading::Read;
use crate::capture::bounded;
use crate::json::Node;
use crate::semconv::gen_ai::{
    OPERATION_NAME, RESPONSE_FINISH_REASONS, RESPONSE_ID, RESPONSE_MODEL, operation,
};
use crate::semconv::markers::INSTRUCTIONS_APART;
use crate::semconv::openinference::system;

/// The fields of requests that hold instructions outside the conversation.
const INSTRUCTIONS: &[&str] = &["system", "systemInstruction", "system_instruction", "instructions"];

/// The fields of responses that say why each answer ended.
const REASONS: &[(&str, &str)] = &[("choices", "finish_reason"), ("candidates", "finishReason")];

/// The fields of responses that hold their id.
const IDS: &[&str] = &["id", "responseId", "response_id"];

pub(super) fn request(read: &mut Read, request: Node<'_>) {
    if request.any(INSTRUCTIONS).is_some() {
        read.attributes.push(KeyValue::new(INSTRUCTIONS_APART, true));
    }
    if read.shape.and_then(|shape| shape.provider) == Some(system::GOOGLE) {
        read.attributes.push(KeyValue::new(OPERATION_NAME, operation::GENERATE_CONTENT));
    }
}

pub(super) fn response(read: &mut Read, response: Node<'_>) {
    if let Some(id) = response.any(IDS).and_then(Node::text) {
        read.attributes.push(KeyValue::new(RESPONSE_ID, bounded(&id)));
    }
    // OpenInference has a name for a single reason.
    let reasons = reasons(response);
    if reasons.len() > 1 {
        read.attributes.push(KeyValue::new(RESPONSE_FINISH_REASONS, Value::Array(reasons.into())));
    }
    if let Some(model) = &read.model {
        read.attributes.push(KeyValue::new(RESPONSE_MODEL, model.name.to_string()));
    }
}

fn reasons(response: Node<'_>) -> Vec<StringValue> {
    let reasons = REASONS.iter().flat_map(|(answers, reason)| {
        response.list(answers).map(|answer| answer.filled(reason).unwrap_or_default())
    });
    reasons.map(|reason| bounded(&reason).into()).collect()
}
