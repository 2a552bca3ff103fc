//! How numbers are written: the shortest text that is read as the same number.

use crate::meter::Number;

/// Writes a value.
pub(super) fn push_number(out: &mut String, number: Number) {
    match number {
        Number::Unsigned(number) => push_integer(out, number),
        Number::Signed(number) => push_integer(out, number),
        Number::Float(number) => push_float(out, number),
    }
}

pub(super) fn push_integer(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

pub(super) fn push_float(out: &mut String, number: f64) {
    match not_finite(number) {
        Some(name) => out.push_str(name),
        None => out.push_str(zmij::Buffer::new().format_finite(number)),
    }
}

fn not_finite(number: f64) -> Option<&'static str> {
    if number.is_finite() {
        return None;
    }
    Some(if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    })
}

/// The bound of a bucket, as OpenMetrics writes it, which Prometheus 3 does for all formats: like Go's `%g`, but whole
/// numbers end in `.0`.
///
/// Source: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#considerations-canonical-numbers>.
pub(super) fn bound(number: f64) -> String {
    if let Some(name) = not_finite(number) {
        return name.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_canonical() {
        for (number, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (-2.5, "-2.5"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(bound(number), text);
        }
    }

    #[test]
    fn a_number_is_read_as_it_was() {
        for number in
            [0.0, -0.0, 0.1, 1e300, f64::MIN_POSITIVE, f64::MAX, -1.5, f64::INFINITY, f64::NEG_INFINITY]
        {
            let mut text = String::new();
            push_float(&mut text, number);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{text}");
        }
    }
}
