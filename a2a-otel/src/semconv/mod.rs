//! Names, by convention: data, no logic.

pub(crate) mod openinference;
pub(crate) mod opentelemetry;
pub(crate) mod ours;
