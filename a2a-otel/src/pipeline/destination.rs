//! Where spans go: to the application's own exporters, or to the receiver in the settings.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;
#[cfg(feature = "otlp")]
use sha2::{Digest as _, Sha256};

#[cfg(feature = "otlp")]
use super::otlp::{OtlpSpans, SpanRequest};
use super::processors::{FanOut, Immediate, Queued};
#[cfg(feature = "otlp")]
use super::route::Route;
use super::sender::Sender;
#[cfg(feature = "otlp")]
use super::spool::Address;
#[cfg(feature = "otlp")]
use super::storage::Storage;
#[cfg(feature = "otlp")]
use super::transport::PHOENIX;
use super::{Backend, Ledger, Queue, TreePrinter, exporter, signal};
use crate::environment::Warning;
use crate::settings::{Batch, ConsoleForm, Exporter, Settings};
#[cfg(feature = "otlp")]
use crate::settings::{Endpoint, Headers, PROJECT_HEADER, Protocol};

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
            // The builder adds the printer, because what is printed as well is not accounted for.
            Exporter::Otlp | Exporter::OtlpAndConsole => Self::otlp(settings, warnings),
            Exporter::Console => Self::console(settings.console),
            Exporter::None => Self::nowhere(),
        }
    }

    #[cfg(feature = "otlp")]
    fn otlp(settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        let Some(endpoint) = &settings.endpoint else { return Self::nowhere() };
        let route = Route {
            items: "spans",
            settings,
            endpoint,
            #[cfg(feature = "otlp-grpc")]
            method: super::otlp::EXPORT_SPANS,
            hints: &PHOENIX,
        };
        let Some(outlet) = route.open(SpanRequest::body, warnings) else { return Self::nowhere() };
        let exporter_type = exporter_type(settings.protocol);
        let spool = settings.spool.clone().map(|spool| (spool, spool_address(settings, endpoint)));
        let timeout = settings.timeout;
        let connect: Connect = Box::new(move |ledger, limits, resource, fan_out| {
            let limits = limits.answered_within(timeout);
            let queue = Arc::new(Queue::new(limits));
            let signal = OtlpSpans::new(resource, &limits, ledger.clone());
            let open = |(spool, address): &(_, Address)| {
                Storage::open(spool, address, &queue, ledger, signal.clone())
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

    fn console(form: ConsoleForm) -> Self {
        let connect: Connect = Box::new(move |ledger, _, _, fan_out| {
            let inner = TreePrinter::stderr().form(form);
            let processor = Immediate { inner, ledger: ledger.clone() };
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

/// The type of the exporter, as the semantic conventions name it.
#[cfg(feature = "otlp")]
fn exporter_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::HttpProtobuf => "otlp_http_span_exporter",
        Protocol::Grpc => "otlp_grpc_span_exporter",
    }
}

/// Whose spool it is. Its name is different for each receiver, project and set of headers, and shows no secret.
#[cfg(feature = "otlp")]
fn spool_address(settings: &Settings, endpoint: &Endpoint) -> Address {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(endpoint.as_str().as_bytes());
    hasher.update(settings.project_name.as_bytes());
    let host: String = endpoint
        .host()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    let receiver = format!("{host}-{:08x}", hasher.finalize());
    Address { receiver, identity: identity(&settings.headers) }
}

/// Stands for the headers that say who sends, such as a key. Nobody can read them from it.
#[cfg(feature = "otlp")]
fn identity(headers: &Headers) -> Option<String> {
    let mut hasher = Sha256::new();
    let mut has_any = false;
    // The project is a part of the receiver's name.
    for (name, value) in headers.iter().filter(|(name, _)| *name != PROJECT_HEADER) {
        has_any = true;
        for text in [name, value] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
    }
    // Eight bytes stand for the headers in the name of a folder.
    let hash = u64::from_be_bytes(hasher.finalize().first_chunk().copied().unwrap_or_default());
    has_any.then(|| format!("{hash:016x}"))
}
