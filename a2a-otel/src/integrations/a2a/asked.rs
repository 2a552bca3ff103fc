//! Whose tasks the calls of this process have asked for.

use std::sync::{LazyLock, Mutex};

use super::outcome::View;
use crate::integrations::asked::{self, Asked};

/// The most calls that are remembered. The oldest are forgotten first.
const MOST: usize = 10_000;

/// The longest name of a task that is remembered, in bytes, so that nobody can fill the memory with long ones.
const LONGEST: usize = 512;

static ASKED: LazyLock<Mutex<Asked>> = LazyLock::new(|| Mutex::new(Asked::new(MOST)));

/// Whose task it is: agents name their tasks each for itself.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) view: View,
    /// The called agent, on the calling side.
    pub(super) agent: Option<&'a str>,
}

impl Owner<'_> {
    const fn side(self) -> &'static str {
        match self.view {
            View::Caller => "caller",
            View::Agent => "agent",
        }
    }

    fn key(self, task: &str) -> Option<String> {
        let key = format!("{}\n{}\n{task}", self.side(), self.agent.unwrap_or_default());
        Some(key).filter(|key| key.len() <= LONGEST)
    }
}

/// Remembers that the current span has asked for a task that is not over.
pub(super) fn remember(owner: Owner<'_>, task: &str) {
    if let Some(key) = owner.key(task) {
        asked::remember(&ASKED, key);
    }
}

/// Links the current span to the one that has asked for a task.
pub(super) fn link(owner: Owner<'_>, task: &str) {
    if let Some(key) = owner.key(task) {
        asked::link(&ASKED, |asked| asked.get(&key));
    }
}

/// Links the current span to the one of this process that has asked some agent for a task.
pub(super) fn link_to_caller(task: &str) {
    let (side, end) = (Owner { view: View::Caller, agent: None }.side(), format!("\n{task}"));
    asked::link(&ASKED, |asked| asked.find(|key| key.starts_with(side) && key.ends_with(&end)));
}
