//! The parts of the marketplace, each of them a server, and how they start.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use futures::future::{join_all, try_join_all};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::customers::PauseError;
use crate::door::Door;
use crate::errors::with_sources;
use crate::llm::{Llm, LlmError, real_endpoint_is_named};
use crate::peer::{Peer, PeerError};
use crate::roles::{self, Role};
use crate::store::StoreError;
use crate::tools::{CatalogueClient, Session, ToolError, Toolbox};
use crate::work::Work;
use crate::{a2a_server, alerts, catalogue, customers, llm_server};

/// How often a starting part tries to reach the parts that it needs, and how long it does so before it says that it waits.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
const SILENTLY: Duration = Duration::from_secs(5);
/// How long requests in progress may delay the shutdown; then they are stopped, and have a moment to record that.
const GRACE: Duration = Duration::from_secs(4);
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Addresses of other parts, by name.
pub type Addresses = HashMap<String, String>;

/// Why a part did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No part is named.
    #[error("MARKETPLACE_PART is missing; set it to one of {names}", names = names())]
    NoPart,
    /// No part has this name.
    #[error("there is no part {0}; the parts are {names}", names = names())]
    UnknownPart(String),
    /// Another part's address was not given.
    #[error("the address of {0} is missing; name it with --peer {0}=URL or in MARKETPLACE_PEERS")]
    MissingPeer(&'static str),
    /// The address of another part has no name.
    #[error("`{0}` in --peer or MARKETPLACE_PEERS is no address of a part; write NAME=URL")]
    NamelessPeer(String),
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
    /// Nobody knows when customers come again.
    #[error(transparent)]
    Pause(#[from] PauseError),
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
    /// The customers, who come again and again.
    Customers,
    /// A webhook that prints alerts.
    Alerts,
}

/// Every part that a marketplace needs, in the order in which they start.
pub const PARTS: [Part; 6] = [
    Part::Llm,
    Part::Catalogue,
    Part::Specialist("product", &roles::PRODUCT),
    Part::Specialist("inventory", &roles::INVENTORY),
    Part::Specialist("sales", &roles::SALES),
    Part::Coordinator,
];

/// Parts that are only separate processes.
const OUTSIDE: [Part; 2] = [Part::Customers, Part::Alerts];

/// The coordinator's names for the specialists.
const SPECIALISTS: [&str; 3] = ["product", "inventory", "sales"];

/// Reads addresses such as `llm=http://127.0.0.1:7000`.
///
/// # Errors
///
/// When one of them has no name.
pub fn addresses(peers: &[String]) -> Result<Addresses, StartError> {
    let peers = peers.iter().map(|peer| match peer.split_once('=') {
        Some((name, url)) => Ok((name.trim().to_owned(), url.trim().to_owned())),
        None => Err(StartError::NamelessPeer(peer.clone())),
    });
    peers.collect()
}

fn all() -> impl Iterator<Item = Part> {
    PARTS.into_iter().chain(OUTSIDE)
}

fn names() -> String {
    all().map(Part::name).collect::<Vec<_>>().join(", ")
}

impl Part {
    /// The part with this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, StartError> {
        if name.is_empty() {
            return Err(StartError::NoPart);
        }
        all().find(|part| part.name() == name).ok_or_else(|| StartError::UnknownPart(name.into()))
    }

    /// The part's name, on the command line and among [`Addresses`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Catalogue => "catalogue",
            Self::Specialist(name, _) => name,
            Self::Coordinator => "coordinator",
            Self::Customers => "customers",
            Self::Alerts => "alerts",
        }
    }

    /// The name of its service: an agent's is that on its card, by which others call it, so that dashboards show one agent.
    #[must_use]
    pub fn service_name(self) -> &'static str {
        match self {
            Self::Llm | Self::Catalogue | Self::Customers | Self::Alerts => self.name(),
            Self::Specialist(_, role) => role.name,
            Self::Coordinator => roles::COORDINATOR.name,
        }
    }

    /// The routes of the part.
    async fn router(self, place: Place<'_>) -> Result<Router, StartError> {
        match self {
            Self::Llm => Ok(llm_server::router()),
            Self::Catalogue => Ok(catalogue::router(place.shutdown.clone())?),
            Self::Specialist(_, role) => Ok(place.serve(specialist(role, &place).await?)),
            Self::Coordinator => Ok(place.serve(coordinator(&place).await?)),
            Self::Customers => {
                let (pause, coordinator) = (customers::pause()?, address(place.peers, "coordinator")?);
                let coordinator = place.patiently(|| Peer::connect(coordinator)).await?;
                let come = customers::come(coordinator, pause);
                place.work.spawn(place.shutdown.clone().run_until_cancelled_owned(come));
                Ok(Router::new())
            }
            Self::Alerts => Ok(alerts::router()),
        }
    }
}

/// Where a part is, and what it has there.
struct Place<'a> {
    /// The address at which others reach it.
    url: &'a str,
    peers: &'a Addresses,
    door: &'a Door,
    work: &'a Work,
    sessions: &'a Sessions,
    shutdown: &'a CancellationToken,
}

impl Place<'_> {
    fn serve(&self, agent: Agent) -> Router {
        a2a_server::router(agent, self.url, self.work.clone())
    }

    /// Retries without an end: processes start in any order, so nothing may be listening at first.
    async fn patiently<T, E, F>(&self, attempt: impl Fn() -> F) -> Result<T, E>
    where
        E: Error + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let begin = tokio::time::Instant::now();
        let mut has_spoken = false;
        loop {
            let error = match attempt().await {
                Ok(found) => return Ok(found),
                Err(error) => with_sources(&error),
            };
            if !has_spoken && begin.elapsed() > SILENTLY {
                eprintln!("{} waits: {error}", self.door.part());
                has_spoken = true;
            }
            self.door.close(format!("it waits: {error}"));
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
}

