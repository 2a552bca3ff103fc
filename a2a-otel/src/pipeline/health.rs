//! The health of telemetry.

use std::fmt;
use std::time::SystemTime;

use super::Delivery;

/// The health of each part of telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The tracer provider, which creates the spans.
    pub provider: Condition,
    /// The exporters, which send them.
    pub exporters: Vec<ExporterHealth>,
    /// The exporter of annotations; `None` before the first annotation.
    pub annotations: Option<Condition>,
    /// The meter provider.
    pub metrics: Condition,
    /// Whether log records are sent.
    pub logs: Condition,
    /// How often a `Serialize`, `Debug` or `Display` implementation or a redactor panicked while a value was recorded.
    /// The span shows where.
    pub panics: u64,
}

/// The health of one exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterHealth {
    /// The receiver.
    pub target: String,
    /// Whether the last request succeeded.
    pub condition: Condition,
    /// Whether the receiver refuses everything until somebody fixes the cause, such as a wrong key.
    pub is_refused: bool,
    /// The spans that are waiting to be sent.
    pub queue: QueueHealth,
    /// Whether spans can be saved to disk.
    pub spool: Condition,
    /// What became of its spans so far.
    pub delivery: Delivery,
    /// The spans that were lost lately; `None` if none was lost within the last minute.
    pub losses: Option<Losses>,
    /// How often a thread of this exporter panicked, and was started anew.
    pub restarts: u64,
}

/// What is being lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// When it began. Something has been lost in each minute since.
    pub since: SystemTime,
    /// How much was lost within the last minute.
    pub last_minute: u64,
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.since.elapsed().unwrap_or_default().as_secs();
        write!(f, "{} dropped in the last minute, and some for {seconds} s", self.last_minute)
    }
}

impl ExporterHealth {
    /// Whether spans are delivered or kept, and none is being lost.
    fn is_good(&self) -> bool {
        self.losses.is_none() && [&self.condition, &self.spool].into_iter().all(Condition::is_good)
    }

    /// Whether spans wait on disk until the receiver is back, and none is being lost. A receiver that refuses everything
    /// does not come back by itself.
    #[cfg(feature = "http")]
    fn keeps_spans(&self) -> bool {
        !self.is_refused && self.losses.is_none() && self.spool == Condition::Good
    }
}

/// How full a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueHealth {
    /// Spans in memory that are not sent yet.
    pub spans: usize,
    /// Roughly how many bytes they take.
    pub bytes: usize,
    /// The largest number of bytes that they may take. Further spans are dropped and counted.
    pub capacity: usize,
}

/// The health of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It works.
    Good,
    /// It fails, for this reason.
    Failing(String),
    /// It is switched off by configuration.
    Disabled,
    /// It has ended.
    ShutDown,
}

impl Health {
    /// Whether every part works or is switched off, and nothing was lost within the last minute.
    #[must_use]
    pub fn is_good(&self) -> bool {
        [&self.provider, &self.metrics, &self.logs]
            .into_iter()
            .chain(&self.annotations)
            .all(Condition::is_good)
            && self.exporters.iter().all(ExporterHealth::is_good)
    }

    /// Whether no span is lost: each is delivered, or kept in the spool until the receiver is back.
    #[cfg(feature = "http")]
    pub(crate) fn loses_nothing(&self) -> bool {
        let keeps = |exporter: &ExporterHealth| exporter.is_good() || exporter.keeps_spans();
        // Annotations wait for their spans, and fail with the receiver of spans.
        [&self.provider, &self.metrics, &self.logs].into_iter().all(Condition::is_good)
            && !self.exporters.is_empty()
            && self.exporters.iter().all(keeps)
    }
}

impl Condition {
    /// Whether it works or is switched off.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Condition::Good | Condition::Disabled)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans: {}", self.provider)?;
        for exporter in &self.exporters {
            let ExporterHealth { target, condition, queue, spool, delivery, losses, restarts, .. } = exporter;
            write!(
                f,
                "\n{target}: {condition}; {delivery}; {} of {} bytes wait",
                queue.bytes, queue.capacity
            )?;
            if let Some(losses) = losses {
                write!(f, "; {losses}")?;
            }
            if *restarts > 0 {
                write!(f, "; threads started anew after a panic: {restarts}")?;
            }
            if *spool != Condition::Disabled {
                write!(f, "; spool: {spool}")?;
            }
        }
        if let Some(condition) = &self.annotations {
            write!(f, "\nannotations: {condition}")?;
        }
        if self.metrics != Condition::Disabled {
            write!(f, "\nmetrics: {}", self.metrics)?;
        }
        if self.logs != Condition::Disabled {
            write!(f, "\nlogs: {}", self.logs)?;
        }
        match self.panics {
            0 => Ok(()),
            panics => write!(f, "\nvalues that panicked: {panics}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Good => f.write_str("good"),
            Condition::Failing(cause) => write!(f, "failing: {cause}"),
            Condition::Disabled => f.write_str("disabled"),
            Condition::ShutDown => f.write_str("shut down"),
        }
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_only_if_each_part_works() {
        let exporter = ExporterHealth {
            target: "a receiver".to_owned(),
            condition: Condition::Good,
            is_refused: false,
            queue: QueueHealth::default(),
            spool: Condition::Disabled,
            delivery: Delivery::default(),
            losses: None,
            restarts: 0,
        };
        let good = Health {
            provider: Condition::Good,
            exporters: vec![exporter],
            annotations: None,
            metrics: Condition::Disabled,
            logs: Condition::Disabled,
            panics: 0,
        };
        assert!(good.loses_nothing());
        assert!(!good.to_string().contains("; spool: "), "{good}");
        assert!(!Health { provider: Condition::ShutDown, ..good.clone() }.loses_nothing());
        assert!(!Health { exporters: Vec::new(), ..good.clone() }.loses_nothing());
        let mut failing = good;
        failing.exporters[0].condition = Condition::Failing("nobody listens".to_owned());
        assert!(!failing.loses_nothing());
        failing.exporters[0].spool = Condition::Good;
        assert!(failing.loses_nothing(), "its spans wait on disk");
        assert!(failing.to_string().contains("; spool: good"), "{failing}");
    }
}
