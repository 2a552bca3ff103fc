//! How a function ended, and what the value that it returned says of that.

/// How a function ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum FunctionEnd {
    Succeeded,
    Failed,
    Panicked,
    Dropped,
}

/// What a value that a tool's function returned says of the function.
#[derive(Clone, Debug, Default)]
pub enum Verdict {
    /// It is no failure: it is a tool's answer, or the function could have returned an error instead.
    Good,
    /// It is a tool's refusal, for this reason.
    Refused(String),
    /// It does not say.
    #[default]
    Unknown,
}