async fn specialist(role: &'static Role, place: &Place<'_>) -> Result<Agent, StartError> {
    let llm = Llm::connect(place.peers.get("llm").map(String::as_str))?;
    let catalogue = address(place.peers, "catalogue")?;
    let (client, session) = place.patiently(|| CatalogueClient::connect(catalogue)).await?;
    place.sessions.keep(session);
    Ok(Agent::new(role, llm, Toolbox::Catalogue(Box::new(client))).await?)
}

async fn coordinator(place: &Place<'_>) -> Result<Agent, StartError> {
    let llm = Llm::connect(place.peers.get("llm").map(String::as_str))?;
    let urls: Vec<_> = SPECIALISTS.iter().map(|name| address(place.peers, name)).collect::<Result<_, _>>()?;
    let specialists = urls.into_iter().map(|url| place.patiently(|| Peer::connect(url)));
    let specialists = try_join_all(specialists).await?;
    Ok(Agent::new(&roles::COORDINATOR, llm, Toolbox::peers(specialists)).await?)
}

fn address<'a>(peers: &'a Addresses, name: &'static str) -> Result<&'a str, StartError> {
    peers.get(name).map(String::as_str).ok_or(StartError::MissingPeer(name))
}

/// The sessions that a part has with the catalogue.
#[derive(Default)]
struct Sessions(Mutex<Vec<Session>>);

impl Sessions {
    fn keep(&self, session: Session) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    async fn close(self) {
        let sessions = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        join_all(sessions.into_iter().map(Session::close)).await;
    }
}

/// A part that is listening. Its probes answer from the beginning, and the part itself once it is open.
pub struct Server {
    /// Its address.
    pub url: String,
    part: Part,
    door: Door,
    work: Work,
    sessions: Sessions,
    shutdown: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Binds `address` for a part, until `shutdown`.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn bind(part: Part, address: &str, shutdown: CancellationToken) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: address.into(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let url = url(listener.local_addr().map_err(listen)?);
        let door = Door::new(part.name());
        let serve = axum::serve(listener, door.router())
            .with_graceful_shutdown(shutdown.clone().cancelled_owned())
            .into_future();
        let (work, sessions) = (Work::default(), Sessions::default());
        Ok(Self { url, part, door, work, sessions, shutdown, serving: tokio::spawn(serve) })
    }

    /// Connects the part to its peers, for which it waits, and lets requests in. `public` is the address at which others
    /// reach it, if it is different.
    ///
    /// # Errors
    ///
    /// When the part cannot work. The probe for readiness says why from then on.
    pub async fn open(&self, public: Option<&str>, peers: &Addresses) -> Result<(), StartError> {
        let Self { url, door, work, sessions, shutdown, .. } = self;
        let place = Place { url: public.unwrap_or(url), peers, door, work, sessions, shutdown };
        match self.part.router(place).await {
            Ok(router) => door.open(router),
            Err(error) => {
                door.close(with_sources(&error));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Serves until the shutdown. Requests in progress have a while to end; then they are stopped.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self) -> io::Result<()> {
        let Self { work, sessions, shutdown, serving, .. } = self;
        let ended = async {
            let served = serving.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
            work.ended().await;
            sessions.close().await;
            served
        };
        let mut ended = std::pin::pin!(ended);
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = &mut ended => return served,
            () = late => work.stop(),
        }
        tokio::time::timeout(LAST_WORDS, ended).await.unwrap_or(Ok(()))
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
    let server = Server::bind(Part::Llm, "127.0.0.1:0", CancellationToken::new()).await?;
    server.open(None, &Addresses::new()).await?;
    let llm = Llm::connect(Some(&server.url))?;
    tokio::spawn(server.run());
    Ok(llm)
}

/// A part that runs, and what stops it.
struct Running {
    part: &'static str,
    shutdown: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        // A server that failed has said so.
        let _ = self.serving.await;
    }
}

/// The whole marketplace in one process, each part on its own port.
pub struct Market {
    addresses: Addresses,
    /// In the order of their start.
    servers: Vec<Running>,
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
        let mut market = Self { addresses: Addresses::new(), servers: Vec::new() };
        for part in parts {
            market.start(*part).await?;
        }
        Ok(market)
    }

    async fn start(&mut self, part: Part) -> Result<(), StartError> {
        let shutdown = CancellationToken::new();
        let server = Server::bind(part, "127.0.0.1:0", shutdown.clone()).await?;
        server.open(None, &self.addresses).await?;
        tracing::info!(part = part.name(), url = server.url, "open");
        self.addresses.insert(part.name().into(), server.url.clone());
        let serving = tokio::spawn(server.run());
        self.servers.push(Running { part: part.name(), shutdown, serving });
        Ok(())
    }

    /// The address that customers call.
    #[must_use]
    pub fn coordinator(&self) -> &str {
        &self.addresses[Part::Coordinator.name()]
    }

    /// The address of the built-in model, if it was started.
    #[must_use]
    pub fn llm(&self) -> Option<&str> {
        self.addresses.get(Part::Llm.name()).map(String::as_str)
    }

    /// Stops one part. The others keep its address, where nobody answers any more.
    pub async fn stop(&mut self, part: Part) {
        if let Some(place) = self.servers.iter().position(|server| server.part == part.name()) {
            self.servers.remove(place).stop().await;
        }
    }

    /// Stops every part before those that it calls, which it may still need.
    pub async fn close(self) {
        for server in self.servers.into_iter().rev() {
            server.stop().await;
        }
    }
}
