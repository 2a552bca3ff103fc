//! Points in time until which something waits. A caller may give any duration, also [`Duration::MAX`], and adding that to
//! an [`Instant`] panics.

use std::time::{Duration, Instant};

/// Nobody waits longer than a hundred years, which every clock can represent.
const FARTHEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The point in time this long from now.
pub(crate) fn after(duration: Duration) -> Instant {
    later(Instant::now(), duration)
}

/// The point in time this long after another one.
pub(crate) fn later(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration.min(FARTHEST)).unwrap_or(start)
}

/// How much time is left.
pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_may_be_as_far_as_callers_like() {
        assert_eq!(left(after(Duration::ZERO)), Duration::ZERO);
        for far in [FARTHEST, Duration::from_millis(u64::MAX), Duration::MAX] {
            assert!(left(after(far)) > FARTHEST / 2, "{far:?}");
        }
    }
}
