//! The command line.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use ureq::http::Uri;

use crate::page::time::duration;
use crate::{doctor, generate, page};

/// Everything is as it should be.
pub const OK: u8 = 0;
/// The sources contradict themselves, or generated files are stale.
pub const FINDINGS: u8 = 1;
/// The command cannot be run as given.
pub const USAGE: u8 = 2;

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is as it should be
  1  findings: metrics that contradict each other, with --check files that are stale, or what doctor warns of
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

const DOCTOR_EXAMPLES: &str = "\
Examples:
  a2a-otel doctor                                       with the environment of this shell
  env $(cat agent.env) a2a-otel doctor                  with that of an agent
  docker compose exec product-agent a2a-otel doctor     from where the agent runs
  a2a-otel doctor --json | jq .verdict                  for a script

A check is ok, a warning, failed, or skipped; each that is not ok says what to do. The test span is called
\"a2a-otel doctor\" and goes to the configured project. What a program has saved to disk is left alone.

The JSON has format, version, verdict, project, features, settings (name, meaning, value, default, sources, variables,
feature) and sections (id, title, checks); a check has id, variable, status, reason and what_to_do. The ids and the names
of settings stay the same in later versions. docs/troubleshooting.md has an example.

Exit codes:
  0  all checks are ok or skipped
  1  a check failed or is a warning
  2  the command cannot be run as given";

const PAGES: &str = "\
Examples:
  a2a-otel dashboards --prometheus http://localhost:9090           the pages, at http://127.0.0.1:8080
  a2a-otel dashboards --prometheus https://name:password@host/prometheus --dashboards grafana
  a2a-otel generate --src . --out deploy                           writes the files that are shown

Addresses are those of Grafana, so that links of alerts work: /d/UID?from=now-1h&to=now&var-service=sales
To read the pages from another machine, put a web server with a login before it, or use `ssh -L 8080:localhost:8080`.

Exit codes:
  0  it was asked to end, with Ctrl+C
  2  the command cannot be run as given: wrong arguments, no dashboards, an address that is in use";

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
    /// Say what a program with this environment would do, try it, and say what to do about what fails.
    ///
    /// Reads the variables as the library does, and says where each setting comes from, and which variables are unknown,
    /// malformed or without effect. Then tries each receiver: name, connection, TLS, path, key, protocol, clock. Then sends
    /// one span, and where they are configured one metric, one log record and, to Phoenix, one annotation; and reads span and
    /// annotation back. Secrets are never printed.
    #[command(after_long_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Show the dashboards in a browser, without Grafana.
    ///
    /// Serves the dashboards that `generate` has written as pages, with charts of Prometheus's values and links to the
    /// traces in Phoenix. The pages need no scripts, and nothing is stored. A file that is no dashboard, or a query that
    /// fails, is said on the page, and everything else is shown.
    #[command(after_long_help = PAGES, after_help = "See --help for examples.")]
    Dashboards(Dashboards),
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

/// The arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Show all settings, not only those that differ from their defaults.
    #[arg(long, conflicts_with = "json")]
    pub all: bool,
    /// How long each step may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
}

/// The arguments of `dashboards`.
#[derive(Debug, Args)]
pub struct Dashboards {
    /// Where Prometheus is.
    #[arg(long, value_name = "URL", default_value = "http://localhost:9090", value_hint = ValueHint::Url, value_parser = address)]
    pub prometheus: Uri,
    /// The folder of the dashboards, of which every file that ends with .json is read.
    #[arg(long, value_name = "DIR", default_value = "deploy/grafana", value_hint = ValueHint::DirPath)]
    pub dashboards: PathBuf,
    /// Where Phoenix is; points of charts link to their traces there.
    #[arg(long, value_name = "URL", default_value = "http://localhost:6006", value_hint = ValueHint::Url, value_parser = address)]
    pub phoenix: Uri,
    /// Where the pages are; with port 0, any free one. Everybody who reaches this address can read the metrics.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How long Prometheus may take for a page.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// How often Prometheus scrapes; rates are taken over at least four times that.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration)]
    pub scrape_interval: Duration,
}

impl Cli {
    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Generate(arguments) => generate::run(&arguments).into(),
            Command::Doctor(arguments) => doctor::run(&arguments).into(),
            Command::Dashboards(arguments) => page::run(&arguments).into(),
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

/// Longer than an hour is a mistake.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if (0.1..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("it has to be at least 0.1, and at most 3600".to_owned())
    }
}

/// An address of a server, without a query.
fn address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !["http", "https"].contains(&scheme) || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err("it has to be an address such as http://localhost:9090".to_owned());
    }
    Ok(uri)
}
