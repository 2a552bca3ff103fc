//! The program `a2a-otel`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    a2a_otel_cli::command::Cli::parse().run()
}
