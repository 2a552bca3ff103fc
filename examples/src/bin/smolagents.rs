//! Asks a manager how many people live in a city. The manager delegates the question to a researcher.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use a2a_otel_examples::llm::{Llm, real_endpoint_is_named};
use a2a_otel_examples::{census, errors, market};

const QUESTION: &str = "How many people live in Testville, doubled?";
/// How long sending the last spans may take.
const FLUSH: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let telemetry = a2a_otel::init();
    let question = std::env::args().nth(1).unwrap_or_else(|| QUESTION.into());
    let answered = answer(&question).await.map(|()| true);
    println!("{}", telemetry.shutdown(FLUSH));
    errors::exit(answered)
}

async fn answer(question: &str) -> Result<(), Box<dyn Error>> {
    let model = if real_endpoint_is_named() { Llm::connect(None)? } else { market::built_in_model().await? };
    println!("{}", census::manager(model.clone(), model).run(question).await?);
    Ok(())
}
