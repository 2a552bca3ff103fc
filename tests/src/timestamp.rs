//! Reads and writes Phoenix's timestamps, with its precision of a microsecond.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 86_400;

/// Reads a timestamp of Phoenix: `2026-11-23T00:34:16.410474+00:00`, without the fraction if it is zero.
///
/// # Panics
///
/// If the text is not a timestamp, or not in UTC.
#[must_use]
pub fn parse(text: &str) -> SystemTime {
    try_parse(text).unwrap_or_else(|| panic!("not a timestamp of Phoenix: {text:?}"))
}

fn try_parse(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z'))?;
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let seconds = days_since_1970(year, month, day)? * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
    let microseconds = format!("{fraction:0<6}").parse().ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(microseconds))
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = text.split(separator).map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Writes a timestamp that Phoenix can read.
///
/// # Panics
///
/// If the time is before 1970.
#[must_use]
pub fn format(time: SystemTime) -> String {
    let since_1970 = time.duration_since(UNIX_EPOCH).expect("spans are of our days");
    let (days, second) = (since_1970.as_secs() / SECONDS_A_DAY, since_1970.as_secs() % SECONDS_A_DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let microsecond = since_1970.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}+00:00")
}

// Both directions count years from the first of March, so that the leap day is the last day of a year, and from the
// year 0, where the 400-year cycle begins. That day is 719,468 days before 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + day_of_year;
    (year / 400 * DAYS_IN_400_YEARS + day_of_era).checked_sub(DAYS_BEFORE_1970)
}

fn date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_BEFORE_1970;
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    let year = days / DAYS_IN_400_YEARS * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_an_era_comes_back() {
        for day in 0..DAYS_IN_400_YEARS {
            let noon = UNIX_EPOCH + Duration::from_secs(day * SECONDS_A_DAY + 43_200);
            assert_eq!(parse(&format(noon)), noon);
        }
    }

    #[test]
    fn a_time_reads_as_phoenix_writes_it() {
        let leap_day = UNIX_EPOCH + Duration::from_micros(1_709_251_199_000_042);
        assert_eq!(format(leap_day), "2024-02-29T23:59:59.000042+00:00");
        assert_eq!(parse("2024-02-29T23:59:59.000042+00:00"), leap_day);
        assert_eq!(parse("1970-01-02T00:00:01Z"), UNIX_EPOCH + Duration::from_secs(SECONDS_A_DAY + 1));
    }
}
