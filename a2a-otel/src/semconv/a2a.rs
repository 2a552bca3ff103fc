//! A2A: the draft of OpenTelemetry's conventions, and names for what the draft leaves open.
//!
//! Source: `open-telemetry/semantic-conventions-genai`, pull request 195: `docs/gen-ai/a2a.md`.

/// The method's name in the protocol: `SendMessage`.
pub(crate) const METHOD_NAME: &str = "a2a.method.name";
pub(crate) const PROTOCOL_VERSION: &str = "a2a.protocol.version";
pub(crate) const MESSAGE_ID: &str = "a2a.message.id";
pub(crate) const MESSAGE_REFERENCE_TASK_IDS: &str = "a2a.message.reference_task_ids";
pub(crate) const TASK_ID: &str = "a2a.task.id";
/// As the protocol writes it: `TASK_STATE_COMPLETED`.
pub(crate) const TASK_STATE: &str = "a2a.task.state";
pub(crate) const TENANT: &str = "a2a.tenant";

/// The conversation is the protocol's context. The agent's name, description and version come from its card.
pub(crate) use super::gen_ai::{
    AGENT_DESCRIPTION, AGENT_NAME, AGENT_VERSION, CONVERSATION_ID, OPERATION_NAME,
};

/// GenAI's operation of an agent at work.
pub(crate) use super::gen_ai::operation::INVOKE_AGENT;

pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";

/// The events of a stream, which the draft does not name, by the protocol's names.
pub(crate) const STATUS_UPDATE: &str = "a2a.task.status_update";
/// The text of a status message, or its parts in JSON.
pub(crate) const STATUS_MESSAGE: &str = "a2a.task.status.message";
pub(crate) const ARTIFACT_UPDATE: &str = "a2a.task.artifact_update";
pub(crate) const ARTIFACT_ID: &str = "a2a.artifact.id";
pub(crate) const ARTIFACT_NAME: &str = "a2a.artifact.name";
/// The kinds of the parts of an artifact: `text`, `raw`, `url`, `data`.
pub(crate) const ARTIFACT_PARTS: &str = "a2a.artifact.parts";
