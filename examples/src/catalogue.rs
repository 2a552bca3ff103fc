//! The catalogue: an MCP server over streamable HTTP whose tools work on the [`Store`].

use std::sync::Arc;

use a2a_otel::mcp::TracedServer;
use a2a_otel::mcp_tool;
use axum::Router;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{ContentBlock, IntoContents};
use rmcp::schemars::JsonSchema;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::products::Product;
use crate::store::{Order, Reservation, SalesReport, Search, Stock, Store, StoreError};

/// The path of the MCP endpoint, below the catalogue's address.
pub const MCP_PATH: &str = "/mcp";

/// The catalogue's name in traces.
pub const NAME: &str = "catalogue";

/// The MCP server.
#[derive(Clone)]
pub struct Catalogue {
    store: Arc<Store>,
}

/// The products that match a search.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Found {
    products: Vec<Product>,
}

/// A product by its id.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct ProductId {
    /// The product's id, such as `P-0042`.
    product_id: String,
}

/// The product and quantity to set aside.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Wanted {
    /// The product's id, such as `P-0042`.
    product_id: String,
    /// How many pieces.
    quantity: u32,
}

/// A reservation by its id.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct ReservationId {
    /// The reservation's id, such as `R-0001`.
    reservation_id: String,
}

impl Catalogue {
    /// The store, unless the tool fails on purpose.
    fn store(&self, tool: &'static str) -> Result<&Store, StoreError> {
        if Faults::now().has_failing(tool) { Err(StoreError::OutOfOrder(tool)) } else { Ok(&self.store) }
    }
}

#[tool_router]
impl Catalogue {
    /// Finds products by a word of their name or category, cheapest first.
    #[tool]
    #[mcp_tool]
    async fn search_products(
        &self,
        Parameters(search): Parameters<Search>,
    ) -> Result<Json<Found>, StoreError> {
        self.store("search_products")?.search(&search).map(|products| Json(Found { products }))
    }

    /// Says how many pieces of a product are in stock.
    #[mcp_tool]
    #[tool]
    async fn check_stock(
        &self,
        Parameters(ProductId { product_id }): Parameters<ProductId>,
    ) -> Result<Json<Stock>, StoreError> {
        self.store("check_stock")?.check_stock(&product_id).map(Json)
    }

    /// Sets pieces of a product aside for an order.
    #[mcp_tool]
    #[tool]
    async fn reserve_stock(
        &self,
        Parameters(Wanted { product_id, quantity }): Parameters<Wanted>,
    ) -> Result<Json<Reservation>, StoreError> {
        self.store("reserve_stock")?.reserve(&product_id, quantity).map(Json)
    }

    /// Sells what a reservation has set aside.
    #[mcp_tool]
    #[tool]
    async fn record_sale(
        &self,
        Parameters(ReservationId { reservation_id }): Parameters<ReservationId>,
    ) -> Result<Json<Order>, StoreError> {
        self.store("record_sale")?.place_order(&reservation_id).map(Json)
    }

    /// Reports the sales so far, by category.
    #[mcp_tool]
    #[tool]
    async fn sales_report(&self) -> Result<Json<SalesReport>, StoreError> {
        self.store("sales_report")?.report().map(Json)
    }
}

#[tool_handler(name = "catalogue")]
impl ServerHandler for Catalogue {}

/// rmcp turns an error's contents into a tool result with `isError`.
impl IntoContents for StoreError {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(self.to_string())]
    }
}

/// The catalogue's routes. Its sessions end with `shutdown`.
///
/// # Errors
///
/// When the store cannot be filled.
pub fn router(shutdown: CancellationToken) -> Result<Router, StoreError> {
    let catalogue = Catalogue { store: Arc::new(Store::open()?) };
    let service = StreamableHttpService::new(
        move || Ok(TracedServer::new(catalogue.clone())),
        Arc::new(LocalSessionManager::default()),
        // In a network of containers, the operator chooses the catalogue's host name.
        StreamableHttpServerConfig::default().with_cancellation_token(shutdown).disable_allowed_hosts(),
    );
    Ok(Router::new().nest_service(MCP_PATH, service))
}
