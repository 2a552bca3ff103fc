//! Running telemetry: the guard that keeps it running, and handles to it.

use std::fmt;
#[cfg(feature = "metrics")]
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::spans::Spans;
use crate::deadline;
use crate::lock::lock;
use crate::meter;
#[cfg(feature = "metrics")]
use crate::metrics::prometheus::{Listener, Scraper};
#[cfg(feature = "metrics")]
use crate::metrics::{Meters, MetricsSnapshot};
use crate::pipeline::annotations::{self, Annotator};
use crate::pipeline::health::{Condition, Health};
#[cfg(feature = "logs")]
use crate::pipeline::logs::Logger;
use crate::pipeline::{Backend, Delivery, Ledger};
use crate::report::report;
use crate::settings::Settings;
use crate::span::Foresight;

/// How long dropping the guard takes at most.
pub(super) const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of the guard that was installed last. An older guard must not remove what a newer one installed.
pub(super) static LATEST: AtomicUsize = AtomicUsize::new(0);

/// The telemetry that is installed globally, while it runs.
pub(super) static INSTALLED: Mutex<Weak<Running>> = Mutex::new(Weak::new());

/// Keeps telemetry running. Dropping it sends what is waiting, for at most five seconds, and shuts telemetry down.
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
pub struct Telemetry(pub(super) Handle);

impl Telemetry {
    /// Returns a handle for code that does not keep telemetry running, such as health probes and signal handlers.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let handle = telemetry.handle();
    /// std::thread::spawn(move || println!("{}", handle.health()));
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.clone()
    }
}

impl Deref for Telemetry {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if self.0.0.closed.get().is_none() {
            self.0.0.spans.note_if_unused();
        }
        self.shutdown(DROP_TIMEOUT);
    }
}

/// Access to running telemetry. A handle does not keep it running: [`Telemetry`] does.
#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<Running>);

#[derive(Debug)]
pub(super) struct Running {
    pub(super) settings: Settings,
    pub(super) spans: Spans,
    /// Takes annotations, if spans go to a Phoenix.
    pub(super) annotator: Option<Arc<Annotator>>,
    /// Takes log records, if they are sent.
    #[cfg(feature = "logs")]
    pub(super) logger: Option<Arc<Logger>>,
    #[cfg(feature = "metrics")]
    pub(super) meters: Option<Meters>,
    /// Collects metrics for Prometheus.
    #[cfg(feature = "metrics")]
    pub(super) scraper: Option<Scraper>,
    #[cfg(feature = "metrics")]
    pub(super) listener: Mutex<Option<Listener>>,
    /// The number of the last time that this telemetry was installed; 0 if it was not.
    pub(super) installed: AtomicUsize,
    /// The meter provider of the application's with which calls are measured.
    pub(super) named_meters: Option<NamedMeters>,
    pub(super) closed: OnceLock<Delivery>,
}

/// A meter provider of the application's.
pub(super) struct NamedMeters(pub(super) Arc<meter::Provider>);

impl fmt::Debug for NamedMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamedMeters")
    }
}

