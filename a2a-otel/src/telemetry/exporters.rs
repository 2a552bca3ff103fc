//! Where spans go: exporters of the user, or what the settings ask for.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanExporter, SpanProcessor};

use super::settings::{Batch, Exporter, Settings};
use crate::pipeline::{FanOut, Immediate, Ledger, Queue, Queued, TreePrinter, exporter};

/// Makes a processor of an exporter whose type only its own closure knows, for the trait of exporters cannot be boxed.
type Connect = Box<dyn FnOnce(Arc<Ledger>, &Batch, &Resource) -> Box<dyn SpanProcessor> + Send>;

/// A place for spans to go to, as the user should read it, and how to reach it.
pub(super) struct Destination {
    target: String,
    connect: Option<Connect>,
}

impl Destination {
    /// An exporter of the user.
    pub(super) fn custom<E: SpanExporter + 'static>(mut exporter: E) -> Self {
        let name = std::any::type_name::<E>();
        let connect: Connect = Box::new(|ledger, limits, resource| {
            exporter.set_resource(resource);
            let limits = *limits;
            queued(ledger, limits, move |queue, ledger| exporter::run(&exporter, &queue, &ledger, &limits))
        });
        Self { target: name.rsplit("::").next().unwrap_or(name).to_owned(), connect: Some(connect) }
    }

    /// What the settings ask for.
    pub(super) fn configured(settings: &Settings) -> Self {
        match settings.exporter {
            Exporter::Otlp => Self::otlp(settings),
            Exporter::Console => Self::console(),
            Exporter::None => Self::nowhere(),
        }
    }

    #[cfg(feature = "otlp")]
    fn otlp(settings: &Settings) -> Self {
        use crate::pipeline::otlp::{Http, Sender};

        let Some(endpoint) = &settings.endpoint else { return Self::nowhere() };
        let transport = Box::new(Http::new(settings, endpoint));
        let timeout = settings.timeout.min(settings.batch.timeout);
        let connect: Connect = Box::new(move |ledger, limits, resource| {
            let (limits, resource) = (Batch { timeout, ..*limits }, resource.clone());
            queued(ledger, limits, move |queue, ledger| {
                Sender::new(queue, ledger, limits, transport, &resource).run();
            })
        });
        Self { target: endpoint.to_string(), connect: Some(connect) }
    }

    /// Without the feature no setting asks for it.
    #[cfg(not(feature = "otlp"))]
    fn otlp(_settings: &Settings) -> Self {
        Self::nowhere()
    }

    fn console() -> Self {
        let connect: Connect =
            Box::new(|ledger, _, _| Box::new(Immediate { inner: TreePrinter::stderr(), ledger }));
        Self { target: "standard error".to_owned(), connect: Some(connect) }
    }

    fn nowhere() -> Self {
        Self { target: "nowhere".to_owned(), connect: None }
    }

    /// Opens the way, and the books of what goes it.
    pub(super) fn open(self, limits: &Batch, resource: &Resource, fan_out: &mut FanOut) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger::new(self.target));
        match self.connect {
            Some(connect) => fan_out.processors.push(connect(ledger.clone(), limits, resource)),
            None => fan_out.uncollected.push(ledger.clone()),
        }
        ledger
    }
}

fn queued(
    ledger: Arc<Ledger>,
    limits: Batch,
    empty: impl FnOnce(Arc<Queue>, Arc<Ledger>) + Send + 'static,
) -> Box<dyn SpanProcessor> {
    let queue = Arc::new(Queue::new(limits));
    let (taken, booked) = (queue.clone(), ledger.clone());
    Box::new(Queued::new(queue, ledger, move || empty(taken, booked)))
}
