//! When a program is asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or Ctrl-C.
pub async fn requested() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without handlers of its own, the process ends at the signal.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
