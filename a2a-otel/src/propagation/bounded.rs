//! Reads a caller's headers only if they are well formed and not too long.
//!
//! Anyone can send headers. Every span of a trace keeps the trace state and sends it with every call, and a malformed
//! parent would become a parent that does not exist.

use opentelemetry::propagation::Extractor;

use crate::context::BAGGAGE_LIMIT;

/// The longest value of each header, in bytes. Longer ones are ignored.
///
/// Sources: W3C Trace Context, 3.3.1.5, and W3C Baggage, 3.3.2, which define what every implementation must pass on.
const LIMITS: &[(&str, usize)] = &[(TRACEPARENT, 256), (TRACESTATE, 512), ("baggage", BAGGAGE_LIMIT)];

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// The number of digits of version, trace id, parent id and flags.
const TRACEPARENT_FORM: [usize; 4] = [2, 32, 16, 2];

/// A carrier without values that are malformed or too long.
pub(super) struct Bounded<'a, E>(pub(super) &'a E);

impl<E: Extractor> Extractor for Bounded<'_, E> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        let limit = LIMITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        let fits = limit.is_none_or(|(_, limit)| value.len() <= *limit);
        let is_parent = key.eq_ignore_ascii_case(TRACEPARENT);
        (fits && (!is_parent || is_well_formed(value))).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}

/// Returns whether a `traceparent` has the form of version 00, or has a later version and begins in the same way.
fn is_well_formed(traceparent: &str) -> bool {
    let mut parts = traceparent.trim().split('-');
    let is_hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    TRACEPARENT_FORM
        .iter()
        .all(|digits| parts.next().is_some_and(|part| part.len() == *digits && is_hexadecimal(part)))
}
