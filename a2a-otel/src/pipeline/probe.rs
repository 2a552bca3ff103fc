//! Tries a receiver, for people who look for a fault.

use std::time::{Duration, Instant, SystemTime};

#[cfg(feature = "otlp-grpc")]
use super::otlp;
#[cfg(feature = "otlp-grpc")]
use super::transport::Grpc;
pub use super::transport::TroubleKind;
use super::transport::{Hints, Http, Sight, proxy_of};
use crate::settings::{Endpoint, Settings};

static HINTS: Hints = Hints {
    absent: "nothing listens there",
    unauthorised: "the key is missing, or not accepted",
    unknown: "it does not know the path or the method",
};

/// What is sent to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// Spans.
    Spans,
    /// Metrics, with the feature `metrics`.
    Metrics,
    /// Log records, with the feature `logs`.
    Logs,
}

/// A receiver that settings name, and the way to it.
///
/// ```
/// use a2a_otel::pipeline::{Data, Target, TroubleKind};
/// use a2a_otel::settings::Explanation;
/// use std::time::Duration;
///
/// let settings = Explanation::of("agent", [("PHOENIX_COLLECTOR_ENDPOINT", "http://127.0.0.1:9")]).resolved;
/// let target = Target::of(&settings, Data::Spans).unwrap();
/// assert_eq!((target.endpoint().port(), target.proxy()), (9, None));
/// let probe = target.probe(Duration::from_secs(1));
/// assert_eq!(probe.trouble.unwrap().kind, TroubleKind::NoConnection);
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    /// The settings for this receiver.
    settings: Settings,
    endpoint: Endpoint,
    data: Data,
}

/// What a receiver answered to an empty request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Probe {
    /// How long the answer took.
    pub elapsed: Duration,
    /// What is wrong, if something is.
    pub trouble: Option<Trouble>,
    /// How far the receiver's clock is ahead of ours, in seconds, if it says what time it is: within a second, and how long
    /// the answer took.
    pub clock_ahead: Option<f64>,
    /// The address that the receiver sends the client to, without its query.
    pub redirected_to: Option<String>,
}

/// What is wrong with a receiver, or with the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// What kind it is.
    pub kind: TroubleKind,
    /// The cause, as messages about the receiver name it.
    pub cause: String,
}

impl Target {
    /// Returns the receiver of this data. `None` if the settings send it nowhere over OTLP, or switch telemetry off.
    #[must_use]
    pub fn of(settings: &Settings, data: Data) -> Option<Self> {
        if settings.disabled {
            return None;
        }
        let settings = match data {
            Data::Spans => settings.exporter.is_otlp().then(|| settings.clone())?,
            #[cfg(feature = "metrics")]
            Data::Metrics => settings.metrics.receiver().map(|_| settings.for_metrics())?,
            #[cfg(feature = "logs")]
            Data::Logs => settings.logs.as_ref().map(|logs| settings.for_logs(logs))?,
            #[cfg(not(all(feature = "metrics", feature = "logs")))]
            _ => return None,
        };
        let endpoint = settings.endpoint.clone()?;
        Some(Target { settings, endpoint, data })
    }

    /// Returns what it receives.
    #[must_use]
    pub fn data(&self) -> Data {
        self.data
    }

    /// Returns the address of the receiver.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the host and the port of the proxy that requests go through, if the environment names one.
    #[must_use]
    pub fn proxy(&self) -> Option<(String, u16)> {
        #[cfg(feature = "otlp-grpc")]
        if self.is_grpc() {
            return None;
        }
        proxy_of(&self.endpoint)
    }

    /// Sends one empty request, as the sender would, and waits for the answer. An empty request changes nothing.
    #[must_use]
    pub fn probe(&self, patience: Duration) -> Probe {
        let start = Instant::now();
        let sight = self.look(patience);
        let elapsed = start.elapsed();
        let clock_ahead = sight.date.map(|date| clock_ahead(date, SystemTime::now() - elapsed / 2));
        let trouble = sight.trouble.map(|(kind, cause)| Trouble { kind, cause });
        Probe { elapsed, trouble, clock_ahead, redirected_to: sight.location }
    }

    fn look(&self, patience: Duration) -> Sight {
        #[cfg(feature = "otlp-grpc")]
        if self.is_grpc() {
            let grpc = Grpc::new(&self.settings, &self.endpoint, self.method(), &HINTS);
            return match grpc {
                Ok(grpc) => grpc.look(Vec::new(), patience),
                Err(cause) => Sight::failed(TroubleKind::NoConnection, cause),
            };
        }
        Http::otlp(&self.settings, &self.endpoint, &HINTS).look(Vec::new(), patience)
    }

    #[cfg(feature = "otlp-grpc")]
    fn is_grpc(&self) -> bool {
        self.settings.protocol == crate::settings::Protocol::Grpc
    }

    #[cfg(feature = "otlp-grpc")]
    fn method(&self) -> &'static str {
        match self.data {
            #[cfg(feature = "metrics")]
            Data::Metrics => otlp::EXPORT_METRICS,
            #[cfg(feature = "logs")]
            Data::Logs => otlp::EXPORT_LOGS,
            _ => otlp::EXPORT_SPANS,
        }
    }
}

/// How many seconds a clock is ahead of ours that named this second in an answer, which was written at this time of ours. On
/// average, half of the second was over.
fn clock_ahead(second: SystemTime, written: SystemTime) -> f64 {
    seconds_after(second, written) + 0.5
}

/// How many seconds a time is after another; negative if it is before.
fn seconds_after(time: SystemTime, other: SystemTime) -> f64 {
    match time.duration_since(other) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_compared_by_the_middle_of_its_second() {
        let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
        for (second, expected) in [(now, 0.5), (now + hour, 3600.5), (now - hour, -3599.5)] {
            let ahead = clock_ahead(second, now);
            assert!((ahead - expected).abs() < 1e-6, "{ahead} instead of {expected}");
        }
    }
}
