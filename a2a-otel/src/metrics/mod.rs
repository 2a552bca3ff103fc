//! Metrics: what the attributes feed, and what `init` reads.

pub(crate) mod business;
