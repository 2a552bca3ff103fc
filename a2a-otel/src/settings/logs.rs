//! How the settings of log records are resolved.

use std::time::Duration;

use super::endpoint::LOGS_PATH;
use super::receiver::{Receiver, Said, Signal};
use super::variables::{LOGS_BATCH_SIZE, LOGS_DELAY, LOGS_EXPORTER, LOGS_QUEUE, LOGS_RECEIVER, LOGS_TIMEOUT};
use super::{Batch, Logs, Tls};
use crate::environment::Environment;

static SIGNAL: Signal = Signal { variables: &LOGS_RECEIVER, path: LOGS_PATH, name: "log records" };

impl Logs {
    /// Resolves whether and where log records are sent. Nothing is read unless they are asked for.
    pub(super) fn resolve(tls: &Tls, batch: &Batch, environment: &mut Environment<'_>) -> Option<Self> {
        if !environment.read(&LOGS_EXPORTER).unwrap_or_default() {
            return None;
        }
        let Receiver { endpoint, protocol, headers, timeout, compression, tls } =
            Receiver::resolve(&SIGNAL, &Said::default(), tls, environment);
        let Some(endpoint) = endpoint else {
            SIGNAL.note_missing(environment);
            return None;
        };
        let queue = environment.read(&LOGS_QUEUE);
        let size = environment.read(&LOGS_BATCH_SIZE).unwrap_or(batch.size);
        let batch = Batch {
            delay: environment.read(&LOGS_DELAY).unwrap_or(Duration::from_secs(1)),
            queue,
            size: size.min(queue.unwrap_or(usize::MAX)),
            timeout: environment.read(&LOGS_TIMEOUT).unwrap_or(Duration::from_secs(30)),
            ..*batch
        };
        Some(Logs { endpoint, protocol, headers, timeout, compression, tls, batch })
    }
}
