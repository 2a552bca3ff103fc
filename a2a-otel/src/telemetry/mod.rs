//! Starting and ending telemetry: configuration, the providers, and the guard that holds them.

mod builder;
pub(crate) mod environment;
mod exporters;
pub mod settings;
pub(crate) mod values;

#[cfg(all(test, feature = "otlp", feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::trace::SdkTracerProvider;

pub use self::builder::{Builder, InitError};
pub use self::settings::Settings;
#[cfg(feature = "metrics")]
use crate::metrics::{Meters, MetricsSnapshot};
use crate::pipeline::{Delivery, Ledger, Link};
pub(crate) use crate::report::{announce, report};
use crate::span::Foresight;

/// How long dropping the guard may take.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Which guard installed what is global now: an older one must not remove what a newer one has put there.
static LATEST: AtomicUsize = AtomicUsize::new(0);

/// Starts telemetry as the environment says. It never fails: what is wrong with the configuration is reported on
/// standard error, and telemetry does without it.
///
/// ```
/// let telemetry = a2a_otel::init();
/// // ... the agents run ...
/// drop(telemetry);
/// ```
pub fn init() -> Telemetry {
    Builder::default().start()
}

/// Keeps telemetry running; dropping it sends what is waiting, for at most five seconds, and shuts down.
///
/// ```
/// use std::time::Duration;
///
/// let telemetry = a2a_otel::Telemetry::builder().service_name("shop").tracing(false).init()?;
/// // ... the agents run ...
/// let delivery = telemetry.shutdown(Duration::from_secs(2));
/// println!("{delivery}");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Debug)]
#[must_use = "telemetry stops when this guard is dropped"]
pub struct Telemetry {
    settings: Settings,
    provider: Option<SdkTracerProvider>,
    /// What the sampler is known to decide.
    foresight: Foresight,
    ledgers: Vec<Arc<Ledger>>,
    #[cfg(feature = "metrics")]
    meters: Option<Meters>,
    /// The number under which this one is installed globally.
    installed: Option<usize>,
    closed: OnceLock<Delivery>,
}

impl Telemetry {
    /// Starts telemetry as the code says.
    ///
    /// ```
    /// let telemetry = a2a_otel::Telemetry::builder()
    ///     .service_name("product-agent")
    ///     .project_name("marketplace")
    ///     .tracing(false)
    ///     .init()?;
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The settings that are in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends what is waiting, and waits for that until the time is over.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let delivery = telemetry.flush(std::time::Duration::from_secs(1));
    /// assert_eq!(delivery.waiting(), 0);
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn flush(&self, timeout: Duration) -> Delivery {
        if let (Some(provider), None) = (&self.provider, self.closed.get()) {
            let (provider, ledgers) = (provider.clone(), self.ledgers.clone());
            let deadline = Instant::now() + timeout;
            let is_hope_left =
                move || Instant::now() < deadline && ledgers.iter().any(|ledger| !ledger.is_absent());
            within(timeout, move || {
                // A processor waits for five seconds, which can be less than was asked for.
                while provider.force_flush().is_err() && is_hope_left() {
                    thread::sleep(Duration::from_millis(10));
                }
            });
        }
        self.delivery()
    }

    /// Sends what is waiting, ends telemetry, and says what became of every span. The second time it only says so.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let delivery = telemetry.shutdown(std::time::Duration::from_secs(1));
    /// assert_eq!(delivery.dropped_total(), 0, "{delivery}");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn shutdown(&self, timeout: Duration) -> Delivery {
        self.closed.get_or_init(|| self.close(timeout)).clone()
    }

    /// What became of the spans so far.
    fn delivery(&self) -> Delivery {
        self.closed.get().cloned().unwrap_or_else(|| self.count())
    }

    fn count(&self) -> Delivery {
        self.ledgers.iter().map(|ledger| ledger.delivery()).fold(Delivery::default(), Delivery::add)
    }

    fn close(&self, timeout: Duration) -> Delivery {
        if self.installed == Some(LATEST.load(Ordering::Relaxed)) {
            crate::span::deactivate();
        }
        self.ledgers.iter().for_each(|ledger| ledger.close());
        if let Some(provider) = self.provider.clone() {
            #[cfg(feature = "metrics")]
            let meters = self.meters.clone();
            within(timeout, move || {
                let _ = provider.shutdown_with_timeout(timeout);
                #[cfg(feature = "metrics")]
                meters.iter().for_each(Meters::shutdown);
            });
        }
        self.ledgers.iter().for_each(|ledger| ledger.write_off());
        self.count()
    }

    /// How each part is doing.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let health = telemetry.health();
    /// assert!(health.is_good());
    /// println!("{health}");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn health(&self) -> Health {
        let provider = match (&self.provider, self.closed.get()) {
            (None, _) => Condition::Disabled,
            (_, Some(_)) => Condition::ShutDown,
            _ => Condition::Good,
        };
        let exporters = self.ledgers.iter().map(|ledger| exporter_health(ledger));
        Health { provider, exporters: exporters.collect() }
    }

    /// Collects the metrics of this process and returns them.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// println!("{}", telemetry.metrics());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.meters.as_ref().map(Meters::collect).unwrap_or_default()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.shutdown(DROP_TIMEOUT);
    }
}

/// Runs on a thread of its own, so that neither a hanging receiver, nor a runtime that this thread drives, nor a panic
/// in somebody's exporter can keep the caller.
fn within(timeout: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::Builder::new().name("a2a-otel".to_owned()).spawn(move || {
        work();
        let _ = done.send(());
    });
    if worker.is_ok() {
        let _ = wait.recv_timeout(timeout);
    }
}

fn exporter_health(ledger: &Ledger) -> ExporterHealth {
    let condition = match ledger.link() {
        Link::Unused | Link::Working => Condition::Good,
        Link::Failing(cause) => Condition::Failing(cause),
    };
    ExporterHealth { target: ledger.target.clone(), condition, delivery: ledger.delivery() }
}

/// How each part of telemetry is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// What makes the spans.
    pub provider: Condition,
    /// What sends them.
    pub exporters: Vec<ExporterHealth>,
}

/// How one exporter is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterHealth {
    /// Where it sends to.
    pub target: String,
    /// Whether the last batch got through.
    pub condition: Condition,
    /// What became of its spans so far.
    pub delivery: Delivery,
}

/// How one part is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// Nothing is wrong.
    Good,
    /// It tries and fails, for this reason.
    Failing(String),
    /// It is switched off by configuration.
    Disabled,
    /// It has ended.
    ShutDown,
}

impl Health {
    /// Whether every part does what it should.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let mut conditions =
            self.exporters.iter().map(|exporter| &exporter.condition).chain([&self.provider]);
        conditions.all(|condition| matches!(condition, Condition::Good | Condition::Disabled))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans: {}", self.provider)?;
        self.exporters.iter().try_for_each(|ExporterHealth { target, condition, delivery }| {
            write!(f, "\n{target}: {condition}; {delivery}")
        })
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
