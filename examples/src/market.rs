//! The parts of the marketplace, each of them a server, and how they start.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::llm::{Llm, LlmError, real_endpoint_is_named};
use crate::peer::{Peer, PeerError};
use crate::roles::{self, Role};
use crate::store::StoreError;
use crate::tools::{CatalogueClient, ToolError, Toolbox};
use crate::{a2a_server, catalogue, llm_server};

/// How long a starting part waits for the parts that it needs.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// How long open connections may delay the shutdown.
const GRACE: Duration = Duration::from_secs(1);

/// Addresses of other parts, by name.
pub type Addresses = HashMap<String, String>;

/// Why a part did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No part has this name.
    #[error("there is no part {0}; the parts are {names}", names = names())]
    UnknownPart(String),
    /// Another part's address was not given.
    #[error("the address of {0} is missing; name it with --peer {0}=URL")]
    MissingPeer(&'static str),
    /// The address is in use, or not on this machine.
    #[error("cannot listen on {address}; choose another address or port 0")]
    Listen {
        /// The address.
        address: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// There is no model.
    #[error(transparent)]
    Llm(#[from] LlmError),
    /// The catalogue has no data.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalogue does not answer.
    #[error(transparent)]
    Catalogue(#[from] ToolError),
    /// Another agent does not answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// One server of the marketplace.
#[derive(Clone, Copy)]
pub enum Part {
    /// The built-in model.
    Llm,
    /// The MCP catalogue.
    Catalogue,
    /// An agent that works with the catalogue.
    Specialist(&'static str, &'static Role),
    /// The agent that customers call.
    Coordinator,
}

/// Every part, in the order in which they start.
pub const PARTS: [Part; 6] = [
    Part::Llm,
    Part::Catalogue,
    Part::Specialist("product", &roles::PRODUCT),
    Part::Specialist("inventory", &roles::INVENTORY),
    Part::Specialist("sales", &roles::SALES),
    Part::Coordinator,
];

/// The coordinator's names for the specialists.
const SPECIALISTS: [&str; 3] = ["product", "inventory", "sales"];

fn names() -> String {
    PARTS.map(Part::name).join(", ")
}

impl Part {
    /// The part with this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, StartError> {
        PARTS.into_iter().find(|part| part.name() == name).ok_or_else(|| StartError::UnknownPart(name.into()))
    }

    /// The part's name, on the command line and among [`Addresses`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Catalogue => "catalogue",
            Self::Specialist(name, _) => name,
            Self::Coordinator => "coordinator",
        }
    }

    /// The name of its service: an agent's is that on its card, by which others call it, so that dashboards show one agent.
    #[must_use]
    pub fn service_name(self) -> &'static str {
        match self {
            Self::Llm | Self::Catalogue => self.name(),
            Self::Specialist(_, role) => role.name,
            Self::Coordinator => roles::COORDINATOR.name,
        }
    }

    /// The routes of a part that is reached at `url`.
    async fn router(
        self,
        url: &str,
        peers: &Addresses,
        shutdown: CancellationToken,
    ) -> Result<Router, StartError> {
        match self {
            Self::Llm => Ok(llm_server::router()),
            Self::Catalogue => Ok(catalogue::router(shutdown)?),
            Self::Specialist(_, role) => Ok(a2a_server::router(specialist(role, peers).await?, url)),
            Self::Coordinator => Ok(a2a_server::router(coordinator(peers).await?, url)),
        }
    }
}

async fn specialist(role: &'static Role, peers: &Addresses) -> Result<Agent, StartError> {
    let llm = Llm::connect(peers.get("llm").map(String::as_str))?;
    let catalogue = address(peers, "catalogue")?;
    let client = patiently(|| CatalogueClient::connect(catalogue)).await?;
    Ok(Agent::new(role, llm, Toolbox::Catalogue(Box::new(client))).await?)
}

