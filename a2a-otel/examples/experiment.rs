//! An agent answers examples, and evaluators judge the answers. In a crate of your own, `main` is a `#[tokio::test]`, and the
//! feature `evaluation` is one of the dev-dependency.
//!
//! ```sh
//! cargo run -p a2a-otel --example experiment --features evaluation
//! ```

use std::error::Error;

use a2a_otel::evaluation::{Dataset, Example, Experiment, Run, at_least, evaluators};
use a2a_otel::{agent_span, tool_span};

const REQUESTS: &str = r#"
{"id": "lamps", "input": "lamps", "expected": "3"}
{"id": "chairs", "input": "chairs", "expected": "no chairs"}
"#;

#[tool_span]
async fn count(product: &str) -> u32 {
    if product == "lamps" { 3 } else { 0 }
}

#[agent_span]
async fn answer(product: &str) -> Result<String, std::io::Error> {
    Ok(match count(product).await {
        0 => format!("There are no {product}."),
        count => format!("There are {count} {product}."),
    })
}

/// An evaluator: an answer is short, or it is not.
fn brevity(run: &Run) -> bool {
    run.output_text().len() < 40
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let report = Experiment::new("stock")
        .dataset(Dataset::from_json_lines("requests", REQUESTS)?)
        .task(|example: Example| async move { answer(example.input().as_str().unwrap_or_default()).await })
        .evaluator(evaluators::contains_expected())
        .evaluator(evaluators::tool_calls(["count"]))
        .evaluator(brevity)
        .require(at_least("contains_expected", 1.0))
        .repetitions(3)
        .folder("target/experiments")
        .run()
        .await?;
    print!("{report}");
    report.check()?;
    Ok(())
}
