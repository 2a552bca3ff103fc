//! Times as Phoenix reads them.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

/// Writes a time in UTC, to the microsecond, as in `2026-11-29T01:17:38.000000+00:00`. A time before 1970 is 1970.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc3339>.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / SECONDS_OF_A_DAY, since.as_secs() % SECONDS_OF_A_DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Returns year, month and day of the number of days since 1970.
fn date(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let february = if days_of(year) == 366 { 29 } else { 28 };
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        month += 1;
        if days < length {
            break;
        }
        days -= length;
    }
    (year, month, days + 1)
}

fn days_of(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if is_leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000250+00:00"),
            (951_782_399, "2000-02-28T23:59:59.000250+00:00"),
            (951_782_400, "2000-02-29T00:00:00.000250+00:00"),
            (951_868_800, "2000-03-01T00:00:00.000250+00:00"),
            (1_796_083_199, "2026-11-30T23:59:59.000250+00:00"),
            (1_798_761_600, "2027-01-01T00:00:00.000250+00:00"),
            (4_107_542_400, "2100-03-01T00:00:00.000250+00:00"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(250);
            assert_eq!(timestamp(time), text);
        }
    }
}
