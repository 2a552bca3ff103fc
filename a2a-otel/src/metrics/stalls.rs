//! Notices when a tokio runtime is blocked: a thread of ours gives it a small task again and again, and waits until a
//! worker has taken it.
//!
//! A runtime whose workers all wait or compute without returning to it takes no new task, whatever the reason. One that
//! is busy but whole does, if late. So it is not looked at how busy the workers are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};

use crate::lock::lock;
use crate::report::report;

/// A runtime that takes no task for so long is blocked.
const BLOCKED: Duration = Duration::from_secs(1);
/// The time between two tasks. A runtime that is blocked for a second and this is always noticed.
const PAUSE: Duration = Duration::from_millis(250);
/// How often the thread looks at the clock while it waits.
const STEP: Duration = Duration::from_millis(100);

/// What is known about a runtime's stalls.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    count: AtomicU64,
    /// The time of those that have ended, in microseconds.
    ended: AtomicU64,
    /// The time of the one that goes on, in microseconds.
    ongoing: AtomicU64,
}

impl Stalls {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn time(&self) -> Duration {
        let microseconds = self.ended.load(Ordering::Relaxed) + self.ongoing.load(Ordering::Relaxed);
        Duration::from_micros(microseconds)
    }

    /// A task has waited for so long in all, and still waits.
    fn waits(&self, waited: Duration, name: &str) {
        if waited < BLOCKED {
            return;
        }
        if self.ongoing.swap(microseconds(waited), Ordering::Relaxed) == 0 {
            self.count.fetch_add(1, Ordering::Relaxed);
            report(&format_args!(
                "the tokio runtime {name:?} is blocked: no worker has taken a new task for {} s; move work that blocks to \
                 tokio::task::spawn_blocking",
                BLOCKED.as_secs()
            ));
        }
    }

    /// The task was taken.
    fn taken(&self) {
        let waited = self.ongoing.swap(0, Ordering::Relaxed);
        self.ended.fetch_add(waited, Ordering::Relaxed);
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Watches a runtime for as long as anybody holds what is returned. A runtime that is watched already is not watched
/// twice. `None` if there can be no thread for it.
pub(super) fn watch(name: &str, handle: &Handle) -> Option<Arc<Stalls>> {
    static WATCHED: Mutex<Vec<(Id, Weak<Stalls>)>> = Mutex::new(Vec::new());
    let mut watched = lock(&WATCHED);
    watched.retain(|(_, stalls)| stalls.strong_count() > 0);
    let known = watched.iter().find(|(id, _)| *id == handle.id());
    if let Some(stalls) = known.and_then(|(_, stalls)| stalls.upgrade()) {
        return Some(stalls);
    }
    let stalls = Arc::default();
    let (weak, name, runtime) = (Arc::downgrade(&stalls), name.to_owned(), handle.clone());
    let thread = thread::Builder::new().name("a2a-otel-runtime".to_owned());
    thread.spawn(move || while is_alive(&weak, &name, &runtime) {}).ok()?;
    watched.push((handle.id(), Arc::downgrade(&stalls)));
    Some(stalls)
}

/// Waits for one task. Returns whether the runtime and somebody who asks for its figures are still there.
fn is_alive(stalls: &Weak<Stalls>, name: &str, runtime: &Handle) -> bool {
    thread::sleep(PAUSE);
    let (sender, taken) = channel();
    if stalls.strong_count() == 0 {
        return false;
    }
    drop(runtime.spawn(async move { _ = sender.send(()) }));
    let mut waited = Duration::ZERO;
    loop {
        let before = Instant::now();
        let outcome = taken.recv_timeout(STEP);
        let Some(stalls) = stalls.upgrade() else { return false };
        match outcome {
            Ok(()) => {
                stalls.taken();
                return true;
            }
            // The runtime has ended, and has dropped the task.
            Err(RecvTimeoutError::Disconnected) => {
                stalls.taken();
                return false;
            }
            Err(RecvTimeoutError::Timeout) => {
                // If this thread did not run either, the process was stopped, or has no CPU.
                waited += before.elapsed().min(2 * STEP);
                stalls.waits(waited, name);
            }
        }
    }
}
