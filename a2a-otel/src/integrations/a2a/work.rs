//! The tasks that an agent is working on, so that a cancellation, which is another request, finds the work that it
//! ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use ::a2a::{TaskId, TaskState};

use crate::lock::lock;

/// The tasks in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Arc<Mutex<HashMap<TaskId, Weak<Work>>>>);

/// The work on one task. It is in progress as long as a reference to it exists.
#[derive(Debug)]
pub(super) struct Work {
    task: TaskId,
    tasks: Tasks,
    is_cancelled: AtomicBool,
    /// The state that was counted last.
    state: Mutex<Option<TaskState>>,
}

impl Tasks {
    pub(super) fn begin(&self, task: &str) -> Arc<Work> {
        let work = Arc::new(self.work(task));
        lock(&self.0).insert(task.to_owned(), Arc::downgrade(&work));
        work
    }

    fn work(&self, task: &str) -> Work {
        let (task, tasks) = (task.to_owned(), self.clone());
        Work { task, tasks, is_cancelled: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Returns the work on the task that is cancelled, or work that is not in progress.
    pub(super) fn cancel(&self, task: &str) -> Arc<Work> {
        let work = lock(&self.0).get(task).and_then(Weak::upgrade);
        match work {
            Some(work) => {
                work.is_cancelled.store(true, Ordering::Relaxed);
                work
            }
            None => Arc::new(self.work(task)),
        }
    }
}

impl Work {
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Whether the task was in another state before.
    pub(super) fn enters(&self, state: &TaskState) -> bool {
        let mut last = lock(&self.state);
        let is_new = last.as_ref() != Some(state);
        if is_new {
            *last = Some(state.clone());
        }
        is_new
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let mut tasks = lock(&self.tasks.0);
        // A later turn of the same task may have begun.
        if tasks.get(&self.task).is_some_and(|work| work.strong_count() == 0) {
            tasks.remove(&self.task);
        }
    }
}
