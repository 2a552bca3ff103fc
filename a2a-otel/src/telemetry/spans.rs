//! Whose tracer provider makes the spans, and what flushing and ending mean for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::pipeline::{Backend, Pipeline};

/// Where spans come from.
#[derive(Debug)]
pub(super) enum Spans {
    /// Telemetry is switched off.
    Off,
    /// A provider that telemetry has built, and ends.
    Built(Built),
    /// A provider of the application's with our pipeline as a processor. Telemetry ends the pipeline.
    Piped(Arc<Pipeline>),
    /// A provider of the application's with processors of its own. Telemetry flushes it, and the application ends it.
    Theirs(SdkTracerProvider),
}

/// A provider that telemetry has built, and its exporters.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) provider: SdkTracerProvider,
    pub(super) backends: Vec<Backend>,
    /// How many sampled spans have started.
    pub(super) started: Arc<AtomicU64>,
}

impl Spans {
    pub(super) const fn are_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    pub(super) fn backends(&self) -> &[Backend] {
        match self {
            Self::Off | Self::Theirs(_) => &[],
            Self::Built(Built { backends, .. }) => backends,
            Self::Piped(pipeline) => pipeline.backends(),
        }
    }

    /// How many sampled spans have started, as far as telemetry sees them.
    pub(super) fn started(&self) -> u64 {
        match self {
            Self::Off | Self::Theirs(_) => 0,
            Self::Built(Built { started, .. }) => started.load(Ordering::Relaxed),
            Self::Piped(pipeline) => pipeline.started(),
        }
    }

    /// Whether the provider has ended the pipeline before telemetry did.
    pub(super) fn have_ended(&self) -> bool {
        matches!(self, Self::Piped(pipeline) if pipeline.has_ended())
    }

    /// Sends what is waiting, for five seconds at most.
    pub(super) fn flush(&self) -> OTelSdkResult {
        match self {
            Self::Off => Ok(()),
            Self::Built(Built { provider, .. }) | Self::Theirs(provider) => provider.force_flush(),
            Self::Piped(pipeline) => pipeline.flush(),
        }
    }

    /// Sends what is waiting, and ends what is ours.
    pub(super) fn end(&self, timeout: Duration) {
        let _ = match self {
            Self::Off => Ok(()),
            Self::Built(Built { provider, .. }) => provider.shutdown_with_timeout(timeout),
            Self::Piped(pipeline) => pipeline.end(timeout),
            Self::Theirs(provider) => provider.force_flush(),
        };
    }

    /// Has the next span say that telemetry ended before it, if there was none.
    pub(super) fn note_if_unused(&self) {
        match self {
            Self::Built(_) if self.started() == 0 => crate::span::ended_unused(),
            Self::Piped(pipeline) if self.started() == 0 => pipeline.ended_unused(),
            _ => {}
        }
    }
}
