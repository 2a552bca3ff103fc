//! The work of a part that goes on beside its requests, and ends before the process does.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The work of one part.
#[derive(Clone, Default)]
pub(crate) struct Work {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Work {
    /// Starts work, which ends early if all work is stopped: what it has recorded so far is sent then.
    pub(crate) fn spawn(&self, work: impl Future + Send + 'static) -> JoinHandle<()> {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        })
    }

    /// Stops all work.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until no work is left.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
