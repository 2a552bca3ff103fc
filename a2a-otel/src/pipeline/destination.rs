//! Where spans go: exporters of the user, or what the settings ask for.

use std::sync::Arc;
#[cfg(feature = "otlp")]
use std::{sync::Mutex, thread};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;

#[cfg(feature = "otlp")]
use super::keeper::Keeper;
#[cfg(feature = "otlp")]
use super::otlp::Packer;
use super::processors::{FanOut, Immediate, Queued};
#[cfg(feature = "otlp")]
use super::sender::{Sender, Storage};
#[cfg(feature = "otlp")]
use super::spool::{self, Record};
#[cfg(feature = "otlp")]
use super::transport::{Credentials, Http, Transport};
use super::{Backend, Ledger, Queue, Signal, TreePrinter, exporter};
use crate::environment::Warning;
use crate::settings::{Batch, Exporter, Settings};
#[cfg(feature = "otlp")]
use crate::settings::{Endpoint, Protocol, Spool};

/// Puts an exporter behind the fan-out. Only its own closure knows its type, for the trait of exporters cannot be boxed.
type Connect = Box<dyn FnOnce(Arc<Ledger>, &Batch, &Resource, &mut FanOut) -> Backend + Send>;

/// A place for spans to go to, as the user should read it, and how to reach it.
pub(crate) struct Destination {
    target: String,
    connect: Option<Connect>,
}

impl Destination {
    /// An exporter of the user.
    pub(crate) fn custom<E: SpanExporter + 'static>(mut exporter: E) -> Self {
        let name = std::any::type_name::<E>();
        let connect: Connect = Box::new(|ledger, limits, resource, fan_out| {
            exporter.set_resource(resource);
            let limits = *limits;
            let queue = Arc::new(Queue::<()>::new(limits));
            let (taken, booked) = (queue.clone(), ledger.clone());
            let backend = Backend::new(ledger.clone()).with_queue(&queue);
            let run = move || exporter::run(&exporter, &taken, &booked, &limits);
            fan_out.queues.push(Box::new(Queued::new(queue, ledger, run)));
            backend
        });
        Self { target: name.rsplit("::").next().unwrap_or(name).to_owned(), connect: Some(connect) }
    }

    /// What the settings ask for.
    pub(crate) fn configured(settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        match settings.exporter {
            Exporter::Otlp => Self::otlp(settings, warnings),
            Exporter::Console => Self::console(),
            Exporter::None => Self::nowhere(),
        }
    }

    #[cfg(feature = "otlp")]
    fn otlp(settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        let Some(endpoint) = &settings.endpoint else { return Self::nowhere() };
        let transport = match transport(settings, endpoint) {
            Ok(transport) => transport,
            Err(cause) => {
                warnings.push(Warning::Malformed(format!("no spans are sent to {endpoint}: {cause}")));
                return Self::nowhere();
            }
        };
        if let Err(cause) = Credentials::read(endpoint, &settings.tls) {
            warnings.push(Warning::Malformed(format!("no spans reach {endpoint} for now: {cause}")));
        }
        let receiver = spool_name(settings, endpoint);
        let spool = settings.spool.clone();
        let exporter_type = match settings.protocol {
            Protocol::HttpProtobuf => "otlp_http_span_exporter",
            Protocol::Grpc => "otlp_grpc_span_exporter",
        };
        let timeout = settings.timeout.min(settings.batch.timeout);
        let connect: Connect = Box::new(move |ledger, limits, resource, fan_out| {
            let limits = Batch { timeout, ..*limits };
            let (queue, resource) = (Arc::new(Queue::new(limits)), resource.clone());
            let lane = Lane { queue, ledger, limits, resource, exporter_type };
            let storage = spool.and_then(|spool| lane.storage(&spool, &receiver));
            let (backend, queue) = lane.start(transport, storage);
            fan_out.queues.push(Box::new(queue));
            backend
        });
        Self { target: endpoint.to_string(), connect: Some(connect) }
    }

    /// Without the feature no setting asks for it.
    #[cfg(not(feature = "otlp"))]
    fn otlp(_settings: &Settings, _warnings: &mut Vec<Warning>) -> Self {
        Self::nowhere()
    }

    fn console() -> Self {
        let connect: Connect = Box::new(|ledger, _, _, fan_out| {
            let backend = Backend::new(ledger.clone());
            fan_out.processors.push(Box::new(Immediate { inner: TreePrinter::stderr(), ledger }));
            backend
        });
        Self { target: "standard error".to_owned(), connect: Some(connect) }
    }

    fn nowhere() -> Self {
        Self { target: "nowhere".to_owned(), connect: None }
    }

    /// Opens the way, and the books of what goes it.
    pub(crate) fn open(self, limits: &Batch, resource: &Resource, fan_out: &mut FanOut) -> Backend {
        let ledger = Arc::new(Ledger::new(Signal::Spans, self.target));
        let Some(connect) = self.connect else {
            fan_out.uncollected.push(ledger.clone());
            return Backend::new(ledger);
        };
        connect(ledger, limits, resource, fan_out)
    }
}

