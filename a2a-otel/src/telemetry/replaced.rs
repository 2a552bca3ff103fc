//! What `init` replaces: the providers that an application has set before.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::report::report;

/// Whether `init` has set the global tracer provider. From then on it cannot be told whose it is: the API shows neither its
/// identity nor its type.
static HAS_SET_TRACERS: AtomicBool = AtomicBool::new(false);

/// The same of the global meter provider.
#[cfg(feature = "metrics")]
static HAS_SET_METERS: AtomicBool = AtomicBool::new(false);

/// Reports once that an application's tracer provider is about to be replaced. A provider of another SDK than OpenTelemetry's
/// own, which records although telemetry is suppressed and keeps the parent's identity, is not noticed.
pub(super) fn report_tracers() {
    if !HAS_SET_TRACERS.swap(true, Ordering::Relaxed) && crate::span::is_global_provider_set() {
        report(
            &"init replaces the global tracer provider that was set before, so its processors and exporters see no more \
              spans of tracers that are made from now on. To keep it, add the processor of Telemetry::builder().processor() to \
              it, or name it with Telemetry::builder().tracer_provider(provider)",
        );
    }
}

/// Reports once that an application's meter provider is about to be replaced.
#[cfg(feature = "metrics")]
pub(super) fn report_meters() {
    if !HAS_SET_METERS.swap(true, Ordering::Relaxed) && crate::meter::is_global_provider_set() {
        report(
            &"init replaces the global meter provider that was set before, so its readers see no more values of instruments \
              that are made from now on. To keep it, name it with Telemetry::builder().meter_provider(provider), or collect \
              no metrics with .metrics(false)",
        );
    }
}
