//! W3C baggage, within its limits.
//!
//! The SDK's propagator is used only to read the header. When it writes, it leaves `%` and `\` in values unencoded, so
//! that the next process reads a different text, and it sends headers that are longer than other processes accept.
//!
//! Source: <https://www.w3.org/TR/baggage/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::BaggagePropagator;

use super::sendable::is_sendable;
use crate::context::{BAGGAGE_LIMIT, report_oversize};
use crate::percent;

/// Reads and writes the header `baggage`.
#[derive(Debug, Default)]
pub(super) struct Baggage(BaggagePropagator);

impl TextMapPropagator for Baggage {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        let header = header(context);
        if !header.is_empty() {
            carrier.set("baggage", header);
        }
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, carrier)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// Returns the entries that fit, the shortest first, so that one long value does not displace session and user.
fn header(context: &Context) -> String {
    let members: BTreeMap<_, _> = context
        .baggage()
        .iter()
        .map(|(key, (value, properties))| {
            let member = member(key.as_str(), value.as_str(), properties.as_str());
            ((member.len(), key.as_str()), member)
        })
        .collect();
    let mut header = String::new();
    for ((length, key), member) in members {
        if header.len() + 1 + length > BAGGAGE_LIMIT {
            report_oversize(key);
            continue;
        }
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(&member);
    }
    header
}

fn member(key: &str, value: &str, properties: &str) -> String {
    // A key needs no encoding: the SDK's baggage takes only tokens.
    let mut member = format!("{key}={}", percent::encode(value.trim()));
    for property in properties.split(';').filter(|property| is_property(property)) {
        let _ = write!(member, ";{property}");
    }
    member
}

/// Whether a property can be written. It is not decoded when it is read, so it cannot be encoded either.
fn is_property(property: &str) -> bool {
    !property.trim().is_empty() && is_sendable(property) && !property.contains(',')
}
