//! What rmcp refuses after a server's handler has answered. The caller gets rmcp's error, and no answer.

use std::sync::Arc;

use rmcp::model::{
    CallToolResponse, ClientCapabilities, GetPromptResponse, GetSkillResult, InitializeRequestParams,
    ListSkillsResult, ProtocolVersion, ReadResourceResponse, validate_skills,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde::Deserialize as _;
use serde_json::Value;

use super::message::{Params, Target};

const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What the checks need to know of a request.
pub(super) struct Checks {
    version: Option<ProtocolVersion>,
    /// The capabilities that the request declares.
    declared: Option<Value>,
    client: Option<Arc<InitializeRequestParams>>,
    uri: Option<String>,
}

impl Checks {
    pub(super) fn of(params: &impl Params, context: &RequestContext<RoleServer>) -> Self {
        Self {
            version: context.protocol_version(),
            declared: context.meta.get(CLIENT_CAPABILITIES).cloned(),
            client: context.peer.peer_info(),
            uri: if let Target::Resource(uri) = params.target() { Some(uri.to_owned()) } else { None },
        }
    }

    fn client_knows_tasks(&self) -> bool {
        let declared = self.declared.as_ref();
        let declared = declared.and_then(|declared| ClientCapabilities::deserialize(declared).ok());
        match (declared, &self.client) {
            (Some(declared), _) => declared.supports_tasks(),
            (None, Some(client)) => client.capabilities.supports_tasks(),
            (None, None) => false,
        }
    }

    fn input_required(&self) -> Option<ErrorData> {
        let newest = ProtocolVersion::V_2026_07_28;
        let knows = self.version.as_ref().is_some_and(|version| version.as_str() >= newest.as_str());
        let message = "InputRequiredResult requires negotiated protocol version 2026-07-28 or newer";
        (!knows).then(|| ErrorData::invalid_request(message, None))
    }
}

/// An answer that rmcp checks.
pub(super) trait Checked {
    /// Returns the error that rmcp sends instead of the answer.
    fn refused(&self, _: &Checks) -> Option<ErrorData> {
        None
    }
}

macro_rules! unchecked {
    ($($answer:ty)*) => {
        $(impl Checked for $answer {})*
    };
}

unchecked! {
    () rmcp::model::InitializeResult rmcp::model::DiscoverResult rmcp::model::CompleteResult
    rmcp::model::CustomResult rmcp::model::GetTaskResult rmcp::model::ListToolsResult
    rmcp::model::ListPromptsResult rmcp::model::ListResourcesResult rmcp::model::ListResourceTemplatesResult
}

impl Checked for CallToolResponse {
    fn refused(&self, checks: &Checks) -> Option<ErrorData> {
        match self {
            Self::Task(_) if !checks.client_knows_tasks() => {
                let tasks = ClientCapabilities::builder().enable_tasks().build();
                Some(ErrorData::missing_required_client_capability(tasks))
            }
            Self::InputRequired(_) => checks.input_required(),
            _ => None,
        }
    }
}

impl Checked for GetPromptResponse {
    fn refused(&self, checks: &Checks) -> Option<ErrorData> {
        if let Self::InputRequired(_) = self { checks.input_required() } else { None }
    }
}

impl Checked for ReadResourceResponse {
    fn refused(&self, checks: &Checks) -> Option<ErrorData> {
        if let Self::InputRequired(_) = self { checks.input_required() } else { None }
    }
}

impl Checked for ListSkillsResult {
    fn refused(&self, _: &Checks) -> Option<ErrorData> {
        validate_skills(&self.skills).err().map(invalid)
    }
}

impl Checked for GetSkillResult {
    fn refused(&self, checks: &Checks) -> Option<ErrorData> {
        match &checks.uri {
            Some(uri) if *uri != self.skill.uri => {
                Some(invalid(format_args!("skill uri {} does not match the request {uri}", self.skill.uri)))
            }
            _ => self.skill.validate().err().map(invalid),
        }
    }
}

fn invalid(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(format!("handler returned an invalid result: {error}"), None)
}
