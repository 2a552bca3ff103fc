//! An MCP server with tools with and without attribute macros, resources, prompts, and all kinds of failures.

use std::future::pending;
use std::sync::Arc;

use a2a_otel::mcp::{TracedCaller, TracedServer};
use a2a_otel::{chain_span, mcp_tool, tool_span};
use axum::Router;
use rmcp::handler::server::router::prompt::PromptRouter;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ContentBlock, GetPromptResult, ListResourcesResult, PaginatedRequestParams,
    PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, Role, ServerCapabilities, ServerConfig,
};
use rmcp::schemars::JsonSchema;
use rmcp::service::{RequestContext, ServiceError};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, prompt, prompt_handler, prompt_router, tool, tool_handler,
    tool_router,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The resource that can be read.
pub const CATALOGUE: &str = "shop://catalogue";

/// Its content.
pub const CATALOGUE_TEXT: &str = "lamp, table, chair";

/// The server.
#[derive(Clone)]
pub struct Shop {
    tool_router: ToolRouter<Self>,
    prompt_router: PromptRouter<Self>,
}

/// A product.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Product {
    /// Its number.
    pub product: u32,
    /// A value that must not appear in the trace.
    #[serde(default)]
    pub secret: String,
}

/// The arguments of a prompt, which are texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Subject {
    /// A product's number.
    product: String,
}

#[chain_span]
async fn look_up(product: u32) -> u32 {
    tokio::task::yield_now().await;
    product * 2
}

/// A tool of another server.
#[mcp_tool]
async fn help(pieces: u32) -> String {
    pieces.to_string()
}

#[expect(deprecated, reason = "rmcp still sends this request")]
async fn ask(caller: &TracedCaller) -> Result<String, ErrorData> {
    use rmcp::model::{CreateMessageRequestParams, SamplingMessage};

    let question = CreateMessageRequestParams::new(vec![SamplingMessage::user_text("Which lamp?")], 16);
    let failed = |error: ServiceError| ErrorData::internal_error(error.to_string(), None);
    let answer = caller.create_message(question).await.map_err(failed)?;
    Ok(answer.model)
}

#[tool_router]
impl Shop {
    /// Says how many pieces are in stock.
    #[mcp_tool(input = wanted.0.product)]
    #[tool]
    async fn check_stock(&self, wanted: Parameters<Product>) -> String {
        look_up(wanted.0.product).await.to_string()
    }

    /// Goes by another name than its function.
    #[mcp_tool(tool = "renamed")]
    #[tool(name = "renamed")]
    async fn original(&self) -> String {
        "under another name".to_owned()
    }

    /// Has an attribute that does not know of MCP.
    #[tool_span]
    #[tool]
    async fn plain_span(&self) -> String {
        "plain".to_owned()
    }

    /// Has no attribute.
    #[tool]
    async fn bare(&self, Parameters(wanted): Parameters<Product>) -> String {
        look_up(wanted.product).await.to_string()
    }

    /// Asks another tool for help.
    #[tool]
    async fn delegate(&self) -> String {
        help(3).await
    }

    /// Says no.
    #[mcp_tool]
    #[tool]
    async fn refuse(&self) -> Result<String, String> {
        Err("sold out".to_owned())
    }

    /// Says no without an attribute.
    #[tool]
    async fn refuse_bare(&self) -> Result<String, String> {
        Err("sold out".to_owned())
    }

    /// Breaks.
    #[mcp_tool]
    #[tool]
    async fn break_down(&self) -> Result<String, ErrorData> {
        look_up(1).await;
        Err(ErrorData::internal_error("the shelf fell over", None))
    }

    /// Never ends, unless it is cancelled and listens.
    #[tool]
    async fn hang(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        look_up(1).await;
        context.ct.cancelled().await;
        look_up(2).await;
        Ok(CallToolResult::success(vec![ContentBlock::text("nobody listens")]))
    }

    /// Never ends.
    #[mcp_tool]
    #[tool]
    async fn hang_on(&self) -> String {
        look_up(1).await;
        pending().await
    }

    /// Panics.
    #[mcp_tool]
    #[tool]
    async fn panic(&self) -> String {
        look_up(1).await;
        panic!("the shelf fell over")
    }

    /// Asks the client's model.
    #[tool]
    async fn ask(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        ask(&TracedCaller::new(context.peer.clone())).await
    }

    /// Ends the process.
    #[mcp_tool]
    #[tool]
    async fn die(&self) -> String {
        std::process::exit(7)
    }
}

#[expect(missing_docs, reason = "rmcp's attribute makes a public function of its own, without docs")]
#[prompt_router]
impl Shop {
    /// Describes a product.
    #[prompt]
    async fn describe(&self, Parameters(subject): Parameters<Subject>) -> Result<GetPromptResult, ErrorData> {
        let Ok(product) = subject.product.parse() else {
            return Err(ErrorData::invalid_params("no such product", None));
        };
        let text = format!("Describe product {} in a sentence.", look_up(product).await);
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
    }
}

impl Shop {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self { tool_router: Self::tool_router(), prompt_router: Self::prompt_router() }
    }
}

impl Default for Shop {
    fn default() -> Self {
        Self::new()
    }
}

#[tool_handler(router = self.tool_router)]
#[prompt_handler(router = self.prompt_router)]
impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![Resource::new(CATALOGUE, "catalogue")]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        look_up(1).await;
        match request.uri.as_str() {
            CATALOGUE => {
                Ok(ReadResourceResult::new(vec![ResourceContents::text(CATALOGUE_TEXT, CATALOGUE)]).into())
            }
            _ => Err(ErrorData::resource_not_found("no such resource", None)),
        }
    }
}

/// Serves over streamable HTTP below `/mcp`, as long as the returned future is polled.
///
/// # Errors
///
/// If the listener fails.
pub async fn serve_http(listener: TcpListener) -> std::io::Result<()> {
    let service = StreamableHttpService::new(
        || Ok(TracedServer::new(Shop::new())),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    axum::serve(listener, Router::new().nest_service("/mcp", service)).await
}
