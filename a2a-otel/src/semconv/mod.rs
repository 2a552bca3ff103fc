//! Names, by convention: data, no logic.

pub mod openinference;
pub(crate) mod opentelemetry;
pub(crate) mod ours;
