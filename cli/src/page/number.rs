//! Conversions between numbers that are drawn and numbers that count.

/// The largest whole number that is not above.
#[expect(clippy::cast_possible_truncation, reason = "a number out of range becomes the nearest in range")]
pub(crate) fn floored(number: f64) -> i64 {
    number.floor() as i64
}

/// The smallest whole number that is not below.
#[expect(clippy::cast_possible_truncation, reason = "a number out of range becomes the nearest in range")]
pub(crate) fn ceiled(number: f64) -> i64 {
    number.ceil() as i64
}

/// A place in a list: 0 for negative numbers and NaN.
pub(crate) fn index(number: f64) -> usize {
    usize::try_from(floored(number)).unwrap_or(0)
}

/// A count as a number to calculate with. Nothing that is drawn comes near the limit.
pub(crate) fn count(items: usize) -> f64 {
    u32::try_from(items).map_or(f64::from(u32::MAX), f64::from)
}

/// With two decimals at most, as SVG has coordinates.
pub(crate) fn coordinate(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