impl Handle {
    /// Returns the telemetry that runs in this process, if there is any.
    ///
    /// ```
    /// let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// assert!(a2a_otel::Handle::installed().is_some());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn installed() -> Option<Self> {
        lock(&INSTALLED).upgrade().map(Handle)
    }

    /// Returns the settings in use.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Sends what is waiting, for at most `timeout`.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let delivery = telemetry.flush(std::time::Duration::from_secs(1));
    /// assert_eq!(delivery.waiting(), 0);
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers only want it done")]
    pub fn flush(&self, timeout: Duration) -> Delivery {
        if !self.0.spans.are_off() && self.0.closed.get().is_none() {
            let running = self.0.clone();
            let deadline = deadline::after(timeout);
            let is_hope_left = move |spans: &Spans| {
                Instant::now() < deadline && spans.backends().iter().any(|backend| !backend.is_hopeless())
            };
            let flush = move || {
                // A processor waits for five seconds, which can be less than was asked for.
                while running.spans.flush().is_err() && is_hope_left(&running.spans) {
                    thread::sleep(Duration::from_millis(10));
                }
            };
            let mut works: Vec<Work> = vec![Box::new(flush)];
            if let Some(annotator) = self.0.annotator.clone() {
                works.push(Box::new(move || annotator.flush(timeout)));
            }
            #[cfg(feature = "logs")]
            if let Some(logger) = self.0.logger.clone() {
                works.push(Box::new(move || logger.flush(timeout)));
            }
            #[cfg(feature = "metrics")]
            if let Some(meters) = self.0.meters.clone() {
                works.push(Box::new(move || meters.flush(timeout)));
            }
            within(timeout, works);
        }
        self.delivery()
    }

    /// Sends what is waiting, shuts telemetry down, and returns what became of every span. A second call only returns
    /// that.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let delivery = telemetry.shutdown(std::time::Duration::from_secs(1));
    /// assert_eq!(delivery.dropped_total(), 0, "{delivery}");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers only want it done")]
    pub fn shutdown(&self, timeout: Duration) -> Delivery {
        self.0.closed.get_or_init(|| self.close(timeout)).clone()
    }

    /// Makes the spans of the attribute macros and of `tracing_layer()` with this provider, which need not be the global
    /// one, from now on until telemetry ends. The last provider that is named counts, in the whole process.
    ///
    /// Telemetry keeps the provider alive for that time, so shut it down yourself if it should end earlier.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    ///
    /// let (processor, telemetry) = Telemetry::builder().processor()?;
    /// let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    /// telemetry.use_tracer_provider(&provider);
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn use_tracer_provider(&self, provider: &SdkTracerProvider) {
        if self.0.spans.are_off() {
            return;
        }
        if self.0.closed.get().is_some() {
            return report(&"telemetry has ended, so the tracer provider that it was given is not used");
        }
        let tracer = provider.tracer_with_scope(crate::gen_ai::scope());
        self.0.activate(tracer, Foresight::default());
    }

    /// Returns what became of the spans so far.
    fn delivery(&self) -> Delivery {
        self.0.closed.get().cloned().unwrap_or_else(|| self.count())
    }

    fn count(&self) -> Delivery {
        let spans = self.0.spans.backends().iter().map(Backend::delivery);
        let annotations = self.0.annotator.as_deref().map(Annotator::delivery).unwrap_or_default();
        #[cfg(feature = "metrics")]
        let metrics = self.0.meters.as_ref().map(Meters::delivery).unwrap_or_default();
        #[cfg(not(feature = "metrics"))]
        let metrics = crate::pipeline::DataPoints::default();
        #[cfg(feature = "logs")]
        let logs = self.0.logger.as_deref().map(Logger::delivery).unwrap_or_default();
        #[cfg(not(feature = "logs"))]
        let logs = crate::pipeline::LogRecords::default();
        Delivery { annotations, metrics, logs, ..spans.fold(Delivery::default(), Delivery::add) }
    }

    fn close(&self, timeout: Duration) -> Delivery {
        let tracer = self.0.uninstall();
        #[cfg(feature = "metrics")]
        drop(lock(&self.0.listener).take());
        self.0.spans.backends().iter().for_each(|backend| backend.shut(timeout));
        self.0.annotator.iter().for_each(|annotator| annotator.shut(timeout));
        #[cfg(feature = "logs")]
        self.0.logger.iter().for_each(|logger| logger.shut(timeout));
        #[cfg(feature = "metrics")]
        self.0.meters.iter().for_each(Meters::closing);
        if !self.0.spans.are_off() {
            let running = self.0.clone();
            let mut works: Vec<Work> = Vec::new();
            #[cfg(feature = "metrics")]
            let (ending, has_ended) = mpsc::channel::<()>();
            works.push(Box::new(move || {
                running.spans.end(timeout);
                // If nobody else has its provider, this ends that too.
                drop(tracer);
                #[cfg(feature = "metrics")]
                drop(ending);
            }));
            #[cfg(feature = "metrics")]
            if let Some(meters) = self.0.meters.clone() {
                // The last values say what became of the spans, unless their receiver takes too long.
                works.push(Box::new(move || {
                    let start = Instant::now();
                    let _ = has_ended.recv_timeout(timeout / 2);
                    meters.shutdown(timeout.saturating_sub(start.elapsed()));
                }));
            }
            #[cfg(feature = "logs")]
            if let Some(logger) = self.0.logger.clone() {
                works.push(Box::new(move || logger.close(timeout)));
            }
            if let Some(annotator) = self.0.annotator.clone() {
                works.push(Box::new(move || annotator.close(timeout)));
            }
            within(timeout, works);
        }
        #[cfg(feature = "metrics")]
        self.0.meters.iter().for_each(Meters::write_off);
        let (started, backends) = (self.0.spans.started(), self.0.spans.backends());
        for backend in backends {
            backend.close_open(started);
            backend.write_off();
        }
        self.0.annotator.iter().for_each(|annotator| annotator.write_off());
        #[cfg(feature = "logs")]
        self.0.logger.iter().for_each(|logger| logger.write_off());
        self.count()
    }

    /// Returns the state of each part.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// let health = telemetry.health();
    /// assert!(health.is_good());
    /// println!("{health}");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn health(&self) -> Health {
        let spans = &self.0.spans;
        let provider = match spans {
            Spans::Off => Condition::Disabled,
            _ if self.0.closed.get().is_some() || spans.have_ended() => Condition::ShutDown,
            _ => Condition::Good,
        };
        #[cfg(feature = "metrics")]
        let metrics = match &self.0.meters {
            Some(meters) if provider == Condition::Good => meters.condition(),
            Some(_) => provider.clone(),
            None => Condition::Disabled,
        };
        #[cfg(not(feature = "metrics"))]
        let metrics = Condition::Disabled;
        let exporters = spans.backends().iter().map(Backend::health).collect();
        let annotations = self.0.annotator.as_deref().and_then(Annotator::ledger).map(Ledger::health);
        #[cfg(feature = "logs")]
        let logs = match self.0.logger.as_deref() {
            Some(logger) if provider == Condition::Good => logger.condition(),
            Some(_) => provider.clone(),
            None => Condition::Disabled,
        };
        #[cfg(not(feature = "logs"))]
        let logs = Condition::Disabled;
        Health { provider, exporters, annotations, metrics, logs, panics: crate::capture::panics() }
    }

    /// Returns the address at which metrics are served to Prometheus, if there is a listener.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// assert!(telemetry.prometheus_address().is_none());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn prometheus_address(&self) -> Option<SocketAddr> {
        lock(&self.0.listener).as_ref().map(Listener::address)
    }

    /// What collects metrics for Prometheus, while telemetry runs.
    #[cfg(all(feature = "http", feature = "metrics"))]
    pub(crate) fn scraper(&self) -> Option<Scraper> {
        self.0.scraper.clone().filter(|_| self.0.closed.get().is_none())
    }

    /// Collects the metrics of this process and returns them.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
    /// println!("{}", telemetry.metrics());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.0.meters.as_ref().map(Meters::collect).unwrap_or_default()
    }
}

