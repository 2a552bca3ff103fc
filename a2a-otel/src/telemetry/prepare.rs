//! Prepares telemetry from a builder: settings, exporters and providers, without changing the process.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanProcessor as _;

use super::builder::Builder;
use super::handle::Running;
#[cfg(all(feature = "evaluation", feature = "otlp"))]
use super::handle::Telemetry;
use super::install::Prepared;
use super::parts::{Figures, Parts, resource, resource_over};
use super::spans::{Built, Spans};
use crate::environment::{Environment, Warning};
use crate::gen_ai::Terms;
#[cfg(feature = "cost")]
use crate::llm::cost;
#[cfg(feature = "metrics")]
use crate::metrics::Meters;
#[cfg(feature = "metrics")]
use crate::metrics::prometheus::Scraper;
use crate::pipeline::annotations::annotator;
#[cfg(feature = "otlp")]
use crate::pipeline::destination::Destination;
#[cfg(feature = "logs")]
use crate::pipeline::logs::Logger;
use crate::pipeline::{Opened, Pipeline, Sampled};
use crate::privacy::Masks;
use crate::settings::{Root, Sampling, Settings};
use crate::span::Foresight;

/// Returns what the sampler of these settings is known to decide.
fn foresight(sampling: Sampling) -> Foresight {
    Foresight { follows_parent: sampling.follows_parent, samples_roots: sampling.root == Root::On }
}

impl Builder {
    /// Prepares telemetry without changing the process, so that tests can do it in parallel.
    pub(super) fn prepare(self, lookup: &dyn Fn(&str) -> Option<String>) -> Prepared {
        let mut environment = Environment::new(lookup);
        let settings = Settings::resolve(&self.overrides, &mut environment, &executable());
        #[cfg(feature = "tracing")]
        let log_filter = self.tracing.then(|| crate::bridge::log_filter(&mut environment));
        let mut warnings = environment.warnings;
        warnings.extend(self.contradictions());
        #[cfg(all(unix, feature = "signals"))]
        let signals = self.signals;
        #[cfg(feature = "cost")]
        let prices = settings.prices.as_deref().and_then(|file| prices(file, &mut warnings));
        let is_theirs = self.tracers.is_some();
        let foresight =
            if self.has_sampler || is_theirs { Foresight::default() } else { foresight(settings.sampling) };
        let tracers = self.tracers.clone();
        let meters = self.meters.clone();
        let running = if settings.disabled {
            Running::disabled(settings)
        } else if self.is_processor {
            self.pipe(settings, &mut warnings)
        } else {
            self.assemble(settings, &mut warnings)
        };
        Prepared {
            tracers,
            meters,
            foresight,
            #[cfg(all(unix, feature = "signals"))]
            signals,
            #[cfg(feature = "cost")]
            prices,
            #[cfg(feature = "tracing")]
            log_filter,
            ..Prepared::new(running, warnings)
        }
    }

    /// What of the code has no effect over an application's own provider, or without a feature.
    fn contradictions(&self) -> Vec<Warning> {
        let is_named_alone = self.tracers.is_some() && !self.is_processor;
        let has_exporters = !self.destinations.is_empty() || !self.processors.is_empty();
        let has_finish = self.overrides.privacy.has_redactor() || self.overrides.semconv.is_some();
        let refusals = [
            (
                self.has_sampler && (self.is_processor || self.tracers.is_some()),
                "sampler(..) has no effect, because the tracer provider samples: give the sampler to the provider",
            ),
            (
                is_named_alone && has_exporters,
                "span_exporter(..) and span_processor(..) have no effect with tracer_provider(..): give them to the \
                 provider, or use processor()",
            ),
            (
                is_named_alone && has_finish,
                "semconv(..) and a redactor have no effect with tracer_provider(..), because they need our pipeline: use \
                 processor()",
            ),
            (
                cfg!(not(feature = "otlp")) && self.overrides.endpoint.is_some(),
                "endpoint(..) has no effect without the feature `otlp` of a2a-otel: enable the feature, or remove the call",
            ),
            (
                cfg!(not(all(feature = "otlp", feature = "metrics")))
                    && self.overrides.metrics.endpoint.is_some(),
                "metrics_endpoint(..) has no effect without the features `otlp` and `metrics` of a2a-otel: enable the \
                 features, or remove the call",
            ),
        ];
        let refusals = refusals.into_iter().filter(|(is_one, _)| *is_one);
        refusals.map(|(_, text)| Warning::Malformed(text.to_owned())).collect()
    }

