//! A manager and a researcher that find the populations of cities: agents built with [`smol`](crate::smol).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::smol::{Agent, Failure, Model, Tool};

const CITIES: [(&str, u64); 2] = [("Testville", 4242), ("Sampleton", 1867)];

/// Population of a city.
#[derive(Deserialize, JsonSchema)]
struct Population {
    /// The city name.
    city: String,
}

/// Multiply two numbers.
#[derive(Deserialize, JsonSchema)]
struct Multiply {
    /// first
    a: f64,
    /// second
    b: f64,
}

async fn population(Population { city }: Population) -> Result<u64, Failure> {
    let known = CITIES.iter().find(|(name, _)| *name == city);
    known.map(|(_, people)| *people).ok_or_else(|| format!("nobody has counted {city}").into())
}

async fn multiply(Multiply { a, b }: Multiply) -> Result<f64, Failure> {
    Ok(a * b)
}

/// Creates the manager, which delegates the work to the researcher. Each has its own model.
pub fn manager<M: Model>(model: M, researchers_model: M) -> Agent<M> {
    let researcher = Agent::new("researcher", "Finds facts", researchers_model)
        .tool(Tool::new("population", population))
        .tool(Tool::new("multiply", multiply))
        .max_steps(3);
    Agent::new("manager", "Answers questions", model).manages(researcher).max_steps(3)
}
