//! What became of the spans, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// What became of the spans that ended: `generated = delivered + spooled + dropped`. Before shutdown, some may still
/// be waiting.
///
/// With several exporters, a span counts once for each of them.
///
/// ```
/// use a2a_otel::Telemetry;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder().tracing(false).init()?;
/// let delivery = telemetry.shutdown(Duration::from_secs(1));
/// assert_eq!(delivery.generated, delivery.delivered + delivery.spooled + delivery.dropped_total());
/// println!("{delivery}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Sampled spans that ended.
    pub generated: u64,
    /// Spans that the receiver confirmed.
    pub delivered: u64,
    /// Spans on disk that will be sent later.
    pub spooled: u64,
    /// Spans that are lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Spans that an earlier process left on disk. They are not counted in the numbers above.
    pub recovered: u64,
    /// Recovered spans that the receiver confirmed.
    pub replayed: u64,
    /// What became of the annotations. They are not counted in the numbers above.
    pub annotations: Annotations,
    /// What became of the data points of metrics that are sent. They are not counted in the numbers above.
    pub metrics: DataPoints,
    /// What became of the log records that are sent. They are not counted in the numbers above.
    pub logs: LogRecords,
}

/// What became of the [`Annotation`](crate::evaluation::Annotation)s: `generated = delivered + dropped`. Before
/// shutdown, some may still be waiting.
///
/// ```
/// use a2a_otel::Telemetry;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder().tracing(false).init()?;
/// let annotations = telemetry.shutdown(Duration::from_secs(1)).annotations;
/// assert_eq!(annotations.dropped_total(), 0, "{annotations}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotations {
    /// Annotations that were made.
    pub generated: u64,
    /// Annotations that Phoenix confirmed. It shows them as soon as it has their subject.
    pub delivered: u64,
    /// Annotations that are lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl Annotations {
    /// Returns how many are lost.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Returns how many are neither sent nor lost.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.generated.saturating_sub(self.delivered + self.dropped_total())
    }
}

impl fmt::Display for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Annotations { generated, delivered, .. } = self;
        write!(f, "{generated} annotations: {delivered} delivered, {} dropped", self.dropped_total())?;
        write_reasons(f, &self.dropped)?;
        write_waiting(f, self.waiting())
    }
}

/// What became of the log records that are sent over OTLP: `generated = delivered + dropped`. Before shutdown, some may
/// still be waiting.
///
/// ```
/// use a2a_otel::Telemetry;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder().tracing(false).init()?;
/// let logs = telemetry.shutdown(Duration::from_secs(1)).logs;
/// assert_eq!(logs.dropped_total(), 0, "{logs}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRecords {
    /// Log records that were made.
    pub generated: u64,
    /// Log records that the receiver confirmed.
    pub delivered: u64,
    /// Log records that are lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl LogRecords {
    /// Returns how many are lost.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Returns how many are neither sent nor lost.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.generated.saturating_sub(self.delivered + self.dropped_total())
    }
}

impl fmt::Display for LogRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogRecords { generated, delivered, .. } = self;
        write!(f, "{generated} log records: {delivered} delivered, {} dropped", self.dropped_total())?;
        write_reasons(f, &self.dropped)?;
        write_waiting(f, self.waiting())
    }
}

/// What became of the data points of metrics that are sent over OTLP: `generated = delivered + replaced + dropped`.
/// Before shutdown, some may still be waiting.
///
/// A data point is the value of a metric for one set of attributes at one time, so each collection has new ones.
///
/// ```
/// use a2a_otel::Telemetry;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder().tracing(false).init()?;
/// let metrics = telemetry.shutdown(Duration::from_secs(1)).metrics;
/// assert_eq!(metrics.dropped_total(), 0, "{metrics}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataPoints {
    /// Data points that were collected to be sent.
    pub generated: u64,
    /// Data points that the receiver confirmed.
    pub delivered: u64,
    /// Data points that were not sent because later ones contain them: values since the start of the process.
    pub replaced: u64,
    /// Data points that are lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl DataPoints {
    /// Returns how many are lost.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Returns how many are neither sent nor lost.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.generated.saturating_sub(self.delivered + self.replaced + self.dropped_total())
    }
}

impl fmt::Display for DataPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DataPoints { generated, delivered, replaced, .. } = self;
        write!(f, "{generated} data points: {delivered} delivered, {replaced} replaced, ")?;
        write!(f, "{} dropped", self.dropped_total())?;
        write_reasons(f, &self.dropped)?;
        write_waiting(f, self.waiting())
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, dropped: &BTreeMap<&str, u64>) -> fmt::Result {
    let reasons: Vec<_> = dropped.iter().map(|(reason, lost)| format!("{reason} {lost}")).collect();
    if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join(", ")) }
}

fn write_waiting(f: &mut fmt::Formatter<'_>, waiting: u64) -> fmt::Result {
    if waiting == 0 { Ok(()) } else { write!(f, ", {waiting} waiting") }
}

impl Delivery {
    /// Returns how many spans are lost.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Returns how many spans are neither sent nor lost.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.generated.saturating_sub(self.delivered + self.spooled + self.dropped_total())
    }

    pub(crate) fn add(mut self, other: Delivery) -> Delivery {
        self.generated += other.generated;
        self.delivered += other.delivered;
        self.spooled += other.spooled;
        self.recovered += other.recovered;
        self.replayed += other.replayed;
        for (reason, spans) in other.dropped {
            *self.dropped.entry(reason).or_default() += spans;
        }
        self
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Delivery { generated, delivered, spooled, .. } = self;
        write!(
            f,
            "{generated} spans: {delivered} delivered, {spooled} spooled, {} dropped",
            self.dropped_total()
        )?;
        write_reasons(f, &self.dropped)?;
        write_waiting(f, self.waiting())?;
        if self.recovered > 0 {
            write!(f, "; of {} left by an earlier run, {} delivered", self.recovered, self.replayed)?;
        }
        if self.annotations.generated > 0 {
            write!(f, "; {}", self.annotations)?;
        }
        if self.metrics.generated > 0 {
            write!(f, "; {}", self.metrics)?;
        }
        if self.logs.generated > 0 {
            write!(f, "; {}", self.logs)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Annotations, DataPoints, Delivery};

    #[test]
    fn it_reads_as_a_sentence() {
        let dropped = BTreeMap::from([("queue full", 2), ("export failed", 1)]);
        let mut delivery = Delivery { generated: 9, delivered: 5, dropped, ..Delivery::default() };
        assert_eq!(
            delivery.to_string(),
            "9 spans: 5 delivered, 0 spooled, 3 dropped (export failed 1, queue full 2), 1 waiting"
        );
        delivery = Delivery { recovered: 4, replayed: 3, ..delivery };
        assert!(delivery.to_string().ends_with("waiting; of 4 left by an earlier run, 3 delivered"));
        let annotations = Annotations { generated: 2, delivered: 1, ..Annotations::default() };
        delivery = Delivery { annotations, ..delivery };
        assert!(delivery.to_string().ends_with("; 2 annotations: 1 delivered, 0 dropped, 1 waiting"));
        let metrics = DataPoints { generated: 9, delivered: 4, replaced: 3, ..DataPoints::default() };
        delivery = Delivery { metrics, ..delivery };
        assert!(
            delivery.to_string().ends_with("; 9 data points: 4 delivered, 3 replaced, 0 dropped, 2 waiting")
        );
        assert_eq!(delivery.clone().add(delivery).dropped["queue full"], 4);
    }
}
