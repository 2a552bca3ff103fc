//! Shows on a terminal how far an experiment is.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

const LOOK: &str = "{prefix} {wide_bar} {pos}/{len} {msg} {eta}";

/// A bar on standard error, if that is a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    failures: AtomicU64,
}

impl Progress {
    pub(super) fn start(is_shown: bool, name: &str, runs: usize) -> Self {
        let bar = if is_shown { ProgressBar::new(runs as u64) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template(LOOK).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: bar.with_style(style).with_prefix(name.to_owned()), failures: AtomicU64::new(0) }
    }

    /// A run has ended.
    pub(super) fn advance(&self, has_failed: bool) {
        let failures = self.failures.fetch_add(has_failed.into(), Ordering::Relaxed) + u64::from(has_failed);
        if failures > 0 {
            self.bar.set_message(format!("{failures} failed"));
        }
        self.bar.inc(1);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
