//! Where spans go: exporters of the user, or what the settings ask for.

use super::environment::Warning;
use super::settings::{Exporter, Settings};
use crate::pipeline::{Batched, Immediate, Ledger, Nowhere, TreePrinter};
use opentelemetry_sdk::trace::{SpanExporter, SpanProcessor, TracerProviderBuilder};
use std::sync::Arc;

/// Adds an exporter whose type only its own closure knows, for the trait of exporters cannot be boxed.
pub(super) type AddExporter =
    Box<dyn FnOnce(TracerProviderBuilder, &Settings) -> (TracerProviderBuilder, Arc<Ledger>) + Send>;

/// An exporter of the user.
pub(super) fn custom<E: SpanExporter + 'static>(exporter: E) -> AddExporter {
    let name = std::any::type_name::<E>();
    batched(exporter, name.rsplit("::").next().unwrap_or(name).to_owned())
}

/// The exporter that the settings ask for.
pub(super) fn configured(settings: &Settings, warnings: &mut Vec<Warning>) -> AddExporter {
    match settings.exporter {
        Exporter::Otlp => otlp(settings, warnings),
        Exporter::Console => console(),
        Exporter::None => nowhere(),
    }
}

#[cfg(feature = "otlp")]
fn otlp(settings: &Settings, warnings: &mut Vec<Warning>) -> AddExporter {
    let Some(endpoint) = &settings.endpoint else { return nowhere() };
    match crate::pipeline::otlp_exporter(settings, endpoint) {
        Ok(exporter) => batched(exporter, endpoint.to_string()),
        Err(error) => {
            warnings.push(Warning::Malformed(format!("no spans are sent to {endpoint}: {error}")));
            nowhere()
        }
    }
}

/// Without the feature no setting asks for it.
#[cfg(not(feature = "otlp"))]
fn otlp(_settings: &Settings, _warnings: &mut Vec<Warning>) -> AddExporter {
    nowhere()
}

fn batched(exporter: impl SpanExporter + 'static, target: String) -> AddExporter {
    Box::new(|provider, settings| {
        add(provider, target, |ledger| Batched::new(exporter, ledger, &settings.batch))
    })
}

fn console() -> AddExporter {
    Box::new(|provider, _| {
        add(provider, "standard error".to_owned(), |ledger| Immediate {
            inner: TreePrinter::stderr(),
            ledger,
        })
    })
}

fn nowhere() -> AddExporter {
    Box::new(|provider, _| add(provider, "nowhere".to_owned(), Nowhere))
}

fn add<P: SpanProcessor + 'static>(
    provider: TracerProviderBuilder,
    target: String,
    processor: impl FnOnce(Arc<Ledger>) -> P,
) -> (TracerProviderBuilder, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::new(target));
    (provider.with_span_processor(processor(ledger.clone())), ledger)
}
