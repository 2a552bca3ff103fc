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
    /// Recovered spans that are lost, by reason. Also those that this process deleted from a shared folder after their
    /// process had ended, for example because they were too old.
    pub recovered_dropped: BTreeMap<&'static str, u64>,
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

impl fmt::Display for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_account(f, self, "annotations", &[("delivered", self.delivered)])
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

impl fmt::Display for LogRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_account(f, self, "log records", &[("delivered", self.delivered)])
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

impl fmt::Display for DataPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_account(f, self, "data points", &[("delivered", self.delivered), ("replaced", self.replaced)])
    }
}

/// An account: of what was generated, some is settled, some is lost, and the rest waits.
trait Account {
    fn generated(&self) -> u64;
    fn dropped(&self) -> &BTreeMap<&'static str, u64>;
    fn waiting(&self) -> u64;
}

/// What all accounts have, given the counts of what is settled.
macro_rules! accounts {
    ($($account:ident: $($settled:ident),+;)*) => {$(
        impl $account {
            /// Returns how many are lost.
            #[must_use]
            pub fn dropped_total(&self) -> u64 {
                self.dropped.values().sum()
            }

            /// Returns how many are neither sent nor lost.
            #[must_use]
            pub fn waiting(&self) -> u64 {
                self.generated.saturating_sub($(self.$settled +)+ self.dropped_total())
            }
        }

        impl Account for $account {
            fn generated(&self) -> u64 {
                self.generated
            }

            fn dropped(&self) -> &BTreeMap<&'static str, u64> {
                &self.dropped
            }

            fn waiting(&self) -> u64 {
                self.waiting()
            }
        }
    )*};
}

accounts! {
    Delivery: delivered, spooled;
    Annotations: delivered;
    LogRecords: delivered;
    DataPoints: delivered, replaced;
}

fn write_account(
    f: &mut fmt::Formatter<'_>,
    account: &impl Account,
    items: &str,
    settled: &[(&str, u64)],
) -> fmt::Result {
    write!(f, "{} {items}: ", account.generated())?;
    settled.iter().try_for_each(|(fate, count)| write!(f, "{count} {fate}, "))?;
    write!(f, "{} dropped", account.dropped().values().sum::<u64>())?;
    write_reasons(f, account.dropped())?;
    match account.waiting() {
        0 => Ok(()),
        waiting => write!(f, ", {waiting} waiting"),
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, dropped: &BTreeMap<&'static str, u64>) -> fmt::Result {
    let reasons: Vec<_> = dropped.iter().map(|(reason, lost)| format!("{reason} {lost}")).collect();
    if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join(", ")) }
}

impl Delivery {
    pub(crate) fn add(mut self, other: Delivery) -> Delivery {
        self.generated += other.generated;
        self.delivered += other.delivered;
        self.spooled += other.spooled;
        self.recovered += other.recovered;
        self.replayed += other.replayed;
        for (reason, spans) in other.dropped {
            *self.dropped.entry(reason).or_default() += spans;
        }
        for (reason, spans) in other.recovered_dropped {
            *self.recovered_dropped.entry(reason).or_default() += spans;
        }
        self
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = [("delivered", self.delivered), ("spooled", self.spooled)];
        write_account(f, self, "spans", &settled)?;
        if self.recovered > 0 {
            write!(f, "; of {} left by an earlier run, {} delivered", self.recovered, self.replayed)?;
        }
        let lost: u64 = self.recovered_dropped.values().sum();
        if lost > 0 {
            write!(f, ", {lost} dropped")?;
            write_reasons(f, &self.recovered_dropped)?;
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
        let recovered_dropped = BTreeMap::from([("spool full", 1)]);
        delivery = Delivery { recovered_dropped, ..delivery };
        assert!(delivery.to_string().ends_with("run, 3 delivered, 1 dropped (spool full 1)"));
        let annotations = Annotations { generated: 2, delivered: 1, ..Annotations::default() };
        delivery = Delivery { annotations, ..delivery };
        assert!(delivery.to_string().ends_with("; 2 annotations: 1 delivered, 0 dropped, 1 waiting"));
        let metrics = DataPoints { generated: 9, delivered: 4, replaced: 3, ..DataPoints::default() };
        delivery = Delivery { metrics, ..delivery };
        assert!(
            delivery.to_string().ends_with("; 9 data points: 4 delivered, 3 replaced, 0 dropped, 2 waiting")
        );
    }

    #[test]
    fn the_accounts_of_several_exporters_are_added() {
        let of_one = Delivery {
            generated: 20,
            delivered: 5,
            spooled: 4,
            dropped: BTreeMap::from([("queue full", 3)]),
            recovered: 9,
            replayed: 6,
            recovered_dropped: BTreeMap::from([("spool full", 2)]),
            ..Delivery::default()
        };
        let of_two = Delivery {
            generated: 40,
            delivered: 10,
            spooled: 8,
            dropped: BTreeMap::from([("queue full", 6)]),
            recovered: 18,
            replayed: 12,
            recovered_dropped: BTreeMap::from([("spool full", 4)]),
            ..Delivery::default()
        };
        assert_eq!(of_one.clone().add(of_one), of_two);
    }
}
