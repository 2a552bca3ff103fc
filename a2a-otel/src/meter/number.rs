//! The numbers that a metric takes, and the kind of number that its instrument has.

use std::fmt;
use std::time::Duration;

use super::InstrumentKind;

/// A measured value. The value's type alone decides which of these it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number without a sign.
    Unsigned(u64),
    /// A whole number with a sign.
    Signed(i64),
    /// Any other number.
    Float(f64),
}

/// The kind of number that an instrument takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NumberKind {
    Unsigned,
    Signed,
    Float,
}

/// Why an instrument cannot take a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unfit {
    NotFinite,
    Negative,
    Fraction,
    TooLarge,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "not a finite number",
            Self::Negative => "negative",
            Self::Fraction => "not a whole number, unlike the first value of the metric",
            Self::TooLarge => "too large",
        })
    }
}

impl NumberKind {
    /// The kind of number for a metric whose first value is this one. Whole numbers stay whole where OpenTelemetry has
    /// such an instrument: it has none that takes negative whole numbers for a histogram.
    pub(super) const fn of(instrument: InstrumentKind, first: Number) -> Self {
        use {InstrumentKind as I, Number as N};
        match (instrument, first) {
            (_, N::Float(_)) | (I::Histogram, N::Signed(_)) => Self::Float,
            (I::Counter, _) | (I::Histogram | I::Gauge, N::Unsigned(_)) => Self::Unsigned,
            (I::UpDownCounter, _) | (I::Gauge, N::Signed(_)) => Self::Signed,
        }
    }
}

