//! Runs one part of the marketplace in a separate process, until SIGTERM or Ctrl-C.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel_examples::market::{Addresses, Part, Server};
use a2a_otel_examples::{errors, faults, shutdown};
use tokio_util::sync::CancellationToken;

const USAGE: &str = "usage: agent coordinator|product|inventory|sales|catalogue|llm \
                     --listen ADDR [--url URL] [--peer NAME=URL ...]";

/// How long sending the last spans may take.
const FLUSH: Duration = Duration::from_secs(5);

/// The command-line arguments.
struct Arguments {
    part: Part,
    listen: String,
    /// The address at which other parts reach this one, if it is not the one on which it listens, for example behind a
    /// proxy or in a container.
    url: Option<String>,
    peers: Addresses,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return errors::exit(Err(error)),
    };
    let telemetry = observed(arguments.part);
    let served = serve(arguments).await.map(|()| true);
    eprintln!("{}", telemetry.shutdown(FLUSH));
    errors::exit(served)
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

async fn serve(Arguments { part, listen, url, peers }: Arguments) -> Result<(), Box<dyn Error>> {
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    tokio::spawn(faults::block(part.name()));
    let server = tokio::select! {
        server = Server::start(part, &listen, url.as_deref(), &peers, shutdown.clone()) => server?,
        () = shutdown.cancelled() => return Ok(()),
    };
    println!("listening on {}", server.url);
    Ok(server.run().await?)
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let part = Part::named(&words.next().ok_or(USAGE)?)?;
        let (mut listen, mut url, mut peers) = (None, None, Addresses::new());
        while let Some(option) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match option.as_str() {
                "--listen" => listen = Some(value),
                "--url" => url = Some(value),
                "--peer" => peers.extend(value.split_once('=').map(|(name, url)| (name.into(), url.into()))),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(Self { part, listen: listen.ok_or(USAGE)?, url, peers })
    }
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    shutdown::requested().await;
    shutdown.cancel();
}