async fn coordinator(peers: &Addresses) -> Result<Agent, StartError> {
    let llm = Llm::connect(peers.get("llm").map(String::as_str))?;
    let urls: Vec<_> = SPECIALISTS.iter().map(|name| address(peers, name)).collect::<Result<_, _>>()?;
    let specialists = try_join_all(urls.into_iter().map(|url| patiently(|| Peer::connect(url)))).await?;
    Ok(Agent::new(&roles::COORDINATOR, llm, Toolbox::peers(specialists)).await?)
}

fn address<'a>(peers: &'a Addresses, name: &'static str) -> Result<&'a str, StartError> {
    peers.get(name).map(String::as_str).ok_or(StartError::MissingPeer(name))
}

/// Retries for a while: processes start in any order, so nothing may be listening at first.
async fn patiently<T, E, F: Future<Output = Result<T, E>>>(attempt: impl Fn() -> F) -> Result<T, E> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Err(_) if tokio::time::Instant::now() < deadline => tokio::time::sleep(BETWEEN_TRIES).await,
            settled => return settled,
        }
    }
}

/// A part that is listening.
pub struct Server {
    /// Its address.
    pub url: String,
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
}

impl Server {
    /// Binds `address` and connects the part to its peers. `public` is the address at which others reach it, if it is
    /// different.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or a peer does not answer.
    pub async fn start(
        part: Part,
        address: &str,
        public: Option<&str>,
        peers: &Addresses,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: address.into(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let url = url(listener.local_addr().map_err(listen)?);
        let router = part.router(public.unwrap_or(&url), peers, shutdown.clone()).await?;
        Ok(Self { url, listener, router: observable(router), shutdown })
    }

    /// Serves until the shutdown, and then only as long as open requests need.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self) -> io::Result<()> {
        let late = self.shutdown.clone();
        let serve =
            axum::serve(self.listener, self.router).with_graceful_shutdown(self.shutdown.cancelled_owned());
        tokio::select! {
            ended = serve => ended,
            () = async { late.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Starts the built-in model on a free port, until the process ends.
///
/// # Errors
///
/// When it does not start.
pub async fn built_in_model() -> Result<Llm, StartError> {
    let server =
        Server::start(Part::Llm, "127.0.0.1:0", None, &Addresses::new(), CancellationToken::new()).await?;
    let llm = Llm::connect(Some(&server.url))?;
    tokio::spawn(server.run());
    Ok(llm)
}

/// The whole marketplace in one process, each part on its own port.
pub struct Market {
    addresses: Addresses,
    servers: Vec<JoinHandle<io::Result<()>>>,
    shutdown: CancellationToken,
}

impl Market {
    /// Starts every part, and the built-in model only if the environment does not select another.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub async fn open() -> Result<Self, StartError> {
        let (_built_in, others) = PARTS.split_at(1);
        Self::of(if real_endpoint_is_named() { others } else { &PARTS }).await
    }

    /// Starts these parts.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub async fn of(parts: &[Part]) -> Result<Self, StartError> {
        let mut market =
            Self { addresses: Addresses::new(), servers: Vec::new(), shutdown: CancellationToken::new() };
        for part in parts {
            market.start(*part).await?;
        }
        Ok(market)
    }

    async fn start(&mut self, part: Part) -> Result<(), StartError> {
        let server = Server::start(part, "127.0.0.1:0", None, &self.addresses, self.shutdown.clone()).await?;
        tracing::info!(part = part.name(), url = server.url, "open");
        self.addresses.insert(part.name().into(), server.url.clone());
        self.servers.push(tokio::spawn(server.run()));
        Ok(())
    }

    /// The address that customers call.
    #[must_use]
    pub fn coordinator(&self) -> &str {
        &self.addresses[Part::Coordinator.name()]
    }

    /// Stops every part.
    pub async fn close(self) {
        self.shutdown.cancel();
        futures::future::join_all(self.servers).await;
    }
}

/// Adds the probes of an orchestrator, whether the part is alive and whether its spans are delivered, and the metrics for
/// Prometheus.
pub fn observable(router: Router) -> Router {
    router
        .route_service("/healthz", a2a_otel::http::alive())
        .route_service("/readyz", a2a_otel::http::readiness())
        .route_service("/metrics", a2a_otel::http::metrics())
}
