//! Evaluates the marketplace: its agents answer forty requests, evaluators judge the answers, and the exit code says whether
//! they are good enough.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

#[cfg(feature = "otlp")]
use a2a_otel::phoenix::Client;
use a2a_otel_examples::errors;
use a2a_otel_examples::evaluation::{experiment, requests};
use a2a_otel_examples::llm::Llm;
use a2a_otel_examples::market::Market;
use a2a_otel_examples::peer::Peer;
use a2a_otel_examples::story::say;

use a2a_otel::evaluation::{Experiment, Report, no_worse_than};

const USAGE: &str = "\
usage: evaluate [--baseline FILE] [--resume] [--repetitions N] [--folder FOLDER] [--junit FILE] [--phoenix]

  --baseline FILE    fails if the answers are worse than in this file of an earlier run
  --resume           continues a run that was interrupted
  --repetitions N    answers each request N times; the default is once
  --folder FOLDER    keeps the results there; the default is experiments
  --junit FILE       writes a report for CI
  --phoenix          sends results and traces to the Phoenix that PHOENIX_COLLECTOR_ENDPOINT names, with the feature otlp";

/// The evaluators whose scores must not get worse.
const COMPARED: [&str; 3] = ["contains_expected", "right_agents", "helpful"];
const MARGIN: f64 = 0.02;

/// What the command line asks for.
struct Arguments {
    baseline: Option<PathBuf>,
    junit: Option<PathBuf>,
    folder: PathBuf,
    repetitions: u32,
    resume: bool,
    phoenix: bool,
    help: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = arguments(std::env::args().skip(1));
    errors::run_program(USAGE, arguments, |arguments| arguments.help, run).await
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        baseline: None,
        junit: None,
        folder: "experiments".into(),
        repetitions: 1,
        resume: false,
        phoenix: false,
        help: false,
    };
    while let Some(argument) = given.next() {
        match &*argument {
            "--baseline" => arguments.baseline = Some(given.next()?.into()),
            "--junit" => arguments.junit = Some(given.next()?.into()),
            "--folder" => arguments.folder = given.next()?.into(),
            "--repetitions" => arguments.repetitions = given.next()?.parse().ok()?,
            "--resume" => arguments.resume = true,
            "--phoenix" => arguments.phoenix = true,
            "--help" | "-h" => arguments.help = true,
            _ => return None,
        }
    }
    Some(arguments)
}

async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let market = Market::open().await?;
    let report = evaluate(arguments, &market).await;
    market.close().await;
    let report = report?;
    say(&report);
    if let Some(junit) = &arguments.junit {
        report.write_junit(junit)?;
    }
    report.check()?;
    Ok(true)
}

async fn evaluate(arguments: &Arguments, market: &Market) -> Result<Report, Box<dyn Error>> {
    let coordinator = Peer::connect(market.coordinator()).await?;
    let llm = Llm::connect(market.llm())?;
    let mut experiment = experiment(requests()?, coordinator, llm)
        .folder(&arguments.folder)
        .repetitions(arguments.repetitions);
    if let Some(file) = &arguments.baseline {
        let baseline = Report::read(file)?;
        let compared = COMPARED.map(|evaluator| no_worse_than(evaluator, &baseline, MARGIN));
        experiment = compared.into_iter().fold(experiment, Experiment::require);
    }
    if arguments.resume {
        experiment = experiment.resume();
    }
    if arguments.phoenix {
        experiment = in_phoenix(experiment)?;
    }
    Ok(experiment.run().await?)
}

#[cfg(feature = "otlp")]
fn in_phoenix(experiment: Experiment) -> Result<Experiment, Box<dyn Error>> {
    Ok(experiment.phoenix(Client::from_env()?))
}

#[cfg(not(feature = "otlp"))]
fn in_phoenix(_experiment: Experiment) -> Result<Experiment, Box<dyn Error>> {
    Err("--phoenix needs the feature otlp: cargo run -p a2a-otel-examples --features otlp --bin evaluate -- --phoenix".into())
}
