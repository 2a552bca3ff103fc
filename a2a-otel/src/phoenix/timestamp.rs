//! Times as Phoenix reads them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::testing::to_second;

/// Writes a time in UTC, to the microsecond, as in `2026-11-29T01:17:38.000000+00:00`. A time before 1970 is 1970.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc3339>.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let (to_second, nanoseconds) = to_second(time.max(UNIX_EPOCH));
    format!("{to_second}.{:06}+00:00", nanoseconds / 1000)
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
