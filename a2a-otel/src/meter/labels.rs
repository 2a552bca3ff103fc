//! Labels of a value, on the stack.

use opentelemetry::{KeyValue, Value};

/// At most `N` labels.
pub(crate) struct Labels<const N: usize> {
    all: [KeyValue; N],
    count: usize,
}

impl<const N: usize> Labels<N> {
    pub(crate) fn new() -> Self {
        Self { all: std::array::from_fn(|_| KeyValue::new("", false)), count: 0 }
    }

    /// Adds a label. `N` is the number of labels that there may be; a further one is left out.
    pub(crate) fn push(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(free) = self.all.get_mut(self.count) {
            *free = KeyValue::new(key, value);
            self.count += 1;
        }
    }

    /// Adds a label, if its value is known.
    pub(crate) fn maybe(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(key, value);
        }
    }

    /// The labels so far.
    pub(crate) fn all(&self) -> &[KeyValue] {
        &self.all[..self.count]
    }

    /// The labels so far, and one more for as long as `then` runs.
    pub(crate) fn with(
        &mut self,
        key: &'static str,
        value: impl Into<Value>,
        then: impl FnOnce(&[KeyValue]),
    ) {
        let count = self.count;
        self.push(key, value);
        then(self.all());
        self.count = count;
    }
}
