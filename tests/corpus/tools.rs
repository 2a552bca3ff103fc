//! Tools of rmcp, with the attribute macro above and below `#[tool]`.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use rmcp::{ErrorData, tool, tool_router};
use serde::{Deserialize, Serialize};

use crate::log::{Log, Loud, abandon, note, pause, wait};
use crate::observe;

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Wanted {
    id: u32,
}

#[derive(Clone)]
struct Catalogue;

#[tool_router(server_handler)]
impl Catalogue {
    /// Looks a product up.
    #[observe]
    #[tool]
    async fn above(&self, Parameters(wanted): Parameters<Wanted>) -> String {
        pause().await;
        wanted.id.to_string()
    }

    // rmcp loses the description at any attribute that follows it.
    #[tool]
    #[observe]
    /// Looks a product up.
    async fn below(&self, Parameters(wanted): Parameters<Wanted>) -> String {
        pause().await;
        wanted.id.to_string()
    }

    #[observe]
    #[tool(description = "Fails at once.")]
    async fn above_and_fallible(&self, Parameters(wanted): Parameters<Wanted>) -> Result<String, ErrorData> {
        if wanted.id == 0 {
            return Err(ErrorData::invalid_params("zero", None));
        }
        pause().await;
        Ok(wanted.id.to_string())
    }

    #[tool(description = "Fails at once.", name = "renamed")]
    #[observe(err = debug)]
    async fn below_and_fallible(&self, Parameters(wanted): Parameters<Wanted>) -> Result<String, ErrorData> {
        if wanted.id == 0 {
            return Err(ErrorData::invalid_params("zero", None));
        }
        pause().await;
        Ok(wanted.id.to_string())
    }

    #[observe]
    #[tool(description = "Does not wait.")]
    fn above_and_sync(&self, Parameters(Wanted { id }): Parameters<Wanted>) -> String {
        id.to_string()
    }

    #[tool(description = "Does not wait.")]
    #[observe]
    fn below_and_sync(&self, Parameters(Wanted { id }): Parameters<Wanted>) -> String {
        id.to_string()
    }

    #[observe]
    #[tool(description = "Takes nothing.")]
    async fn above_without_parameters(&self) -> Result<CallToolResult, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text("above")]))
    }

    #[tool(description = "Takes nothing.")]
    #[observe]
    async fn below_without_parameters(&self) -> Result<CallToolResult, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text("below")]))
    }

    #[observe(name = "above", output = output.0.id)]
    #[tool(description = "Gives structured output.")]
    async fn above_and_structured(&self, wanted: Parameters<Wanted>) -> Json<Wanted> {
        Json(wanted.0)
    }

    #[tool(description = "Gives structured output.")]
    #[observe(skip_all)]
    async fn below_and_structured(&self, wanted: Parameters<Wanted>) -> Json<Wanted> {
        Json(wanted.0)
    }

    #[observe]
    #[tool(description = "Hangs.")]
    async fn above_and_abandoned(&self) {
        let _local = Loud("above");
        std::future::pending::<()>().await;
    }

    #[tool(description = "Hangs.")]
    #[observe]
    async fn below_and_abandoned(&self) {
        let _local = Loud("below");
        std::future::pending::<()>().await;
    }
}

fn wanted(id: u32) -> Parameters<Wanted> {
    Parameters(Wanted { id })
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("above", || wait!(Catalogue.above(wanted(1))));
    log.shape("below", || wait!(Catalogue.below(wanted(1))));
    log.calls(2, "above_and_fallible", || [0, 1].map(|id| wait!(Catalogue.above_and_fallible(wanted(id)))));
    log.calls(2, "below_and_fallible", || [0, 1].map(|id| wait!(Catalogue.below_and_fallible(wanted(id)))));
    log.shape("above_and_sync", || Catalogue.above_and_sync(wanted(1)));
    log.shape("below_and_sync", || Catalogue.below_and_sync(wanted(1)));
    log.shape("above_without_parameters", || wait!(Catalogue.above_without_parameters()));
    log.shape("below_without_parameters", || wait!(Catalogue.below_without_parameters()));
    log.shape("above_and_structured", || wait!(Catalogue.above_and_structured(wanted(1))).0);
    log.shape("below_and_structured", || wait!(Catalogue.below_and_structured(wanted(1))).0);
    log.tree("CHAIN above_and_abandoned ! cancelled\n", "above_and_abandoned", || {
        abandon!(Catalogue.above_and_abandoned())
    });
    log.tree("CHAIN below_and_abandoned ! cancelled\n", "below_and_abandoned", || {
        abandon!(Catalogue.below_and_abandoned())
    });
    log.calls(0, "router", || {
        let tools = Catalogue::tool_router().list_all();
        note(tools.len());
        tools.iter().map(|tool| format!("{} {:?}", tool.name, tool.description)).collect::<Vec<_>>()
    });
}
