//! Units, by Grafana's ids: how values are written, and where the marks of an axis are.

use super::number::{ceiled, floored};

/// How values of a unit are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// In the largest unit of the table that is not larger than the value.
    Steps(&'static [(f64, &'static str)]),
    /// With a sign before, and letters for thousands.
    Money(&'static str),
    /// Letters for thousands, and a word.
    Word(&'static str),
}

/// A unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    /// What it is called in a sentence.
    pub(crate) name: String,
    /// What values are multiplied by before they are written.
    factor: f64,
    scale: Scale,
    /// What follows, of units that are in no table.
    suffix: String,
}

const TIME: &[(f64, &str)] =
    &[(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "days")];
const BINARY: &[(f64, &str)] = &[
    (1.0, "B"),
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
    (1_099_511_627_776.0, "TiB"),
];
const DECIMAL: &[(f64, &str)] = &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")];
const PERCENT: &[(f64, &str)] = &[(1.0, "%")];

/// Grafana's id, the name in a sentence, the factor, and how it is written.
const UNITS: &[(&str, &str, f64, Scale)] = &[
    ("short", "number", 1.0, Scale::Word("")),
    ("none", "number", 1.0, Scale::Word("")),
    ("s", "seconds", 1.0, Scale::Steps(TIME)),
    ("ms", "seconds", 1e-3, Scale::Steps(TIME)),
    ("µs", "seconds", 1e-6, Scale::Steps(TIME)),
    ("ns", "seconds", 1e-9, Scale::Steps(TIME)),
    ("m", "minutes", 60.0, Scale::Steps(TIME)),
    ("h", "hours", 3600.0, Scale::Steps(TIME)),
    ("d", "days", 86_400.0, Scale::Steps(TIME)),
    ("bytes", "bytes", 1.0, Scale::Steps(BINARY)),
    ("decbytes", "bytes", 1.0, Scale::Steps(DECIMAL)),
    ("percent", "percent", 1.0, Scale::Steps(PERCENT)),
    ("percentunit", "percent", 100.0, Scale::Steps(PERCENT)),
    ("reqps", "requests per second", 1.0, Scale::Word(" req/s")),
    ("rps", "reads per second", 1.0, Scale::Word(" reads/s")),
    ("wps", "writes per second", 1.0, Scale::Word(" writes/s")),
    ("ops", "per second", 1.0, Scale::Word("/s")),
    ("cps", "per second", 1.0, Scale::Word("/s")),
    ("cpm", "per minute", 1.0, Scale::Word("/min")),
    ("opm", "per minute", 1.0, Scale::Word("/min")),
    ("currencyUSD", "US dollars", 1.0, Scale::Money("$")),
    ("currencyEUR", "euros", 1.0, Scale::Money("€")),
    ("currencyGBP", "pounds", 1.0, Scale::Money("£")),
    ("currencyJPY", "yen", 1.0, Scale::Money("¥")),
    ("currencyINR", "rupees", 1.0, Scale::Money("₹")),
    ("currencyKRW", "won", 1.0, Scale::Money("₩")),
];

const THOUSANDS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")];

/// Distances of marks on axes of time, from a minute on, in seconds.
const TIMES: [f64; 14] = [
    60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0,
    172_800.0, 432_000.0,
];

/// How many distances an axis has, about.
const DISTANCES: f64 = 4.0;

impl Unit {
    /// The unit with one of Grafana's ids. One that is in no table is written behind the number.
    pub(crate) fn find(id: &str) -> Self {
        let id = if id.is_empty() { "short" } else { id };
        if let Some((_, name, factor, scale)) = UNITS.iter().find(|(known, ..)| *known == id) {
            return Self { name: (*name).to_owned(), factor: *factor, scale: *scale, suffix: String::new() };
        }
        let word = id.strip_prefix("suffix:").or(id.strip_prefix("currency")).unwrap_or(id).trim().to_owned();
        Self { name: word.clone(), factor: 1.0, scale: Scale::Word(""), suffix: format!(" {word}") }
    }

    /// Writes a value as people read it, with about three digits.
    pub(crate) fn write(&self, value: f64) -> String {
        if value.is_nan() {
            return "no value".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
        }
        let value = value * self.factor;
        let sign = if value < 0.0 { "−" } else { "" };
        let size = value.abs();
        let text = match self.scale {
            Scale::Steps(steps) => stepped(size, steps),
            Scale::Money(symbol) => format!("{symbol}{}", thousands(size)),
            Scale::Word(word) => format!("{}{word}", thousands(size)),
        };
        format!("{sign}{text}{}", self.suffix)
    }

    /// An axis around these values: marks at round numbers, the first below and the last above all values.
    pub(crate) fn axis(&self, low: f64, high: f64) -> Vec<f64> {
        let (low, high) = if high > low { (low, high) } else { self.around(high) };
        let distance = self.distance((high - low) / DISTANCES);
        let (first, last) = (floored(low / distance), ceiled(high / distance));
        let marks = (first..=last).filter_map(|mark| i32::try_from(mark).ok());
        marks.map(|mark| f64::from(mark) * distance).collect()
    }

    /// The scale of a line that does not move: it is in the middle, or at the bottom if it is 0.
    fn around(&self, value: f64) -> (f64, f64) {
        let whole = if self.scale == Scale::Steps(PERCENT) { 100.0 } else { 1.0 };
        match value {
            value if value > 0.0 => (0.0, value * 2.0),
            value if value < 0.0 => (value * 2.0, 0.0),
            _ => (0.0, whole / self.factor),
        }
    }

