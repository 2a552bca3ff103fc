//! What was lost lately, for the health of an exporter.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::health::Losses;

/// Losses count for this long.
const MEMORY: Duration = Duration::from_secs(60);

/// Losses within this time are counted together.
const STEP: Duration = Duration::from_secs(1);

/// Counts the losses of the last minute, in steps of a second.
#[derive(Debug, Default)]
pub(super) struct RecentLosses {
    /// When items began to be lost. They have been lost in each minute since.
    since: Option<SystemTime>,
    steps: VecDeque<(Instant, u64)>,
}

impl RecentLosses {
    pub(super) fn note(&mut self, now: Instant, items: u64) {
        self.forget(now);
        self.since.get_or_insert_with(SystemTime::now);
        match self.steps.back_mut() {
            Some((start, lost)) if now.saturating_duration_since(*start) < STEP => *lost += items,
            _ => self.steps.push_back((now, items)),
        }
    }

    /// The losses of the last minute, if there are any.
    pub(super) fn now(&mut self, now: Instant) -> Option<Losses> {
        self.forget(now);
        let last_minute = self.steps.iter().map(|(_, lost)| lost).sum();
        self.since.map(|since| Losses { since, last_minute })
    }

    fn forget(&mut self, now: Instant) {
        while self.steps.front().is_some_and(|(start, _)| now.saturating_duration_since(*start) >= MEMORY) {
            self.steps.pop_front();
        }
        if self.steps.is_empty() {
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline;

    #[test]
    fn a_loss_counts_for_a_minute() {
        let start = Instant::now();
        let at = |seconds| deadline::later(start, Duration::from_secs(seconds));
        let mut losses = RecentLosses::default();
        assert_eq!(losses.now(start), None);
        for second in 0..3 {
            losses.note(at(second), 1);
            losses.note(at(second), 1);
        }
        let since = losses.now(at(3)).unwrap().since;
        for (second, last_minute) in [(59, 6), (60, 4), (61, 2)] {
            assert_eq!(losses.now(at(second)), Some(Losses { since, last_minute }), "{second}");
        }
        assert_eq!(losses.now(at(62)), None);
    }

    #[test]
    fn its_memory_is_bounded() {
        let start = Instant::now();
        let mut losses = RecentLosses::default();
        (0..100_000)
            .for_each(|step| losses.note(deadline::later(start, Duration::from_millis(step * 10)), 1));
        assert!(losses.steps.len() <= 61, "{}", losses.steps.len());
    }
}