/// The way of the spans to one receiver.
#[cfg(feature = "otlp")]
struct Lane {
    queue: Arc<Queue<Record>>,
    ledger: Arc<Ledger>,
    limits: Batch,
    resource: Resource,
    exporter_type: &'static str,
}

#[cfg(feature = "otlp")]
impl Lane {
    fn packer(&self) -> Packer {
        Packer::new(&self.resource, &self.limits, self.ledger.clone())
    }

    /// The disk, and the thread that writes to it. Where there is none, the spans stay in memory.
    fn storage(&self, limits: &Spool, receiver: &str) -> Option<Storage> {
        let (spool, recovered) = match spool::Spool::open(limits, receiver, self.ledger.clone()) {
            Ok((spool, recovered)) => (Arc::new(spool), recovered.into()),
            Err(error) => {
                self.ledger.spool_failed(&error);
                return None;
            }
        };
        let keeper = Keeper::new(self.queue.clone(), spool.clone(), self.ledger.clone(), self.packer());
        let keeper = Arc::new(Mutex::new(keeper));
        let (working, queue) = (keeper.clone(), self.queue.clone());
        let run = move || Keeper::run(&working, &queue);
        let _ = thread::Builder::new().name("a2a-otel-keeper".to_owned()).spawn(run);
        Some(Storage { keeper, spool, recovered })
    }

    fn start(self, transport: Box<dyn Transport>, storage: Option<Storage>) -> (Backend, Queued<Record>) {
        let packer = self.packer();
        let Lane { queue, ledger, limits, exporter_type, .. } = self;
        let backend = Backend::new(ledger.clone())
            .with_queue(&queue)
            .of_type(exporter_type)
            .with_spool(storage.is_some() || ledger.spool_trouble().is_some());
        let sender = Sender::new(queue.clone(), ledger.clone(), limits, transport, packer, storage);
        (backend, Queued::new(queue, ledger, move || sender.run()))
    }
}

#[cfg(feature = "otlp")]
#[cfg_attr(not(feature = "otlp-grpc"), expect(clippy::unnecessary_wraps, reason = "gRPC may be refused"))]
fn transport(settings: &Settings, endpoint: &Endpoint) -> Result<Box<dyn Transport>, String> {
    #[cfg(feature = "otlp-grpc")]
    if settings.protocol == Protocol::Grpc {
        return Ok(Box::new(super::transport::Grpc::new(settings, endpoint)?));
    }
    Ok(Box::new(Http::new(settings, endpoint)))
}

/// What tells the spools of different receivers and projects apart, as a name of a folder that shows no secret.
#[cfg(feature = "otlp")]
fn spool_name(settings: &Settings, endpoint: &Endpoint) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(endpoint.as_str().as_bytes());
    hasher.update(settings.project_name.as_bytes());
    let host: String = endpoint
        .host()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    format!("{host}-{:08x}", hasher.finalize())
}
