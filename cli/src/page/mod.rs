//! The subcommand `dashboards`: generated dashboards as pages, without Grafana.
//!
//! ```text
//! server       answers browsers           →  request: time, variables, refresh
//! dashboard    reads Grafana's files      →  panels
//! ask          fills the queries in       →  prometheus: answers or faults
//! draw/        one file for each kind     →  SVG and tables
//! html         puts the page together
//! ```

mod ask;
mod dashboard;
mod draw;
mod host;
mod html;
mod number;
mod prometheus;
mod request;
mod server;
mod substitute;
pub(crate) mod time;
mod unit;

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use self::ask::Settings;
use self::dashboard::Folder;
use self::prometheus::Prometheus;
use self::time::Clock;
use crate::command::{Dashboards, OK, USAGE};

/// Serves the pages until the program is asked to end, and returns the exit code.
#[must_use]
pub fn run(arguments: &Dashboards) -> u8 {
    match serve(arguments) {
        Ok(()) => OK,
        Err(message) => {
            eprintln!("error: {message}");
            USAGE
        }
    }
}

fn serve(arguments: &Dashboards) -> Result<(), String> {
    check(&arguments.dashboards)?;
    let settings = Settings {
        prometheus: Prometheus::new(&arguments.prometheus, arguments.timeout),
        folder: arguments.dashboards.clone(),
        // It is in links, which everybody sees who sees the pages.
        phoenix: host::without_login(&arguments.phoenix),
        scraped: arguments.scrape_interval.as_secs_f64(),
        clock: Clock::of_the_system(),
    };
    let runtime = Runtime::new().map_err(|error| format!("no threads can be started: {error}"))?;
    runtime.block_on(server::run(arguments.listen, Arc::new(settings)))
}

/// A folder without dashboards is most likely the wrong one.
fn check(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    let advice = "write dashboards with `a2a-otel generate --src . --out deploy`, or pass their folder with --dashboards";
    let read = Folder::read(folder).map_err(|error| format!("{shown}: {error}; {advice}"))?;
    for broken in &read.broken {
        eprintln!("warning: {}: {}", broken.file, broken.reason);
    }
    if read.dashboards.is_empty() { Err(format!("{shown} has no dashboards; {advice}")) } else { Ok(()) }
}
