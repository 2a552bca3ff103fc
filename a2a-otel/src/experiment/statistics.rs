//! Means, their spread, and how sure one can be of them.

/// Student's t for a one-sided bound of 95 %, by degrees of freedom from 1.
const T: [f64; 30] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
    1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
];
/// With more degrees of freedom, it is that of the normal distribution and this over their number, within 0.2 %.
const T_OF_MANY: (f64, f64) = (1.645, 1.524);

/// The mean of some values, and how they are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many values there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, as of a sample.
    pub deviation: f64,
    /// The lowest value.
    pub lowest: f64,
    /// The highest value.
    pub highest: f64,
}

#[expect(clippy::cast_precision_loss, reason = "no experiment has 2^52 runs")]
impl Spread {
    /// Returns nothing if there are no values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let lowest = values.iter().copied().min_by(f64::total_cmp)?;
        let highest = values.iter().copied().max_by(f64::total_cmp)?;
        // Computed from the lowest value, so that equal values have exactly their mean.
        let mean = lowest + values.iter().map(|value| value - lowest).sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Some(Self { count, mean, deviation, lowest, highest })
    }

    /// How far the mean may be from the true one: with 95 % probability, that is not above the mean and this together. It is 0
    /// for a single value, of which nothing is known.
    #[must_use]
    pub fn noise(&self) -> f64 {
        let t = match self.count {
            0 | 1 => return 0.0,
            count => T.get(count - 2).copied().unwrap_or(T_OF_MANY.0 + T_OF_MANY.1 / (count - 1) as f64),
        };
        t * self.deviation / (self.count as f64).sqrt()
    }
}

/// The value below which this share of the sorted values is.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place is within the list"
)]
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_the_textbook() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).expect("values");
        assert_eq!((spread.count, spread.mean, spread.lowest, spread.highest), (8, 5.0, 2.0, 9.0));
        assert!((spread.deviation - 2.138_09).abs() < 1e-5, "{spread:?}");
        // 1.895 * 2.13809 / sqrt(8)
        assert!((spread.noise() - 1.432_48).abs() < 1e-4, "{}", spread.noise());
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[0.1; 7]).map(|spread| (spread.mean, spread.noise())), Some((0.1, 0.0)));
    }

    #[test]
    fn the_noise_of_many_values_is_that_of_the_tables() {
        for (degrees, t) in [(31_u32, 1.696), (40, 1.684), (60, 1.671), (120, 1.658)] {
            let count = usize::try_from(degrees + 1).expect("a small number");
            let spread = Spread { count, mean: 0.0, deviation: 1.0, lowest: 0.0, highest: 0.0 };
            let of_table = t / f64::from(degrees + 1).sqrt();
            assert!((spread.noise() / of_table - 1.0).abs() < 2e-3, "{degrees}: {}", spread.noise());
        }
    }

    #[test]
    fn quantiles_are_values_of_the_list() {
        let sorted: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(
            [0.0, 0.5, 0.95, 1.0].map(|share| quantile(&sorted, share)),
            [1.0, 10.0, 19.0, 20.0].map(Some)
        );
        assert_eq!(quantile(&[], 0.5), None);
    }
}
