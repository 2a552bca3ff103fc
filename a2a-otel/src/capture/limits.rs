//! How much of a value is recorded.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest value that is recorded by default, in bytes: 1 MiB.
pub(crate) const DEFAULT_LIMIT: usize = 1 << 20;

/// The longest base64 that is recorded by default: the value of OpenInference.
pub(crate) const DEFAULT_LONGEST_BASE64: usize = 32_000;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);
static LONGEST_BASE64: AtomicUsize = AtomicUsize::new(DEFAULT_LONGEST_BASE64);

/// The longest value that is recorded, in bytes.
pub(crate) fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// Sets the longest value that is recorded, in bytes.
pub(crate) fn set_value_limit(limit: usize) {
    LIMIT.store(limit, Ordering::Relaxed);
}

/// The longest base64 that is recorded, in characters. Of a `data:` URL, the whole URL counts.
pub(crate) fn longest_base64() -> usize {
    LONGEST_BASE64.load(Ordering::Relaxed)
}

/// Sets the longest base64 that is recorded.
pub(crate) fn set_longest_base64(longest: Option<usize>) {
    LONGEST_BASE64.store(longest.unwrap_or(DEFAULT_LONGEST_BASE64), Ordering::Relaxed);
}

/// No text up to this length can hold anything to replace: neither base64 that is too long nor base64 that was cut.
pub(crate) fn harmless_length() -> usize {
    longest_base64().min(limit())
}

/// The beginning of the mark at the end of a value that was cut.
pub(super) const CUT_MARK: &str = " … [cut at ";

/// The mark at the end of a value that was cut.
pub(crate) fn cut_mark(limit: usize) -> String {
    format!("{CUT_MARK}{limit} bytes]")
}
