//! How traces are drawn.

#[cfg(feature = "console")]
use std::io;

use crate::settings::ConsoleForm;

/// How traces are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) form: ConsoleForm,
    pub(super) is_coloured: bool,
    pub(super) width: Width,
}

/// How many columns a line may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Width {
    Unlimited,
    Columns(usize),
    /// As many as the terminal behind standard error has now.
    Terminal,
}

impl Width {
    pub(super) fn columns(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::Columns(columns) => Some(columns),
            Self::Terminal => terminal_width(),
        }
    }
}

/// Asks the terminal at each print, because its window can be resized.
#[cfg(feature = "console")]
fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stderr())?;
    Some(usize::from(width)).filter(|width| *width > 0)
}

/// Without the feature, only a shell that exports the width can tell it.
#[cfg(not(feature = "console"))]
fn terminal_width() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width > 0)
}
