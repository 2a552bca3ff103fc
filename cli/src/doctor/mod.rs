//! The subcommand `doctor`: what a program with this environment would do, whether it works, and what to do if not.
//!
//! ```text
//! settings    the library's explanation of the environment  →  settings, and checks of the variables
//! receiver    one empty request, step by step               →  checks of each receiver
//! sending     a span, a metric, a log record, an annotation →  checks of what became of them
//! phoenix     reads them back                               →  checks of Phoenix
//! report      all of it, as JSON or for people
//! ```

mod advice;
mod check;
mod phoenix;
mod receiver;
mod report;
mod sending;
mod settings;

use std::time::Duration;

use a2a_otel::pipeline::{Data, Target};
use a2a_otel::settings::Explanation;
use indicatif::{ProgressBar, ProgressStyle};

use self::check::{Section, Status};
use self::receiver::Reached;
use self::report::Report;
use self::sending::Messages;
use crate::command::{Doctor, FINDINGS, OK};

/// The name of the service if no variable has one: it is not this program that is asked about.
const PROGRAM: &str = "the program's name";

/// Examines the environment and the receivers, prints the report, and returns the exit code.
#[must_use]
pub fn run(arguments: &Doctor) -> u8 {
    let progress = progress();
    let report = examine(arguments.timeout, &progress);
    progress.finish_and_clear();
    if arguments.json {
        report.print_json();
    } else {
        report.print(arguments.all);
    }
    if report.verdict <= Status::Ok { OK } else { FINDINGS }
}

/// What is being done at the moment, if standard error is a terminal.
fn progress() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}

fn examine(timeout: Duration, progress: &ProgressBar) -> Report {
    let explanation = Explanation::of_process(PROGRAM);
    let mut environment = settings::environment(&explanation);
    if explanation.resolved.disabled {
        let sections = vec![environment];
        return Report::new(&explanation, sections);
    }
    let examine = |data, is_asked_for| {
        let target = Target::of(&explanation.resolved, data)?;
        progress.set_message(format!("trying {}", target.endpoint()));
        Some(receiver::examine(&target, &explanation, is_asked_for, timeout))
    };
    let spans = examine(Data::Spans, true);
    let metrics = examine(Data::Metrics, settings::asks_for_metrics(&explanation));
    let logs = examine(Data::Logs, true);
    let messages = Messages::collect();
    let telemetry = sending::start(metrics.as_ref());
    environment.checks.extend(settings::start(&messages, &explanation));
    let mut sections = vec![environment, settings::spans_unless_sent(&explanation, spans.as_ref())];
    progress.set_message("sending");
    let sent = sending::send(&telemetry, [&spans, &metrics, &logs], timeout);
    let reached: Vec<_> = [spans, metrics, logs].into_iter().flatten().collect();
    sections.extend(reached.into_iter().map(|reached: Reached| sent.judged(reached)));
    sections.push(settings::metrics_served(&explanation));
    progress.set_message("reading from Phoenix");
    sections.extend(phoenix::examine(&telemetry, &sent, timeout));
    telemetry.shutdown(timeout.min(Duration::from_secs(2)));
    sections.retain(|section: &Section| !section.checks.is_empty());
    Report::new(&explanation, sections)
}
