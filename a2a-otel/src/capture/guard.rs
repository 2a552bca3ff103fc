//! Runs the code of the user's types, which recording a value calls, and contains its panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::report::report;

/// What is recorded instead of a value whose own code panicked.
pub(crate) const PANICKED: &str = "[not recorded: the value's own code panicked]";

static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many panics of such code were contained.
pub(crate) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Calls such code. A panic is counted and does not reach the agent.
#[inline]
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).inspect_err(|_| count()).ok()
}

#[cold]
fn count() {
    if PANICS.fetch_add(1, Ordering::Relaxed) == 0 {
        report(
            &"a `Serialize`, `Debug` or `Display` implementation, or a redactor, panicked while a value was recorded; \
              the agent continues, and the span shows where",
        );
    }
}