    /// The round number that is not below this one.
    fn distance(&self, wanted: f64) -> f64 {
        let wanted = wanted * self.factor;
        let distance = match self.scale {
            Scale::Steps(TIME) if wanted > 30.0 => TIMES
                .into_iter()
                .find(|time| *time >= wanted)
                .unwrap_or_else(|| decimal(wanted / 86_400.0) * 86_400.0),
            Scale::Steps(BINARY) => {
                let unit = step(wanted, BINARY).0;
                // 1000 of a unit would not be round in the next one.
                if wanted / unit > 500.0 { unit * 1024.0 } else { decimal(wanted / unit).max(1.0) * unit }
            }
            _ => decimal(wanted),
        };
        distance / self.factor
    }
}

/// 1, 2 or 5, times a power of ten.
fn decimal(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.max(f64::MIN_POSITIVE).log10().floor());
    // Powers of ten are not exact, and neither are quotients.
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= wanted * 0.999_999);
    factor.unwrap_or(10.0) * power
}

fn step(size: f64, steps: &'static [(f64, &'static str)]) -> (f64, &'static str) {
    let smaller = steps.iter().rev().find(|(unit, _)| size >= *unit * 0.9995);
    *smaller.unwrap_or(&steps[0])
}

fn stepped(size: f64, steps: &'static [(f64, &'static str)]) -> String {
    if size == 0.0 {
        let one = steps.iter().find(|(unit, _)| *unit >= 1.0);
        return joined("0", one.map_or("", |(_, word)| word));
    }
    let (unit, word) = step(size, steps);
    joined(&digits(size / unit), word)
}

fn joined(digits: &str, word: &str) -> String {
    let gap = if word == "%" { "" } else { "\u{a0}" };
    format!("{digits}{gap}{word}")
}

fn thousands(size: f64) -> String {
    match THOUSANDS.iter().find(|(unit, _)| size >= *unit * 0.9995) {
        Some((unit, letter)) => format!("{}{letter}", digits(size / unit)),
        None => digits(size),
    }
}

/// About three digits, without zeros at the end.
fn digits(size: f64) -> String {
    let decimals = match size {
        size if size == 0.0 || size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size => usize::try_from(2 - floored(size.log10())).unwrap_or(3).min(9),
    };
    let text = format!("{size:.decimals$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if short == "0" && size > 0.0 { format!("{size:.0e}") } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_written_as_people_read_them() {
        for (unit, value, expected) in [
            ("s", 0.25, "250\u{a0}ms"),
            ("s", 90.0, "1.5\u{a0}min"),
            ("s", 0.0, "0\u{a0}s"),
            ("ms", 1500.0, "1.5\u{a0}s"),
            ("s", 0.000_12, "120\u{a0}µs"),
            ("bytes", 1536.0, "1.5\u{a0}KiB"),
            ("bytes", 1023.9, "1\u{a0}KiB"),
            ("percentunit", 0.0123, "1.23%"),
            ("percentunit", 1.0, "100%"),
            ("currencyUSD", 0.0042, "$0.0042"),
            ("currencyEUR", 1_234_567.0, "€1.23M"),
            ("currencyCHF", 12.5, "12.5 CHF"),
            ("reqps", 12.345, "12.3 req/s"),
            ("short", -4.0, "−4"),
            ("short", 999.96, "1K"),
            ("suffix: kg", 3.0, "3 kg"),
            ("", 3.0, "3"),
            ("short", f64::NAN, "no value"),
            ("short", f64::INFINITY, "∞"),
            ("short", 1e-12, "1e-12"),
        ] {
            assert_eq!(Unit::find(unit).write(value), expected, "{value} in {unit}");
        }
    }

    #[test]
    fn marks_are_round() {
        let marks = |unit: &str, low, high| {
            let unit = Unit::find(unit);
            unit.axis(low, high).into_iter().map(|mark| unit.write(mark)).collect::<Vec<_>>()
        };
        assert_eq!(marks("percentunit", 0.0, 0.037), ["0%", "1%", "2%", "3%", "4%"]);
        assert_eq!(marks("s", 0.0, 0.9), ["0\u{a0}s", "500\u{a0}ms", "1\u{a0}s"]);
        assert_eq!(marks("s", 0.0, 300.0), ["0\u{a0}s", "2\u{a0}min", "4\u{a0}min", "6\u{a0}min"]);
        assert_eq!(marks("bytes", 0.0, 3000.0), ["0\u{a0}B", "1\u{a0}KiB", "2\u{a0}KiB", "3\u{a0}KiB"]);
        assert_eq!(marks("percentunit", 0.0, 0.0), ["0%", "50%", "100%"]);
    }

    proptest! {
        #[test]
        fn an_axis_has_few_marks_around_all_values(
            unit in prop::sample::select(UNITS.iter().map(|unit| unit.0).collect::<Vec<_>>()),
            low in -1e9..1e9_f64,
            size in 0.0..1e12_f64,
        ) {
            let high = low + size;
            let marks = Unit::find(unit).axis(low, high);
            prop_assert!((2..=7).contains(&marks.len()), "{marks:?}");
            prop_assert!(marks[0] <= low && high <= marks[marks.len() - 1] * 1.000_001 + 1e-9, "{marks:?}");
        }

        #[test]
        fn every_value_is_written_shortly(unit in ".{0,8}", value in any::<f64>()) {
            let text = Unit::find(&unit).write(value);
            prop_assert!(!text.is_empty() && text.chars().count() < 400, "{text}");
        }
    }
}
