//! Writes only what can be a header.
//!
//! Over MCP a caller sends any text, in `_meta`, and this process passes it on with its own calls. Clients of HTTP and gRPC
//! refuse a whole request if one of its headers has a control character.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

/// The headers that are lists. Of these, a member that cannot be sent is left out, and the others are sent.
const LISTS: &[&str] = &["tracestate", "baggage"];

/// A carrier that gets only what can be a header.
pub(super) struct Sendable<'a>(pub(super) &'a mut dyn Injector);

impl Injector for Sendable<'_> {
    fn set(&mut self, key: &str, value: String) {
        if is_sendable(&value) {
            self.0.set(key, value);
        } else if LISTS.contains(&key) {
            let members: Vec<_> = value.split(',').filter(|member| is_sendable(member)).collect();
            if !members.is_empty() {
                self.0.set(key, members.join(","));
            }
        }
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
}

/// Whether HTTP and gRPC take a text in a header: it has only visible ASCII, spaces and tabs.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-5.5>.
pub(super) fn is_sendable(text: &str) -> bool {
    // Without an early end, so that the compiler looks at many bytes at once: nearly every text is sendable.
    text.bytes().fold(true, |is_sendable, byte| is_sendable & matches!(byte, b' '..=b'~' | b'\t'))
}

/// A propagator that writes only what can be a header, also for instrumentations of others.
#[derive(Debug)]
pub(super) struct SendsHeaders<P>(pub(super) P);

impl<P: TextMapPropagator> TextMapPropagator for SendsHeaders<P> {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        self.0.inject_context(context, &mut Sendable(carrier));
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, carrier)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn of_a_list_what_can_be_sent_is_sent() {
        let sent = |value: &str| {
            let mut carrier = HashMap::new();
            Sendable(&mut carrier).set("baggage", value.to_owned());
            carrier.remove("baggage")
        };
        assert_eq!(sent("a=1,b=\u{fc},c=2").as_deref(), Some("a=1,c=2"));
        assert_eq!(sent("b=\u{fc}"), None);
    }
}
