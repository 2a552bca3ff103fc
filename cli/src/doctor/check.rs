//! A check: what was looked at, how it is, why, and what to do.

use serde::Serialize;

/// How something is, from good to bad. What is skipped is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Skipped,
    Ok,
    Warning,
    Failed,
}

impl Status {
    pub(super) const ALL: [Status; 4] = [Status::Failed, Status::Warning, Status::Skipped, Status::Ok];

    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Skipped => "skipped",
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Failed => "failed",
        }
    }
}

/// A check. Its fields are part of the JSON that users rely on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was checked; it stays the same in later versions.
    pub(super) id: &'static str,
    /// The variable, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variable: Option<String>,
    pub(super) status: Status,
    /// What was found, or why it was not looked for.
    pub(super) reason: String,
    /// What to do, unless it is ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) what_to_do: Option<String>,
}

impl Check {
    pub(super) fn ok(id: &'static str, reason: impl Into<String>) -> Self {
        Check { id, variable: None, status: Status::Ok, reason: reason.into(), what_to_do: None }
    }

    pub(super) fn warning(
        id: &'static str,
        reason: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Self {
        Self { status: Status::Warning, what_to_do: Some(what_to_do.into()), ..Self::ok(id, reason) }
    }

    pub(super) fn failed(id: &'static str, reason: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { status: Status::Failed, ..Self::warning(id, reason, what_to_do) }
    }

    pub(super) fn skipped(
        id: &'static str,
        reason: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Self {
        Self { status: Status::Skipped, ..Self::warning(id, reason, what_to_do) }
    }

    /// The last part of its id.
    pub(super) fn title(&self) -> &'static str {
        self.id.rsplit('.').next().unwrap_or(self.id)
    }
}

/// Checks of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Section {
    /// What they are about; it stays the same in later versions.
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) checks: Vec<Check>,
}
