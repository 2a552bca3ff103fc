//! Runs one part of the marketplace in a separate process, until SIGTERM or Ctrl-C, or asks one whether it works.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel_examples::door::Door;
use a2a_otel_examples::errors::with_sources;
use a2a_otel_examples::market::{self, Part, Server, StartError};
use a2a_otel_examples::{errors, faults, health, shutdown};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const USAGE: &str = "usage: agent [health] coordinator|product|inventory|sales|catalogue|llm|customers|alerts \
                     --listen ADDR [--url URL] [--peer NAME=URL ...]\n\
                     without arguments: MARKETPLACE_PART, MARKETPLACE_LISTEN, MARKETPLACE_URL, MARKETPLACE_PEERS";

/// Where a part listens in a container, unless the environment names another address.
const LISTEN: &str = "0.0.0.0:8080";

/// How long tasks may take to stop that have not ended in time: none of them blocks a thread for longer.
const STOP: Duration = Duration::from_secs(3);

/// How long sending the last spans may take.
const FLUSH: Duration = Duration::from_secs(5);

type Failure = Box<dyn Error>;

/// What to run, from the command line or from the environment.
#[derive(Default)]
struct Place {
    part: String,
    listen: String,
    /// The address at which other parts reach this one, if it is not the one on which it listens, for example behind a
    /// proxy or in a container.
    url: Option<String>,
    /// The addresses of other parts, such as `llm=http://127.0.0.1:7000`.
    peers: Vec<String>,
    /// Whether it stays if it cannot work.
    stays: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let asks = words.next_if(|word| word == "health").is_some();
    let place = if words.peek().is_some() { Place::of_arguments(words) } else { Ok(Place::of_environment()) };
    match place {
        Err(error) => errors::exit(Err(error)),
        Ok(place) if asks => errors::exit(ask(&place)),
        Ok(place) => errors::exit(run(&place)),
    }
}

fn ask(place: &Place) -> Result<bool, Failure> {
    println!("{}", health::ask(&place.part, &place.listen)?);
    Ok(true)
}

fn run(place: &Place) -> Result<bool, Failure> {
    let runtime = Runtime::new()?;
    let shutdown = CancellationToken::new();
    runtime.spawn(cancel_on_signal(shutdown.clone()));
    let part = match Part::named(&place.part) {
        Ok(part) => part,
        Err(error) => return runtime.block_on(place.fail(error, shutdown)),
    };
    let telemetry = runtime.block_on(async { observed(part) });
    runtime.spawn(faults::block(part.name()));
    let served = runtime.block_on(serve(part, place, shutdown));
    // Tasks that still work are dropped, which ends their spans as cancelled: none is missing above another.
    runtime.shutdown_timeout(STOP);
    eprintln!("{}", telemetry.shutdown(FLUSH));
    served
}

/// Starts telemetry. Dashboards tell the parts apart by the name of the service.
fn observed(part: Part) -> Telemetry {
    let builder = Telemetry::builder();
    let builder = if std::env::var_os("OTEL_SERVICE_NAME").is_some() {
        builder
    } else {
        builder.service_name(part.service_name())
    };
    builder.start()
}

async fn serve(part: Part, place: &Place, shutdown: CancellationToken) -> Result<bool, Failure> {
    let peers = match market::addresses(&place.peers) {
        Ok(peers) => peers,
        Err(error) => return place.fail(error, shutdown).await,
    };
    let server = match Server::bind(part, &place.listen, shutdown.clone()).await {
        Ok(server) => server,
        Err(error) => return place.fail(error, shutdown).await,
    };
    let opened = tokio::select! {
        opened = server.open(place.url.as_deref(), &peers) => opened,
        () = shutdown.cancelled() => return Ok(true),
    };
    match opened {
        Ok(()) => println!("listening on {}", server.url),
        // It listens, and its probe says why it does not work.
        Err(error) if place.stays => place.report(&error),
        Err(error) => return Err(error.into()),
    }
    server.run().await?;
    Ok(true)
}

impl Place {
    fn of_arguments(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut place = Self { part: words.next().ok_or(USAGE)?, ..Self::default() };
        while let Some(option) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match option.as_str() {
                "--listen" => place.listen = value,
                "--url" => place.url = Some(value),
                "--peer" => place.peers.push(value),
                _ => return Err(USAGE.into()),
            }
        }
        if place.listen.is_empty() { Err(USAGE.into()) } else { Ok(place) }
    }

    fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            part: variable("MARKETPLACE_PART").unwrap_or_default(),
            listen: variable("MARKETPLACE_LISTEN").unwrap_or_else(|| LISTEN.into()),
            url: variable("MARKETPLACE_URL"),
            peers: variable("MARKETPLACE_PEERS").as_deref().map(list).unwrap_or_default(),
            stays: true,
        }
    }

    fn report(&self, error: &StartError) {
        let part = if self.part.is_empty() { "agent" } else { &self.part };
        eprintln!("{part} cannot work: {}", with_sources(error));
    }

    /// Ends, or stays until the shutdown, with a probe that says why, if the port is free.
    async fn fail(&self, error: StartError, shutdown: CancellationToken) -> Result<bool, Failure> {
        if !self.stays {
            return Err(error.into());
        }
        self.report(&error);
        let door = Door::new(&self.part);
        door.close(with_sources(&error));
        if let Ok(listener) = TcpListener::bind(&self.listen).await {
            axum::serve(listener, door.router()).with_graceful_shutdown(shutdown.cancelled_owned()).await?;
        } else {
            shutdown.cancelled().await;
        }
        Ok(false)
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Into::into).collect()
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    shutdown::requested().await;
    shutdown.cancel();
}
