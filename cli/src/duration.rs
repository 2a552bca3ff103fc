//! The units of durations in Prometheus and Grafana.

/// The letters of each unit, and its milliseconds. A month and a year are not always equally long, and are left out.
pub(crate) const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// The milliseconds of a unit. `None` if there is no such unit.
pub(crate) fn milliseconds(letters: &str) -> Option<u64> {
    UNITS.iter().find(|(known, _)| *known == letters).map(|(_, milliseconds)| *milliseconds)
}
