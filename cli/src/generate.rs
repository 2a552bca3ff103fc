//! The subcommand `generate`: from sources to files.

use crate::command::{FINDINGS, Generate, OK, USAGE};
use crate::message::{Failure, Warning};
use crate::model::Model;
use crate::sources;
use crate::write::{self, Change, Choices, Folder, Pace};

/// Generates the files, or checks them, and returns the exit code.
#[must_use]
pub fn run(arguments: &Generate) -> u8 {
    let mut warnings = Vec::new();
    let outcome = generate(arguments, &mut warnings);
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            for line in failure.to_string().lines() {
                eprintln!("error: {line}");
            }
            if failure.is_finding() { FINDINGS } else { USAGE }
        }
    }
}

fn generate(arguments: &Generate, warnings: &mut Vec<Warning>) -> Result<u8, Failure> {
    let mut found = sources::read(&arguments.src)?;
    warnings.append(&mut found.warnings);
    let read = found.files;
    let model = Model::new(found, warnings)?;
    let base = |url: &str| url.trim_end_matches('/').to_owned();
    let choices = Choices {
        objective: arguments.objective,
        grafana: base(&arguments.grafana),
        runbooks: base(&arguments.runbooks),
        pace: Pace::WRITTEN,
    };
    let files = write::all(&model, &choices)?;
    let folder = Folder::new(&arguments.out);
    let changes = folder.changes(&files)?;
    if arguments.check {
        return Ok(report(&changes, arguments));
    }
    folder.apply(&changes)?;
    println!(
        "{} metrics in {read} sources: {} of {} files written to {}",
        model.business().count(),
        changes.iter().filter(|change| !matches!(change, Change::Leftover(_))).count(),
        files.len(),
        arguments.out.display()
    );
    Ok(OK)
}

fn report(changes: &[Change<'_>], arguments: &Generate) -> u8 {
    for change in changes {
        println!("{change}");
    }
    if changes.is_empty() {
        return OK;
    }
    let (src, out) = (arguments.src.display(), arguments.out.display());
    eprintln!(
        "error: {} is not up to date; run `a2a-otel generate --src {src} --out {out}`",
        arguments.out.display()
    );
    FINDINGS
}
