//! Experiments through the public API: what is kept of a run, what evaluators see, what survives an interruption, and what
//! Phoenix shows.

mod evaluators;
mod phoenix;
mod report;
mod runs;
mod shared;
