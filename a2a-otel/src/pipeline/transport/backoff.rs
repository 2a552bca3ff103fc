//! Decides how long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);

/// The longest pause. A receiver on the same machine is back within seconds, and an attempt is cheap.
const LONGEST: Duration = Duration::from_secs(5);

/// The longest pause while the receiver refuses everything. Somebody who has fixed the cause waits no longer than this.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);

/// The longest pause that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Doubles the pause with each consecutive failure.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Returns the next pause, which is at least as long as the receiver asks for, up to five minutes.
    pub(crate) fn next(&mut self, after: Option<Duration>) -> Duration {
        self.within(LONGEST).max(after.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Returns the next pause while the receiver refuses everything.
    pub(crate) fn next_of_refusal(&mut self) -> Duration {
        self.within(LONGEST_REFUSED)
    }

    fn within(&mut self, longest: Duration) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        jittered(full)
    }
}

/// Returns a random time between half of the pause and all of it, so that many agents do not all retry at once.
fn jittered(full: Duration) -> Duration {
    // The only source of randomness in the standard library, and good enough to spread processes.
    let random = RandomState::new().hash_one(()) % 1024;
    full / 2 + full / 2 * u32::try_from(random).unwrap_or_default() / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound_and_begins_again() {
        let mut backoff = Backoff::default();
        let mut full = FIRST;
        for _ in 0..100 {
            let pause = backoff.next(None);
            assert!(full / 2 <= pause && pause <= full, "{pause:?} of {full:?}");
            full = (full * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn a_receiver_decides_how_long_up_to_a_bound() {
        for (asked, pause) in [(7, 7), (300, 300), (301, 300), (u64::MAX, 300)] {
            let next = Backoff::default().next(Some(Duration::from_secs(asked)));
            assert_eq!(next, Duration::from_secs(pause), "{asked}");
        }
    }
}
