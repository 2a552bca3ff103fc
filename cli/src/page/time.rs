//! Times: durations as Prometheus and Grafana write them, windows, and the marks of a time axis.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::number::{ceiled, floored};
use crate::duration::{UNITS, milliseconds};

/// The steps that Grafana rounds intervals to, in seconds.
///
/// Source: `roundInterval` in Grafana's `rangeutil`.
const STEPS: [f64; 25] = [
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1200.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    345_600.0,
    604_800.0,
    2_592_000.0,
];

/// The distances between marks of a time axis, in seconds.
const MARKS: [f64; 19] = [
    1.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 172_800.0, 604_800.0,
];

/// How many marks fit on a narrow screen.
const MARKS_AT_MOST: f64 = 6.0;

const DAY: f64 = 86_400.0;

/// A duration such as `15s` or `1h`.
///
/// # Errors
///
/// If it is none, or 0.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let letter = &text[digits.len()..];
    let parsed = digits.parse::<u32>().ok().zip(milliseconds(letter));
    parsed
        .map(|(count, unit)| Duration::from_millis(u64::from(count) * unit))
        .filter(|it| !it.is_zero() && u32::try_from(it.as_secs()).is_ok())
        .ok_or_else(|| "it has to be a number and one of ms, s, m, h, d and w, such as 15s".to_owned())
}

/// Seconds as Prometheus reads them.
pub(crate) fn written(seconds: f64) -> String {
    if seconds.fract() == 0.0 { format!("{seconds}s") } else { format!("{}ms", (seconds * 1000.0).round()) }
}

/// Seconds in the longest unit that divides them, such as `6h`.
pub(crate) fn shortest(seconds: u32) -> String {
    let all = u64::from(seconds) * 1_000;
    let mut units = UNITS.iter().rev().filter(|(letter, unit)| *letter != "ms" && all.is_multiple_of(*unit));
    units.next().map_or_else(|| format!("{seconds}s"), |(letter, unit)| format!("{}{letter}", all / unit))
}

/// What is shown: from, to, and how far values are apart, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) step: f64,
}

impl Window {
    /// A window of at most so many steps, of which none is shorter than the distance of what was scraped.
    ///
    /// Its ends are multiples of the step, as Grafana has them, so that values do not change with every refresh.
    pub(crate) fn new(start: f64, end: f64, steps: u32, shortest: f64) -> Self {
        let wanted = (end - start) / f64::from(steps);
        let rounded = STEPS.into_iter().find(|step| *step >= wanted);
        let step = rounded.unwrap_or_else(|| (wanted / DAY).ceil() * DAY).max(shortest);
        Self { start: (start / step).floor() * step, end: (end / step).floor() * step, step }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.end - self.start
    }

    /// Where a time lies: 0 at the start and 1 at the end.
    pub(crate) fn part(&self, time: f64) -> f64 {
        if self.seconds() > 0.0 { (time - self.start) / self.seconds() } else { 0.0 }
    }

    /// The times of all values.
    pub(crate) fn times(&self) -> Vec<f64> {
        let count = floored(self.seconds() / self.step);
        (0..=u32::try_from(count).unwrap_or(0))
            .map(|index| self.start + f64::from(index) * self.step)
            .collect()
    }
}

/// Writes times in a time zone.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// That of the system, or UTC where it has none.
    pub(crate) fn of_the_system() -> Self {
        Self { zone: TimeZone::try_system().unwrap_or(TimeZone::UTC) }
    }

    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    /// The name of the zone.
    pub(crate) fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// A time with its date.
    pub(crate) fn full(&self, time: f64) -> String {
        self.as_format(time, "%-d %b %Y, %H:%M:%S")
    }

    /// A time on an axis or in a table over so many seconds.
    pub(crate) fn short(&self, time: f64, span: f64) -> String {
        let format = match span {
            span if span <= 3600.0 => "%H:%M:%S",
            span if span <= 2.0 * DAY => "%H:%M",
            _ => "%-d %b %H:%M",
        };
        self.as_format(time, format)
    }

    /// As a field `datetime-local` of a form has it.
    pub(crate) fn field(&self, time: f64) -> String {
        self.as_format(time, "%Y-%m-%dT%H:%M")
    }

    /// Reads what such a field has.
    pub(crate) fn read(&self, field: &str) -> Option<f64> {
        let time: jiff::civil::DateTime = field.parse().ok()?;
        let time = time.to_zoned_datetime(self.zone.clone()).ok()?;
        // Dates of years, so nothing is lost.
        i32::try_from(time.timestamp().as_second() / 60).ok().map(|minutes| f64::from(minutes) * 60.0)
    }

    fn as_format(&self, time: f64, format: &str) -> String {
        let moment = Timestamp::from_duration(signed(time));
        moment.map_or_else(
            |_| "a time out of range".to_owned(),
            |moment| moment.to_zoned_datetime(self.zone.clone()).strftime(format).to_string(),
        )
    }

    fn offset(&self, time: f64) -> f64 {
        let moment = Timestamp::from_duration(signed(time)).unwrap_or_default();
        f64::from(self.zone.to_offset(moment).seconds())
    }

    /// The marks of a time axis, at round times of day, with what stands at them.
    pub(crate) fn marks(&self, window: &Window) -> Vec<(f64, String)> {
        let span = window.seconds();
        let distance = MARKS.into_iter().find(|mark| span / mark <= MARKS_AT_MOST);
        let distance = distance.unwrap_or_else(|| (span / MARKS_AT_MOST / DAY).ceil() * DAY);
        let offset = self.offset(window.start);
        let first = (window.start + offset) / distance;
        let (first, last) = (ceiled(first), floored((window.end + offset) / distance));
        let times = (first..=last).filter_map(|mark| u32::try_from(mark).ok());
        times
            .map(|mark| f64::from(mark) * distance - offset)
            .map(|time| (time, self.mark(time, distance)))
            .collect()
    }

    fn mark(&self, time: f64, distance: f64) -> String {
        let midnight = self.as_format(time, "%H:%M:%S") == "00:00:00";
        self.as_format(
            time,
            match distance {
                _ if midnight => "%-d %b",
                distance if distance < 60.0 => "%H:%M:%S",
                _ => "%H:%M",
            },
        )
    }
}

fn signed(time: f64) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from_secs_f64(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        assert_eq!(duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "15", "0s", "1y", "-1s", "99999999999s", "1h30m", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            (shortest(3600), shortest(90), shortest(172_800)),
            ("1h".into(), "90s".into(), "2d".into())
        );
        assert_eq!((written(60.0), written(0.5)), ("60s".into(), "500ms".into()));
    }

    #[test]
    fn a_window_has_round_ends_and_a_bounded_number_of_values() {
        let window = Window::new(1003.0, 4603.0, 180, 15.0);
        assert_eq!(window, Window { start: 1000.0, end: 4600.0, step: 20.0 });
        for seconds in [10.0, 3600.0, 86_400.0, 1e9] {
            let window = Window::new(2e9 - seconds, 2e9, 180, 1.0);
            assert!(window.times().len() <= 182, "{seconds}");
        }
    }

    #[test]
    fn marks_are_at_round_times() {
        let marks = Clock::utc().marks(&Window { start: 1000.0, end: 4600.0, step: 20.0 });
        let texts: Vec<_> = marks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["00:20", "00:30", "00:40", "00:50", "01:00", "01:10"]);
        let days = Clock::utc().marks(&Window { start: 0.0, end: 5.0 * DAY, step: 3600.0 });
        assert_eq!(days.first().map(|(_, text)| text.as_str()), Some("1 Jan"));
    }
}
