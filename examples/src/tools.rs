//! The tools of an agent's model: tools of the catalogue, or other agents.

use std::collections::BTreeMap;

use a2a_otel::mcp::{TracedClient, TracedPeer};
use a2a_otel::{business_metric, mcp_tool};
use async_openai::types::chat::ChatCompletionTools;
use futures::future::join_all;
use rmcp::ServiceError;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, Tool};
use rmcp::transport::StreamableHttpClientTransport;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use crate::catalogue::{self, MCP_PATH};
use crate::chat::definition;
use crate::peer::{Peer, PeerError};

/// Why a tool call failed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The tool ran and refused the request.
    #[error("{0}")]
    Refused(String),
    /// The model called a tool that does not exist.
    #[error("there is no tool {0}; call one of those offered")]
    Unknown(String),
    /// The model's arguments do not match the tool's schema.
    #[error("the arguments do not match the tool's schema")]
    Arguments(#[from] serde_json::Error),
    /// Nothing answers at the catalogue's address.
    #[error("no catalogue at {url}; start it or correct its address")]
    NoCatalogue {
        /// The address.
        url: String,
        /// The MCP client's error.
        #[source]
        source: Box<rmcp::service::ClientInitializeError>,
    },
    /// The MCP call failed.
    #[error("the catalogue did not answer")]
    Catalogue(#[from] ServiceError),
    /// Another agent failed.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl ToolError {
    /// Whether the model can correct the error.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unknown(_) | Self::Arguments(_))
    }
}

/// The tools of one agent.
pub enum Toolbox {
    /// The catalogue's MCP tools.
    Catalogue(Box<CatalogueClient>),
    /// Other agents, by the name of the tool that calls them.
    Peers(BTreeMap<String, Peer>),
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

impl Toolbox {
    /// Other agents as tools.
    #[must_use]
    pub fn peers(peers: impl IntoIterator<Item = Peer>) -> Self {
        Self::Peers(peers.into_iter().map(|peer| (tool_of(&peer), peer)).collect())
    }

    /// The definitions of the tools for the model: the `allowed` tools of the catalogue, or every peer.
    ///
    /// # Errors
    ///
    /// When the catalogue does not list its tools.
    pub async fn definitions(&self, allowed: &[&str]) -> Result<Vec<ChatCompletionTools>, ToolError> {
        match self {
            Self::Catalogue(client) => {
                let tools = client.tools().await?;
                let allowed = tools.iter().filter(|tool| allowed.contains(&tool.name.as_ref()));
                Ok(allowed.map(mcp_definition).collect())
            }
            Self::Peers(peers) => Ok(peers.iter().map(peer_definition).collect()),
        }
    }

    /// Calls a tool by name with the model's arguments.
    ///
    /// # Errors
    ///
    /// When the tool refuses, does not exist or is broken.
    pub async fn call(&self, tool: &str, arguments: &str, session: &str) -> Result<String, ToolError> {
        match self {
            Self::Catalogue(client) => client.call(tool, serde_json::from_str(arguments)?).await,
            Self::Peers(peers) => {
                let peer = peers.get(tool).ok_or_else(|| ToolError::Unknown(tool.into()))?;
                let Question { question } = serde_json::from_str(arguments)?;
                Ok(consult(peer, session, &question).await?)
            }
        }
    }

    /// Stops the work of other agents for a session.
    pub async fn abandon(&self, session: &str) {
        let Self::Peers(peers) = self else { return };
        for result in join_all(peers.values().map(|peer| peer.cancel(session))).await {
            if let Err(error) = result {
                warn!(%error, session, "an agent could not be stopped");
            }
        }
    }
}

/// One agent asks another.
#[business_metric(
    counter = "marketplace.agent.calls",
    unit = "{call}",
    on = always,
    outcome,
    attributes(peer = peer.name())
)]
async fn consult(peer: &Peer, session: &str, question: &str) -> Result<String, PeerError> {
    peer.ask(session, question).await
}

/// A client of the catalogue.
pub struct CatalogueClient {
    mcp: TracedPeer,
}

/// An MCP session with the catalogue. The client works until it is closed.
pub(crate) struct Session(TracedClient<()>);

impl Session {
    /// Says goodbye to the catalogue, which then frees what it keeps of the session.
    pub(crate) async fn close(self) {
        // A catalogue that does not answer any longer keeps nothing.
        let _ = self.0.into_inner().cancel().await;
    }
}

impl CatalogueClient {
    /// Opens an MCP session with the catalogue at `url`.
    ///
    /// # Errors
    ///
    /// When nothing answers there.
    pub(crate) async fn connect(url: &str) -> Result<(Self, Session), ToolError> {
        let transport = StreamableHttpClientTransport::from_uri(format!("{url}{MCP_PATH}"));
        let failed = |source| ToolError::NoCatalogue { url: url.into(), source: Box::new(source) };
        let session = TracedClient::connect((), transport).await.map_err(failed)?;
        Ok((Self { mcp: TracedPeer::clone(&session) }, Session(session)))
    }

    async fn tools(&self) -> Result<Vec<Tool>, ServiceError> {
        self.mcp.list_all_tools().await
    }

    #[mcp_tool(tool = tool, server = catalogue::NAME, input = arguments)]
    async fn call(&self, tool: &str, arguments: JsonObject) -> Result<String, ToolError> {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.mcp.call_tool(params).await?;
        let text = text_of(&result);
        if result.is_error == Some(true) { Err(ToolError::Refused(text)) } else { Ok(text) }
    }
}

fn text_of(result: &CallToolResult) -> String {
    result.content.iter().filter_map(|block| block.as_text()).map(|block| block.text.as_str()).collect()
}

fn mcp_definition(tool: &Tool) -> ChatCompletionTools {
    let schema = tool.input_schema.as_ref().clone();
    definition(tool.name.as_ref(), tool.description.as_deref().unwrap_or_default(), Value::Object(schema))
}

fn peer_definition((tool, peer): (&String, &Peer)) -> ChatCompletionTools {
    let question = json!({
        "type": "object",
        "properties": { "question": { "type": "string", "description": "What to ask or order, in full." } },
        "required": ["question"],
    });
    definition(tool, peer.description(), question)
}

fn tool_of(peer: &Peer) -> String {
    format!("ask_{}", peer.name().replace('-', "_"))
}