impl Running {
    /// Makes the spans of the attribute macros with this tracer.
    pub(super) fn activate(&self, tracer: SdkTracer, foresight: Foresight) {
        self.installed.store(LATEST.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        crate::span::activate(tracer, foresight);
    }

    /// Takes back what is only in place while telemetry runs, unless newer telemetry has replaced it. Returns the tracer that
    /// made the spans.
    fn uninstall(&self) -> Option<Arc<SdkTracer>> {
        if let Spans::Piped(_) = self.spans {
            self.annotator.iter().for_each(annotations::remove);
            crate::span::await_provider(false);
        }
        if let Some(NamedMeters(meters)) = &self.named_meters {
            meter::unname_provider(meters);
        }
        let installed = self.installed.load(Ordering::Relaxed);
        let is_latest = installed > 0 && installed == LATEST.load(Ordering::Relaxed);
        if is_latest { crate::span::deactivate() } else { None }
    }
}

/// A part of an end or a flush.
type Work = Box<dyn FnOnce() + Send>;

/// Runs all works at the same time, so that one that hangs does not use up the others' time. They run on other threads, so
/// that neither a hanging receiver, nor a runtime that this thread drives, nor a panic in an exporter can block the caller.
fn within(timeout: Duration, works: Vec<Work>) {
    let (done, wait) = mpsc::channel();
    let worker = thread::Builder::new().name("a2a-otel".to_owned()).spawn(move || {
        thread::scope(|scope| {
            for work in works {
                scope.spawn(work);
            }
        });
        let _ = done.send(());
    });
    if worker.is_ok() {
        let _ = wait.recv_timeout(timeout);
    }
}
