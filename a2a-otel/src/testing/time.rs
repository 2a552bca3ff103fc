//! Points in time as RFC 3339 texts, as Phoenix has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NANOSECONDS: i128 = 1_000_000_000;
const SECONDS_A_DAY: i64 = 86_400;

// Years are counted from the first of March, so that the leap day is the last day of a year, and from the year 0, where
// the cycle of 400 years begins.
const DAYS_BEFORE_1970: i64 = 719_468;
const DAYS_IN_400_YEARS: i64 = 146_097;

/// Writes a time in UTC, to the nanosecond.
pub(super) fn format(time: SystemTime) -> String {
    let (to_second, nanoseconds) = to_second(time);
    format!("{to_second}.{nanoseconds:09}Z")
}

/// Writes a time in UTC, to the second and without an offset, and returns the nanoseconds after that.
pub(crate) fn to_second(time: SystemTime) -> (String, i128) {
    let nanoseconds = since_1970(time);
    let (seconds, fraction) = (nanoseconds.div_euclid(NANOSECONDS), nanoseconds.rem_euclid(NANOSECONDS));
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let (year, month, day) = date(seconds.div_euclid(SECONDS_A_DAY));
    let second = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"), fraction)
}

/// Reads a time, with any offset and any fraction of a second down to a nanosecond.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = split_offset(time)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_date = (1..=12).contains(&month) && self::date(days(year, month, day)) == (year, month, day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    let fraction: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = days(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second - offset;
    let nanoseconds = i128::from(seconds) * NANOSECONDS + fraction;
    (is_date && is_time).then(|| at(nanoseconds)).flatten()
}

/// Separates the offset from UTC, in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let (time, offset) = time.split_at(time.rfind(['+', '-'])?);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let number =
        |digits: &str, end: u8| digits.parse::<u8>().ok().filter(|number| *number < end).map(i64::from);
    let seconds = number(hours, 24)? * 3600 + number(minutes, 60)? * 60;
    Some((time, if offset.starts_with('-') { -seconds } else { seconds }))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let number = |digits: &str| digits.parse::<u16>().ok().map(i64::from);
    text.split(separator).map(number).collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn since_1970(time: SystemTime) -> i128 {
    let nanoseconds = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanoseconds(after),
        Err(before) => -nanoseconds(before.duration()),
    }
}

fn at(nanoseconds: i128) -> Option<SystemTime> {
    let seconds = u64::try_from(nanoseconds.abs() / NANOSECONDS).ok()?;
    let fraction = u32::try_from(nanoseconds.abs() % NANOSECONDS).ok()?;
    let distance = Duration::new(seconds, fraction);
    if nanoseconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// The days from 1970 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - DAYS_BEFORE_1970
}

/// The date so many days after 1970.
fn date(days_after_1970: i64) -> (i64, i64, i64) {
    let days = days_after_1970 + DAYS_BEFORE_1970;
    let day_of_era = days.rem_euclid(DAYS_IN_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    let year = days.div_euclid(DAYS_IN_400_YEARS) * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_an_era_comes_back() {
        for day in 0..146_097 {
            let time = UNIX_EPOCH + Duration::new(day * 86_400 + 86_399, 123_456_789);
            assert_eq!(parse(&format(time)), Some(time), "{}", format(time));
        }
    }

    #[test]
    fn times_before_1970_come_back() {
        let time = UNIX_EPOCH - Duration::new(400 * 86_400 + 1, 1);
        assert_eq!(parse(&format(time)), Some(time), "{}", format(time));
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let second = Some(UNIX_EPOCH + Duration::from_secs(1));
        for text in ["1970-01-01T00:00:01Z", "1970-01-01T02:00:01.0+02:00", "1969-12-31T23:30:01-00:30"] {
            assert_eq!(parse(text), second, "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00.5Z"), Some(UNIX_EPOCH + Duration::from_millis(500)));
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:01",
            "1970-13-01T00:00:00Z",
            "1970-01-01T25:00:00Z",
            "Té",
            "2026-02-31T00:00:00Z",
            "1970-01-01T00:00:00+9999999999999999:00",
            "1970-01-01T00:00:00+24:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
