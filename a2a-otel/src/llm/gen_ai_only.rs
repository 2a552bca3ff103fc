//! What OpenInference has no names for, in those of OpenTelemetry's GenAI conventions, for those who ask for them.
//!
//! All else is translated when the span leaves ([`crate::gen_ai`]).

use opentelemetry::{KeyValue, StringValue, Value};

use super::reading::Read;
use crate::capture::bounded;
use crate::json::Node;
use crate::semconv::gen_ai::{
    OPERATION_NAME, RESPONSE_FINISH_REASONS, RESPONSE_ID, RESPONSE_MODEL, operation,
};
use crate::semconv::markers::INSTRUCTIONS_APART;
use crate::semconv::openinference::system;

/// Where requests have instructions that are not a part of the conversation.
const INSTRUCTIONS: &[&str] = &["system", "systemInstruction", "system_instruction", "instructions"];

/// Where responses say why each of their answers ended.
const REASONS: &[(&str, &str)] = &[("choices", "finish_reason"), ("candidates", "finishReason")];

/// What responses are called.
const IDS: &[&str] = &["id", "responseId", "response_id"];

pub(super) fn request(read: &mut Read, request: Node<'_>) {
    if request.any(INSTRUCTIONS).is_some() {
        read.attributes.push(KeyValue::new(INSTRUCTIONS_APART, true));
    }
    if read.provider == Some(system::GOOGLE) {
        read.attributes.push(KeyValue::new(OPERATION_NAME, operation::GENERATE_CONTENT));
    }
}

pub(super) fn response(read: &mut Read, response: Node<'_>) {
    if let Some(id) = response.any(IDS).and_then(Node::text) {
        read.attributes.push(KeyValue::new(RESPONSE_ID, bounded(&id)));
    }
    // Of one, OpenInference has a name.
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
