//! Where spans go: exporters of the user, or what the settings ask for.

use std::sync::Arc;

use opentelemetry_sdk::trace::{SpanExporter, SpanProcessor};

use super::environment::Warning;
use super::settings::{Batch, Exporter, Settings};
use crate::pipeline::{Batched, FanOut, Immediate, Ledger, TreePrinter};

/// Makes a processor of an exporter whose type only its own closure knows, for the trait of exporters cannot be boxed.
pub(super) type Connect = Box<dyn FnOnce(Arc<Ledger>, &Batch) -> Box<dyn SpanProcessor> + Send>;

/// A place for spans to go to, as the user should read it, and how to reach it.
pub(super) struct Destination {
    target: String,
    connect: Option<Connect>,
}

impl Destination {
    /// An exporter of the user.
    pub(super) fn custom<E: SpanExporter + 'static>(exporter: E) -> Self {
        let name = std::any::type_name::<E>();
        Self::batched(exporter, name.rsplit("::").next().unwrap_or(name).to_owned())
    }

    /// What the settings ask for.
    pub(super) fn configured(settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        match settings.exporter {
            Exporter::Otlp => Self::otlp(settings, warnings),
            Exporter::Console => Self::console(),
            Exporter::None => Self::nowhere(),
        }
    }

    #[cfg(feature = "otlp")]
    fn otlp(settings: &Settings, warnings: &mut Vec<Warning>) -> Self {
        let Some(endpoint) = &settings.endpoint else { return Self::nowhere() };
        match crate::pipeline::otlp_exporter(settings, endpoint) {
            Ok(exporter) => Self::batched(exporter, endpoint.to_string()),
            Err(error) => {
                warnings.push(Warning::Malformed(format!("no spans are sent to {endpoint}: {error}")));
                Self::nowhere()
            }
        }
    }

    /// Without the feature no setting asks for it.
    #[cfg(not(feature = "otlp"))]
    fn otlp(_settings: &Settings, _warnings: &mut Vec<Warning>) -> Self {
        Self::nowhere()
    }

    fn batched(exporter: impl SpanExporter + 'static, target: String) -> Self {
        let connect: Connect = Box::new(|ledger, batch| Box::new(Batched::new(exporter, ledger, batch)));
        Self { target, connect: Some(connect) }
    }

    fn console() -> Self {
        let connect: Connect =
            Box::new(|ledger, _| Box::new(Immediate { inner: TreePrinter::stderr(), ledger }));
        Self { target: "standard error".to_owned(), connect: Some(connect) }
    }

    fn nowhere() -> Self {
        Self { target: "nowhere".to_owned(), connect: None }
    }

    /// Opens the way, and the books of what goes it.
    pub(super) fn open(self, batch: &Batch, fan_out: &mut FanOut) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger::new(self.target));
        match self.connect {
            Some(connect) => fan_out.processors.push(connect(ledger.clone(), batch)),
            None => fan_out.uncollected.push(ledger.clone()),
        }
        ledger
    }
}
