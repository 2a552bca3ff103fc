//! The tasks that an agent is working on, so that a cancellation, which is another request, finds the work that it
//! ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use ::a2a::TaskId;

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
}

impl Tasks {
    pub(super) fn begin(&self, task: &str) -> Arc<Work> {
        let work = Work { task: task.to_owned(), tasks: self.clone(), is_cancelled: AtomicBool::new(false) };
        let work = Arc::new(work);
        lock(&self.0).insert(task.to_owned(), Arc::downgrade(&work));
        work
    }

    pub(super) fn cancel(&self, task: &str) {
        let work = lock(&self.0).get(task).and_then(Weak::upgrade);
        if let Some(work) = work {
            work.is_cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Work {
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
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
