//! Counts the requests to this program, with their callers' traces and without.

use opentelemetry::Context;

use crate::meter::{self, Labels, Metric, Number};
use crate::propagation::has_caller;
use crate::semconv::metrics::operations::{PARENT_ORIGIN, PROTOCOL, SERVER_REQUESTS};

static REQUESTS: Metric = Metric::built_in(&SERVER_REQUESTS);

/// Counts a request over a protocol, which is served in a context that an [`InboundPolicy`](crate::propagation::InboundPolicy)
/// has made.
pub(super) fn count(protocol: &'static str, context: &Context) {
    let mut labels = Labels::<2>::new();
    labels.push(PROTOCOL, protocol);
    labels.push(PARENT_ORIGIN, if has_caller(context) { "remote" } else { "none" });
    meter::record(&REQUESTS, Number::Unsigned(1), labels.all());
}
