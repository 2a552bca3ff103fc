//! The user's own redactor.

use opentelemetry::{Context, KeyValue, Value};

use crate::capture::{REDACTED, guarded};

/// Takes a key and a value, and returns the value to record, or `None`.
pub(super) type Redact = dyn Fn(&str, Value) -> Option<Value> + Send + Sync;

pub(super) struct Redactor(pub(super) Box<Redact>);

impl Redactor {
    pub(super) fn redact(&self, attributes: &mut Vec<KeyValue>) {
        *attributes = std::mem::take(attributes)
            .into_iter()
            .filter_map(|KeyValue { key, value, .. }| {
                let value = self.answer(key.as_str(), value)?;
                Some(KeyValue::new(key, value))
            })
            .collect();
    }

    /// Suppresses telemetry while the redactor runs: its own spans must not get here, and the current span is locked.
    pub(super) fn answer(&self, key: &str, value: Value) -> Option<Value> {
        let answer = || {
            let _silence = Context::new().with_telemetry_suppressed().attach();
            (self.0)(key, value)
        };
        guarded(answer).unwrap_or_else(|| Some(REDACTED.into()))
    }
}