    /// Makes the pipeline of a processor, which begins with the resource of its provider.
    fn pipe(self, settings: Settings, warnings: &mut Vec<Warning>) -> Running {
        let settings = settings.without_default_project();
        let masks = Masks::of(&settings.privacy);
        let is_configured = self.destinations.is_empty();
        let annotator = is_configured.then(|| annotator(&settings)).flatten();
        let annotator = annotator.map(|annotator| Arc::new(annotator.masked(masks.clone())));
        let service = self.overrides.service_name.clone();
        let figures = Figures::theirs(self.meters.as_deref());
        let mut parts = self.parts(&settings, figures, warnings);
        let terms = Terms { semconv: settings.semconv, version: settings.gen_ai_version };
        parts.finish_with(move |span| crate::span::finish_with(span, &masks, terms));
        let own = settings.clone();
        let open = move |theirs: Option<&Resource>| {
            let resource = match theirs {
                Some(theirs) => resource_over(&own, service.as_deref(), theirs),
                None => resource(&own),
            };
            let mut opened = parts.open(&resource);
            opened.fan_out.set_resource(&resource);
            opened
        };
        let spans = Spans::Piped(Pipeline::new(Some(Box::new(open))));
        Running { spans, annotator, ..Running::disabled(settings) }
    }

    /// The parts of the pipeline.
    fn parts(self, settings: &Settings, figures: Figures, warnings: &mut Vec<Warning>) -> Parts {
        #[cfg_attr(not(feature = "otlp"), expect(unused_mut, reason = "there are no other receivers"))]
        let mut parts = Parts::new(settings, self.processors, self.destinations, figures, warnings);
        #[cfg(feature = "otlp")]
        for (endpoint, headers) in &self.others {
            let settings = settings.for_receiver(endpoint, headers, warnings);
            let settings = if self.is_processor { settings.without_default_project() } else { settings };
            parts.add(Destination::configured(&settings, warnings));
        }
        parts
    }

    fn assemble(self, settings: Settings, warnings: &mut Vec<Warning>) -> Running {
        let resource = resource(&settings);
        let is_configured = self.destinations.is_empty() && self.tracers.is_none();
        let annotator = is_configured.then(|| annotator(&settings)).flatten();
        #[cfg(feature = "logs")]
        let logger = Logger::new(&settings, &resource, warnings).map(Arc::new);
        #[cfg(feature = "metrics")]
        let meters = (self.metrics && self.meters.is_none())
            .then(|| Meters::configured(resource.clone(), &settings, warnings));
        let figures = Figures::theirs(self.meters.as_deref());
        #[cfg(feature = "metrics")]
        let figures = meters.as_ref().map_or(figures, Figures::ours);
        let spans = match self.tracers.clone() {
            Some(theirs) => Spans::Theirs(theirs),
            None => Spans::Built(self.build(&settings, &resource, figures, warnings)),
        };
        #[cfg(feature = "metrics")]
        let scraper = meters.clone().map(|meters| Scraper::new(move |visit| meters.visit(visit)));
        Running {
            spans,
            annotator: annotator.map(Arc::new),
            #[cfg(feature = "logs")]
            logger,
            #[cfg(feature = "metrics")]
            meters,
            #[cfg(feature = "metrics")]
            scraper,
            ..Running::disabled(settings)
        }
    }

    /// Builds the tracer provider.
    fn build(
        mut self,
        settings: &Settings,
        resource: &Resource,
        figures: Figures,
        warnings: &mut Vec<Warning>,
    ) -> Built {
        let mut provider = std::mem::take(&mut self.provider).with_resource(resource.clone());
        provider = provider.with_span_limits(settings.limits.span_limits());
        if !self.has_sampler {
            provider = provider.with_sampler(Sampled(settings.sampling));
        }
        let Opened { fan_out, backends } = self.parts(settings, figures, warnings).open(resource);
        let started = fan_out.started.clone();
        Built { provider: provider.with_span_processor(fan_out).build(), backends, started }
    }
}

#[cfg(all(feature = "evaluation", feature = "otlp"))]
impl Telemetry {
    /// Starts a pipeline beside that of the process, for the traces that are redirected to it. Returns nothing if telemetry is
    /// switched off.
    pub(crate) fn aside(settings: Settings) -> Option<(Arc<Pipeline>, Telemetry)> {
        if settings.disabled {
            return None;
        }
        let mut warnings = Vec::new();
        let running = Builder::default().for_theirs().pipe(settings, &mut warnings);
        Prepared::new(running, warnings).hand_out_aside()
    }
}

/// The user's own prices, as far as they can be used.
#[cfg(feature = "cost")]
fn prices(file: &std::path::Path, warnings: &mut Vec<Warning>) -> Option<cost::OwnPrices> {
    let (own, refusals) = cost::read(file);
    warnings.extend(refusals.into_iter().map(|refusal| match refusal {
        cost::Refusal::File(text) => Warning::Malformed(text),
        cost::Refusal::Row(text) => Warning::Notice(text),
    }));
    own
}

fn executable() -> String {
    let path = std::env::current_exe().ok();
    let stem = path.as_deref().and_then(std::path::Path::file_stem);
    stem.map_or_else(|| "unknown_service".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
