//! Starting and ending telemetry.

mod builder;
mod handle;
mod install;
mod parts;
mod prepare;
mod replaced;
#[cfg(all(unix, feature = "signals"))]
mod signals;
mod spans;

#[cfg(all(test, feature = "otlp", feature = "testing"))]
mod tests;

pub use self::builder::{Builder, InitError};
pub use self::handle::{Handle, Telemetry};
pub use crate::pipeline::health::{Condition, ExporterHealth, Health, Losses, QueueHealth};
pub use crate::report::on_message;
#[doc(no_inline)]
pub use crate::settings::{self, Settings};

/// Starts telemetry as the environment configures it. It never fails: what is wrong with the configuration is reported
/// on standard error and left out.
///
/// ```
/// let telemetry = a2a_otel::init();
/// // ... the agents run ...
/// drop(telemetry);
/// ```
pub fn init() -> Telemetry {
    Builder::default().start()
}

impl Telemetry {
    /// Configures telemetry in code.
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
}
