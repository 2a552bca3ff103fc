//! A place in a source.

use std::fmt;

use proc_macro2::Span;

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path below the folder of sources, with `/` between folders.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl Place {
    pub(crate) fn new(file: &str, span: Span) -> Self {
        Self { file: file.to_owned(), line: span.start().line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
