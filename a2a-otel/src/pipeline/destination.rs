//! Where spans go: to the application's own exporters, or to the receiver in the settings.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;

#[cfg(feature = "otlp")]
use super::otlp::{OtlpSpans, SpanRequest};
use super::processors::{FanOut, Immediate, Queued};
#[cfg(feature = "otlp")]
use super::sender::Outlet;
use super::sender::Sender;
#[cfg(feature = "otlp")]
use super::storage::Storage;
#[cfg(feature = "otlp")]
use super::transport::{Credentials, Http, PHOENIX};
use super::{Backend, Ledger, Queue, TreePrinter, exporter, signal};
use crate::environment::Warning;
#[cfg(feature = "otlp")]
use crate::settings::Endpoint;
use crate::settings::{Batch, Exporter, Settings};

/// Adds an exporter to the fan-out. Only the closure knows its type, because the `SpanExporter` trait cannot be boxed.
type Connect = Box<dyn FnOnce(&Arc<Ledger>, &Batch, &Resource, &mut FanOut) -> Backend + Send>;

/// A destination of spans.
pub(crate) struct Destination {
    ledger: Ledger,
    connect: Option<Connect>,
}

impl Destination {
    /// The application's own exporter.
    pub(crate) fn custom<E: SpanExporter + 'static>(mut exporter: E) -> Self {
        let name = std::any::type_name::<E>();
        let connect: Connect = Box::new(|ledger, limits, resource, fan_out| {
            exporter.set_resource(resource);
            let queue = Arc::new(Queue::new(*limits));
            let outlet = exporter::outlet(exporter);
            let sender: Sender<exporter::HandedOver> =
                Sender::new(queue.clone(), ledger.clone(), *limits, exporter::HandedOver, outlet, None);
            let backend = Backend::new(ledger.clone()).with_queue(&queue);
            fan_out.queues.push(Box::new(Queued::new(queue, ledger.clone(), move || sender.run())));
            backend
        });
        let name = name.rsplit("::").next().unwrap_or(name).to_owned();
        Self { ledger: Ledger::new(&signal::SPANS_HANDED_OVER, name), connect: Some(connect) }
    }

    /// The destination that the settings name.
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
        let (outlet, exporter_type) = match outlet(settings, endpoint) {
            Ok(outlet) => outlet,
            Err(cause) => {
                warnings.push(Warning::Malformed(format!("no spans are sent to {endpoint}: {cause}")));
                return Self::nowhere();
            }
        };
        if let Err(cause) = Credentials::read(endpoint, &settings.tls) {
            warnings.push(Warning::Malformed(format!("no spans reach {endpoint} for now: {cause}")));
        }
        let spool = settings.spool.clone().map(|spool| (spool, spool_name(settings, endpoint)));
        let timeout = settings.timeout.min(settings.batch.timeout);
        let connect: Connect = Box::new(move |ledger, limits, resource, fan_out| {
            let limits = Batch { timeout, ..*limits };
            let queue = Arc::new(Queue::new(limits));
            let signal = OtlpSpans::new(resource, &limits, ledger.clone());
            let open = |(spool, receiver): &(_, String)| {
                Storage::open(spool, receiver, &queue, ledger, signal.clone())
                    .map_err(|error| ledger.spool_failed(&error))
                    .ok()
            };
            let disk = spool.as_ref().and_then(open);
            let backend = Backend::new(ledger.clone())
                .with_queue(&queue)
                .of_type(exporter_type)
                .with_spool(spool.is_some());
            let sender = Sender::new(queue.clone(), ledger.clone(), limits, signal, outlet, disk);
            fan_out.queues.push(Box::new(Queued::new(queue, ledger.clone(), move || sender.run())));
            backend
        });
        Self { ledger: Ledger::new(&signal::SPANS, endpoint.to_string()), connect: Some(connect) }
    }

    /// Without the feature `otlp`, no setting selects it.
    #[cfg(not(feature = "otlp"))]
    fn otlp(_settings: &Settings, _warnings: &mut Vec<Warning>) -> Self {
        Self::nowhere()
    }

    fn console() -> Self {
        let connect: Connect = Box::new(|ledger, _, _, fan_out| {
            let processor = Immediate { inner: TreePrinter::stderr(), ledger: ledger.clone() };
            fan_out.processors.push(Box::new(processor));
            Backend::new(ledger.clone())
        });
        let ledger = Ledger::new(&signal::SPANS_HANDED_OVER, "standard error".to_owned());
        Self { ledger, connect: Some(connect) }
    }

    fn nowhere() -> Self {
        Self { ledger: Ledger::new(&signal::SPANS, "nowhere".to_owned()), connect: None }
    }

    /// Connects the destination to the processors.
    pub(crate) fn open(self, limits: &Batch, resource: &Resource, fan_out: &mut FanOut) -> Backend {
        let ledger = Arc::new(self.ledger);
        let Some(connect) = self.connect else {
            fan_out.uncollected.push(ledger.clone());
            return Backend::new(ledger);
        };
        connect(&ledger, limits, resource, fan_out)
    }
}

/// The outlet that sends requests to the endpoint, and its type as the semantic conventions name it.
#[cfg(feature = "otlp")]
#[cfg_attr(not(feature = "otlp-grpc"), expect(clippy::unnecessary_wraps, reason = "gRPC may be refused"))]
fn outlet(settings: &Settings, endpoint: &Endpoint) -> Result<(Outlet<SpanRequest>, &'static str), String> {
    #[cfg(feature = "otlp-grpc")]
    if settings.protocol == crate::settings::Protocol::Grpc {
        let mut grpc = super::transport::Grpc::new(settings, endpoint, super::otlp::EXPORT_SPANS, &PHOENIX)?;
        let send: Outlet<SpanRequest> =
            Box::new(move |request, patience| grpc.send(request.body(), patience));
        return Ok((send, "otlp_grpc_span_exporter"));
    }
    let mut http = Http::otlp(settings, endpoint, &PHOENIX);
    let send: Outlet<SpanRequest> = Box::new(move |request, patience| http.send(request.body(), patience));
    Ok((send, "otlp_http_span_exporter"))
}

/// The folder of the spool. Its name is different for each receiver and project, and shows no secret.
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
