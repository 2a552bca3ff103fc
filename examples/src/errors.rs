//! Formats errors: each with its sources, on one line.

use std::error::Error;
use std::process::ExitCode;

/// Formats an error and its sources.
#[must_use]
pub fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Returns the exit code of a program, and prints an error to standard error.
#[must_use]
pub fn exit(ended: Result<bool, Box<dyn Error>>) -> ExitCode {
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", with_sources(&*error));
            ExitCode::FAILURE
        }
    }
}
