//! Waits together when a provider limits the rate of requests.

use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::deadline;
use crate::lock::lock;

/// The first pause, if the provider names none. It doubles with each refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An error that a task may return, or have as a cause, if its provider limits the rate: the experiment pauses, and the task
/// is tried again.
///
/// Errors whose text names the status 429, a rate limit or too many requests count too.
///
/// ```
/// use a2a_otel::evaluation::RateLimited;
/// use std::time::Duration;
///
/// let refusal = RateLimited::for_(Duration::from_secs(20));
/// assert_eq!(refusal.to_string(), "the rate of requests is limited; try again after 20s");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimited {
    retry_after: Option<Duration>,
}

impl RateLimited {
    /// The provider says how long to wait.
    #[must_use]
    pub const fn for_(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after) }
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate of requests is limited")?;
        self.retry_after.map_or(Ok(()), |after| write!(f, "; try again after {after:?}"))
    }
}

impl Error for RateLimited {}

/// How long a failed task asks to wait, if its provider limits the rate.
pub(super) fn limit_of(error: &(dyn Error + 'static)) -> Option<RateLimited> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(limited) = cause.downcast_ref::<RateLimited>() {
            return Some(limited.clone());
        }
        if is_limit(&cause.to_string()) {
            return Some(RateLimited::default());
        }
        next = cause.source();
    }
    None
}

/// Whether a text names a limit, or the status 429: not every number is a status.
pub(super) fn is_limit(text: &str) -> bool {
    let text = text.to_lowercase();
    let names = ["rate limit", "rate_limit", "ratelimit", "too many requests"];
    let words: Vec<_> =
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_status =
        |place: usize| place == 0 || ["status", "code", "http", "error"].contains(&words[place - 1]);
    let has_status = words.iter().enumerate().any(|(place, word)| *word == "429" && is_status(place));
    has_status || names.iter().any(|name| text.contains(name))
}

/// Lets tasks start, unless one has met a limit.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// Waits until no limit is in force.
    pub(super) async fn pass(&self) {
        loop {
            let until = *lock(&self.closed_until);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Closes the gate for as long as the provider says, or for longer with each attempt.
    pub(super) fn close(&self, limited: &RateLimited, attempt: u32) {
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_PAUSE);
        let until = Instant::from_std(deadline::after(limited.retry_after.unwrap_or(doubled)));
        let mut closed_until = lock(&self.closed_until);
        *closed_until = (*closed_until).max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_recognised_by_what_providers_say() {
        for text in [
            "429 Too Many Requests",
            "HTTP status client error (429) for url",
            "error code: 429",
            "rate_limit_exceeded: slow down",
            "Rate limit reached for gpt-4o",
        ] {
            assert!(is_limit(text), "{text}");
        }
        for text in ["order 429 not found", "4290 tokens", "the limit of the discount rate", "status 500"] {
            assert!(!is_limit(text), "{text}");
        }
    }
}
