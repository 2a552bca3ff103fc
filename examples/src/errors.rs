//! Formats errors: each with its sources, on one line.

use std::error::Error;
use std::process::ExitCode;

use crate::story::say;

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

/// Runs a program as its command line asks, and returns its exit code. Without arguments that it knows, it fails with its usage.
pub async fn run_program<A>(
    usage: &'static str,
    arguments: Option<A>,
    asks_for_help: impl FnOnce(&A) -> bool,
    run: impl AsyncFnOnce(&A) -> Result<bool, Box<dyn Error>>,
) -> ExitCode {
    match arguments {
        Some(arguments) if asks_for_help(&arguments) => {
            say(&usage);
            ExitCode::SUCCESS
        }
        Some(arguments) => exit(run(&arguments).await),
        None => exit(Err(usage.into())),
    }
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
