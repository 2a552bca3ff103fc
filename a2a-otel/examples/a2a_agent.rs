//! An agent that is served over A2A, and one that asks it: client span, server span and the agent's own are one trace.
//!
//! ```sh
//! cargo run -p a2a-otel --example a2a_agent --features a2a
//! ```

use std::error::Error;
use std::sync::Arc;

use a2a::{
    A2AError, AgentCard, AgentInterface, Message, Part, Role, SendMessageRequest, SendMessageResponse,
    StreamResponse, TRANSPORT_PROTOCOL_JSONRPC,
};
use a2a_otel::a2a::{TracedExecutor, TracedHandler, client_factory};
use a2a_otel::{agent_span, tool_span};
use a2a_server::jsonrpc::jsonrpc_router;
use a2a_server::{AgentExecutor, DefaultRequestHandler, ExecutorContext, InMemoryTaskStore};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::net::TcpListener;

struct Warehouse;

#[tool_span]
async fn count(product: String) -> String {
    format!("3 × {product}")
}

impl AgentExecutor for Warehouse {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let product = context.message.as_ref().and_then(Message::text).unwrap_or_default().to_owned();
        let answer = async {
            Ok(StreamResponse::Message(Message::new(Role::Agent, vec![Part::text(count(product).await)])))
        };
        stream::once(answer).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::empty().boxed()
    }
}

/// Serves the agent on a free port, and returns its card.
async fn serve() -> Result<AgentCard, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let card = card(&format!("http://{}", listener.local_addr()?));
    let executor = TracedExecutor::new(Warehouse, &card);
    let handler = TracedHandler::new(DefaultRequestHandler::new(executor, InMemoryTaskStore::new()));
    tokio::spawn(async { axum::serve(listener, jsonrpc_router(Arc::new(handler))).await });
    Ok(card)
}

fn card(url: &str) -> AgentCard {
    AgentCard {
        name: "warehouse".to_owned(),
        description: "Knows what is in stock".to_owned(),
        version: "1.0.0".to_owned(),
        supported_interfaces: vec![AgentInterface::new(url, TRANSPORT_PROTOCOL_JSONRPC)],
        capabilities: a2a::AgentCapabilities::default(),
        default_input_modes: vec!["text/plain".to_owned()],
        default_output_modes: vec!["text/plain".to_owned()],
        skills: Vec::new(),
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

#[agent_span(skip_all)]
async fn sell(warehouse: &AgentCard, product: &str) -> Result<String, A2AError> {
    let client = client_factory().build().create_from_card(warehouse).await?;
    let message = Message::new(Role::User, vec![Part::text(product)]);
    let request = SendMessageRequest { message, configuration: None, metadata: None, tenant: None };
    match client.send_message(&request).await? {
        SendMessageResponse::Message(answer) => Ok(answer.text().unwrap_or_default().to_owned()),
        SendMessageResponse::Task(task) => Ok(format!("the warehouse is working on task {}", task.id)),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _telemetry = a2a_otel::init();
    let warehouse = serve().await?;
    println!("{}", sell(&warehouse, "lamp").await?);
    Ok(())
}
