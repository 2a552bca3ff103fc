//! Rules that work faster than written, for drills.

use std::num::NonZeroU32;

use crate::duration::milliseconds;

/// How many times as fast as written the rules and the Alertmanager work: each duration in them is divided by this.
///
/// Rules wait for minutes and look back for hours, so that nobody is alarmed for nothing. A drill cannot wait that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(NonZeroU32);

impl Pace {
    /// As written.
    pub const WRITTEN: Self = Self(NonZeroU32::MIN);

    /// So many times as fast.
    #[must_use]
    pub const fn times(times: NonZeroU32) -> Self {
        Self(times)
    }

    /// A duration in Prometheus's notation, with one unit. Anything else stays as it is.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    ///
    /// use a2a_otel_cli::write::Pace;
    ///
    /// let pace = Pace::times(NonZeroU32::new(40).unwrap());
    /// assert_eq!(pace.duration("10m"), "15s");
    /// assert_eq!(pace.duration("1m"), "1500ms");
    /// assert_eq!(Pace::WRITTEN.duration("10m"), "10m");
    /// ```
    #[must_use]
    pub fn duration(self, text: &str) -> String {
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        match (number.parse::<u64>(), milliseconds(unit)) {
            (Ok(number), Some(milliseconds)) if self != Self::WRITTEN => {
                written(number * milliseconds / u64::from(self.0.get()))
            }
            _ => text.to_owned(),
        }
    }

    /// The durations of a query: its ranges and offsets, and how far `predict_linear` looks ahead, in seconds.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    ///
    /// use a2a_otel_cli::write::Pace;
    ///
    /// let pace = Pace::times(NonZeroU32::new(60).unwrap());
    /// assert_eq!(pace.query("rate(x[5m] offset 1h) > 5"), "rate(x[5s] offset 60s) > 5");
    /// assert_eq!(pace.query("predict_linear(x[1h], 14400)"), "predict_linear(x[60s], 240)");
    /// ```
    #[must_use]
    pub fn query(self, query: &str) -> String {
        let ranges = each(query, "[", |text| self.duration(text));
        let offsets = each(&ranges, " offset ", |text| self.duration(text));
        if offsets.contains("predict_linear(") {
            each(&offsets, "], ", |seconds| match seconds.parse::<u32>() {
                Ok(seconds) => (seconds / self.0).to_string(),
                Err(_) => seconds.to_owned(),
            })
        } else {
            offsets
        }
    }
}

/// Replaces each word behind a mark.
fn each(query: &str, mark: &str, replaced: impl Fn(&str) -> String) -> String {
    let mut parts = query.split(mark);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        text.extend([mark, &replaced(word), rest]);
    }
    text
}

fn written(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1_000) {
        format!("{}s", milliseconds / 1_000)
    } else {
        format!("{milliseconds}ms")
    }
}