/// The first numbers above the largest `u64` and `i64`, which are powers of two and so exact.
const ABOVE_U64: f64 = 18_446_744_073_709_551_616.0;
const ABOVE_I64: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    pub(super) fn unsigned(self) -> Result<u64, Unfit> {
        match self {
            Self::Unsigned(number) => Ok(number),
            Self::Signed(number) => number.try_into().map_err(|_| Unfit::Negative),
            Self::Float(number) if number < 0.0 => Err(Unfit::Negative),
            Self::Float(number) => unsigned(whole(number)?),
        }
    }

    pub(super) fn signed(self) -> Result<i64, Unfit> {
        match self {
            Self::Unsigned(number) => number.try_into().map_err(|_| Unfit::TooLarge),
            Self::Signed(number) => Ok(number),
            Self::Float(number) => signed(whole(number)?),
        }
    }

    /// A float that a counter can be increased by.
    pub(super) fn increase(self) -> Result<f64, Unfit> {
        self.float().and_then(|number| if number < 0.0 { Err(Unfit::Negative) } else { Ok(number) })
    }

    pub(super) fn float(self) -> Result<f64, Unfit> {
        let number = self.to_float();
        if number.is_finite() { Ok(number) } else { Err(Unfit::NotFinite) }
    }

    /// The number as a float, which may be infinite or `NaN`.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and the instrument takes f64")]
    pub(crate) const fn to_float(self) -> f64 {
        match self {
            Self::Unsigned(number) => number as f64,
            Self::Signed(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

fn whole(number: f64) -> Result<f64, Unfit> {
    match number {
        number if !number.is_finite() => Err(Unfit::NotFinite),
        number if number.fract() != 0.0 => Err(Unfit::Fraction),
        number => Ok(number),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn unsigned(whole: f64) -> Result<u64, Unfit> {
    if whole < ABOVE_U64 { Ok(whole as u64) } else { Err(Unfit::TooLarge) }
}

#[expect(clippy::cast_possible_truncation, reason = "checked")]
fn signed(whole: f64) -> Result<i64, Unfit> {
    if (-ABOVE_I64..ABOVE_I64).contains(&whole) { Ok(whole as i64) } else { Err(Unfit::TooLarge) }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

/// A number that a metric can take: the type of `value = ...` in [`#[business_metric]`](crate::business_metric). `None` is not measured; a [`Duration`] is converted to the metric's unit if that is
/// a unit of time, and to seconds otherwise.
///
/// Whole numbers stay whole where OpenTelemetry has such an instrument: a counter and, for types without a sign, a gauge
/// and a histogram take `u64`, an up-down counter and, for types with a sign, a gauge `i64`, and the rest `f64`. The type
/// of a metric's first value decides for all of them.
///
/// ```
/// use a2a_otel::business_metric;
/// use a2a_otel::metrics::Amount;
///
/// #[business_metric(counter = "shop.weight", unit = "kg", value = weight)]
/// fn pack<T: Amount + Copy>(weight: T) {}
/// # pack(2.5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a metric",
    label = "not a number",
    note = "a metric takes numbers, `bool`, `std::time::Duration`, and `Option` of these"
)]
pub trait Amount {
    #[doc(hidden)]
    fn amount(self, unit: &str) -> Option<Number>;
}

macro_rules! amounts {
    ($($variant:ident($wide:ty): $($number:ty)*;)*) => {$($(
        impl Amount for $number {
            fn amount(self, _: &str) -> Option<Number> {
                Some(Number::$variant(<$wide>::from(self)))
            }
        }
    )*)*};
}

amounts! {
    Unsigned(u64): bool u8 u16 u32 u64;
    Signed(i64): i8 i16 i32 i64;
    Float(f64): f32 f64;
}

impl Amount for usize {
    fn amount(self, _: &str) -> Option<Number> {
        // No platform of Rust has a wider one.
        Some(Number::Unsigned(u64::try_from(self).unwrap_or(u64::MAX)))
    }
}

impl Amount for isize {
    fn amount(self, _: &str) -> Option<Number> {
        Some(Number::Signed(i64::try_from(self).unwrap_or(i64::MAX)))
    }
}

impl Amount for Duration {
    fn amount(self, unit: &str) -> Option<Number> {
        const SECONDS: &[(&str, f64)] =
            &[("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
        let seconds = SECONDS.iter().find(|(symbol, _)| *symbol == unit).map_or(1.0, |(_, seconds)| *seconds);
        Some(Number::Float(self.as_secs_f64() / seconds))
    }
}

impl<T: Amount> Amount for Option<T> {
    fn amount(self, unit: &str) -> Option<Number> {
        self?.amount(unit)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Amount + Copy> Amount for &T {
    fn amount(self, unit: &str) -> Option<Number> {
        (*self).amount(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_value_decides_what_it_is() {
        let of = |amount: Option<Number>| amount.unwrap();
        assert_eq!(of(7_u8.amount("")), Number::Unsigned(7));
        assert_eq!(of(7_usize.amount("")), Number::Unsigned(7));
        assert_eq!(of(true.amount("")), Number::Unsigned(1));
        assert_eq!(of(7.amount("")), Number::Signed(7));
        assert_eq!(of((-7_isize).amount("")), Number::Signed(-7));
        assert_eq!(of(7.0_f32.amount("")), Number::Float(7.0));
        assert_eq!(of(Some(&&u64::MAX).amount("")), Number::Unsigned(u64::MAX));
        assert_eq!(of(Duration::from_millis(1500).amount("s")), Number::Float(1.5));
        assert_eq!(of(Duration::from_secs(90).amount("min")), Number::Float(1.5));
        assert_eq!(None::<i8>.amount(""), None);
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_any_other_kept_exactly() {
        use Number::{Float, Signed, Unsigned};
        assert_eq!(Unsigned(u64::MAX).unsigned(), Ok(u64::MAX));
        assert_eq!(Signed(-1).unsigned(), Err(Unfit::Negative));
        assert_eq!(Float(3.0).unsigned(), Ok(3));
        assert_eq!(Float(-0.5).unsigned(), Err(Unfit::Negative));
        assert_eq!(Float(0.5).unsigned(), Err(Unfit::Fraction));
        assert_eq!(Float(f64::NAN).unsigned(), Err(Unfit::NotFinite));
        assert_eq!(Float(ABOVE_U64).unsigned(), Err(Unfit::TooLarge));
        assert_eq!(Unsigned(u64::MAX).signed(), Err(Unfit::TooLarge));
        assert_eq!(Float(-ABOVE_I64).signed(), Ok(i64::MIN));
        assert_eq!(Float(ABOVE_I64).signed(), Err(Unfit::TooLarge));
        assert_eq!(Signed(-3).float(), Ok(-3.0));
        assert_eq!(Float(f64::INFINITY).float(), Err(Unfit::NotFinite));
    }
}
