//! The parts that a pipeline is made of, and how it is opened once its resource is known.

#[cfg(feature = "metrics")]
use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(feature = "metrics")]
use opentelemetry::metrics::Meter;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{SpanData, SpanProcessor};

use crate::environment::Warning;
use crate::meter;
#[cfg(feature = "metrics")]
use crate::metrics::{self, Meters, OWN_METER};
use crate::pipeline::destination::Destination;
#[cfg(feature = "metrics")]
use crate::pipeline::{Backend, Census};
use crate::pipeline::{FanOut, Opened, TreePrinter};
use crate::semconv::openinference::resource::PROJECT_NAME;
use crate::settings::{Batch, DEFAULT_PROJECT, Exporter, SERVICE_ATTRIBUTE, Settings};

/// The names of services that nobody has named, in OpenTelemetry's SDKs, begin like this.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// What a pipeline is made of.
pub(super) struct Parts {
    finish: Box<dyn Fn(&mut SpanData) + Send + Sync>,
    processors: Vec<Box<dyn SpanProcessor>>,
    destinations: Vec<Destination>,
    batch: Batch,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics use it"))]
    figures: Figures,
}

/// What the pipeline's own figures are recorded with, if they are.
pub(super) struct Figures {
    #[cfg(feature = "metrics")]
    meter: Option<Meter>,
    /// Whether other pipelines may record with the same provider.
    #[cfg(feature = "metrics")]
    is_shared: bool,
}

impl Figures {
    /// They are recorded with a provider of ours.
    #[cfg(feature = "metrics")]
    pub(super) fn ours(meters: &Meters) -> Self {
        Figures { meter: Some(meters.own_meter()), is_shared: false }
    }

    /// They are recorded with a provider of the application's, if it has named one.
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "there are no figures"))]
    pub(super) fn theirs(meters: Option<&meter::Provider>) -> Self {
        Figures {
            #[cfg(feature = "metrics")]
            meter: meters.map(|meters| meters.meter(OWN_METER)),
            #[cfg(feature = "metrics")]
            is_shared: true,
        }
    }

    /// Creates the instruments.
    #[cfg(feature = "metrics")]
    fn observe(&self, backends: &[Backend]) -> Option<Arc<Census>> {
        /// How many exporters have a number in providers of the application's.
        static NUMBERED: AtomicUsize = AtomicUsize::new(0);
        let meter = self.meter.as_ref()?;
        let shared = self.is_shared.then(|| NUMBERED.fetch_add(backends.len(), Ordering::Relaxed));
        Some(metrics::observe(meter, backends, shared))
    }
}

impl Parts {
    /// The receiver in the settings, unless there are other destinations.
    pub(super) fn new(
        settings: &Settings,
        mut processors: Vec<Box<dyn SpanProcessor>>,
        mut destinations: Vec<Destination>,
        figures: Figures,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        if destinations.is_empty() {
            destinations.push(Destination::configured(settings, warnings));
            if settings.exporter == Exporter::OtlpAndConsole {
                processors.push(Box::new(TreePrinter::stderr().form(settings.console)));
            }
        }
        Parts {
            finish: Box::new(crate::span::finish),
            processors,
            destinations,
            batch: settings.batch,
            figures,
        }
    }

    #[cfg(feature = "otlp")]
    pub(super) fn add(&mut self, destination: Destination) {
        self.destinations.push(destination);
    }

    /// Finishes spans like this, instead of as the process does.
    pub(super) fn finish_with(&mut self, finish: impl Fn(&mut SpanData) + Send + Sync + 'static) {
        self.finish = Box::new(finish);
    }

    pub(super) fn open(self, resource: &Resource) -> Opened {
        let mut fan_out = FanOut::new(self.finish);
        fan_out.processors = self.processors;
        let open = |destination: Destination| destination.open(&self.batch, resource, &mut fan_out);
        let backends: Vec<_> = self.destinations.into_iter().map(open).collect();
        #[cfg(feature = "metrics")]
        {
            fan_out.census = self.figures.observe(&backends);
        }
        Opened { fan_out, backends }
    }
}

/// The resource of the settings.
pub(super) fn resource(settings: &Settings) -> Resource {
    let attributes = settings.resource_attributes().map(|(name, value)| KeyValue::new(name, value));
    // The SDK's detector for the environment is not used: it neither decodes values nor knows which name takes
    // precedence.
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes)
        .build()
}

/// The resource of spans that an application's own provider makes: what the provider says, and what the settings add. A
/// service or project that is named for the pipeline takes precedence, and any name does over that of a service which
/// nobody has named.
pub(super) fn resource_over(settings: &Settings, service: Option<&str>, theirs: &Resource) -> Resource {
    let is_said = |key: &Key, value: &Value| {
        key.as_str() != SERVICE_ATTRIBUTE || !value.as_str().starts_with(UNKNOWN_SERVICE)
    };
    let said = theirs.iter().filter(|(key, value)| is_said(key, value));
    let project = Some(settings.project_name.as_str()).filter(|project| *project != DEFAULT_PROJECT);
    let named = [(SERVICE_ATTRIBUTE, service), (PROJECT_NAME, project)];
    let named = named.into_iter().filter_map(|(key, name)| Some(KeyValue::new(key, name?.to_owned())));
    let ours = resource(settings);
    let pair = |(key, value): (&Key, &Value)| KeyValue::new(key.clone(), value.clone());
    // Of attributes with the same key, the last one stays.
    let attributes: Vec<_> = ours.iter().chain(said).map(pair).chain(named).collect();
    let builder = Resource::builder_empty();
    match theirs.schema_url() {
        Some(schema) => builder.with_schema_url(attributes, schema.to_owned()),
        None => builder.with_attributes(attributes),
    }
    .build()
}
