//! The command line.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::generate;

/// Everything is as it should be.
pub const OK: u8 = 0;
/// The sources contradict themselves, or generated files are stale.
pub const FINDINGS: u8 = 1;
/// The command cannot be run as given.
pub const USAGE: u8 = 2;

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is as it should be
  1  findings: metrics that contradict each other, or with --check files that are stale
  2  the command cannot be run as given: wrong arguments, no sources, a folder that cannot be read or written";

const EXAMPLES: &str = "\
Examples:
  a2a-otel generate --src . --out deploy            write the files
  a2a-otel generate --src . --out deploy --check    fail if they are stale, for continuous integration

Ratios of two metrics, such as a conversion, are declared in a package's Cargo.toml, and get a panel:

  [[package.metadata.a2a-otel.ratio]]
  title = \"How many requests become orders?\"
  of = \"shop.orders\"
  per = \"shop.requests\"
  unit = \"1\"
";

/// What operators of AI agents need: dashboards, alerts and a list of metrics, from the agents' sources.
#[derive(Debug, Parser)]
#[command(name = "a2a-otel", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write dashboards, alerts and a registry of the metrics in a workspace's sources.
    ///
    /// Reads every `#[business_metric]` and the names in span attributes, without building anything. A source that does
    /// not parse is reported and left out. Files of your own in the output folder are left alone; a generated file is
    /// known by its first lines.
    #[command(after_long_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
    Generate(Generate),
    /// Print a script that completes this program's arguments in a shell.
    ///
    /// For bash: source <(a2a-otel completions bash)
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The arguments of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// The folder of the sources: a package or a workspace.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub src: PathBuf,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Write nothing; name the files that are missing or stale, and fail if there are any.
    #[arg(long)]
    pub check: bool,
    /// The part of requests that should succeed, from 0.95 to below 1.
    #[arg(long, value_name = "PART", default_value_t = 0.99, value_parser = objective)]
    pub objective: f64,
    /// Where Grafana is; alerts link to its dashboards.
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000", value_hint = ValueHint::Url)]
    pub grafana: String,
    /// Where the runbooks are; each alert has a page there, with its name.
    #[arg(long, value_name = "URL", default_value = "docs/runbooks", value_hint = ValueHint::Url)]
    pub runbooks: String,
}

impl Cli {
    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Generate(arguments) => generate::run(&arguments).into(),
            Command::Completions { shell } => {
                let mut command = Self::command();
                clap_complete::generate(shell, &mut command, "a2a-otel", &mut io::stdout());
                OK.into()
            }
        }
    }
}

/// Below 0.95, the fast burn rate of 14.4 would need more failures than there are requests.
fn objective(text: &str) -> Result<f64, String> {
    let objective: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if (0.95..1.0).contains(&objective) {
        Ok(objective)
    } else {
        Err("it has to be at least 0.95, and less than 1".to_owned())
    }
}
