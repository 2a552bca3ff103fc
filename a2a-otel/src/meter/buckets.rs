//! The bounds of a histogram's buckets where none are given.

/// From a millisecond to ten minutes, in steps of 1, 2 and 5: a step within the process takes milliseconds, a run of an
/// agent minutes. OpenTelemetry's advice for HTTP ends at 10 s, and the GenAI conventions' at 82 s. From 0.01 to 300
/// the bounds are those of the MCP conventions, so that figures of both can be compared in one diagram.
const SECONDS: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    600.0,
];

/// The same bounds as [`SECONDS`].
const MILLISECONDS: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 1.2e5, 3e5, 6e5];

/// From a microsecond to ten seconds: who measures in microseconds measures what is fast.
const MICROSECONDS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
    1e7,
];

/// For minutes, hours and days.
const LONG_TIMES: &[f64] =
    &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 240.0, 480.0];

/// From 64 bytes to a gibibyte, by factors of four.
const BYTES: &[f64] = &[
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
];

/// The bounds of `gen_ai.client.token.usage`.
///
/// Source: <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// For ratios, in tenths, and finer where most of them are.
const RATIOS: &[f64] = &[0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// The same bounds as [`RATIOS`].
const PERCENT: &[f64] =
    &[0.0, 1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 99.0, 100.0];

/// From the price of a call of a model to that of a large order.
const MONEY: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3,
    1e4,
];

/// For numbers of things, and for any other unit.
const COUNTS: &[f64] =
    &[0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6];

/// The bounds for each unit, in UCUM's notation.
const BY_UNIT: &[(&str, &[f64])] = &[
    ("s", SECONDS),
    ("ms", MILLISECONDS),
    ("us", MICROSECONDS),
    ("min", LONG_TIMES),
    ("h", LONG_TIMES),
    ("d", LONG_TIMES),
    ("By", BYTES),
    ("{token}", TOKENS),
    ("1", RATIOS),
    ("%", PERCENT),
];

/// The bounds for values in this unit.
pub(super) fn for_unit(unit: &str) -> &'static [f64] {
    let known = BY_UNIT.iter().find(|(known, _)| *known == unit).map(|(_, bounds)| *bounds);
    known.unwrap_or(if is_currency(unit) { MONEY } else { COUNTS })
}

/// Whether a unit has the form of a currency's code (ISO 4217), as in `USD` or `{EUR}`.
fn is_currency(unit: &str) -> bool {
    let code = unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}')).unwrap_or(unit);
    code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())
}

/// Whether bounds are finite and increase.
pub(super) fn are_valid(bounds: &[f64]) -> bool {
    bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|lower, upper| lower < upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_valid() {
        let rows = BY_UNIT.iter().map(|(unit, _)| *unit).chain(["USD", "{order}"]);
        for unit in rows {
            assert!(are_valid(for_unit(unit)), "{unit}");
        }
        for wrong in [&[1.0, 1.0][..], &[2.0, 1.0], &[f64::NAN], &[0.0, f64::INFINITY]] {
            assert!(!are_valid(wrong), "{wrong:?}");
        }
        assert!(are_valid(&[]));
    }

    #[test]
    fn units_of_one_quantity_have_the_same_bounds() {
        let is_close = |(one, other): (&f64, &f64)| (one * 1000.0 - other).abs() < 1e-6;
        assert!(SECONDS.len() == MILLISECONDS.len() && SECONDS.iter().zip(MILLISECONDS).all(is_close));
        assert!(RATIOS.iter().zip(PERCENT).all(|(one, other)| (one * 100.0 - other).abs() < 1e-9));
    }

    #[test]
    fn a_unit_finds_its_row() {
        assert_eq!(for_unit("EUR"), MONEY);
        assert_eq!(for_unit("{EUR}"), MONEY);
        assert_eq!(for_unit("{order}"), COUNTS);
        assert_eq!(for_unit(""), COUNTS);
        assert_eq!(for_unit("{token}"), TOKENS);
    }
}
